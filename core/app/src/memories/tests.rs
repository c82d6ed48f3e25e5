//! What is remembered in a run and out of it, and what a run takes in by recalling it.

use hearth_domain::policy::Reach;
use hearth_domain::run::Step;
use hearth_domain::task::NewTask;

use super::*;
use crate::runs::journal::{Intent, Meant};
use crate::runs::tests::{Bench, action, quiet, seed};
use crate::test_support::{TestApp, as_agent, code, titled};

const UNTRUSTED: Labels = Labels {
    untrusted: true,
    private: false,
};
const PRIVATE: Labels = Labels {
    untrusted: false,
    private: true,
};

pub(crate) fn new(text: &str) -> NewMemory {
    NewMemory {
        text: text.into(),
        about: String::new(),
        project_id: None,
        origin: None,
        labels: Labels::default(),
    }
}

/// A call that took something in.
pub(crate) fn brings(place: u32, labels: Labels) -> Meant {
    Meant {
        brings: labels,
        ..quiet(place)
    }
}

fn recalls(place: u32) -> Meant {
    Meant {
        action: action("recall", serde_json::json!({"query": "tea"})),
        reach: Reach {
            reads_memories: true,
            ..Reach::default()
        },
        ..quiet(place)
    }
}

impl Bench {
    pub(crate) async fn remembers(&self, hold: &Hold, text: &str) -> Result<Memory, AppError> {
        let (hold, text) = (hold.clone(), text.to_owned());
        self.app()
            .remember_in_task(&seed(), hold, self.task.id, text, String::new())
            .await
    }

    async fn recalls(&self, hold: &Hold, query: &str) -> Vec<i64> {
        let found = self
            .app()
            .recall_in_task(&seed(), hold.clone(), self.task.id, query, 10)
            .await
            .unwrap();
        found.iter().map(|memory| memory.number).collect()
    }
}

#[tokio::test]
async fn a_run_remembers_with_where_it_was_and_what_it_had_taken_in() {
    let test = TestApp::new();
    let project = test.project("web").await;
    let task = NewTask {
        project_id: Some(project.id),
        ..titled("work")
    };
    let bench = Bench::on(test, task).await;
    let (hold, view) = bench.up().await;

    let first = bench.remembers(&hold, "Ada likes tea").await.unwrap();
    bench.done(&hold, view.run.id, brings(1, UNTRUSTED)).await;
    let second = bench.remembers(&hold, "the tea is green").await.unwrap();
    let again = bench.remembers(&hold, "Ada likes tea").await.unwrap();

    assert_eq!(first, again, "the call was made again");
    assert_eq!((first.number, second.number), (1, 2));
    assert_eq!(first.project_id, Some(project.id));
    assert_eq!(
        (first.labels, second.labels),
        (Labels::default(), UNTRUSTED)
    );
    let origin = second.origin.unwrap();
    assert_eq!(origin.task_id, Some(bench.task.id));
    assert_eq!(origin.run_id, Some(view.run.id));
    assert!(second.provenance().starts_with("from task #1 by seed on "));
    let events = bench.test.event_types().await;
    let told = events.iter().filter(|name| *name == "memory.remembered");
    assert_eq!(told.count(), 2);
}

#[tokio::test]
async fn what_was_remembered_by_an_untrusted_run_is_untrusted_when_it_is_recalled() {
    let bench = Bench::new().await;
    let app = bench.app();
    let owner = Actor::Owner;
    app.remember(&owner, new("plain tea")).await.unwrap();
    let (hold, view) = bench.up().await;
    let step = bench.go(&hold, view.run.id, recalls(1)).await;
    assert_eq!(step.brings, Labels::default(), "nothing else is in reach");
    assert_eq!(bench.recalls(&hold, "tea").await, [1]);

    let strange = NewMemory {
        labels: UNTRUSTED,
        ..new("strange tea")
    };
    app.remember(&owner, strange).await.unwrap();

    // It came after the decision: it brings nothing that was not decided about.
    assert_eq!(bench.recalls(&hold, "tea").await, [1]);
    let step = bench.go(&hold, view.run.id, recalls(2)).await;
    assert_eq!(step.brings, UNTRUSTED);
    let mut found = bench.recalls(&hold, "tea").await;
    found.sort_unstable();
    assert_eq!(found, [1, 2]);
}

