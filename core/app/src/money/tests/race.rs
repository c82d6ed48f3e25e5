//! Many at once against one limit.

use std::sync::Arc;

use super::*;
use crate::runs::tests::{BOUNDS, plan, seed};

const TASKS: usize = 50;
const DAY: u64 = 1_000_000;
const COST: u64 = 70_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_tasks_at_once_never_pass_the_limit_of_a_day() {
    let test = TestApp::new();
    let mut defaults = no_limits();
    defaults.day.usd_micros = Some(DAY);
    set_defaults(&test.app, &defaults);
    let mut tasks = Vec::new();
    for _ in 0..TASKS {
        let mut new = titled("work");
        new.context.insert("plan".into(), plan());
        tasks.push(test.create(new).await);
    }
    let app = Arc::new(test.app.clone());
    let mut working = tokio::task::JoinSet::new();
    for task in tasks.clone() {
        let app = Arc::clone(&app);
        working.spawn(async move { work(&app, &task).await });
    }

    let mut asked = 0;
    while let Some(done) = working.join_next().await {
        asked += done.unwrap();
        let day = account(&app, Scope::Day(app.purse().today), None);
        assert!(day.held(Resource::Usd) <= DAY, "{day:?}");
    }

    let day = account(&app, Scope::Day(app.purse().today), None);
    assert_eq!(day.reserved, Charge::default());
    // Each asks while it can be paid: fourteen at seven cents, and no more.
    assert_eq!(asked, DAY / COST);
    assert_eq!(day.spent.usd_micros, asked * COST);
    let blocked = tasks.iter().filter(|task| {
        let task = app.get_task(by_id(task)).unwrap().task;
        task.status() == TaskStatus::Blocked
    });
    assert_eq!(blocked.count(), TASKS, "each ends by asking for more");
    check_sums(&app).await;

    // As many go on as there is money for, and not all that wait.
    let scope = Scope::Day(app.purse().today);
    let more = vec![(Resource::Usd, Some(DAY + 3 * COST))];
    app.set_budget(&Actor::Owner, scope, more).await.unwrap();
    let pending = tasks.iter().filter(|task| {
        let task = app.get_task(by_id(task)).unwrap().task;
        task.status() == TaskStatus::Pending
    });
    assert_eq!(pending.count(), 3);
}

/// Asks a model as often as can be paid, then rests; returns how often.
async fn work(app: &App, task: &Task) -> u64 {
    let claim = crate::holding::Claim::new(agent("seed"));
    let view = app
        .claim_task(&seed(), by_id(task), claim, None)
        .await
        .unwrap();
    let hold = Hold {
        agent: agent("seed"),
        fence: view.task.fence,
    };
    let view = app
        .begin_run(&seed(), by_id(task), hold.clone(), plan())
        .await
        .unwrap();
    let run = view.run.id;
    let mut asked = 0;
    for place in 1..=8 {
        let intent = app
            .intend_step(&seed(), hold.clone(), run, turn(place, COST), BOUNDS)
            .await
            .unwrap();
        match intent {
            Intent::Go(step) => {
                asked += 1;
                tokio::task::yield_now().await;
                app.record_step(&seed(), hold.clone(), step, answered(COST), None)
                    .await
                    .unwrap();
            }
            Intent::Waits(_) => break,
            Intent::Refused(step) => panic!("{step:?}"),
        }
    }
    assert!(app.rest_run(&seed(), hold, run, Rest::Waits).await.unwrap());
    asked
}
