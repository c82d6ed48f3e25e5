//! Tools that agents make: tried, kept, called in later tasks, set aside, brought back.

use hearth_app::made_tools::Tried;
use hearth_domain::field::Word;
use hearth_domain::tool::{MadeTool, ToolStatus};

use super::asking::{YES, answer, page};
use super::*;
use crate::live_limits::LiveLimits;
use crate::tools::SandboxToolTester;

/// The arguments of a call that makes the tool `count_words`.
#[expect(
    clippy::needless_pass_by_value,
    reason = "values are written where they are used"
)]
fn making(code: &str, example: Value) -> Value {
    json!({
        "name": "count_words",
        "description": "Counts the words of a text.",
        "parameters": {
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "required": ["text"],
        },
        "code": code,
        "examples": [example],
    })
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "values are written where they are used"
)]
fn example(text: &str, result: Value) -> Value {
    json!({"args": {"text": text}, "result": result})
}

const COUNT: &str =
    "def run(text):\n    print('counting')\n    return {'words': len(text.split())}\n";

fn counting() -> Value {
    making(COUNT, example("a b c", json!({"words": 3})))
}

/// A tool without an example that fails, but for the text `x`.
fn fragile() -> Value {
    let code = "def run(text):\n    return {'a': 1}[text]\n";
    making(code, example("a", json!(1)))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "values are written where they are used"
)]
fn create(args: Value) -> Value {
    json!([{"tool": "create_tool", "args": args}])
}

fn using(tool: &str, text: &str) -> Value {
    json!([{"tool": tool, "args": {"text": text}}])
}

fn word(name: &str) -> Word {
    name.parse().unwrap()
}

impl Floor {
    async fn tools(&self) -> Vec<MadeTool> {
        self.app.list_made_tools().await.unwrap()
    }

    /// Works on a task whose calls get so much time.
    async fn execute_within(&self, plan: Value, time: Duration) -> Task {
        let task = self.task(plan).await;
        let view = self.claimed(&task).await;
        let mut worker = self.worker();
        worker.limits.time = time;
        worker.work(view).await;
        self.get(&task)
    }
}

#[tokio::test]
async fn a_tool_made_in_one_task_is_used_in_a_later_one_after_a_restart_too() {
    let test = "a_tool_made_in_one_task_is_used_in_a_later_one_after_a_restart_too";
    let Some(floor) = Floor::with_sandbox(test).await else {
        return;
    };

    let task = floor.execute(create(counting())).await;
    assert_eq!(
        result(&task),
        json!({"name": "count_words", "version": 1, "tool": "count_words.v1", "examples_tried": 1})
    );
    let floor = floor.restarted();
    let task = floor.execute(using("count_words", "to be or not")).await;

    assert_eq!(result(&task), json!({"words": 4}));
    let step = &floor.view(&task).await.steps[0];
    assert_eq!(step.action.tool, word("count_words.v1"));
    let tool = &floor.tools().await[0];
    assert_eq!((tool.uses, tool.failures), (1, 0));
}

#[tokio::test]
async fn a_plan_may_use_the_tool_that_it_makes() {
    let Some(floor) = Floor::with_sandbox("a_plan_may_use_the_tool_that_it_makes").await else {
        return;
    };
    let plan = json!([
        {"tool": "create_tool", "args": counting()},
        {"tool": "count_words", "args": {"text": "one two"}}
    ]);

    let task = floor.execute(plan).await;

    assert_eq!(result(&task), json!({"words": 2}));
}

