//! Tools that agents made: who may do what with them, and what is kept.

use std::sync::Arc;

use hearth_domain::task::Task;
use hearth_domain::tool::{Example, Grants, ToolStatus};
use serde_json::json;

use super::*;
use crate::test_support::{TestApp, agent, as_agent, by_id, code, open};

fn definition(code: &str) -> Definition {
    Definition {
        name: word("count_words"),
        description: "Counts words.".into(),
        parameters: serde_json::from_value(json!({
            "type": "object",
            "properties": {"text": {"type": "string"}},
        }))
        .unwrap(),
        code: code.into(),
        examples: vec![Example {
            args: JsonObject::new(),
            result: json!(0),
            needs_grants: false,
        }],
        grants: Grants::default(),
    }
}

fn word(name: &str) -> Word {
    name.parse().unwrap()
}

struct Bench {
    test: TestApp,
    task: Task,
    hold: Hold,
}

impl Bench {
    async fn new() -> Self {
        let test = TestApp::new();
        let task = test.task("work").await;
        let hold = test.claim(&task, "seed").await;
        Self { test, task, hold }
    }

    async fn make(&self, definition: Definition) -> Result<MadeTool, AppError> {
        let (task, hold) = (by_id(&self.task), self.hold.clone());
        let app = &self.test.app;
        app.create_made_tool(&as_agent("seed"), task, hold, definition)
            .await
    }

    async fn make_three(&self) {
        for number in 1..=3 {
            let definition = definition(&format!("def run(): return {number}"));
            self.make(definition).await.unwrap();
        }
    }

    async fn used(&self, version: u32, how: Use) -> MadeTool {
        let app = &self.test.app;
        let tool = app.get_made_tool_version(&word("count_words"), version);
        let id = tool.unwrap().id;
        let seed = as_agent("seed");
        app.count_made_tool_use(&seed, id, how).await.unwrap()
    }

    async fn statuses(&self) -> Vec<ToolStatus> {
        let versions = self.test.app.get_made_tool(word("count_words")).await;
        let versions = versions.unwrap();
        versions.iter().map(|tool| tool.state.status()).collect()
    }
}

#[tokio::test]
async fn a_tool_is_made_by_the_holder_of_a_task_and_kept_over_a_restart() {
    let bench = Bench::new().await;
    let made = bench.make(definition("def run(): return 1")).await.unwrap();
    assert_eq!((made.version, made.created_by.as_str()), (1, "seed"));
    assert_eq!(made.task_id, Some(bench.task.id));

    let app = &bench.test.app;
    let stranger = Hold {
        agent: agent("other"),
        fence: bench.hold.fence,
    };
    for (actor, hold, refused) in [
        (Actor::Viewer, bench.hold.clone(), "denied"),
        (as_agent("other"), bench.hold.clone(), "denied"),
        (as_agent("other"), stranger, "not_holder"),
        (
            as_agent("seed"),
            Hold {
                fence: 99,
                ..bench.hold.clone()
            },
            "fence_mismatch",
        ),
    ] {
        let task = by_id(&bench.task);
        let outcome = app.create_made_tool(&actor, task, hold, definition("def run(): return 2"));
        assert_eq!(code(outcome.await), refused);
    }

    let Bench { test, .. } = bench;
    let TestApp { app, clock, dir } = test;
    drop(app);
    let app = open(dir.path(), clock as Arc<dyn hearth_domain::Clock>);
    assert_eq!(app.list_made_tools().await.unwrap(), [made]);
}

#[tokio::test]
async fn the_same_tool_made_twice_is_one_version_and_a_changed_one_the_next() {
    let bench = Bench::new().await;
    let first = bench.make(definition("def run(): return 1")).await.unwrap();

    let again = bench.make(definition("def run(): return 1")).await.unwrap();
    assert_eq!(again, first);

    let second = bench.make(definition("def run(): return 2")).await.unwrap();
    assert_eq!(second.version, 2);
    let current = bench.test.app.list_made_tools().await.unwrap();
    assert_eq!(current, [second]);
    let heads = bench.test.app.made_tool_heads().await.unwrap();
    let told: Vec<(u32, bool)> = heads
        .iter()
        .map(|head| (head.version, head.is_current))
        .collect();
    assert_eq!(told, [(2, true), (1, false)]);
}

