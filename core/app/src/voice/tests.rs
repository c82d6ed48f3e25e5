//! Hearing and speaking, by a voice that hears what a test says.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use hearth_domain::ArtifactId;
use hearth_domain::conversation::Author;
use tokio::sync::Notify;

use super::seat::HELD_MAX;
use super::*;
use crate::chat::{ChiefOfStaff, Reply, ReplyFuture, Turn};
use crate::test_support::TestApp;

/// Hears the bytes of a recording as text; none of them is silence. Waits first, where it is told to.
#[derive(Default)]
struct Literal {
    wanted: Mutex<Vec<Wanted>>,
    fails: Mutex<Option<VoiceError>>,
    waits: Option<Arc<Notify>>,
    /// How many it began to hear.
    at_work: AtomicUsize,
}

impl Voice for Literal {
    fn transcribe(&self, recording: Bytes, wanted: Wanted) -> VoiceFuture<'_, Transcript> {
        self.wanted.lock().unwrap().push(wanted);
        let fails = self.fails.lock().unwrap().clone();
        Box::pin(async move {
            if let Some(waits) = &self.waits {
                let woken = waits.notified();
                self.at_work.fetch_add(1, Ordering::SeqCst);
                woken.await;
            }
            if let Some(error) = fails {
                return Err(error);
            }
            let text = String::from_utf8(recording.to_vec()).unwrap();
            Ok(Transcript {
                is_silence: text.is_empty(),
                text,
                ..Transcript::default()
            })
        })
    }

    fn speak(&self, speech: Speech) -> VoiceFuture<'_, Bytes> {
        Box::pin(std::future::ready(Ok(speech.text.into())))
    }
}

struct Nods;

impl ChiefOfStaff for Nods {
    fn reply<'a>(&'a self, turn: &'a mut Turn) -> ReplyFuture<'a> {
        let text = format!("Yes: {}", turn.text());
        Box::pin(std::future::ready(Ok(Reply {
            text,
            ..Reply::default()
        })))
    }
}

fn with(voice: Literal) -> (TestApp, Arc<Literal>) {
    let test = TestApp::new();
    let voice = Arc::new(voice);
    test.app.set_voice(Arc::clone(&voice) as Arc<dyn Voice>);
    test.app.set_chief_of_staff(Arc::new(Nods));
    (test, voice)
}

fn utterance(text: &'static str) -> Utterance {
    Utterance {
        recording: Bytes::from_static(text.as_bytes()),
        media_type: "audio/wav".parse().unwrap(),
        language: None,
        conversation: None,
        once: None,
    }
}

impl TestApp {
    fn seat(&self, lane: Lane) -> Seat {
        self.app.take_seat(&Actor::Owner, lane).unwrap()
    }

    async fn utter(&self, text: &'static str) -> Result<Uttered, AppError> {
        let seat = self.seat(Lane::Utterance);
        self.app.utter(&seat, utterance(text)).await
    }
}

#[tokio::test]
async fn what_is_said_is_answered_and_both_are_in_the_conversation() {
    let (test, _) = with(Literal::default());

    let uttered = test.utter("water the roses").await;

    let uttered = uttered.unwrap();
    let answer = uttered.answer.unwrap().message;
    assert_eq!(answer.text, "Yes: water the roses");
    let said = test
        .app
        .list_messages(&Actor::Owner, answer.conversation_id, None, 10)
        .await
        .unwrap()
        .items;
    assert_eq!(said[0].text, "water the roses");
    assert_eq!(said[0].author, Author::Person);
}

#[tokio::test]
async fn silence_is_no_message() {
    let (test, _) = with(Literal::default());

    let uttered = test.utter("").await.unwrap();

    assert!(uttered.transcript.is_silence && uttered.answer.is_none());
    let all = test.app.list_conversations(&Actor::Owner, None, 10).await;
    assert!(all.unwrap().items.is_empty());
}

#[tokio::test]
async fn what_cannot_be_heard_is_kept_once_and_said_where() {
    let (test, voice) = with(Literal::default());
    *voice.fails.lock().unwrap() = Some(VoiceError::NotSetUp("install a model".into()));

    let mut told = Vec::new();
    for _ in 0..2 {
        let error = test.utter("hello").await;
        told.push(error.unwrap_err().to_string());
    }

    assert_eq!(told[0], told[1]);
    let (what, id) = told[0].rsplit_once(' ').unwrap();
    assert_eq!(what, "install a model. The recording is kept as artifact");
    let artifact = test
        .app
        .get_artifact(ArtifactId(id.parse().unwrap()))
        .unwrap();
    assert_eq!(artifact.size_bytes, 5);
    assert!(artifact.labels.untrusted);
}

