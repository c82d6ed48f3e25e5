//! Plans that have other agents work.

use hearth_app::holding::{Done as HandedIn, Hold, Work as Which};
use hearth_domain::agent::Registration;

use super::*;

#[expect(
    clippy::needless_pass_by_value,
    reason = "values are written where they are used"
)]
fn delegate(id: &str, agent: &str, after: &[&str], more: Value) -> Value {
    let mut args = json!({"agent": agent, "title": format!("part {id}")});
    let more = more.as_object().unwrap().clone();
    args.as_object_mut().unwrap().extend(more);
    json!({"id": id, "tool": "delegate", "args": args, "after": after})
}

fn creates(name: &str, tools: &[&str]) -> Value {
    let args = json!({"name": name, "instructions": "Does its part.", "tools": tools});
    json!({"id": "maker", "tool": "create_agent", "args": args})
}

impl Floor {
    async fn register(&self, name: &str) {
        let registration = Registration {
            name: name.parse().unwrap(),
            kind: "worker".parse().unwrap(),
            capabilities: vec![],
            metadata: JsonObject::new(),
        };
        let registered = self.app.register_agent(&Actor::Owner, registration).await;
        registered.unwrap();
    }

    /// The task that another agent waits to be given.
    fn part(&self, number: i64) -> Task {
        self.app.get_task(TaskRef::Number(number)).unwrap().task
    }

    /// Another agent, outside, does its part.
    async fn does(&self, name: &str, number: i64, result: Value) {
        let actor = Actor::Agent(name.parse().unwrap());
        let claim = Claim::new(name.parse().unwrap());
        let id = TaskRef::Number(number);
        let claimed = self.app.claim_task(&actor, id, claim, None).await.unwrap();
        let hold = Hold {
            agent: name.parse().unwrap(),
            fence: claimed.task.fence,
        };
        let done = HandedIn {
            result: result.as_object().cloned(),
            artifacts: vec![],
        };
        let completed = self.app.complete_task(&actor, id, hold, done, None).await;
        completed.unwrap();
    }

    /// Has the node's own agents work, one after another, until nothing is left for them; returns in
    /// whose names they did.
    async fn own_agents_work(&self) -> Vec<String> {
        let mut workers = Vec::new();
        while let Some(view) = self.app.claim_own_task(Which::Planned).await.unwrap() {
            let agent = view.task.lease().unwrap().holder.clone();
            workers.push(agent.to_string());
            let worker = Work {
                agent,
                ..self.worker()
            };
            worker.work(view).await;
        }
        workers
    }
}

#[tokio::test]
async fn a_plan_waits_for_another_agent_without_a_worker_and_goes_on_with_its_result() {
    let floor = Floor::new();
    floor.register("scout").await;
    let keep = json!({
        "id": "keep", "tool": "store_artifact",
        "args": {"type": "note", "content": {"$result": "look", "at": "/result/found"}},
    });
    let plan = json!([
        delegate("look", "scout", &[], json!({"description": "There."})),
        keep
    ]);

    let task = floor.execute(plan).await;

    assert_eq!(task.status(), TaskStatus::Pending);
    assert!(task.failed_attempts.is_empty());
    let part = floor.part(2);
    assert_eq!(
        (part.title.as_str(), part.description.as_str()),
        ("part look", "There.")
    );
    assert_eq!(
        floor.own_agents_work().await,
        [""; 0],
        "there is nothing to do meanwhile"
    );
    floor.does("scout", 2, json!({"found": "a treasure"})).await;
    assert_eq!(floor.own_agents_work().await, ["seed"]);
    let task = floor.get(&task);
    assert_eq!(task.status(), TaskStatus::Completed);
    assert_eq!(result(&task)["task"], 2);
    let page = floor
        .app
        .list_artifacts(TaskRef::Id(task.id), None, 9)
        .await
        .unwrap();
    assert_eq!(page.items[0].size_bytes, "a treasure".len() as u64);
    let done = ["look", "keep"].map(|name| (name.to_owned(), 1, "done"));
    assert_eq!(floor.steps(&task).await, done);
}

#[tokio::test]
async fn steps_that_need_no_other_agent_are_made_before_the_plan_waits() {
    let floor = Floor::new();
    floor.register("scout").await;
    let plan = json!([
        delegate("one", "scout", &[], json!({})),
        storing("meanwhile", &[]),
        delegate("two", "scout", &[], json!({})),
        storing("after", &["one", "two"]),
    ]);

    let task = floor.execute(plan).await;

    let stand = |names: [&'static str; 3]| {
        ["one", "meanwhile", "two"]
            .into_iter()
            .zip(names)
            .map(|(name, status)| (name.to_owned(), 1, status))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        floor.steps(&task).await,
        stand(["waiting", "done", "waiting"])
    );
    let reason = floor.view(&task).await.run.reason.unwrap();
    assert!(
        ["tasks #2, #3", "tasks #3, #2"].contains(&reason.as_str()),
        "{reason}"
    );
    floor.does("scout", 2, json!({})).await;
    assert_eq!(floor.own_agents_work().await, [""; 0], "it waits for both");
    floor.does("scout", 3, json!({})).await;
    assert_eq!(floor.own_agents_work().await, ["seed"]);
    assert_eq!(floor.get(&task).status(), TaskStatus::Completed);
}