#[tokio::test]
async fn code_that_does_not_hold_is_no_tool_and_its_maker_reads_why() {
    let test = "code_that_does_not_hold_is_no_tool_and_its_maker_reads_why";
    let Some(floor) = Floor::with_sandbox(test).await else {
        return;
    };
    let flood = "import sys\ndef run(text):\n    while True: sys.stdout.write('x' * 65536)\n";
    let one = || example("a", json!(1));
    for (code, example, told) in [
        (
            "def run(text):\n    return (",
            one(),
            vec!["its code does not compile", "line 2", "SyntaxError"],
        ),
        ("x = 1", one(), vec!["its code defines no function run"]),
        (
            "def run(text):\n    return text['n']",
            one(),
            vec![
                "example 1 of 1, run(**{\"text\":\"a\"})",
                "in run",
                "return text['n']",
                "TypeError",
            ],
        ),
        (
            "def run(text): return len(text) + 1",
            one(),
            vec!["it returned 2, and should return 1"],
        ),
        (
            "def run(text): return {1, 2}",
            one(),
            vec!["its result is no JSON", "set"],
        ),
        (
            "def run(text): return float('nan')",
            one(),
            vec!["its result is no JSON"],
        ),
        (
            "def run(text): return 'x' * 70000",
            one(),
            vec!["its result has 70002 bytes of JSON, and 65536 is the most"],
        ),
        (
            "import os\ndef run(text): os._exit(0)",
            one(),
            vec!["it ended without a result"],
        ),
        (
            "import sys\ndef run(text): sys.exit('enough')",
            one(),
            vec!["SystemExit: enough"],
        ),
        (
            "def run(text):\n    while True: pass",
            one(),
            vec!["it took longer than 1 s"],
        ),
        (flood, one(), vec!["it took longer than 1 s"]),
        (
            "import host\ndef run(text): return 1",
            one(),
            vec!["No module named 'host'"],
        ),
        (
            "import socket\ndef run(text): socket.create_connection(('127.0.0.1', 1))",
            one(),
            vec!["example 1 of 1"],
        ),
    ] {
        let plan = create(making(code, example));
        let task = floor.execute_within(plan, Duration::from_secs(1)).await;
        let story = story(&task);
        for words in told {
            assert!(story.contains(words), "{code}: {words}\n{story}");
        }
        assert!(
            story.contains("the tool count_words was not made: "),
            "{story}"
        );
        assert!(
            !story.contains("_main"),
            "the harness is not shown: {story}"
        );
    }
    assert_eq!(floor.tools().await, []);
}

#[tokio::test]
async fn what_can_be_seen_without_running_it_is_refused_before_anything_is_done() {
    let floor = Floor::new();
    let named = |name: &str| {
        let mut args = counting();
        args["name"] = json!(name);
        args
    };
    let mut without = counting();
    without["examples"] = json!([]);
    let mut unfit = counting();
    unfit["examples"] = json!([{"args": {"txt": "a"}, "result": 1}]);
    let mut open = counting();
    open["parameters"] = json!({"type": "object", "properties": {"a": {"$ref": "#"}}});
    let mut needing = counting();
    needing["examples"][0]["needs_grants"] = json!(true);
    let mut hosts = counting();
    hosts["grants"] = json!({"network": ["https://example.org/"]});
    for (args, told) in [
        (named("python"), "name python is that of a built-in tool"),
        (named("command"), "name command is that of a built-in tool"),
        (named("model"), "name model is that of a built-in tool"),
        (named("Count"), "args.name of create_tool"),
        (without, "args.examples of create_tool"),
        (unfit, "examples[0].args does not fit the parameters"),
        (open, "parameters refers to #, which leads back to itself"),
        (needing, "examples[0].needs_grants is true"),
        (hosts, "grants.network: destination"),
    ] {
        let task = floor.execute(create(args)).await;
        let story = story(&task);
        assert!(story.contains(told), "{story}\n  not: {told}");
        assert!(story.contains("nothing was done"), "{story}");
    }
}

