//! Rows and lists of tasks, held against plain filters and sorts over values in memory.

use std::collections::HashMap;
use std::time::Duration;

use hearth_domain::event::ReleaseCause;
use hearth_domain::field::Label;
use hearth_domain::task::{Budget, Check, Completion, NewTask, TaskPatch, TaskStatus};
use hearth_domain::{Actor, Priority, ProjectId};
use serde_json::json;

use super::*;
use crate::page::Page;
use crate::test_support::{
    Random, TestStore, add, add_project, agent, at, insert, task_id, titled,
};
use crate::{Store, projects};

/// Enough for common values to fit more tasks than are counted, and rare ones fewer.
const TASKS: usize = 900;
const AGENTS: [&str; 4] = ["seed", "seed", "seed", "scout"];
const PEOPLE: [&str; 4] = ["owner", "owner", "scout", "seed"];
const LABELS: [&str; 5] = ["web", "web", "design", "rare", "été"];
const WORDS: [&str; 8] = [
    "build",
    "landing",
    "page",
    "builder",
    "café",
    "notes",
    "1984",
    "買い物",
];
const LEASE: Duration = Duration::from_mins(1);

fn words(random: &mut Random) -> String {
    let count = 1 + random.below(4);
    let words: Vec<&str> = (0..count).map(|_| *random.pick(&WORDS)).collect();
    words.join(if random.one_in(3) { ", " } else { " " })
}

fn moment(random: &mut Random) -> Timestamp {
    at(i64::try_from(random.below(500)).unwrap())
}

fn new_task(random: &mut Random, number: i64) -> NewTask {
    let earlier = |random: &mut Random| {
        task_id(i64::try_from(random.below(usize::try_from(number - 1).unwrap()) + 1).unwrap())
    };
    let mut new = titled(&words(random));
    if random.one_in(2) {
        new.description = words(random);
    }
    new.priority = *random.pick(&Priority::ALL);
    new.project_id = random.one_in(2).then(|| ProjectId(uuid(random.below(2))));
    if number > 1 {
        new.parent_id = random
            .one_in(8)
            .then(|| task_id(i64::try_from(1 + random.below(3)).unwrap().min(number - 1)));
        if random.one_in(4) {
            new.depends_on = (0..=random.below(3)).map(|_| earlier(random)).collect();
        }
    }
    new.assigned_to = random
        .one_in(3)
        .then(|| agent(random.pick::<&str>(&PEOPLE)));
    new.labels = (0..random.below(3))
        .map(|_| random.pick(&LABELS).parse().unwrap())
        .collect();
    new.due_at = random.one_in(2).then(|| moment(random));
    new.not_before = random.one_in(5).then(|| moment(random));
    new.max_attempts = 1 + u32::from(random.one_in(2));
    if random.one_in(3) {
        new.context = json!({"plan": [{"tool": "python"}], "quote": "\"'\u{1f525}"})
            .as_object()
            .unwrap()
            .clone();
    }
    if random.one_in(4) {
        new.budget = Some(Budget {
            usd: Some(0.1),
            tokens: random.one_in(2).then_some(1 << 62),
            turns: random.one_in(2).then_some(7),
            tool_calls: random.one_in(2).then_some(0),
            wall_seconds: random.one_in(2).then_some(60),
            children: random.one_in(2).then_some(3),
        });
    }
    new.created_by = Some(agent(random.pick::<&str>(&PEOPLE)));
    new
}

fn uuid(project: usize) -> Uuid {
    Uuid::from_u128(500 + project as u128)
}