#[tokio::test]
async fn a_plan_makes_a_specialist_which_does_its_part_by_its_own_plan() {
    let floor = Floor::new();
    let part = json!({"context": {"plan": [storing("found", &[])]}});
    let plan = json!([
        creates("finder", &["store_artifact"]),
        delegate("look", "finder", &["maker"], part),
    ]);
    let task = floor.task(plan).await;

    let workers = floor.own_agents_work().await;

    assert_eq!(workers, ["seed", "finder", "seed"]);
    let task = floor.get(&task);
    assert_eq!(result(&task)["artifacts"][0]["type"], "note");
    let part = floor.part(2);
    assert_eq!(part.worker.unwrap().as_str(), "finder");
    let step = &floor.view(&task).await.steps[1];
    assert!(!step.brings.untrusted, "the node saw what it did");
}

#[tokio::test]
async fn a_specialist_does_nothing_that_it_was_not_granted() {
    let floor = Floor::new();
    let part = json!({"context": {"plan": [storing("found", &[])]}});
    let plan = json!([
        creates("finder", &["read_file"]),
        delegate("look", "finder", &["maker"], part),
    ]);
    floor.task(plan).await;

    floor.own_agents_work().await;

    let part = floor.part(2);
    assert!(story(&part).contains("may not call store_artifact; it may call read_file"));
}

#[tokio::test]
async fn a_part_that_is_cancelled_fails_its_step_with_the_reason() {
    let floor = Floor::new();
    floor.register("scout").await;
    let task = floor
        .execute(json!([delegate("look", "scout", &[], json!({}))]))
        .await;
    let (id, why) = (TaskRef::Number(2), Some("not needed".to_owned()));
    floor
        .app
        .cancel_task(&Actor::Owner, id, why, None)
        .await
        .unwrap();

    assert_eq!(floor.own_agents_work().await, ["seed"]);

    let task = floor.get(&task);
    let told = story(&task);
    assert!(
        told.contains("step 1 of 1, look (delegate) failed: task #2 was cancelled: not needed"),
        "{told}"
    );
}

#[tokio::test]
async fn a_plan_goes_on_without_a_part_that_it_can_do_without() {
    let floor = Floor::new();
    floor.register("scout").await;
    let mut look = delegate("look", "scout", &[], json!({}));
    look["optional"] = json!(true);
    let task = floor
        .execute(json!([look, storing("anyway", &["look"])]))
        .await;
    floor
        .app
        .cancel_task(&Actor::Owner, TaskRef::Number(2), None, None)
        .await
        .unwrap();

    floor.own_agents_work().await;

    assert_eq!(floor.get(&task).status(), TaskStatus::Completed);
}

#[tokio::test]
async fn a_part_that_failed_is_handed_on_again_by_the_rule_of_its_step() {
    let floor = Floor::new();
    floor.register("scout").await;
    let mut look = delegate("look", "scout", &[], json!({}));
    look["retry"] = json!({"times": 1});
    let task = floor.execute(json!([look])).await;
    floor
        .app
        .cancel_task(&Actor::Owner, TaskRef::Number(2), None, None)
        .await
        .unwrap();
    floor.own_agents_work().await;

    floor.does("scout", 3, json!({})).await;
    floor.own_agents_work().await;

    assert_eq!(result(&floor.get(&task))["task"], 3);
}

#[tokio::test]
async fn who_is_no_agent_is_told_with_those_that_there_are() {
    let floor = Floor::new();
    floor.register("scout").await;

    let task = floor
        .execute(json!([delegate("look", "scuot", &[], json!({}))]))
        .await;

    let told = story(&task);
    assert!(
        told.contains("there is no agent scuot; there are scout"),
        "{told}"
    );
}

#[tokio::test]
async fn an_agent_that_wants_more_than_its_maker_may_is_refused_with_what_that_may() {
    let floor = Floor::new();

    let task = floor
        .execute(json!([creates("finder", &["teleport"])]))
        .await;

    let told = story(&task);
    assert!(
        told.contains("tools must be of those of the agent that asks"),
        "{told}"
    );
    assert!(told.contains("has no teleport"), "{told}");
}

#[tokio::test]
async fn a_budget_of_a_part_is_read_as_it_is_written() {
    let floor = Floor::new();
    floor.register("scout").await;
    let budget = json!({"budget": {"usd": 0.25, "tokens": 500}, "priority": "high"});

    floor
        .execute(json!([delegate("look", "scout", &[], budget)]))
        .await;

    let part = floor.part(2);
    let budget = part.budget.unwrap();
    assert_eq!((budget.usd, budget.tokens), (Some(0.25), Some(500)));
    assert_eq!(part.priority, hearth_domain::Priority::High);
}