#[tokio::test]
async fn arguments_of_a_made_tool_are_checked_like_those_of_any_other() {
    let test = "arguments_of_a_made_tool_are_checked_like_those_of_any_other";
    let Some(floor) = Floor::with_sandbox(test).await else {
        return;
    };
    floor.execute(create(counting())).await;
    for (args, told) in [
        (
            json!({"txt": "a"}),
            "args of count_words: there is no argument txt; it takes text",
        ),
        (
            json!({"text": 1}),
            "args.text of count_words: 1 is not of type \"string\"",
        ),
        (
            json!({}),
            "args of count_words: \"text\" is a required property",
        ),
    ] {
        let task = floor
            .execute(json!([{"tool": "count_words", "args": args}]))
            .await;
        let story = story(&task);
        assert!(story.contains(told), "{story}");
    }
    let task = floor.execute(using("count_word", "a")).await;
    let told = "there is no tool count_word; the nearest is count_words; all: ";
    assert!(story(&task).contains(told), "{}", story(&task));
    let tool = &floor.tools().await[0];
    assert_eq!((tool.uses, tool.failures), (0, 0), "no fault of the tool's");
}

#[tokio::test]
async fn a_tool_that_keeps_failing_is_set_aside_and_the_version_before_it_comes_back() {
    let test = "a_tool_that_keeps_failing_is_set_aside_and_the_version_before_it_comes_back";
    let Some(floor) = Floor::with_sandbox(test).await else {
        return;
    };
    floor.execute(create(counting())).await;
    floor.execute(create(fragile())).await;
    for _ in 0..3 {
        let task = floor.execute(using("count_words", "b")).await;
        assert!(story(&task).contains("KeyError: 'b'"), "{}", story(&task));
    }

    let task = floor.execute(using("count_words", "a")).await;
    let told = "the tool count_words, version 2, was set aside, because it kept failing";
    assert!(story(&task).contains(told), "{}", story(&task));
    let notices = floor.app.list_notices(&Actor::Owner, None, 50).await;
    let notices = notices.unwrap().items;
    let told = "The tool count_words, version 2, failed 3 times in a row";
    assert!(
        notices.iter().any(|notice| notice.text.starts_with(told)),
        "{notices:?}"
    );
    let back = floor
        .app
        .roll_back_made_tool(&Actor::Owner, word("count_words"), None);
    back.await.unwrap();

    let task = floor.execute(using("count_words", "a")).await;
    assert_eq!(result(&task), json!({"words": 1}));
    let versions = floor.app.get_made_tool(word("count_words")).await.unwrap();
    let statuses: Vec<ToolStatus> = versions.iter().map(|tool| tool.state.status()).collect();
    assert_eq!(statuses, [ToolStatus::Enabled, ToolStatus::RolledBack]);
}

#[tokio::test]
async fn who_gives_a_tool_too_little_time_is_to_blame_and_not_the_tool() {
    let test = "who_gives_a_tool_too_little_time_is_to_blame_and_not_the_tool";
    let Some(floor) = Floor::with_sandbox(test).await else {
        return;
    };
    let code = "def run(text):\n    while text == 'slow': pass\n    return 1\n";
    floor
        .execute(create(making(code, example("a", json!(1)))))
        .await;
    let mut plan = using("count_words", "slow");
    plan[0]["limit_seconds"] = json!(0.5);
    for _ in 0..3 {
        let task = floor.execute(plan.clone()).await;
        assert!(story(&task).contains("it took longer"), "{}", story(&task));
    }

    let tool = &floor.tools().await[0];
    assert_eq!((tool.uses, tool.failures), (3, 0));
    assert_eq!(tool.state.status(), ToolStatus::Enabled);
}

#[tokio::test]
async fn an_older_version_is_called_by_its_own_word() {
    let Some(floor) = Floor::with_sandbox("an_older_version_is_called_by_its_own_word").await
    else {
        return;
    };
    floor.execute(create(counting())).await;
    floor.execute(create(fragile())).await;

    let old = floor.execute(using("count_words.v1", "a")).await;
    let new = floor.execute(using("count_words", "a")).await;
    let none = floor.execute(using("count_words.v9", "a")).await;

    assert_eq!(result(&old), json!({"words": 1}));
    assert_eq!(result(&new), json!({"value": 1}));
    let told = "there is no tool count_words.v9 that may be called";
    assert!(story(&none).contains(told), "{}", story(&none));
}