/// Takes a task through a few states.
fn live(
    tx: &mut WriteTx<'_>,
    random: &mut Random,
    mut task: Task,
    now: Timestamp,
) -> Result<Task, StoreError> {
    let holder = task
        .reserved_for
        .clone()
        .unwrap_or_else(|| agent(random.pick::<&str>(&AGENTS)));
    for _ in 0..random.below(3) {
        let Ok(change) = task.clone().claim(holder.clone(), LEASE, 0, at(500)) else {
            break;
        };
        task = save(tx, change)?;
        let fence = task.fence;
        let change = match random.below(7) {
            0 => task.clone().reclaim(ReleaseCause::LeaseExpired, now),
            1 => {
                let result = json!({"words": 3}).as_object().cloned();
                task.clone()
                    .complete(&holder, fence, Completion { result }, &[], &[], now)
            }
            2 => task
                .clone()
                .block(&holder, fence, "why?".into(), vec!["a".into()], now),
            3 => task
                .clone()
                .block(&holder, fence, String::new(), vec![], now),
            4 => task.clone().cancel(
                random.one_in(2).then(|| "enough".into()),
                &Actor::Owner,
                now,
            ),
            5 => {
                let cause = ReleaseCause::GivenBack;
                task.clone()
                    .release(&holder, fence, cause, Some("tired".into()), now)
            }
            _ => break,
        };
        task = save(tx, change.unwrap())?;
    }
    if random.one_in(10) {
        let patch = TaskPatch {
            title: Some(words(random).parse().unwrap()),
            labels: Some(vec![random.pick(&LABELS).parse().unwrap()]),
            ..TaskPatch::default()
        };
        task = save(tx, task.update(patch, &Actor::Owner, now).unwrap())?;
    }
    Ok(task)
}

