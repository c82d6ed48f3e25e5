//! Voice notes over Telegram, with somebody who hears and speaks; and yes or no to an exact action.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::ensure;
use hearth_app::chat::{ReplyFuture, Turn};
use hearth_app::tasks::TaskFilter;
use hearth_app::telegram::Rules;
use hearth_app::{App, AppError, UnavailableCause, money};
use hearth_domain::Actor;
use hearth_domain::day_times::DayTimes;
use hearth_node::system::{SystemClock, UuidSource};
use hearth_runtime::{ChiefOfStaff, Models};
use hearth_store::Store;
use hearth_telegram::voice::{Said, VoiceFuture};
use hearth_telegram::{Bridge, CannotHear, Config, Token, Voice, api_url};
use hearth_tests::bot_api::{BotApi, Failure, TOKEN};
use hearth_tests::node::{Options, TestNode};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const ADA: i64 = 5;
const LIMIT: Duration = Duration::from_mins(1);

/// Hears what stands in a note after its mark, and speaks text as such a note.
#[derive(Default)]
struct Parrot {
    heard: AtomicUsize,
}

impl Voice for Parrot {
    fn transcribe(&self, note: bytes::Bytes) -> VoiceFuture<'_, Said> {
        let calls = self.heard.fetch_add(1, Ordering::SeqCst);
        let text = String::from_utf8_lossy(&note).into_owned();
        Box::pin(async move {
            let text = match text.trim_start_matches("OggS ") {
                "slow" if calls == 0 => std::future::pending().await,
                "busy" if calls == 0 => Err(CannotHear::Later("Too much at once.".into())),
                "slow" | "busy" => Ok("add water the plants"),
                "noise" => Ok(""),
                "no audio" => Err(CannotHear::Refused("This is no voice note.".into())),
                "hard" => Err(CannotHear::Failed("I could not hear that.".into())),
                other => Ok(other),
            };
            text.map(|text| Said {
                text: text.trim_end_matches(" ...").to_owned(),
                is_cut: text.ends_with(" ..."),
            })
        })
    }

    fn speak<'a>(&'a self, text: &'a str) -> VoiceFuture<'a, bytes::Bytes> {
        Box::pin(async move { Ok(format!("OggS {text}").into()) })
    }
}

struct Home {
    app: App,
    voice: Arc<Parrot>,
    _folder: TempDir,
}

/// The bridge at work. It ends when it is stopped, or is cut off when it is dropped.
struct AtWork {
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// Kept so that the bridge does not see its settings end.
    _config: watch::Sender<Config>,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl AtWork {
    async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        Ok(tokio::time::timeout(LIMIT, &mut self.task).await??)
    }
}

/// A chief of staff who does the first thing that is said and is cut off before the answer is kept.
struct CutOff {
    chief: ChiefOfStaff,
    heard: AtomicUsize,
}

impl hearth_app::chat::ChiefOfStaff for CutOff {
    fn reply<'a>(&'a self, turn: &'a mut Turn) -> ReplyFuture<'a> {
        Box::pin(async move {
            let reply = hearth_app::chat::ChiefOfStaff::reply(&self.chief, turn).await?;
            if self.heard.fetch_add(1, Ordering::SeqCst) == 0 {
                return Err(AppError::Unavailable {
                    cause: UnavailableCause::Busy,
                    detail: "cut off".into(),
                });
            }
            Ok(reply)
        })
    }
}

impl Home {
    fn new() -> anyhow::Result<Self> {
        Self::with(chief())
    }