#[tokio::test]
async fn a_tool_with_rights_waits_for_its_owner_and_then_uses_them_without_asking() {
    let test = "a_tool_with_rights_waits_for_its_owner_and_then_uses_them_without_asking";
    let Some(floor) = Floor::with_sandbox(test).await else {
        return;
    };
    let (url, _serving) = page("200 OK").await;
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let code = "def run(text):\n    if not text: return 0\n    import host\n    \
                return len(host.http_get(url=text)['body'])\n";
    let mut args = making(code, example("", json!(0)));
    let needing = json!({"args": {"text": url}, "result": 5, "needs_grants": true});
    args["examples"].as_array_mut().unwrap().push(needing);
    args["grants"] = json!({"host": {"http_get": [host]}});

    let task = floor.execute(create(args)).await;
    let told = story(&task);
    for words in [
        format!("May I make a tool count_words that may speak to {host}: Counts the words"),
        "its code begins 'def run(text):".to_owned(),
        "it makes a tool with rights of its own".to_owned(),
    ] {
        assert!(told.contains(&words), "{told}");
    }
    assert_eq!(floor.tools().await, [], "nothing is kept before a yes");
    answer(&floor, &task, YES).await;
    let task = floor.work(&task).await;
    assert_eq!(result(&task)["examples_tried"], 2);

    let task = floor.execute(using("count_words", &url)).await;
    assert_eq!(result(&task), json!({"value": 5}));
    assert_eq!(floor.view(&task).await.approvals, []);

    let elsewhere = floor
        .execute(using("count_words", "http://127.0.0.1:1/"))
        .await;
    assert!(
        story(&elsewhere).contains("the node did not do what it asked for"),
        "{}",
        story(&elsewhere)
    );
    let tool = &floor.tools().await[0];
    assert_eq!((tool.uses, tool.failures), (2, 0));
}

#[tokio::test]
async fn an_owner_is_not_asked_for_what_does_not_work_and_told_where_nothing_could_be_tried() {
    let test = "an_owner_is_not_asked_for_what_does_not_work_and_told_where_nothing_could_be_tried";
    let Some(floor) = Floor::with_sandbox(test).await else {
        return;
    };
    let mut broken = making("def run(text): return 2", example("a", json!(1)));
    broken["grants"] = json!({"host": {"task": true}});
    let task = floor.execute(create(broken)).await;
    let told = "it returned 2, and should return 1";
    assert!(story(&task).contains(told), "{}", story(&task));
    assert_eq!(floor.view(&task).await.approvals, []);

    let code = "import host\ndef run(text): return host.task()['title']";
    let mut untried = making(code, json!({"args": {"text": "a"}, "needs_grants": true}));
    untried["grants"] = json!({"host": {"task": true}});
    // Without its function the code cannot even be loaded, so it must not be asked for so.
    let task = floor.execute(create(untried.clone())).await;
    assert!(story(&task).contains("No module named 'host'"));
    untried["code"] = json!("def run(text):\n    import host\n    return host.task()['title']");
    let task = floor.execute(create(untried)).await;
    let told = story(&task);
    for words in [
        "that may see its task: ",
        "none of its examples can be tried before you say yes",
    ] {
        assert!(told.contains(words), "{told}");
    }
}

#[tokio::test]
async fn a_tool_sees_the_folder_of_its_run_only_by_its_rights() {
    let test = "a_tool_sees_the_folder_of_its_run_only_by_its_rights";
    let Some(floor) = Floor::with_sandbox(test).await else {
        return;
    };
    let code = "import os\ndef run(text): return sorted(os.listdir())";
    let blind = making(code, example("a", json!([])));
    floor.execute(create(blind.clone())).await;
    let plan = |tool: &str| {
        json!([
            {"tool": "write_file", "args": {"path": "note.txt", "content": "x"}},
            {"tool": tool, "args": {"text": "a"}}
        ])
    };
    let task = floor.execute(plan("count_words")).await;
    assert_eq!(result(&task), json!({"value": []}));

    let mut seeing = blind;
    seeing["name"] = json!("list_notes");
    seeing["grants"] = json!({"workspace": true});
    let task = floor.execute(create(seeing)).await;
    answer(&floor, &task, YES).await;
    floor.work(&task).await;
    let task = floor.execute(plan("list_notes")).await;

    assert_eq!(result(&task), json!({"value": ["note.txt", "out"]}));
}

