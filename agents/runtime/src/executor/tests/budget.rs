//! Plans that reach a limit on their calls of tools.

use hearth_domain::task::Budget;

use super::*;

async fn of_five_steps(floor: &Floor, tool_calls: u64) -> Task {
    let plan = json!([
        storing("a", &[]),
        storing("b", &[]),
        storing("c", &[]),
        storing("d", &[]),
        storing("last", &["a", "b", "c", "d"]),
    ]);
    let mut new = NewTask::titled("work".parse().unwrap());
    new.context.insert("plan".into(), plan);
    new.budget = Some(Budget {
        tool_calls: Some(tool_calls),
        ..Budget::default()
    });
    let made = floor.app.create_task(&Actor::Owner, new, None).await;
    made.unwrap().view.task
}

async fn done(floor: &Floor, task: &Task) -> usize {
    let steps = floor.steps(task).await;
    steps
        .iter()
        .filter(|(_, _, status)| *status == "done")
        .count()
}

#[tokio::test]
async fn a_plan_does_what_fits_asks_once_and_goes_on_with_the_rest() {
    let floor = Floor::new();
    let task = of_five_steps(&floor, 2).await;

    let task = floor.work(&task).await;

    let told = story(&task);
    assert!(
        told.starts_with("The budget of task #1 is used up: 2 tool calls of 2 tool calls spent."),
        "{told}"
    );
    assert_eq!(done(&floor, &task).await, 2);
    // Two steps wait, and the last one will: one answer is for those that wait.
    floor.answer(&task, "raise").await;
    let task = floor.work(&task).await;
    assert_eq!(done(&floor, &task).await, 4);
    floor.answer(&task, "9 tool calls").await;
    let task = floor.work(&task).await;
    assert_eq!(task.status(), TaskStatus::Completed);
    let budgets = floor.app.list_budgets().await.unwrap();
    let spent = budgets.last().unwrap().account.spent;
    assert_eq!(spent.tool_calls, 5, "each call once");
}

#[tokio::test]
async fn a_no_stops_the_plan_and_says_who_did() {
    let floor = Floor::new();
    let task = of_five_steps(&floor, 1).await;
    let task = floor.work(&task).await;

    floor.answer(&task, "stop").await;

    let task = floor.work(&task).await;
    let told = story(&task);
    assert!(told.contains("stopped by owner: stop"), "{told}");
    assert_eq!(floor.view(&task).await.run.status, RunStatus::Failed);
    assert_eq!(done(&floor, &task).await, 1);
}