    fn with(chief: impl hearth_app::chat::ChiefOfStaff) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let ids = Arc::new(UuidSource);
        let config = hearth_store::Config {
            path: folder.path().join("hearth.db"),
        };
        let store = Store::open(&config, ids.clone())?;
        let config = hearth_app::Config {
            artifacts_dir: folder.path().join("artifacts"),
            artifact_max_bytes: 1_000_000,
            offline_after: Duration::from_mins(1),
            remind_before: Duration::from_hours(1),
            budgets: money::DefaultLimits::default(),
            day: DayTimes::default(),
        };
        let app = App::new(store, Arc::new(SystemClock::in_zone(None)), ids, config)?;
        app.set_chief_of_staff(Arc::new(chief));
        Ok(Self {
            app,
            voice: Arc::default(),
            _folder: folder,
        })
    }

    fn start(&self, bot: &BotApi, answer_by_voice: bool) -> anyhow::Result<AtWork> {
        let token = Token::new(TOKEN).map_err(anyhow::Error::msg)?;
        let (sender, config) = watch::channel(Config {
            api_url: api_url(&bot.url()).map_err(anyhow::Error::msg)?,
            rules: Rules {
                groups: false,
                users: vec![ADA],
            },
            tells_notices: true,
            answer_by_voice,
            max_voice_bytes: 1000,
            voice: Some(Arc::clone(&self.voice) as Arc<dyn Voice>),
        });
        let source = Arc::new(move || Ok(Some(token.clone())));
        let bridge = Bridge::new(self.app.clone(), config, source);
        let stop = CancellationToken::new();
        let task = tokio::spawn(bridge.run(stop.clone()));
        Ok(AtWork {
            stop,
            task,
            _config: sender,
        })
    }
}

fn chief() -> ChiefOfStaff {
    ChiefOfStaff::new(Models::default(), CancellationToken::new())
}

