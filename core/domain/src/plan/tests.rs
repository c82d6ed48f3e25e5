use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn plan(steps: impl Into<Value>) -> Plan {
    Plan::parse(&steps.into()).unwrap()
}

fn after(plan: &Plan, place: usize) -> Vec<usize> {
    plan.steps[place].after.iter().copied().collect()
}

#[test]
fn steps_that_say_nothing_are_done_one_after_the_other() {
    let plan = plan(json!([{"tool": "python"}, {"tool": "python"}, {"tool": "read_file"}]));

    assert_eq!(plan.steps[2].name.as_str(), "step-3");
    assert_eq!(after(&plan, 0), Vec::<usize>::new());
    assert_eq!(after(&plan, 2), [0, 1]);
}

#[test]
fn a_step_waits_for_whom_it_names_and_whose_result_it_asks_for() {
    let plan = plan(json!([
        {"id": "a", "tool": "http_get"},
        {"id": "b", "tool": "http_get", "after": []},
        {"id": "c", "tool": "python", "after": ["d"], "args": {"stdin": [{"$result": "b", "at": "/body"}]}},
        {"id": "d", "tool": "python", "after": ["a"]},
    ]));

    assert_eq!(after(&plan, 1), Vec::<usize>::new());
    assert_eq!(after(&plan, 2), [1, 3]);
    assert_eq!(plan.from(0), BTreeSet::from([0, 2, 3]));
    assert_eq!(plan.from(1), BTreeSet::from([1, 2]));
    assert_eq!(plan.place_of("d"), Some(3));
    assert_eq!(plan.place_of("4"), Some(3));
    assert_eq!((plan.place_of("5"), plan.place_of("0")), (None, None));
}

#[test]
fn results_are_put_where_they_are_asked_for() {
    let plan = plan(json!([
        {"id": "page", "tool": "http_get"},
        {"tool": "python", "args": {"code": "print(1)", "stdin": {"$result": "page", "at": "/a/0"},
            "all": {"$result": "page"}}},
    ]));

    let args = plan.steps[1].args_with(|name| (name == "page").then(|| json!({"a": ["x"]})));
    assert_eq!(
        Value::from(args.unwrap()),
        json!({"code": "print(1)", "stdin": "x", "all": {"a": ["x"]}})
    );

    let missing = plan.steps[1].args_with(|_| Some(json!({"b": 1})));
    assert_eq!(
        missing.unwrap_err(),
        r#"args.stdin asks for "/a/0" of the result of "page", which is not in it"#
    );
    assert!(
        plan.steps[1]
            .args_with(|_| None)
            .unwrap_err()
            .contains("which has none")
    );
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    for (steps, field, problem) in [
        (json!("python"), "context.plan", "must be a list"),
        (json!([]), "context.plan", "must be a list"),
        (
            json!([{"tool": "a"}, "python"]),
            "context.plan[1]",
            "not understood",
        ),
        (
            json!([{"tool": "a", "network": true}]),
            "context.plan[0]",
            "network",
        ),
        (
            json!([{"id": "a b", "tool": "a"}]),
            "context.plan[0]",
            "one word",
        ),
        (
            json!([{"id": "a", "tool": "a"}, {"id": "a", "tool": "a"}]),
            "context.plan[1].id",
            "once",
        ),
        (
            json!([{"tool": "a", "after": ["b"]}]),
            "context.plan[0].after",
            "there is none",
        ),
        (
            json!([{"id": "a", "tool": "a", "after": ["a"]}]),
            "context.plan[0].after",
            "no other step",
        ),
        (
            json!([{"tool": "a"}, {"tool": "a", "args": {"x": {"$result": "b"}}}]),
            "context.plan[1].args",
            "there is step-1",
        ),
        (
            json!([{"tool": "a", "args": {"x": {"$result": 1}}}]),
            "context.plan[0].args",
            "write",
        ),
        (
            json!([{"tool": "a", "args": {"x": {"$result": "b", "at": "body"}}}]),
            "context.plan[0].args",
            "write",
        ),
        (
            json!([{"tool": "a", "limit_seconds": 0}]),
            "context.plan[0].limit_seconds",
            "more than 0",
        ),
        (
            json!([{"tool": "a", "limit_seconds": 1e9}]),
            "context.plan[0].limit_seconds",
            "0 to 3600",
        ),
        (
            json!([{"tool": "a", "limit_seconds": -1}]),
            "context.plan[0].limit_seconds",
            "0 to 3600",
        ),
        (
            json!([{"tool": "a", "retry": {"times": 11}}]),
            "context.plan[0].retry.times",
            "at most 10",
        ),
        (
            json!([{"tool": "a", "idempotency_key": ""}]),
            "context.plan[0].idempotency_key",
            "empty",
        ),
        (
            json!([{"id": "a", "tool": "a", "after": ["c"]}, {"id": "b", "tool": "a", "after": []}, {"id": "c", "tool": "a", "after": ["a"]}]),
            "context.plan",
            "a, c wait for each other",
        ),
    ] {
        let refused = Plan::parse(&steps).unwrap_err();
        assert_eq!(refused.field, field, "{refused}");
        assert!(refused.problem.contains(problem), "{refused}");
    }
    let many = vec![json!({"tool": "a"}); 1000];
    let refused = Plan::parse(&many.into()).unwrap_err();
    assert!(refused.to_string().contains("has 1000 steps"), "{refused}");
}

#[test]
fn a_failed_step_waits_longer_each_time() {
    let retry = Retry {
        times: 3,
        wait: Duration::from_secs(20),
    };
    let pauses: Vec<_> = (0..5)
        .map(|failures| retry.pause(failures).map(|p| p.as_secs()))
        .collect();
    assert_eq!(pauses, [None, Some(20), Some(40), Some(60), None]);
}

proptest! {
    /// Whatever the list says of who waits for whom: it is refused, or there is an order in which
    /// every step comes after those it waits for.
    #[test]
    fn a_plan_that_is_taken_can_be_done(
        after in prop::collection::vec(prop::option::of(prop::collection::vec(0..8_usize, 0..3)), 1..8)
    ) {
        let count = after.len();
        let steps: Vec<Value> = after.iter().enumerate().map(|(place, after)| {
            let mut step = json!({"id": format!("s{place}"), "tool": "a"});
            if let Some(after) = after {
                step["after"] = after.iter().map(|other| format!("s{}", other % count)).collect();
            }
            step
        }).collect();
        if let Ok(plan) = Plan::parse(&steps.into()) {
            let mut done = BTreeSet::new();
            for _ in 0..count {
                let next = (0..count).find(|place| !done.contains(place) && plan.steps[*place].after.is_subset(&done));
                prop_assert!(next.is_some());
                done.extend(next);
            }
        }
    }
}