#[tokio::test]
async fn a_schema_that_is_none_or_could_take_for_ever_is_refused() {
    let bench = Bench::new().await;
    for parameters in [
        json!({}),
        json!({"type": "string"}),
        json!({"type": "object", "properties": {"a": {"type": "nothing"}}}),
        json!({"type": "object", "properties": {"a": {"$ref": "#"}}}),
        json!({"type": "object", "properties": {"a": {"$ref": "https://example.org/schema"}}}),
        json!({"type": "object", "properties": {"a": {"pattern": "("}}}),
    ] {
        let mut wrong = definition("def run(): return 1");
        wrong.parameters = serde_json::from_value(parameters.clone()).unwrap();
        match bench.make(wrong).await {
            Err(AppError::InvalidInput { field, .. }) => assert_eq!(field, "parameters"),
            other => panic!("{parameters}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn three_failures_in_a_row_set_a_version_aside_tell_the_owner_and_an_older_one_can_come_back()
{
    let bench = Bench::new().await;
    bench.make_three().await;
    bench.used(3, Use::Failed("one".into())).await;
    bench.used(3, Use::Worked).await;
    bench.used(3, Use::Failed("two".into())).await;
    bench.used(3, Use::Excused).await;
    bench.used(3, Use::Failed("three".into())).await;
    let story = "Traceback:\n  line 1\nKeyError: 'x'\n";
    let tool = bench.used(3, Use::Failed(story.into())).await;
    assert_eq!(tool.state.status(), ToolStatus::SetAside);
    assert_eq!((tool.uses, tool.failures, tool.failures_in_row), (6, 4, 3));

    let app = &bench.test.app;
    let notices = app.list_notices(&Actor::Owner, None, 10).await.unwrap();
    let told = &notices.items[0];
    assert_eq!(told.kind, NoticeKind::ToolSetAside);
    for words in [
        "The tool count_words, version 3, failed 3 times in a row",
        "KeyError: 'x'",
        "hearth tool rollback count_words",
        "hearth tool enable count_words",
    ] {
        assert!(told.text.contains(words), "{}", told.text);
    }
    let heads = app.made_tool_heads().await.unwrap();
    assert_eq!(
        (heads[0].version, heads[0].is_current, heads[0].status),
        (3, true, ToolStatus::SetAside),
        "its name means it still, and it is not called"
    );
    let same = bench.make(definition("def run(): return 3")).await;
    assert_eq!(code(same), "tool_set_aside");

    let roll_back = app.roll_back_made_tool(&Actor::Owner, word("count_words"), None);
    roll_back.await.unwrap();

    assert_eq!(app.list_made_tools().await.unwrap()[0].version, 2);
    let same = bench.make(definition("def run(): return 3")).await;
    assert_eq!(code(same), "tool_rolled_back");
    let current = bench.make(definition("def run(): return 2")).await;
    assert_eq!(current.unwrap().version, 2);
    let types = bench.test.event_types().await;
    for event in ["tool.created", "tool.set_aside", "tool.rolled_back"] {
        assert!(types.iter().any(|told| told == event), "{types:?}");
    }
}

#[tokio::test]
async fn what_the_owner_disabled_is_not_made_again_by_an_agent() {
    let bench = Bench::new().await;
    bench.make_three().await;
    let app = &bench.test.app;
    let name = || word("count_words");
    let reason = Some("too slow".to_owned());
    let disable = app.disable_made_tool(&Actor::Owner, name(), None, reason);
    disable.await.unwrap();
    assert_eq!(bench.statuses().await, [ToolStatus::Disabled; 3]);

    let again = bench.make(definition("def run(): return 4")).await;
    assert_eq!(code(again), "tool_disabled");
    let twice = app.disable_made_tool(&Actor::Owner, name(), None, None);
    assert_eq!(code(twice.await), "wrong_state");

    let enable = app.enable_made_tool(&Actor::Owner, name(), None);
    enable.await.unwrap();
    let twice = app.enable_made_tool(&Actor::Owner, name(), None);
    assert_eq!(code(twice.await), "wrong_state");
    bench.make(definition("def run(): return 4")).await.unwrap();
    let unknown = app.enable_made_tool(&Actor::Owner, name(), Some(9));
    assert_eq!(code(unknown.await), "invalid_input");
    let unknown = app.enable_made_tool(&Actor::Owner, word("nothing"), None);
    assert_eq!(code(unknown.await), "not_found");
}

#[tokio::test]
async fn only_the_owner_says_which_tools_are_called() {
    let bench = Bench::new().await;
    bench.make_three().await;
    let app = &bench.test.app;
    let name = || word("count_words");
    for actor in [as_agent("seed"), Actor::Viewer] {
        assert_eq!(
            code(app.enable_made_tool(&actor, name(), None).await),
            "denied"
        );
        let disable = app.disable_made_tool(&actor, name(), None, None);
        assert_eq!(code(disable.await), "denied");
        let back = app.roll_back_made_tool(&actor, name(), None);
        assert_eq!(code(back.await), "denied");
        let test = app.test_made_tool(&actor, name(), None);
        assert_eq!(code(test.await), "denied");
    }
    assert_eq!(bench.statuses().await, [ToolStatus::Enabled; 3]);
    let untested = app.test_made_tool(&Actor::Owner, name(), None);
    assert_eq!(code(untested.await), "unavailable");
}

#[tokio::test]
async fn a_tool_has_so_many_versions_and_no_more() {
    let bench = Bench::new().await;
    for number in 0..VERSIONS_MAX {
        let definition = definition(&format!("def run(): return {number}"));
        bench.make(definition).await.unwrap();
    }

    let one_more = bench.make(definition("def run(): return None")).await;

    assert_eq!(code(one_more), "too_many");
}

#[test]
fn one_version_has_one_word() {
    let exact = exact_name(&word("count_words"), 12);
    assert_eq!(exact.as_str(), "count_words.v12");
    assert_eq!(read_exact_name(&exact), Some((word("count_words"), 12)));
    for other in [
        "count_words",
        "count.v0",
        "count.v01",
        "count.v",
        "count.vx",
    ] {
        assert_eq!(read_exact_name(&word(other)), None, "{other}");
    }
}