fn speak(bot: &BotApi, note: &str) {
    let name = note.replace(' ', "-");
    bot.put_file(&name, format!("OggS {note}").into_bytes());
    bot.message(ADA, &json!({"voice": {"file_id": name, "duration": 2}}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voice_note_is_heard_answered_and_spoken_back() -> anyhow::Result<()> {
    let (home, bot) = (Home::new()?, BotApi::start().await?);
    let at_work = home.start(&bot, true)?;

    speak(&bot, "add water the plants");
    let text = bot
        .wait_for("what was heard", |sent| {
            sent.text
                .starts_with("You said: add water the plants\n\nI've added #1")
        })
        .await?;
    let spoken = bot
        .wait_for("the spoken answer", |sent| sent.method == "sendVoice")
        .await?;
    ensure!(spoken.message > text.message);

    for (note, answer) in [
        ("noise", "I heard nothing in this voice note"),
        ("no audio", "This is no voice note."),
        (
            "hard",
            "I could not hear that. I kept the recording: it is with task #2",
        ),
    ] {
        speak(&bot, note);
        bot.wait_for(answer, |sent| sent.text.contains(answer))
            .await?;
    }
    speak(&bot, "add feed the cat ...");
    bot.wait_for("that it breaks off", |sent| {
        sent.text.starts_with(
            "You said: add feed the cat (The voice note breaks off there.)\n\nI've added #3",
        )
    })
    .await?;
    bot.wait_for("the second spoken answer", |sent| {
        sent.method == "sendVoice" && sent.message > spoken.message
    })
    .await?;
    let spoken = bot
        .sent()
        .into_iter()
        .filter(|sent| sent.method == "sendVoice");
    ensure!(
        spoken.count() == 2,
        "what was not heard is not spoken about"
    );
    at_work.stop().await
}

/// Its words are in the chat already, and a voice note cannot say that it may be there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spoken_answer_that_may_have_arrived_is_not_sent_again() -> anyhow::Result<()> {
    let (home, bot) = (Home::new()?, BotApi::start().await?);
    let at_work = home.start(&bot, true)?;
    bot.fail("sendVoice", Failure::DoneThenCut);

    speak(&bot, "add water the plants");
    speak(&bot, "add feed the cat");
    bot.wait_for("the second voice note", |sent| {
        sent.method == "sendVoice" && sent.message > 6
    })
    .await?;

    let state = home.app.telegram_state(&Actor::Owner).await?;
    let why: Vec<&str> = state
        .dead_letters
        .iter()
        .map(|letter| letter.error.as_str())
        .collect();
    ensure!(
        why == ["the voice note may not have arrived; its words are in the chat"],
        "{why:?}"
    );
    let spoken = bot
        .sent()
        .into_iter()
        .filter(|sent| sent.method == "sendVoice");
    ensure!(spoken.count() == 2, "{:?}", bot.sent());
    at_work.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_that_was_being_heard_when_all_ended_is_heard_again() -> anyhow::Result<()> {
    let (home, bot) = (Home::new()?, BotApi::start().await?);
    let at_work = home.start(&bot, false)?;
    speak(&bot, "slow");
    while home.voice.heard.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    drop(at_work);
    let at_work = home.start(&bot, false)?;

    bot.wait_for("the answer", |sent| sent.text.contains("I've added #1"))
        .await?;
    ensure!(home.voice.heard.load(Ordering::SeqCst) == 2);
    at_work.stop().await?;
    ensure!(bot.sent().len() == 1, "{:?}", bot.sent());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_that_nobody_has_time_for_is_heard_a_little_later() -> anyhow::Result<()> {
    let (home, bot) = (Home::new()?, BotApi::start().await?);
    let at_work = home.start(&bot, false)?;

    speak(&bot, "busy");

    bot.wait_for("the answer", |sent| sent.text.contains("I've added #1"))
        .await?;
    ensure!(home.voice.heard.load(Ordering::SeqCst) == 2);
    ensure!(bot.sent().len() == 1, "{:?}", bot.sent());
    at_work.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_before_the_answer_was_kept_is_not_done_again() -> anyhow::Result<()> {
    let cut_off = CutOff {
        chief: chief(),
        heard: AtomicUsize::new(0),
    };
    let (home, bot) = (Home::with(cut_off)?, BotApi::start().await?);
    let at_work = home.start(&bot, false)?;

    bot.write(ADA, "add water the plants @garden");

    bot.wait_for("the answer", |sent| sent.text.contains("I've added #1"))
        .await?;
    let tasks = home.app.list_tasks(TaskFilter::default(), None, None, 10);
    ensure!(tasks.await?.items.len() == 1);
    at_work.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exact_action_is_denied_and_approved_by_a_button() -> anyhow::Result<()> {
    let bot = BotApi::start().await?;
    let mut env = bot.env();
    for (name, value) in [("HEARTH_TELEGRAM_USERS", "5"), ("HEARTH_QUIET_FROM", "off")] {
        env.push((name.into(), value.into()));
    }
    let node = TestNode::start(&Options {
        agents: true,
        env,
        ..Options::default()
    })?;
    let api = node.api()?;
    bot.write(ADA, "hello");
    bot.wait_for("a greeting", |sent| sent.text.contains("Hello"))
        .await?;
    let page = format!("{}/page", bot.url());
    let fetch = json!({"title": "Fetch it", "context": {"plan": [
        {"tool": "http_get", "args": {"url": page}},
    ]}});
    for (place, label) in ["Deny", "Approve"].into_iter().enumerate() {
        let number = place + 1;
        api.post("/tasks", fetch.clone()).await?;
        let asked = bot
            .wait_for("the question", |sent| {
                sent.method == "sendMessage"
                    && sent.text.starts_with(&format!("Approval {number} "))
            })
            .await?;
        ensure!(asked.text.contains(&page), "{asked:?}");
        ensure!(asked.labels() == ["Approve", "Deny"], "{asked:?}");
        let pressed = asked.buttons.iter().find(|(found, _)| found == label);
        let data = pressed.map(|(_, data)| data.clone()).unwrap_or_default();
        bot.press(ADA, &asked, &data);
        let outcome = if label == "Deny" {
            "✗ Denied"
        } else {
            "✓ Approved"
        };
        bot.wait_for("the outcome", |sent| {
            sent.message == asked.message && sent.text.contains(outcome)
        })
        .await?;
        let path = format!("/approvals/{number}");
        let wanted: &[&str] = if label == "Deny" {
            &["denied"]
        } else {
            &["approved", "used"]
        };
        let approval = api.get(&path).await?;
        ensure!(
            wanted.contains(&approval["status"].as_str().unwrap_or_default()),
            "{approval}"
        );
    }
    Ok(())
}
