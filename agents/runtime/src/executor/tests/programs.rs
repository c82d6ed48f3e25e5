//! Plans with real programs in the real sandbox.

use std::path::Path;

use super::*;

fn python(id: &str, code: &str, after: &[&str]) -> Value {
    json!({"id": id, "tool": "python", "args": {"code": code}, "after": after})
}

fn is_in_a_run(workspaces: &Path, path: &str) -> bool {
    let Ok(runs) = std::fs::read_dir(workspaces) else {
        return false;
    };
    runs.flatten().any(|run| run.path().join(path).exists())
}

#[tokio::test]
async fn steps_that_do_not_wait_for_each_other_run_at_once() {
    let test = "steps_that_do_not_wait_for_each_other_run_at_once";
    let Some(floor) = Floor::with_sandbox(test).await else {
        return;
    };
    let meet = |mine: &str, other: &str| {
        format!(
            "import os, time\nopen('{mine}', 'w').close()\n\
             while not os.path.exists('{other}'): time.sleep(0.005)"
        )
    };
    let both = "import os, json\nprint(json.dumps({'seen': sorted(os.listdir())}))";
    let plan = json!([
        python("left", &meet("l", "r"), &[]),
        python("right", &meet("r", "l"), &[]),
        python("both", both, &["left", "right"])
    ]);

    let task = floor.execute(plan).await;

    assert_eq!(result(&task), json!({"seen": ["l", "out", "r"]}));
}

#[tokio::test]
async fn results_are_passed_on_and_what_lies_in_out_is_handed_out() {
    let test = "results_are_passed_on_and_what_lies_in_out_is_handed_out";
    let Some(floor) = Floor::with_sandbox(test).await else {
        return;
    };
    let written = json!({"path": "out/deep/count.txt", "content": "counted"});
    let sum = json!({
        "code": "import sys\nprint(int(sys.stdin.read()) + 1)",
        "stdin": {"$result": "text", "at": "/output"}
    });
    let plan = json!([
        {"id": "write", "tool": "write_file", "after": [], "args": written},
        {"id": "sum", "tool": "python", "after": [], "args": sum},
        {"id": "text", "tool": "run_command", "after": [], "args": {"argv": ["echo", "041"]}},
        {"id": "list", "tool": "list_files", "after": ["sum", "write"]}
    ]);

    let task = floor.execute(plan).await;

    let files = json!([{"path": "out/deep/count.txt", "bytes": 7}]);
    assert_eq!(result(&task), json!({"files": files, "truncated": false}));
    let id = TaskRef::Id(task.id);
    let made = floor.app.list_artifacts(id, None, 10).await.unwrap().items;
    assert_eq!(made.len(), 1);
    let name = made[0].name.as_ref().unwrap();
    assert_eq!(name.as_str(), "out/deep/count.txt");
    let steps = floor.view(&task).await.steps;
    let sum = steps.iter().find(|step| step.name.as_str() == "sum");
    let Some(StepState::Done(end)) = sum.map(|step| &step.state) else {
        panic!("{sum:?}");
    };
    let sum = Value::from(end.result.clone().unwrap());
    assert_eq!(sum, json!({"value": 42}));
}

#[tokio::test]
async fn a_cancelled_task_stops_its_programs() {
    let test = "a_cancelled_task_stops_its_programs";
    let Some(floor) = Floor::with_sandbox(test).await else {
        return;
    };
    let hang = "open('begun', 'w').close()\nwhile True: pass";
    let task = floor.task(json!([python("hang", hang, &[])])).await;
    let view = floor.claimed(&task).await;
    let working = tokio::spawn(floor.worker().work(view));
    let workspaces = floor.means.workspaces.clone();
    until(|| is_in_a_run(&workspaces, "work/begun")).await;
    let cancelled = Instant::now();

    let (app, id) = (&floor.app, TaskRef::Id(task.id));
    let done = app.cancel_task(&Actor::Owner, id, None, None).await;
    done.unwrap();
    working.await.unwrap();

    eprintln!("stopped after {:?}", cancelled.elapsed());
    assert!(cancelled.elapsed() < Duration::from_secs(5));
    let view = floor.view(&task).await;
    assert_eq!(view.run.status, RunStatus::Cancelled);
    assert_eq!(view.steps[0].state, StepState::Interrupted);
    assert!(!floor.folder(view.run.id).exists());
}