#[tokio::test]
async fn a_recording_that_is_none_is_refused_and_not_kept() {
    let (test, voice) = with(Literal::default());
    *voice.fails.lock().unwrap() = Some(VoiceError::Refused {
        code: "invalid_audio",
        field: "file",
        problem: "is broken".into(),
    });

    let error = test.utter("x").await.unwrap_err();

    assert_eq!(error.to_string(), "file is broken");
}

#[tokio::test]
async fn names_of_projects_are_likely_words_and_come_before_those_of_the_caller() {
    let (test, voice) = with(Literal::default());
    test.project("Rose garden").await;
    let wanted = Wanted {
        prompt: Some(" Hearth ".into()),
        ..Wanted::default()
    };

    let recording = Bytes::from_static(b"x");
    let seat = test.seat(Lane::Recording);
    let heard = test.app.transcribe(&seat, recording, wanted).await;

    heard.unwrap();
    let prompt = voice.wanted.lock().unwrap()[0].prompt.clone();
    assert_eq!(prompt.as_deref(), Some("Rose garden. Hearth"));
}

#[tokio::test]
async fn a_viewer_neither_speaks_nor_is_spoken_to() {
    let (test, _) = with(Literal::default());

    for lane in [Lane::Utterance, Lane::Recording, Lane::Speech] {
        let seat = test.app.take_seat(&Actor::Viewer, lane);
        assert!(matches!(seat, Err(AppError::Denied(_))), "{seat:?}");
    }
}

#[tokio::test]
async fn more_recordings_than_are_held_are_told_to_come_again() {
    let (test, _) = with(Literal::default());
    let take = || test.app.take_seat(&Actor::Owner, Lane::Recording);
    let held: Vec<Seat> = (0..HELD_MAX).map(|_| take().unwrap()).collect();

    let refused = take().unwrap_err();

    assert!(
        refused.is_transient() && refused.to_string().contains("at once"),
        "{refused}"
    );
    drop(held);
    take().unwrap();
}

#[tokio::test]
async fn what_a_person_says_does_not_wait_for_long_recordings() {
    let (test, voice) = with(Literal {
        waits: Some(Arc::new(Notify::new())),
        ..Literal::default()
    });
    let long: Vec<_> = (0..HELD_MAX)
        .map(|_| {
            let (app, seat) = (test.app.clone(), test.seat(Lane::Recording));
            tokio::spawn(async move {
                let recording = Bytes::from_static(b"x");
                app.transcribe(&seat, recording, Wanted::default()).await
            })
        })
        .collect();
    let at_work = || voice.wanted.lock().unwrap().len();
    while at_work() < HELD_MAX {
        tokio::task::yield_now().await;
    }
    let before = voice.at_work.load(Ordering::SeqCst);

    let (app, seat) = (test.app.clone(), test.seat(Lane::Utterance));
    let said = tokio::spawn(async move { app.utter(&seat, utterance("hello")).await });
    while voice.at_work.load(Ordering::SeqCst) == before {
        tokio::task::yield_now().await;
    }

    voice.waits.as_ref().unwrap().notify_waiters();
    said.await.unwrap().unwrap();
    for one in long {
        one.abort();
    }
}

#[tokio::test]
async fn a_text_that_cannot_be_spoken_names_its_field() {
    let (test, _) = with(Literal::default());
    let say = async |text: &str, speed| {
        let speech = Speech {
            text: text.into(),
            format: SpeechFormat::Wav,
            voice: None,
            speed,
        };
        test.app.speak(&Actor::Owner, speech).await
    };

    assert_eq!(say("hello", 1.0).await.unwrap(), "hello");
    assert_eq!(
        say(" ", 1.0).await.unwrap_err().to_string(),
        "input must not be empty"
    );
    assert!(
        say("x", 9.0)
            .await
            .unwrap_err()
            .to_string()
            .starts_with("speed must be")
    );
    let long = "x".repeat(SPOKEN_MAX_BYTES + 1);
    assert!(
        say(&long, 1.0)
            .await
            .unwrap_err()
            .to_string()
            .starts_with("input must be at most")
    );
}
