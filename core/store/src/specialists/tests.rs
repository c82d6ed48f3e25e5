use hearth_domain::JsonObject;
use hearth_domain::agent::{Agent, Registration};
use hearth_domain::field::Word;
use hearth_domain::money::Limits;
use hearth_domain::specialist::{Maker, NewSpecialist, WantedGrants};
use uuid::Uuid;

use super::*;
use crate::agents;
use crate::test_support::{TestStore, add, agent, at};

fn tools(names: &[&str]) -> std::collections::BTreeSet<Word> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

async fn make(test: &TestStore, id: u128, name: &str, of: TaskId) -> Specialist {
    let registration = Registration {
        name: agent(name),
        kind: "specialist".parse().unwrap(),
        capabilities: vec![],
        metadata: JsonObject::new(),
    };
    let id = AgentId(Uuid::from_u128(id));
    let registered = Agent::register(id, registration, at(1)).unwrap();
    let new = NewSpecialist {
        name: agent(name),
        instructions: "Counts words.\nCarefully.".into(),
        grants: WantedGrants {
            tools: Some(tools(&["python"])),
            asks_before: tools(&["python"]),
            limits: Limits {
                usd_micros: Some(500_000),
                turns: Some(5),
                ..Limits::default()
            },
        },
    };
    let grants = Grants::all(tools(&["python", "http_get"]));
    let grants = grants.narrow(new.grants.clone()).unwrap();
    let maker = Maker {
        name: agent("seed"),
        is_specialist: false,
        task: of,
    };
    let change = Specialist::create(id, new, grants, &maker, at(2)).unwrap();
    let write = move |tx: &mut WriteTx<'_>| {
        agents::insert(tx, registered)?;
        insert(tx, change)
    };
    test.store.write(write).await.unwrap()
}

#[tokio::test]
async fn a_specialist_reads_back_as_it_was_written() {
    let test = TestStore::new();
    let of = add(&test.store, "work").await.unwrap();
    let made = make(&test, 1, "counter", of.id).await;
    let read = |name: &str| test.store.read_now(|tx| get(tx, &agent(name))).unwrap();

    assert_eq!(read("counter"), Some(made.clone()));
    assert_eq!(read("seed"), None);

    let off = made.disable(at(3)).unwrap();
    let saved = off.after.clone();
    test.store.write(|tx| save(tx, off, "owner")).await.unwrap();
    assert_eq!(read("counter"), Some(saved.clone()));
    let again = saved.enable(at(4)).unwrap();
    let stale = Change {
        after: Specialist {
            version: 9,
            ..again.after.clone()
        },
        event: again.event.clone(),
    };
    let stale = test.store.write(|tx| save(tx, stale, "owner")).await;
    assert!(matches!(stale, Err(StoreError::Stale { .. })), "{stale:?}");
}

#[tokio::test]
async fn those_that_are_free_are_enabled_and_not_paused() {
    let test = TestStore::new();
    let (one, other) = (
        add(&test.store, "one").await.unwrap(),
        add(&test.store, "other").await.unwrap(),
    );
    make(&test, 1, "able", one.id).await;
    let off = make(&test, 2, "off", one.id).await.disable(at(3)).unwrap();
    make(&test, 3, "paused", other.id).await;
    let paused = test.store.read_now(|tx| agents::get(tx, &agent("paused")));
    let paused = paused.unwrap().unwrap().pause(at(4)).unwrap();
    let write = move |tx: &mut WriteTx<'_>| {
        agents::save(tx, paused.after, Some(&paused.event), at(4))?;
        save(tx, off, "owner")
    };
    test.store.write(write).await.unwrap();

    let (free, all, counts, paused) = test
        .store
        .read_now(|tx| {
            let paused = agents::paused(tx, 10)?;
            Ok::<_, StoreError>((free_names(tx)?, names(tx)?, count(tx, one.id)?, paused))
        })
        .unwrap();

    assert_eq!(free, [agent("able")]);
    assert_eq!(all, ["able", "off", "paused"].map(agent));
    assert_eq!(counts, (3, 2));
    assert_eq!(paused, [agent("paused")]);
}

#[tokio::test]
async fn a_specialist_is_never_silent_and_goes_with_its_agent() {
    let test = TestStore::new();
    let of = add(&test.store, "work").await.unwrap();
    let made = make(&test, 1, "counter", of.id).await;
    let silent = test.store.read_now(|tx| agents::silent_since(tx, at(100)));
    assert!(silent.unwrap().is_empty());
    let oldest = test.store.read_now(|tx| agents::oldest_sign_of_life(tx));
    assert_eq!(oldest.unwrap(), None);

    let removed = made.clone();
    let event = made.remove();
    test.store
        .write(move |tx| delete(tx, &removed, &event, "owner", at(9)))
        .await
        .unwrap();

    assert!(test.store.read_now(|tx| list(tx)).unwrap().is_empty());
    let left = test.store.read_now(|tx| agents::get(tx, &made.name));
    assert_eq!(left.unwrap(), None);
}