#[tokio::test]
async fn a_run_goes_on_after_a_tool_that_it_has_used_was_disabled() {
    let test = "a_run_goes_on_after_a_tool_that_it_has_used_was_disabled";
    let Some(floor) = Floor::with_sandbox(test).await else {
        return;
    };
    floor.execute(create(counting())).await;
    let plan = json!([
        {"id": "ask", "tool": "ask_owner", "args": {"question": "Now?"}, "after": []},
        {"id": "count", "tool": "count_words", "args": {"text": "a b"}, "after": []},
        {"id": "keep", "tool": "store_artifact", "after": ["ask"], "args":
            {"type": "note", "content": {"$result": "count", "at": "/words"}}},
    ]);
    let task = floor.execute(plan).await;
    let disable = floor
        .app
        .disable_made_tool(&Actor::Owner, word("count_words"), None, None);
    disable.await.unwrap();
    floor.answer(&task, "yes").await;

    let task = floor.work(&task).await;

    // The number is no text, which the last step says; the step before was not looked at again.
    let told = "args.content of store_artifact: 2 is not of type";
    assert!(story(&task).contains(told), "{}", story(&task));
    let later = floor.execute(using("count_words", "a")).await;
    let told = "the tool count_words, version 1, was disabled by the owner";
    assert!(story(&later).contains(told), "{}", story(&later));
}

#[tokio::test]
async fn an_approval_is_for_the_version_that_was_asked_for() {
    let test = "an_approval_is_for_the_version_that_was_asked_for";
    let Some(floor) = Floor::with_sandbox(test).await else {
        return;
    };
    floor.execute(create(counting())).await;
    let many: Vec<Value> = (0..4)
        .map(|_| json!({"tool": "count_words", "args": {"text": "a"}}))
        .collect();
    let task = floor.execute(json!(many)).await;
    assert!(
        story(&task).contains("4 times in a row"),
        "{}",
        story(&task)
    );
    let asked = floor.view(&task).await.approvals;
    assert_eq!(asked[0].action.tool, word("count_words.v1"));

    floor.execute(create(fragile())).await;
    answer(&floor, &task, YES).await;
    let task = floor.work(&task).await;

    assert_eq!(
        result(&task),
        json!({"value": 1}),
        "another version is another call"
    );
    let steps = floor.view(&task).await.steps;
    let last = steps.iter().rfind(|step| step.place == 4).unwrap();
    assert_eq!(last.action.tool, word("count_words.v2"));
    assert_ne!(last.decision.approval, Some(asked[0].number));
}

#[tokio::test]
async fn the_owner_has_the_examples_of_a_tool_tried_once_more() {
    let test = "the_owner_has_the_examples_of_a_tool_tried_once_more";
    let Some(floor) = Floor::with_sandbox(test).await else {
        return;
    };
    let tester = SandboxToolTester::new(
        floor.means.sandbox.clone(),
        LiveLimits::default(),
        CancellationToken::new(),
    );
    floor.app.set_tool_tester(Arc::new(tester));
    let mut args = making(COUNT, example("a b", json!({"words": 2})));
    let needing = json!({"args": {"text": "x"}, "needs_grants": true});
    args["examples"].as_array_mut().unwrap().push(needing);
    args["grants"] = json!({"host": {"kv": true}});
    let task = floor.execute(create(args)).await;
    answer(&floor, &task, YES).await;
    floor.work(&task).await;

    let tested = floor
        .app
        .test_made_tool(&Actor::Owner, word("count_words"), None)
        .await
        .unwrap();

    assert_eq!(tested.examples, [Tried::Passed, Tried::NotTried]);
    assert_eq!(floor.tools().await[0].uses, 0, "a test is no use");
}
