//! A conversation with the chief of staff over a real store.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use hearth_app::holding::{Claim, Hold};
use hearth_app::tasks::{TaskRef, TaskView};
use hearth_app::{App, Config};
use hearth_domain::conversation::Message;
use hearth_domain::event_filter::EventFilter;
use hearth_domain::field::AgentName;
use hearth_domain::{Actor, Clock, ConversationId, IdSource, Timestamp};
use hearth_store::Store;
use jiff::tz::TimeZone;
use tempfile::TempDir;
use uuid::Uuid;

use crate::ChiefOfStaff;

/// Tue 24 Nov 2026, 10:00 in Berlin.
const NOW_MS: i64 = 1_795_510_800_000;
const WORDS_MAX: usize = 75;

pub(in crate::chief_of_staff) struct FakeClock(AtomicI64);

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }
}

struct Sequence(AtomicU64);

impl IdSource for Sequence {
    fn next_uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1))
    }
}

pub(in crate::chief_of_staff) struct Talk {
    pub(in crate::chief_of_staff) app: App,
    pub(in crate::chief_of_staff) actor: Actor,
    pub(in crate::chief_of_staff) conversation: Option<ConversationId>,
    clock: Arc<FakeClock>,
    dir: TempDir,
}

impl Talk {
    /// A node with nothing in it, and no model.
    pub(in crate::chief_of_staff) fn new() -> Self {
        Self::with(ChiefOfStaff::default())
    }

    /// A node with nothing in it.
    pub(in crate::chief_of_staff) fn with(chief: ChiefOfStaff) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FakeClock(AtomicI64::new(NOW_MS)));
        let app = open(dir.path(), &clock, 0, chief);
        Self {
            app,
            actor: Actor::Owner,
            conversation: None,
            clock,
            dir,
        }
    }

    /// The same node, started again.
    pub(in crate::chief_of_staff) fn restart(self, chief: ChiefOfStaff) -> Self {
        let Self {
            app,
            actor,
            conversation,
            clock,
            dir,
        } = self;
        drop(app);
        // Further identifiers than the life before used.
        let app = open(dir.path(), &clock, 1_000_000, chief);
        Self {
            app,
            actor,
            conversation,
            clock,
            dir,
        }
    }

    /// A node in the middle of things:
    /// #1 Landing page @web high, due Fri; #2 Landing page photos @web, held by seed; #3 Newsletter,
    /// blocked by seed: Which tone? (warm, formal); #4 Pay the rent, due yesterday, mine; #5 Old letter,
    /// done; #6 Water the plants every monday 09:00; #7 Call Ada #phone.
    pub(in crate::chief_of_staff) async fn busy() -> Self {
        let mut talk = Self::new();
        talk.say("create project web").await;
        talk.say("create project garden").await;
        talk.say("add landing page @web !high due friday").await;
        talk.say("add landing page photos @web").await;
        talk.claim(2, "seed").await;
        talk.say("add newsletter").await;
        let hold = talk.claim(3, "seed").await;
        let options = vec!["warm".to_owned(), "formal".to_owned()];
        talk.app
            .block_task(
                &seed(),
                TaskRef::Number(3),
                hold,
                "Which tone?",
                options,
                None,
            )
            .await
            .unwrap();
        talk.advance_hours(-48);
        talk.say("add pay the rent for me due tomorrow").await;
        talk.advance_hours(48);
        talk.say("add old letter").await;
        talk.say("complete 5").await;
        talk.say("add water the plants every monday 9:00 @garden")
            .await;
        talk.say("add call Ada #phone").await;
        talk.conversation = None;
        talk
    }

    pub(in crate::chief_of_staff) fn advance_hours(&self, hours: i64) {
        self.clock.0.fetch_add(hours * 3_600_000, Ordering::SeqCst);
    }

    pub(in crate::chief_of_staff) async fn claim(&self, number: i64, agent: &str) -> Hold {
        let agent: AgentName = agent.parse().unwrap();
        let claim = Claim::new(agent.clone());
        let actor = Actor::Agent(agent.clone());
        let view = self
            .app
            .claim_task(&actor, TaskRef::Number(number), claim, None)
            .await
            .unwrap();
        Hold {
            agent,
            fence: view.task.fence,
        }
    }

    /// Says something, and holds the answer to the style.
    pub(in crate::chief_of_staff) async fn say(&mut self, message: &str) -> Message {
        let before = self.events().await;
        let answer = self
            .app
            .chat(&self.actor, self.conversation, message)
            .await
            .unwrap();
        self.conversation = Some(answer.conversation_id);
        hold_to_style(message, &answer.text);
        let changed = self.events().await;
        let changed: Vec<&String> = changed
            .iter()
            .skip(before.len())
            .filter(|event| !event.starts_with("conversation.") && !event.starts_with("budget."))
            .collect();
        assert_eq!(
            changed.is_empty(),
            answer.actions.is_empty(),
            "{message}: {changed:?} and {:?}",
            answer.actions
        );
        answer
    }

    pub(in crate::chief_of_staff) fn get(&self, number: i64) -> TaskView {
        self.app.get_task(TaskRef::Number(number)).unwrap()
    }

    pub(in crate::chief_of_staff) async fn events(&self) -> Vec<String> {
        let page = self
            .app
            .list_events(
                EventFilter::default(),
                hearth_app::events::Direction::Ascending,
                None,
                10_000,
            )
            .await
            .unwrap();
        page.items
            .into_iter()
            .map(|event| event.type_name)
            .collect()
    }

    /// Says something and checks what it causes and what is answered.
    pub(in crate::chief_of_staff) async fn check(&mut self, said: &str, does: &str, answers: &str) {
        let answer = self.say(said).await;
        let done: Vec<String> = answer
            .actions
            .iter()
            .map(|action| match action.number {
                Some(number) => format!("{} #{number}", action.event),
                None => format!("{} {}", action.event, action.name),
            })
            .collect();
        assert_eq!(
            done.join(", "),
            does,
            "{said:?} was answered: {}",
            answer.text
        );
        for piece in answers.split('|') {
            assert!(
                answer.text.contains(piece),
                "{said:?} was answered {:?}, without {piece:?}",
                answer.text
            );
        }
    }
}

