//! Runs as a worker makes them, for the tests of what the owner sees and answers.

use std::collections::BTreeSet;
use std::time::Duration;

use hearth_app::holding::Hold;
use hearth_app::runs::journal::{Entry, Intent, Meant, Rest};
use hearth_app::tasks::TaskRef;
use hearth_domain::action::Action;
use hearth_domain::field::AgentName;
use hearth_domain::money::Usage;
use hearth_domain::policy::{Bounds, Labels, Reach};
use hearth_domain::run::{Repeat, Run, Step, StepEnd};
use hearth_domain::specialist::{NewSpecialist, WantedGrants};
use hearth_domain::tool::{Definition, Example, Grants, MadeTool};
use hearth_domain::{Actor, JsonObject};
use serde_json::{Value, json};

use super::support::TestApi;

/// Seed, at the run of a task that it holds.
pub(crate) struct AtWork<'a> {
    api: &'a TestApi,
    pub(crate) run: Run,
    hold: Hold,
}

fn seed() -> AgentName {
    "seed".parse().unwrap()
}

fn fetch(url: &str) -> JsonObject {
    JsonObject::from_iter([("url".to_owned(), url.into())])
}

/// Two steps, the second of which asks the owner.
fn plan() -> Value {
    json!([
        {"id": "count", "tool": "python", "args": {"code": "1"}},
        {"id": "page", "tool": "http_get", "args": fetch("https://example.org/")},
    ])
}

impl<'a> AtWork<'a> {
    /// Begins the run of task `number`, which seed holds under `fence`.
    pub(crate) async fn at(api: &'a TestApi, number: i64, fence: u64) -> Self {
        let agent = seed();
        let hold = Hold { agent, fence };
        let task = TaskRef::Number(number);
        let begun = api
            .app
            .begin_run(&Actor::Agent(seed()), task, hold.clone(), plan())
            .await;
        let run = begun.unwrap().run;
        Self { api, run, hold }
    }

    /// What a turn of a model used.
    pub(crate) fn usage(usd_micros: u64) -> Usage {
        Usage {
            usd_micros,
            input_tokens: 10,
            output_tokens: 5,
        }
    }

    /// Means to ask a model at `place`, for so many millionths of a dollar at most.
    pub(crate) async fn asks_a_model(&self, place: u32, usd_micros: u64) -> Intent {
        let meant = Meant {
            place,
            name: "turn".parse().unwrap(),
            action: Action {
                tool: "model".parse().unwrap(),
                args: JsonObject::new(),
            },
            what: "ask a model".into(),
            repeat: Repeat::Safe,
            brings: Labels::default(),
            reach: Reach::default(),
            worst_case: Some(Self::usage(usd_micros)),
        };
        self.intends(meant).await
    }

    /// Means to make the call of step `place`, reaching `hosts`.
    pub(crate) async fn means(&self, place: u32, hosts: &[&str]) -> Intent {
        let name = if place == 1 { "count" } else { "page" };
        let (tool, args) = if place == 1 {
            (
                "python",
                JsonObject::from_iter([("code".into(), "1".into())]),
            )
        } else {
            ("http_get", fetch("https://example.org/"))
        };
        let meant = Meant {
            place,
            name: name.parse().unwrap(),
            action: Action {
                tool: tool.parse().unwrap(),
                args,
            },
            what: "fetch https://example.org/".into(),
            repeat: Repeat::Safe,
            brings: Labels::default(),
            reach: Reach {
                hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
                ..Reach::default()
            },
            worst_case: None,
        };
        self.intends(meant).await
    }

    async fn intends(&self, meant: Meant) -> Intent {
        let bounds = Bounds {
            calls_max: 50,
            time_max: Duration::from_mins(1),
        };
        let actor = Actor::Agent(seed());
        let (hold, run) = (self.hold.clone(), self.run.id);
        let intent = self.api.app.intend_step(&actor, hold, run, meant, bounds);
        intent.await.unwrap()
    }

    /// Makes the call of step `place`, and writes what comes of it.
    pub(crate) async fn does(&self, place: u32, entry: Entry) -> Step {
        let (Intent::Go(step) | Intent::Waits(step) | Intent::Refused(step)) =
            self.means(place, &[]).await;
        self.record(step, entry).await
    }

    pub(crate) async fn record(&self, step: Step, entry: Entry) -> Step {
        let actor = Actor::Agent(seed());
        let hold = self.hold.clone();
        let recorded = self.api.app.record_step(&actor, hold, step, entry, None);
        recorded.await.unwrap()
    }

    pub(crate) async fn rests(&self, rest: Rest) {
        let actor = Actor::Agent(seed());
        let rested = self
            .api
            .app
            .rest_run(&actor, self.hold.clone(), self.run.id, rest);
        assert!(rested.await.unwrap());
    }

    /// Makes a specialist.
    pub(crate) async fn makes(&self, name: &str) {
        let new = NewSpecialist {
            name: name.parse().unwrap(),
            instructions: "Writes.".into(),
            grants: WantedGrants::default(),
        };
        let (actor, id) = (Actor::Agent(seed()), TaskRef::Id(self.run.task_id));
        let tools = BTreeSet::from(["python".parse().unwrap()]);
        let app = &self.api.app;
        let made = app.create_specialist(&actor, id, self.hold.clone(), new, tools);
        made.await.unwrap();
    }

    /// Does the first step, asks for the second, and waits.
    pub(crate) async fn asks(&self) {
        self.does(1, done()).await;
        let intent = self.means(2, &["example.org"]).await;
        assert!(matches!(intent, Intent::Waits(_)), "{intent:?}");
        self.rests(Rest::Waits).await;
    }
}

/// Has seed, which holds that task under fence 1, make the tool `count_words`.
pub(crate) async fn make_tool(api: &TestApi, task: i64, code: &str) -> MadeTool {
    let definition = Definition {
        name: "count_words".parse().unwrap(),
        description: "Counts words.".into(),
        parameters: JsonObject::from_iter([("type".to_owned(), "object".into())]),
        code: code.to_owned(),
        examples: vec![Example {
            args: JsonObject::new(),
            result: json!(1),
            needs_grants: false,
        }],
        grants: Grants::default(),
    };
    let hold = Hold {
        agent: seed(),
        fence: 1,
    };
    let (actor, task) = (Actor::Agent(seed()), TaskRef::Number(task));
    let made = api.app.create_made_tool(&actor, task, hold, definition);
    made.await.unwrap()
}

/// A step that brought its result.
pub(crate) fn done() -> Entry {
    Entry::Done(StepEnd {
        result: Some(JsonObject::from_iter([("lines".to_owned(), 3.into())])),
        note: "3 lines".into(),
        ..StepEnd::default()
    })
}

/// A task of seed's whose run waits for approval 1; its number is 1.
pub(crate) async fn waiting() -> TestApi {
    let api = TestApi::start().await;
    api.claimed_task("Fetch the page").await;
    AtWork::at(&api, 1, 1).await.asks().await;
    api
}