#[tokio::test]
async fn private_memories_and_strangers_text_together_put_what_leaves_to_the_owner() {
    let bench = Bench::new().await;
    let (hold, view) = bench.up().await;
    let secret = NewMemory {
        labels: PRIVATE,
        ..new("the secret tea")
    };
    bench.app().remember(&Actor::Owner, secret).await.unwrap();
    let searches = |place| Meant {
        brings: UNTRUSTED,
        reach: Reach {
            hosts: vec!["search.example".into()],
            agreed: Some(hearth_domain::policy::Agreed::InSettings),
            ..Reach::default()
        },
        ..quiet(place)
    };
    let step: Step = bench.done(&hold, view.run.id, searches(1)).await;
    assert_eq!(step.decision.approval, None, "the owner configured it");

    bench.go(&hold, view.run.id, recalls(2)).await;

    let asked = bench.intend(&hold, view.run.id, searches(3)).await.unwrap();
    assert!(matches!(asked, Intent::Waits(_)), "{asked:?}");
}

#[tokio::test]
async fn recalling_looks_into_the_project_first_and_into_no_other() {
    let test = TestApp::new();
    let owner = Actor::Owner;
    let web = test.project("web").await.id;
    let home = test.project("home").await.id;
    for project_id in [None, Some(web), Some(home)] {
        let new = NewMemory {
            project_id,
            ..new("the tea is green")
        };
        test.app.remember(&owner, new).await.unwrap();
    }
    let found = async |project, count| -> Vec<i64> {
        let found = test.app.recall("green tea", project, count).await.unwrap();
        found.iter().map(|memory| memory.number).collect()
    };

    assert_eq!(found(Some(web), 10).await, [2, 1]);
    assert_eq!(found(Some(web), 1).await, [2]);
    assert_eq!(found(None, 10).await, [1]);
    assert_eq!(test.app.recall("\"*", None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_forgotten_is_told_of_and_gone() {
    let test = TestApp::new();
    let owner = Actor::Owner;
    test.app
        .remember(&owner, new("Ada likes tea"))
        .await
        .unwrap();

    let gone = test.app.forget_memory(&owner, 1).await.unwrap();

    assert_eq!((gone.number, gone.text.as_str()), (1, ""));
    assert_eq!(test.app.get_memory(1).unwrap(), gone);
    assert_eq!(test.app.recall("tea", None, 10).await.unwrap(), []);
    let again = test.app.forget_memory(&owner, 1).await;
    assert_eq!(code(again), "already_forgotten");
    assert_eq!(code(test.app.forget_memory(&owner, 2).await), "not_found");
    let next = test.app.remember(&owner, new("x")).await.unwrap();
    assert_eq!(next.number, 2);
    let events = test.event_types().await;
    assert!(
        events.contains(&"memory.forgotten".to_owned()),
        "{events:?}"
    );
}

#[tokio::test]
async fn only_the_owner_says_what_is_kept_and_only_the_holder_remembers() {
    let bench = Bench::new().await;
    let (hold, _) = bench.up().await;
    bench.remembers(&hold, "tea").await.unwrap();
    let app = bench.app();
    for actor in [as_agent("scout"), Actor::Viewer] {
        let task = bench.task.id;
        let remember = app.remember_in_task(&actor, hold.clone(), task, "x".into(), String::new());
        let refused = [
            code(app.remember(&actor, new("x")).await),
            code(app.forget_memory(&actor, 1).await),
            code(remember.await),
            code(app.recall_in_task(&actor, hold.clone(), task, "x", 1).await),
        ];
        assert_eq!(refused, ["denied"; 4], "{actor:?}");
    }

    bench.release(&hold).await;

    assert_eq!(code(bench.remembers(&hold, "late").await), "wrong_state");
    let nowhere = NewMemory {
        project_id: Some(ProjectId(uuid::Uuid::from_u128(99))),
        ..new("x")
    };
    let refused = app.remember(&Actor::Owner, nowhere).await;
    assert_eq!(code(refused), "invalid_input");
    let empty = app.remember(&Actor::Owner, new(" ")).await;
    assert_eq!(code(empty), "invalid_input");
}
