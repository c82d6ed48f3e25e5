//! One recording after the other, heard and answered.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use hearth_app::App;
use hearth_app::voice::{HeardListener, PttStage, PttTurn, Utterance};
use hearth_domain::{Actor, ConversationId, Timestamp};
use hearth_voice::codec::encode_wav;
use hearth_voice::talk::Recording;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::state::Shared;
use crate::listening::NodeVoice;

/// How long after its last turn a conversation is gone on with, in milliseconds: twelve hours, as in the
/// chat.
const GOES_ON_MS: i64 = 12 * 60 * 60 * 1000;

/// Something that is being done.
pub(crate) type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Has recordings heard and answered. Tests have one without models.
pub(crate) trait Answers: Send + Sync + 'static {
    /// Hears a recording and has it answered; tells what was heard before it is answered.
    fn answer(&self, recording: Recording, heard: HeardListener) -> Doing<'_, PttTurn>;

    /// Whether the owner wants answers spoken.
    fn speaks(&self) -> bool;

    /// Speaks an answer, and can be hushed from the call on; returns what went wrong.
    fn speak<'a>(&'a self, answer: &'a str) -> Doing<'a, Result<(), String>>;

    /// Stops what is being spoken.
    fn hush(&self);
}

/// Takes recordings until there are no more.
pub(super) async fn run(
    mut recordings: mpsc::Receiver<Recording>,
    answers: Arc<dyn Answers>,
    shared: Arc<Shared>,
) {
    while let Some(recording) = recordings.recv().await {
        shared.works(PttStage::Transcribing);
        shared.does_not_wait();
        let told = Arc::clone(&shared);
        let heard: HeardListener = Arc::new(move |transcript| {
            told.heard(&transcript.text);
            told.works(PttStage::Answering);
        });
        let turn = answers.answer(recording, heard).await;
        let answer = turn.answer.clone();
        shared.answered(turn);
        if !answer.is_empty()
            && answers.speaks()
            && let Err(problem) = speak(&*answers, &answer, &shared).await
        {
            warn!("an answer was not spoken: {problem}");
            shared.set_problem(&problem);
        }
        shared.ends();
    }
}

/// Speaks an answer once the key is up: spoken into the next recording, it would be heard as its words.
async fn speak(answers: &dyn Answers, answer: &str, shared: &Shared) -> Result<(), String> {
    loop {
        shared.until_key_is_up().await;
        // From here on a key that goes down stops it; one that went down just before is waited for.
        let speaking = answers.speak(answer);
        if !shared.is_listening() {
            return speaking.await;
        }
    }
}

/// Has recordings answered by the chief of staff, in the owner's name.
pub(crate) struct AppAnswers {
    app: App,
    voice: NodeVoice,
    speaks: bool,
    /// The conversation, and when something was last said in it. Held for a copy only, as is the other.
    conversation: Mutex<Option<(ConversationId, Timestamp)>>,
    /// Stops what is being spoken.
    stop: Mutex<CancellationToken>,
}

impl AppAnswers {
    pub(crate) fn new(app: App, voice: NodeVoice, speaks: bool) -> Self {
        Self {
            app,
            voice,
            speaks,
            conversation: Mutex::default(),
            stop: Mutex::default(),
        }
    }

    async fn utter(&self, recording: Recording, heard: HeardListener) -> PttTurn {
        let is_cut = recording.is_cut;
        let without_answer = |problem: String| PttTurn {
            problem,
            is_cut,
            ..PttTurn::default()
        };
        let wav = match encode_wav(&recording.clip.into()) {
            Ok(wav) => wav,
            Err(error) => return without_answer(error.to_string()),
        };
        let media_type = match "audio/wav".parse() {
            Ok(media_type) => media_type,
            Err(error) => return without_answer(format!("{error}")),
        };
        let now = self.app.now();
        let last = *self
            .conversation
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let goes_on = |at: Timestamp| now.as_millis() - at.as_millis() < GOES_ON_MS;
        let utterance = Utterance {
            recording: wav.into(),
            media_type,
            language: None,
            conversation: last.filter(|(_, at)| goes_on(*at)).map(|(id, _)| id),
            once: None,
            heard: Some(heard),
        };
        let uttered = match self.app.utter(&Actor::Owner, utterance).await {
            Ok(uttered) => uttered,
            Err(error) => return without_answer(error.to_string()),
        };
        let Some(answer) = uttered.answer else {
            return without_answer(String::new());
        };
        let id = answer.message.conversation_id;
        *self
            .conversation
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some((id, now));
        PttTurn {
            heard: uttered.transcript.text,
            answer: answer.message.text,
            is_cut,
            problem: String::new(),
            conversation: Some(id),
        }
    }
}

impl Answers for AppAnswers {
    fn answer(&self, recording: Recording, heard: HeardListener) -> Doing<'_, PttTurn> {
        Box::pin(self.utter(recording, heard))
    }

    fn speaks(&self) -> bool {
        self.speaks
    }

    fn speak<'a>(&'a self, answer: &'a str) -> Doing<'a, Result<(), String>> {
        let stop = CancellationToken::new();
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop.clone();
        Box::pin(async move { self.voice.play(answer, &stop).await })
    }

    fn hush(&self) {
        self.stop
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .cancel();
    }
}