#[tokio::test]
async fn a_node_that_stops_hands_the_task_back_and_its_program_begins_in_the_folder_as_it_was() {
    let test =
        "a_node_that_stops_hands_the_task_back_and_its_program_begins_in_the_folder_as_it_was";
    let Some(mut floor) = Floor::with_sandbox(test).await else {
        return;
    };
    // It fails where it finds what its first attempt left, and only the second one can end.
    let half = "import os, sys, time\nif os.path.exists('begun'): sys.exit('half done')\n\
                open('begun', 'w').close()\nwhile open('kept.txt').read() == 'wait': time.sleep(0.005)";
    let plan = json!([
        {"tool": "write_file", "args": {"path": "kept.txt", "content": "wait"}},
        {"id": "half", "tool": "python", "args": {"code": half}}
    ]);
    let task = floor.task(plan).await;
    let view = floor.claimed(&task).await;
    let working = tokio::spawn(floor.worker().work(view));
    let workspaces = floor.means.workspaces.clone();
    until(|| is_in_a_run(&workspaces, "work/begun")).await;
    floor.hand_back.cancel();
    working.await.unwrap();
    let handed_back = floor.get(&task);
    assert_eq!(handed_back.status(), TaskStatus::Pending);
    assert_eq!(handed_back.failed_attempts.len(), 0, "it costs no attempt");
    let run = floor.view(&task).await.run;
    assert_eq!(run.status, RunStatus::Waiting);
    let before = root_of(&workspaces, run.id).join("before");
    std::fs::write(before.join("kept.txt"), "go").unwrap();

    floor.hand_back = CancellationToken::new();
    let task = floor.work(&task).await;

    assert_eq!(task.status(), TaskStatus::Completed);
    let expected = [
        ("step-1".into(), 1, "done"),
        ("half".into(), 1, "interrupted"),
        ("half".into(), 2, "done"),
    ];
    assert_eq!(floor.steps(&task).await, expected);
}

#[tokio::test]
async fn programs_that_were_stopped_together_begin_again_without_a_question() {
    let test = "programs_that_were_stopped_together_begin_again_without_a_question";
    let Some(mut floor) = Floor::with_sandbox(test).await else {
        return;
    };
    let half = |mine: &str| {
        let code = format!(
            "import os, sys, time\nif os.path.exists('{mine}'): sys.exit('half done')\n\
             open('{mine}', 'w').close()\nwhile open('kept.txt').read() == 'wait': time.sleep(0.005)"
        );
        python(mine, &code, &["keep"])
    };
    let keep = json!({"path": "kept.txt", "content": "wait"});
    let keep = json!({"id": "keep", "tool": "write_file", "args": keep});
    let task = floor.task(json!([keep, half("left"), half("right")])).await;
    let view = floor.claimed(&task).await;
    let working = tokio::spawn(floor.worker().work(view));
    let workspaces = floor.means.workspaces.clone();
    until(|| {
        ["work/left", "work/right"]
            .iter()
            .all(|path| is_in_a_run(&workspaces, path))
    })
    .await;
    floor.hand_back.cancel();
    working.await.unwrap();
    let run = floor.view(&task).await.run.id;
    let before = root_of(&workspaces, run).join("before");
    std::fs::write(before.join("kept.txt"), "go").unwrap();

    floor.hand_back = CancellationToken::new();
    let task = floor.work(&task).await;

    assert_eq!(task.status(), TaskStatus::Completed, "{:?}", task.state);
}

#[tokio::test]
async fn a_program_that_was_stopped_is_not_repeated_where_another_one_ended_since() {
    let test = "a_program_that_was_stopped_is_not_repeated_where_another_one_ended_since";
    let Some(mut floor) = Floor::with_sandbox(test).await else {
        return;
    };
    let hang = "open('begun', 'w').close()\nwhile True: pass";
    let quick = "import os, time\nwhile not os.path.exists('begun'): time.sleep(0.005)\n\
                 open('quick', 'w').close()";
    let plan = json!([python("hang", hang, &[]), python("quick", quick, &[])]);
    let task = floor.task(plan).await;
    let view = floor.claimed(&task).await;
    let working = tokio::spawn(floor.worker().work(view));
    let done = async {
        loop {
            let runs = floor.app.open_runs().await.unwrap();
            if !runs.is_empty()
                && let Some((.., "done")) = floor.steps(&task).await.last()
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), done)
        .await
        .unwrap();
    floor.hand_back.cancel();
    working.await.unwrap();

    floor.hand_back = CancellationToken::new();
    let task = floor.work(&task).await;

    let told = story(&task);
    assert!(told.starts_with("Step 1, hang, was cut off"), "{told}");
    let run = floor.view(&task).await.run.id;
    assert!(floor.folder(run).join("quick").exists(), "it is not undone");
}

#[tokio::test]
async fn without_a_sandbox_the_owner_is_told_what_mends_it() {
    let mut floor = Floor::new();
    let mut nowhere = Config::new(Stage {
        program: "/nowhere".into(),
        args: vec![],
    });
    nowhere.bwrap = "/nowhere/bwrap".into();
    floor.means.sandbox = SandboxFacility::new(nowhere, floor.app.clone());
    let mut step = python("code", "print(1)", &[]);
    step["retry"] = json!({"times": 3, "wait_seconds": 60});

    let task = floor.execute(json!([step])).await;

    let told = story(&task);
    assert!(
        told.contains("no sandbox: /nowhere/bwrap is missing"),
        "{told}"
    );
    let remedy = format!(
        "hearth task answer {} \"the sandbox works now\"",
        task.number
    );
    assert!(told.contains(&remedy), "{told}");
}
