//! One recording after the other, heard and answered.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hearth_app::chat::Answered;
use hearth_app::tasks::{Among, Once};
use hearth_app::voice::{HeardListener, PttStage, PttTurn, Utterance};
use hearth_app::{App, AppError, UnavailableCause};
use hearth_domain::artifact::MediaType;
use hearth_domain::{Actor, ConversationId, Timestamp};
use hearth_voice::codec::encode_wav;
use hearth_voice::talk::Recording;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::state::Shared;
use crate::listening::NodeVoice;

/// How long after its last turn a conversation is gone on with, in milliseconds: twelve hours, as in the
/// chat.
const GOES_ON_MS: i64 = 12 * 60 * 60 * 1000;

/// How long a busy node is asked again.
const BUSY_FOR: Duration = Duration::from_mins(2);
/// How long it is left alone between.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

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
        let mut turn = PttTurn {
            is_cut: recording.is_cut,
            ..PttTurn::default()
        };
        match self.uttered(recording, heard, &mut turn.heard).await {
            Ok(None) => {}
            Ok(Some(answer)) => {
                let id = answer.message.conversation_id;
                *self.conversation() = Some((id, self.app.now()));
                turn.answer = answer.message.text;
                turn.conversation = Some(id);
            }
            Err(problem) => turn.problem = problem,
        }
        turn
    }

    /// Returns the answer, none where nothing was said; says in `words` what was heard, also where it could
    /// not be answered. Who spoke cannot send the recording again: where the node is busy it is tried until it
    /// is not, and kept where that is never so. The error is for people.
    async fn uttered(
        &self,
        recording: Recording,
        heard: HeardListener,
        words: &mut String,
    ) -> Result<Option<Answered>, String> {
        let in_words = |error: AppError| error.to_string();
        let wav = encode_wav(&recording.clip.into()).map_err(|error| error.to_string())?;
        let wav = Bytes::from(wav);
        let media_type: MediaType = "audio/wav".parse().map_err(|error| format!("{error}"))?;
        let now = self.app.now();
        let goes_on = |at: Timestamp| now.as_millis() - at.as_millis() < GOES_ON_MS;
        let last = *self.conversation();
        let understood = Arc::new(Mutex::new(String::new()));
        let note = Arc::clone(&understood);
        let utterance = Utterance {
            recording: wav.clone(),
            media_type: media_type.clone(),
            language: None,
            conversation: last.filter(|(_, at)| goes_on(*at)).map(|(id, _)| id),
            // Tried again, it is the same request, whatever of it was done already.
            once: Some(once(&wav, now)),
            heard: Some(Arc::new(move |transcript| {
                let mut note = note.lock().unwrap_or_else(PoisonError::into_inner);
                note.clone_from(&transcript.text);
                heard(transcript);
            })),
        };
        let give_up_at = Instant::now() + BUSY_FOR;
        let answer = loop {
            let uttered = self.app.utter(&Actor::Owner, utterance.clone()).await;
            match uttered {
                Err(error) if is_busy(&error) && Instant::now() < give_up_at => {
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                Err(error) if is_busy(&error) => {
                    let keeping = self.app.keep_recording(&Actor::Owner, &wav, media_type);
                    let kept = keeping.await.map_err(in_words)?;
                    break Err(format!("{error}. The recording is kept as artifact {kept}"));
                }
                other => break other.map(|uttered| uttered.answer).map_err(in_words),
            }
        };
        words.clone_from(&understood.lock().unwrap_or_else(PoisonError::into_inner));
        answer
    }

    fn conversation(&self) -> MutexGuard<'_, Option<(ConversationId, Timestamp)>> {
        let conversation = self.conversation.lock();
        conversation.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names what was said by when it was said, and by its sound.
fn once(wav: &[u8], now: Timestamp) -> Once {
    let request: [u8; 32] = Sha256::digest(wav).into();
    let short = u32::from_be_bytes([request[0], request[1], request[2], request[3]]);
    Once {
        key: format!("ptt-{}-{short:08x}", now.as_millis()),
        among: Among::Callers,
        request,
    }
}

fn is_busy(error: &AppError) -> bool {
    let AppError::Unavailable { cause, .. } = error else {
        return false;
    };
    *cause == UnavailableCause::Busy
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