/// A store of random tasks, with what they should be.
async fn random_tasks(test: &TestStore) -> Vec<Task> {
    add_project(&test.store, 500, "a").await;
    add_project(&test.store, 501, "b").await;
    test.store
        .write(|tx| {
            let mut random = Random(42);
            let mut tasks = Vec::new();
            for number in 1..=i64::try_from(TASKS).unwrap() {
                let new = new_task(&mut random, number);
                let now = moment(&mut random);
                let task = insert(tx, new, now)?;
                let now = moment(&mut random);
                tasks.push(live(tx, &mut random, task, now)?);
            }
            Ok::<_, StoreError>(tasks)
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn a_task_in_any_state_reads_back_as_it_was_saved() {
    let test = TestStore::new();
    let tasks = random_tasks(&test).await;
    for status in TaskStatus::ALL {
        let count = tasks.iter().filter(|task| task.status() == status).count();
        assert!(count > 20, "only {count} tasks are {status}");
    }

    for task in &tasks {
        let (by_id, by_number) = test
            .store
            .read_now(|tx| {
                let by_id = get(tx, task.id)?;
                Ok::<_, StoreError>((by_id, find_by_number(tx, task.number)?))
            })
            .unwrap();
        assert_eq!(by_id.as_ref(), Some(task));
        assert_eq!(by_number, by_id);
    }
}

#[tokio::test]
async fn every_field_reads_back() {
    let test = TestStore::new();
    add(&test.store, "needed").await.unwrap();
    let task = test
        .store
        .write(|tx| {
            let mut new = titled("all of it");
            new.acceptance = vec![Check::Artifact {
                of_type: Some("report".parse().unwrap()),
                min_bytes: Some(1),
            }];
            new.depends_on = vec![task_id(1)];
            new.parent_id = Some(task_id(1));
            new.budget = Some(Budget {
                usd: None,
                tokens: Some(5),
                ..Budget::default()
            });
            insert(tx, new, at(1))
        })
        .await
        .unwrap();

    let found = test.store.read_now(|tx| get(tx, task.id)).unwrap();

    assert_eq!(found, Some(task));
    let missing = test.store.read_now(|tx| get(tx, task_id(99))).unwrap();
    assert_eq!(missing, None);
    let missing = test.store.read_now(|tx| find_by_number(tx, -1)).unwrap();
    assert_eq!(missing, None);
}

// Lists.

const ORDERS: [Order; 6] = [
    Order::Created,
    Order::CreatedDescending,
    Order::Updated,
    Order::UpdatedDescending,
    Order::PriorityDescending,
    Order::Due,
];

/// A filter on those of the nine fields whose bit is set.
fn filter(random: &mut Random, fields: usize) -> TaskFilter {
    fn some<T: Clone>(random: &mut Random, is_set: bool, list: &[T]) -> Vec<T> {
        let count = if is_set { 1 + random.below(2) } else { 0 };
        (0..count).map(|_| random.pick(list).clone()).collect()
    }
    let has = |bit: usize| fields >> bit & 1 == 1;
    let texts = [
        "build",
        "page build",
        "cafe",
        "1984",
        "LANDING pa*",
        "rare nothing",
        "買",
    ];
    TaskFilter {
        statuses: some(random, has(0), &TaskStatus::ALL),
        priorities: some(random, has(1), &Priority::ALL),
        assigned_to: some(
            random,
            has(2),
            &["seed", "scout", "owner", "no-one"].map(agent),
        ),
        project_ids: some(random, has(3), &[0, 1, 2].map(|id| ProjectId(uuid(id)))),
        created_by: some(
            random,
            has(4),
            &["owner", "scout", "nobody"].map(String::from),
        ),
        labels: some(
            random,
            has(5),
            &["web", "design", "rare", "none"].map(|label| label.parse::<Label>().unwrap()),
        ),
        parent_ids: some(random, has(6), &[1, 2, 3, 800].map(task_id)),
        text: has(7).then(|| (*random.pick(&texts)).to_owned()),
        updated_since: has(8).then(|| moment(random)),
    }
}

fn has_words(task: &Task, text: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace('é', "e");
    let held = plain(&format!("{} {}", task.title, task.description));
    let held: Vec<&str> = held
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let text = plain(text);
    let wanted: Vec<&str> = text.split_whitespace().collect();
    let (last, rest) = wanted.split_last().unwrap();
    let has_last = match last.strip_suffix('*') {
        Some(beginning) => held.iter().any(|word| word.starts_with(beginning)),
        None => held.contains(last),
    };
    has_last && rest.iter().all(|word| held.contains(word))
}

fn fits(task: &Task, filter: &TaskFilter) -> bool {
    fn any<T: PartialEq>(list: &[T], value: Option<&T>) -> bool {
        list.is_empty() || value.is_some_and(|value| list.contains(value))
    }
    any(&filter.statuses, Some(&task.status()))
        && any(&filter.priorities, Some(&task.priority))
        && any(&filter.assigned_to, task.assigned_to())
        && any(&filter.project_ids, task.project_id.as_ref())
        && any(&filter.created_by, Some(&task.created_by))
        && (filter.labels.is_empty() || task.labels.iter().any(|l| filter.labels.contains(l)))
        && any(&filter.parent_ids, task.parent_id.as_ref())
        && filter
            .text
            .as_ref()
            .is_none_or(|text| has_words(task, text))
        && filter
            .updated_since
            .is_none_or(|moment| task.updated_at >= moment)
}

fn sorted(mut tasks: Vec<&Task>, order: Order) -> Vec<i64> {
    tasks.sort_by_key(|task| {
        let key = match order {
            Order::Created => 0,
            Order::CreatedDescending => return (-task.number, 0),
            Order::Updated => task.updated_at.as_millis(),
            Order::UpdatedDescending => return (-task.updated_at.as_millis(), -task.number),
            Order::PriorityDescending => -i64::from(task.priority.rank()),
            Order::Due => task.due_at.map_or(i64::MAX, Timestamp::as_millis),
        };
        (key, task.number)
    });
    tasks.iter().map(|task| task.number).collect()
}

fn page(
    store: &Store,
    filter: &TaskFilter,
    order: Order,
    cursor: Option<Cursor>,
    limit: usize,
) -> Page<Task, Cursor> {
    store
        .read_now(|tx| list(tx, filter, order, cursor, limit))
        .unwrap()
}

fn numbers(page: &Page<Task, Cursor>) -> Vec<i64> {
    page.items.iter().map(|task| task.number).collect()
}

#[tokio::test]
async fn a_list_by_any_mix_of_filters_in_any_order_is_what_a_plain_filter_and_sort_gives() {
    let test = TestStore::new();
    let tasks = random_tasks(&test).await;
    let mut random = Random(7);
    let mut found_some = 0;

    for fields in 0..1_usize << 9 {
        // Mixes of many filters fit few tasks; one order each is enough for them.
        let orders = if fields.count_ones() < 5 { 6 } else { 1 };
        for order in ORDERS.into_iter().cycle().skip(fields % 6).take(orders) {
            let filter = filter(&mut random, fields);
            let fitting = tasks.iter().filter(|task| fits(task, &filter)).collect();

            let mut expected = sorted(fitting, order);
            let limit = 1 + random.below(50);

            let found = page(&test.store, &filter, order, None, limit);

            assert_eq!(found.next.is_some(), expected.len() > limit);
            expected.truncate(limit);
            assert_eq!(numbers(&found), expected, "{order:?} {filter:?}");
            found_some += usize::from(!found.items.is_empty());
        }
    }
    assert!(
        found_some > 500,
        "the filters fit nearly nothing: {found_some}"
    );
}

#[tokio::test]
async fn pages_of_any_size_make_up_the_whole_list_without_repeats_or_gaps() {
    let test = TestStore::new();
    let tasks = random_tasks(&test).await;
    let mut random = Random(11);

    for round in 0..60 {
        // None or one or two filters, so that there is something to page through.
        let fields = (1 << random.below(9) | 1 << random.below(9)) * usize::from(round > 12);
        let order = ORDERS[round % ORDERS.len()];
        let filter = filter(&mut random, fields);
        let fitting = tasks.iter().filter(|task| fits(task, &filter)).collect();

        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let limit = 1 + random.below(if round % 4 == 0 { 9 } else { 120 });
            let page = page(&test.store, &filter, order, cursor, limit);
            assert!(page.items.len() <= limit);
            assert!(page.next.is_none() || page.items.len() == limit);
            found.extend(numbers(&page));
            cursor = page.next;
            if cursor.is_none() || found.len() > TASKS {
                break;
            }
        }

        assert_eq!(found, sorted(fitting, order), "{order:?} {filter:?}");
    }
}

#[test]
fn a_filter_by_change_is_in_the_order_of_change() {
    let any = TaskFilter::default();
    assert_eq!(any.natural_order(), Order::CreatedDescending);
    let changed = TaskFilter {
        updated_since: Some(at(1)),
        ..any
    };
    assert_eq!(changed.natural_order(), Order::Updated);
}

// Full text.

fn search(store: &Store, text: &str) -> Vec<i64> {
    let filter = TaskFilter {
        text: Some(text.into()),
        ..TaskFilter::default()
    };
    numbers(&page(store, &filter, Order::Created, None, 100))
}

#[tokio::test]
async fn no_text_is_read_as_syntax() {
    let test = TestStore::new();
    add(&test.store, "buy milk and eggs OR bread")
        .await
        .unwrap();
    let long = "word ".repeat(2000);
    let dense = "\u{939}\u{93f}".repeat(500);
    for (text, expected) in [
        ("milk", &[1][..]),
        ("MIL", &[]),
        ("MIL*", &[1]),
        ("milk OR", &[1]),
        ("milk AND eggs", &[1]),
        ("NOT milk", &[]),
        ("milk NOT eggs", &[]),
        ("\"milk\"", &[1]),
        ("milk\"", &[1]),
        ("(milk", &[1]),
        ("title:milk", &[]),
        ("milk*", &[1]),
        ("*", &[]),
        ("^buy + milk", &[1]),
        ("NEAR(buy milk)", &[]),
        ("-", &[]),
        ("'; DROP TABLE tasks; --", &[]),
        ("", &[]),
        (" \t\n", &[]),
        ("\0", &[]),
        ("milk\0", &[1]),
        ("\u{1f525}", &[]),
        ("\u{1f525} milk", &[1]),
        ("mi\u{1f525}lk", &[]),
        ("\u{301}", &[]),
        ("\u{301} milk", &[1]),
        ("\u{fffd}", &[]),
        ("\u{24b6}\u{24b7}", &[]),
        ("中\u{30000}文", &[]),
        ("a\u{10ffff}b", &[]),
        (&long, &[]),
        (&dense, &[]),
    ] {
        let found = search(&test.store, text);
        let shown: String = text.chars().take(40).collect();
        assert_eq!(found, expected, "{shown:?}");
    }
}

#[tokio::test]
async fn words_of_every_script_find_the_task_that_has_them() {
    let test = TestStore::new();
    let titles = [
        "Café Müller anrufen",
        "cafe\u{301} in two parts",
        "हिन्दी में लिखना",
        "買い物リストを作る",
        "ภาษาไทย เขียน",
        "Ⓐ plan with 𝔘nusual letters",
        "اكتب التقرير",
        "don't stop; C++ & e-mail",
    ];
    for title in titles {
        add(&test.store, title).await.unwrap();
    }
    for (text, expected) in [
        ("cafe", &[1, 2][..]),
        ("CAFÉ", &[1, 2]),
        ("café anrufen", &[1]),
        ("cafe\u{301} two", &[2]),
        ("müll", &[]),
        ("müll*", &[1]),
        ("हिन्दी", &[3]),
        ("हिन्दी लिखना", &[3]),
        ("買い物*", &[4]),
        ("ภาษาไทย", &[5]),
        ("Ⓐ plan", &[6]),
        ("𝔘nusual", &[6]),
        ("التقرير", &[7]),
        ("don't", &[8]),
        ("e-mail", &[8]),
        ("C++ e", &[8]),
    ] {
        assert_eq!(search(&test.store, text), expected, "{text:?}");
    }
    for (number, title) in (1..).zip(titles) {
        assert!(
            search(&test.store, title).contains(&number),
            "{title:?} does not find itself"
        );
    }
}

#[tokio::test]
async fn text_follows_a_change_of_title() {
    let test = TestStore::new();
    let task = add(&test.store, "old words").await.unwrap();
    let patch = TaskPatch {
        title: Some("fresh words".parse().unwrap()),
        ..TaskPatch::default()
    };
    let change = task.update(patch, &Actor::Owner, at(2)).unwrap();
    test.store.write(|tx| save(tx, change)).await.unwrap();

    assert!(search(&test.store, "old").is_empty());
    assert_eq!(search(&test.store, "fresh"), [1]);
}

// Claims and leases.

#[tokio::test]
async fn the_task_to_claim_next_is_the_most_urgent_then_the_oldest_that_fits() {
    let test = TestStore::new();
    let tasks = random_tasks(&test).await;
    let by_id: HashMap<TaskId, &Task> = tasks.iter().map(|task| (task.id, task)).collect();
    let is_completed = |id: &TaskId| by_id[id].status() == TaskStatus::Completed;

    for name in ["seed", "scout", "owner", "no-one"] {
        for has_plan in [false, true] {
            for now in [0, 100, 250, 499, 1000] {
                let fits = |task: &&Task| {
                    task.status() == TaskStatus::Pending
                        && task.not_before.is_none_or(|moment| moment <= at(now))
                        && task
                            .reserved_for
                            .as_ref()
                            .is_none_or(|kept| kept.as_str() == name)
                        && (task.has_plan() || !has_plan)
                        && task.depends_on.iter().all(is_completed)
                };
                let expected = tasks
                    .iter()
                    .filter(fits)
                    .min_by_key(|task| (-i64::from(task.priority.rank()), task.number));
                let wanted = Wanted {
                    agent: agent(name),
                    has_plan,
                };

                let found = test
                    .store
                    .read_now(|tx| best_pending(tx, &wanted, at(now)))
                    .unwrap();

                assert!(expected.is_some(), "nothing fits {wanted:?}");
                assert_eq!(found.as_ref(), expected, "{wanted:?} at {now}");
            }
        }
    }
}

#[tokio::test]
async fn leases_and_starts_are_found_by_their_time() {
    let test = TestStore::new();
    let tasks = random_tasks(&test).await;
    let leases = || tasks.iter().filter_map(Task::lease);
    let (expiry, start, counts, held) = test
        .store
        .read_now(|tx| {
            let held = held_by(tx, &agent("scout"))?;
            let start = next_start(tx, at(250))?;
            Ok::<_, StoreError>((next_expiry(tx)?, start, count_by_status(tx)?, held.len()))
        })
        .unwrap();

    assert_eq!(expiry, leases().map(|lease| lease.expires_at).min());
    let later = tasks
        .iter()
        .filter(|task| task.status() == TaskStatus::Pending)
        .filter_map(|task| task.not_before)
        .filter(|moment| *moment > at(250));
    assert_eq!(start, later.min());
    for (status, count) in counts {
        let expected = tasks.iter().filter(|task| task.status().as_str() == status);
        assert_eq!(count, expected.count() as u64, "{status}");
    }
    assert_eq!(
        held,
        leases()
            .filter(|lease| lease.holder == agent("scout"))
            .count()
    );
    let expired = |now| {
        let expired = test.store.read_now(|tx| expired(tx, now));
        expired.unwrap().len()
    };
    assert_eq!(expired(Timestamp::from_millis(560_000 - 1)), 0);
    assert_eq!(expired(at(560)), leases().count().min(100));
}

#[tokio::test]
async fn a_stale_change_is_refused_and_leaves_no_trace() {
    let test = TestStore::new();
    let task = add(&test.store, "task").await.unwrap();
    let first = task.clone().claim(agent("seed"), LEASE, 0, at(2)).unwrap();
    let second = task.claim(agent("scout"), LEASE, 0, at(2)).unwrap();
    test.store.write(|tx| save(tx, first)).await.unwrap();

    let refused = test.store.write(|tx| save(tx, second)).await;

    let is_stale =
        matches!(refused, Err(StoreError::Stale { entity: "task", id }) if id == task_id(1).0);
    assert!(is_stale, "{refused:?}");
    let found = test.store.read_now(|tx| get(tx, task_id(1))).unwrap();
    assert_eq!(found.unwrap().assigned_to(), Some(&agent("seed")));
    assert_eq!(test.store.gauges().unwrap().last_seq, 2);
}

#[tokio::test]
async fn a_renewed_lease_is_stored_without_an_event_and_only_under_its_fence() {
    let test = TestStore::new();
    let task = add(&test.store, "task").await.unwrap();
    let claim = task.claim(agent("seed"), LEASE, 0, at(2)).unwrap();
    let task = test.store.write(|tx| save(tx, claim)).await.unwrap();
    let renewed = task.clone().renew(&agent("seed"), 1, at(30)).unwrap();
    let kept = renewed.clone();

    test.store
        .write(move |tx| save_lease(tx, &renewed))
        .await
        .unwrap();

    let found = test.store.read_now(|tx| get(tx, task_id(1))).unwrap();
    assert_eq!(found, Some(kept));
    assert_eq!(test.store.gauges().unwrap().last_seq, 2);
    let mut other = task;
    other.fence = 7;
    let refused = test.store.write(move |tx| save_lease(tx, &other)).await;
    assert!(matches!(refused, Err(StoreError::Stale { .. })));
}

// What refers to what.

async fn delete_project(store: &Store, id: u128) {
    store
        .write(move |tx| {
            let id = ProjectId(Uuid::from_u128(id));
            let project = projects::get(tx, id)?.unwrap();
            let (tasks, _) = projects::count_tasks(tx, id)?;
            projects::delete(tx, project.delete(tasks), &Actor::Owner, at(9))
        })
        .await
        .unwrap();
}

async fn add_to_project(store: &Store, title: &str, project: u128) -> Task {
    let mut new = titled(title);
    new.project_id = Some(ProjectId(Uuid::from_u128(project)));
    new.labels = vec!["web".parse().unwrap()];
    store.write(move |tx| insert(tx, new, at(1))).await.unwrap()
}

#[tokio::test]
async fn a_number_is_never_used_again() {
    let test = TestStore::new();
    add_project(&test.store, 9, "notes").await;
    add(&test.store, "first").await.unwrap();
    add_to_project(&test.store, "second", 9).await;
    delete_project(&test.store, 9).await;

    let next = add(&test.store, "third").await.unwrap();

    assert_eq!(next.number, 3);
    let TestStore { store, dir } = test;
    drop(store);
    let store = crate::test_support::open(&dir);
    assert_eq!(add(&store, "fourth").await.unwrap().number, 4);
}

#[tokio::test]
async fn a_deleted_project_takes_its_tasks_along_and_leaves_the_others() {
    let test = TestStore::new();
    add_project(&test.store, 9, "notes").await;
    let gone = add_to_project(&test.store, "gone away", 9).await;
    let child = {
        let mut new = titled("child stays");
        new.parent_id = Some(gone.id);
        new.depends_on = vec![gone.id];
        test.store
            .write(move |tx| insert(tx, new, at(1)))
            .await
            .unwrap()
    };

    delete_project(&test.store, 9).await;

    assert_eq!(test.store.read_now(|tx| get(tx, gone.id)).unwrap(), None);
    assert!(search(&test.store, "gone").is_empty());
    let by_label = TaskFilter {
        labels: vec!["web".parse().unwrap()],
        ..TaskFilter::default()
    };
    let labelled = page(&test.store, &by_label, Order::Created, None, 10);
    assert!(labelled.items.is_empty());
    let child = test
        .store
        .read_now(|tx| get(tx, child.id))
        .unwrap()
        .unwrap();
    assert_eq!(child.parent_id, None);
    let open = test.store.read_now(|tx| open_dependencies(tx, child.id));
    assert_eq!(open.unwrap(), 0, "nobody waits for what is gone");
    let verdict: String = test
        .outside()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}

#[tokio::test]
async fn a_task_whose_dependency_went_with_its_project_can_still_be_changed() {
    let test = TestStore::new();
    add_project(&test.store, 9, "notes").await;
    let gone = add_to_project(&test.store, "gone", 9).await;
    let mut new = titled("stays");
    new.depends_on = vec![gone.id];
    let stays = test
        .store
        .write(move |tx| insert(tx, new, at(1)))
        .await
        .unwrap();
    delete_project(&test.store, 9).await;
    let patch = TaskPatch {
        title: Some("still stays".parse().unwrap()),
        ..TaskPatch::default()
    };
    let change = stays.update(patch, &Actor::Owner, at(3)).unwrap();

    let saved = test.store.write(|tx| save(tx, change)).await;

    assert_eq!(saved.unwrap().title.as_str(), "still stays");
}

#[tokio::test]
async fn dependencies_and_parts_are_found_however_far_away() {
    let test = TestStore::new();
    add(&test.store, "1").await.unwrap();
    for number in 2..=5 {
        let mut new = titled(&number.to_string());
        new.depends_on = vec![task_id(number - 1)];
        new.parent_id = Some(task_id(number - 1));
        test.store
            .write(move |tx| insert(tx, new, at(1)))
            .await
            .unwrap();
    }
    let ask = |from: i64, to: i64| {
        test.store
            .read_now(|tx| {
                let (from, to) = (task_id(from), task_id(to));
                Ok::<_, StoreError>((depends_on(tx, from, to)?, is_part_of(tx, from, to)?))
            })
            .unwrap()
    };

    assert_eq!(ask(5, 1), (true, true));
    assert_eq!(ask(1, 5), (false, false));
    assert_eq!(ask(3, 3), (true, true));
    let open = |number| {
        let open = test
            .store
            .read_now(|tx| open_dependencies(tx, task_id(number)));
        open.unwrap()
    };
    assert_eq!((open(1), open(5)), (0, 1));
}
