//! The fair order, held against a plain one over values in memory; and what a look costs.

use std::time::Duration;

use hearth_domain::task::NewTask;
use hearth_domain::{Priority, ProjectId};

use super::*;
use crate::tasks::{Wanted, best_pending, save};
use crate::test_support::{Random, TestStore, add_project, agent, at, insert, titled};

const OWN: [&str; 3] = ["seed", "counter", "scribe"];

fn wanted(free: &[&str], takes_unkept: bool) -> FairWanted {
    FairWanted {
        own: OWN.map(agent).into(),
        free: free.iter().map(|name| agent(name)).collect(),
        takes_unkept,
        has_plan: false,
    }
}

async fn add(test: &TestStore, new: NewTask, holder: Option<&str>) -> Task {
    let holder = holder.map(agent);
    let write = move |tx: &mut crate::WriteTx<'_>| {
        let task = insert(tx, new, at(1))?;
        let Some(holder) = holder else {
            return Ok(task);
        };
        let claimed = task
            .claim(holder, Duration::from_mins(1), 0, at(2))
            .unwrap();
        save(tx, claimed)
    };
    test.store.write(write).await.unwrap()
}

fn of(project: Option<ProjectId>, priority: Priority) -> NewTask {
    NewTask {
        project_id: project,
        priority,
        ..titled("work")
    }
}

fn next(test: &TestStore, wanted: &FairWanted) -> Option<i64> {
    let found = test
        .store
        .read_now(|tx| fairest_pending(tx, wanted, at(10)))
        .unwrap();
    found.map(|task| task.number)
}

#[tokio::test]
async fn the_project_with_the_fewest_at_work_comes_first_then_the_oldest() {
    let test = TestStore::new();
    let mut projects = vec![None];
    for id in 1..=3 {
        let project = add_project(&test.store, id, &format!("p{id}")).await;
        projects.push(Some(project.id));
    }
    let random = &mut Random(7);
    let mut all = Vec::new();
    for _ in 0..300 {
        let holder = random
            .one_in(4)
            .then(|| *random.pick(&["seed", "counter", "outsider"]));
        let mut new = of(*random.pick(&projects), *random.pick(&Priority::ALL));
        if holder.is_none() && random.one_in(3) {
            new.assigned_to = Some(agent(random.pick::<&str>(&["seed", "scribe", "owner"])));
        }
        all.push(add(&test, new, holder).await);
    }
    let own = OWN.map(agent);
    let at_work = |project: Option<ProjectId>| {
        let held = all.iter().filter(|task| task.project_id == project);
        held.filter(|task| {
            task.lease()
                .is_some_and(|lease| own.contains(&lease.holder))
        })
        .count()
    };

    for (free, takes_unkept) in [
        (&["seed"][..], true),
        (&["seed", "scribe"], true),
        (&["scribe"], false),
        (&[], false),
    ] {
        let fits = |task: &&Task| {
            let is_free = match &task.reserved_for {
                None => takes_unkept,
                Some(name) => free.contains(&name.as_str()),
            };
            task.lease().is_none() && is_free
        };
        let expected = all.iter().filter(fits).min_by_key(|task| {
            let urgency = std::cmp::Reverse(task.priority.rank());
            (urgency, at_work(task.project_id), task.number)
        });

        let found = next(&test, &wanted(free, takes_unkept));

        assert_eq!(found, expected.map(|task| task.number), "{free:?}");
    }
}

#[tokio::test]
async fn with_nothing_at_work_it_is_the_order_of_a_plain_claim() {
    let test = TestStore::new();
    let project = add_project(&test.store, 1, "busy").await.id;
    for priority in [Priority::Low, Priority::High, Priority::High] {
        add(&test, of(Some(project), priority), None).await;
    }
    add(&test, of(None, Priority::High), None).await;
    let plain = Wanted {
        agent: agent("seed"),
        has_plan: false,
    };
    let plain = test.store.read_now(|tx| best_pending(tx, &plain, at(10)));
    assert_eq!(plain.unwrap().unwrap().number, 2);

    assert_eq!(next(&test, &wanted(&["seed"], true)), Some(2));

    add(&test, of(Some(project), Priority::Low), Some("counter")).await;
    assert_eq!(next(&test, &wanted(&["seed"], true)), Some(4));
    add(&test, of(None, Priority::Low), Some("outsider")).await;
    assert_eq!(
        next(&test, &wanted(&["seed"], true)),
        Some(4),
        "not one of its own"
    );
    add(&test, of(None, Priority::Low), Some("seed")).await;
    add(&test, of(None, Priority::Low), Some("seed")).await;
    assert_eq!(next(&test, &wanted(&["seed"], true)), Some(2));
}

/// The way to a row: which index, searched or walked through.
fn ways(test: &TestStore, sql: &str) -> Vec<String> {
    let outside = test.outside();
    let mut statement = outside
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let rows = statement
        .query_map([], |row| row.get::<_, String>(3))
        .unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn a_look_walks_the_index_in_the_order_of_a_claim_and_sorts_nothing() {
    let test = TestStore::new();
    let plain = "SELECT number FROM tasks INDEXED BY tasks_claimable WHERE status = 'pending'
        AND (not_before IS NULL OR not_before <= 1) AND (reserved_for IS NULL OR reserved_for = 'a')
        AND has_plan >= 0 ORDER BY priority DESC, number LIMIT 1";
    let fair = plain.replace(
        "AND has_plan",
        "AND priority = 2 AND coalesce(hex(project_id), '') NOT IN (SELECT value FROM json_each('[]'))
         AND has_plan",
    );

    for sql in [plain, &fair] {
        let ways = ways(&test, sql);
        assert!(
            ways[0].contains("USING COVERING INDEX tasks_claimable"),
            "{ways:?}"
        );
        assert!(
            ways.iter().all(|way| !way.contains("TEMP B-TREE")),
            "{ways:?}"
        );
    }
    assert!(ways(&test, &fair)[0].contains("(priority=?)"));
}
