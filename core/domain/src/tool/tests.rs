//! A version never changes; where it stands does.

use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::field::JsonObject;

fn definition(code: &str) -> Definition {
    Definition {
        name: "count_words".parse().unwrap(),
        description: "Counts words.".into(),
        parameters: JsonObject::from_iter([("type".to_owned(), json!("object"))]),
        code: code.into(),
        examples: vec![Example {
            args: JsonObject::new(),
            result: json!(0),
            needs_grants: false,
        }],
        grants: Grants::default(),
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn made(version: u32) -> MadeTool {
    let origin = Origin {
        by: "seed".into(),
        task_id: TaskId(Uuid::from_u128(9)),
    };
    let id = ToolId(Uuid::from_u128(version.into()));
    MadeTool::create(
        id,
        version,
        definition(&format!("def run(): return {version}")),
        origin,
        at(1),
    )
    .after
}

fn failed(tool: MadeTool, times: u32) -> MadeTool {
    (0..times).fold(tool, |tool, _| match tool.fail("KeyError: 'x'", at(2)) {
        Counted::Noted(tool) => *tool,
        Counted::SetAside(change) => change.after,
    })
}

/// Puts changes in the places of what they changed.
fn apply(versions: &mut [MadeTool], changes: Vec<Change<MadeTool>>) {
    for change in changes {
        let tool = change.after;
        let place = versions
            .iter()
            .position(|other| other.id == tool.id)
            .unwrap();
        versions[place] = tool;
    }
}

#[test]
fn three_failures_in_a_row_set_it_aside_and_a_success_between_does_not() {
    let twice = failed(made(1), 2).succeed(at(3));
    assert_eq!(
        (twice.uses, twice.failures, twice.failures_in_row),
        (3, 2, 0)
    );

    let twice_more = failed(twice, 2);
    assert_eq!(twice_more.state, ToolState::Enabled);

    let Counted::SetAside(change) = twice_more.fail("KeyError: 'x'", at(4)) else {
        panic!("it was not set aside");
    };
    assert_eq!(change.event.type_name(), "tool.set_aside");
    assert_eq!(change.after.state.status(), ToolStatus::SetAside);
    let again = change.after.enable().unwrap().after;
    assert_eq!((again.failures, again.failures_in_row), (5, 0));
}

#[test]
fn a_failure_that_was_not_its_own_is_a_use_and_no_failure() {
    let excused = failed(made(1), 2).excuse(at(3));

    assert_eq!((excused.uses, excused.failures), (3, 2));
    assert_eq!(excused.failures_in_row, 2, "nor is it a success");
}

#[test]
fn what_was_disabled_meanwhile_is_not_set_aside() {
    let disabled = failed(made(1), 2).disable("owner", None).unwrap().after;

    assert_eq!(failed(disabled, 1).state.status(), ToolStatus::Disabled);
}

#[test]
fn going_back_makes_an_earlier_version_current_even_one_that_was_off() {
    let mut versions = vec![
        made(1),
        made(2).disable("owner", None).unwrap().after,
        failed(made(3), 3),
    ];
    assert_eq!(current(&versions).unwrap().version, 3);

    let changes = roll_back(versions.clone(), None, "owner").unwrap();
    let told: Vec<&str> = changes
        .iter()
        .map(|change| change.event.type_name())
        .collect();
    assert_eq!(told, ["tool.enabled", "tool.rolled_back"]);
    apply(&mut versions, changes);
    assert_eq!(current(&versions).unwrap().version, 2);
    assert_eq!(current(&versions).unwrap().state, ToolState::Enabled);

    let changes = roll_back(versions.clone(), Some(1), "owner").unwrap();
    apply(&mut versions, changes);
    assert_eq!(current(&versions).unwrap().version, 1);
    assert!(matches!(
        roll_back(versions.clone(), None, "owner"),
        Err(ToolRefusal::State(_))
    ));
    assert!(matches!(
        roll_back(versions.clone(), Some(7), "owner"),
        Err(ToolRefusal::NoVersion { newest: 3, .. })
    ));
    assert!(matches!(
        roll_back(versions.clone(), Some(3), "owner"),
        Err(ToolRefusal::State(_))
    ));

    let forward = versions[2].clone().enable().unwrap();
    apply(&mut versions, vec![forward]);
    assert_eq!(current(&versions).unwrap().version, 3);
}

#[test]
fn the_hash_is_of_all_of_it() {
    let one = definition("def run(): return 1");
    let hash = one.sha256();

    assert_eq!(definition("def run(): return 1").sha256(), hash);
    let mut others = vec![definition("def run(): return 2")];
    for change in [
        |other: &mut Definition| other.name = "count".parse().unwrap(),
        |other: &mut Definition| other.description.push('.'),
        |other: &mut Definition| drop(other.parameters.insert("title".into(), json!("x"))),
        |other: &mut Definition| other.examples[0].result = json!(1),
        |other: &mut Definition| other.grants.workspace = true,
    ] {
        let mut other = one.clone();
        change(&mut other);
        others.push(other);
    }
    for other in others {
        assert_ne!(other.sha256(), hash, "{other:?}");
    }
}

#[test]
fn what_has_not_the_form_of_a_tool_is_refused_by_name() {
    type Spoil = fn(&mut Definition);
    let cases: [(Spoil, &str); 9] = [
        (|d| d.name = "Count".parse().unwrap(), "name"),
        (|d| d.name = "count.v1".parse().unwrap(), "name"),
        (|d| d.name = "x".repeat(41).parse().unwrap(), "name"),
        (|d| d.description = " ".into(), "description"),
        (
            |d| drop(d.parameters.insert("x".into(), "y".repeat(16_384).into())),
            "parameters",
        ),
        (|d| d.code = "#".repeat(CODE_MAX_BYTES + 1), "code"),
        (|d| d.code = "\0".into(), "code"),
        (|d| d.examples.clear(), "examples"),
        (
            |d| d.examples[0].needs_grants = true,
            "examples[0].needs_grants",
        ),
    ];
    assert_eq!(definition("def run(): return 0").check(), Ok(()));
    for (spoil, field) in cases {
        let mut definition = definition("def run(): return 0");
        spoil(&mut definition);
        assert_eq!(definition.check().unwrap_err().field, field);
    }
}

#[derive(Debug, Clone)]
enum Act {
    Enable,
    Disable,
    Succeed,
    Excuse,
    Fail,
    RollBack(Option<u32>),
}

fn act() -> impl Strategy<Value = (usize, Act)> {
    let act = prop_oneof![
        1 => Just(Act::Enable),
        1 => Just(Act::Disable),
        1 => Just(Act::Succeed),
        1 => Just(Act::Excuse),
        3 => Just(Act::Fail),
        1 => prop::option::of(0_u32..5).prop_map(Act::RollBack),
    ];
    (0_usize..3, act)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_a_version_what_it_is_stays(acts in prop::collection::vec(act(), 0..40)) {
        let first = vec![made(1), made(2), made(3)];
        let mut versions = first.clone();

        for (place, act) in acts {
            let tool = versions[place].clone();
            match act {
                Act::Enable => apply(&mut versions, tool.enable().into_iter().collect()),
                Act::Disable => apply(&mut versions, tool.disable("owner", None).into_iter().collect()),
                Act::Succeed => versions[place] = tool.succeed(at(5)),
                Act::Excuse => versions[place] = tool.excuse(at(5)),
                Act::Fail => versions[place] = failed(tool, 1),
                Act::RollBack(to) => {
                    if let Ok(changes) = roll_back(versions.clone(), to, "owner") {
                        apply(&mut versions, changes);
                        prop_assert_eq!(&current(&versions).unwrap().state, &ToolState::Enabled);
                    }
                }
            }
        }

        for (before, after) in first.iter().zip(&versions) {
            prop_assert_eq!(&before.definition, &after.definition);
            prop_assert_eq!(before.sha256, after.definition.sha256());
            prop_assert_eq!((before.id, before.version), (after.id, after.version));
            prop_assert!(after.failures <= after.uses);
            prop_assert!(u64::from(after.failures_in_row) <= after.failures);
        }
    }
}