fn open(dir: &Path, clock: &Arc<FakeClock>, first_id: u64, chief: ChiefOfStaff) -> App {
    let ids: Arc<dyn IdSource> = Arc::new(Sequence(AtomicU64::new(first_id)));
    let path = dir.join("hearth.db");
    let store = Store::open(&hearth_store::Config { path }, Arc::clone(&ids)).unwrap();
    let config = Config {
        artifacts_dir: dir.join("artifacts"),
        artifact_max_bytes: 100_000,
        offline_after: std::time::Duration::from_mins(1),
        remind_before: std::time::Duration::from_hours(1),
        budgets: hearth_app::money::DefaultLimits::default(),
        day: hearth_domain::day_times::DayTimes::default(),
    };
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    let app = App::new(store, clock, ids, config).unwrap();
    app.set_chief_of_staff(Arc::new(chief));
    app
}

pub(in crate::chief_of_staff) fn seed() -> Actor {
    Actor::Agent("seed".parse().unwrap())
}

fn hold_to_style(message: &str, text: &str) {
    let shown: String = message.chars().take(80).collect();
    let words = text.split_whitespace().count();
    assert!(words <= WORDS_MAX, "{shown}: {words} words: {text}");
    assert!(words > 0, "{shown}: no answer");
    // What is quoted asks nothing; where a message is full of question marks, so is what is quoted.
    let questions = text.matches('?').count() - text.matches("?\"").count();
    let is_asking = message.matches('?').count() <= 1;
    assert!(questions <= 3 || !is_asking, "{shown}: {text}");
    let has_uuid = text
        .split(|c: char| !(c.is_ascii_hexdigit() || c == '-'))
        .any(|word| Uuid::try_parse(word).is_ok());
    assert!(!has_uuid, "{shown}: {text}");
}
