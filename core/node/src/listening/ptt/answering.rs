//! One recording after the other, heard and answered.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hearth_app::chat::{Answered, Saying};
use hearth_app::tasks::{Among, Once};
use hearth_app::voice::{Lane, PttStage, PttTurn, Transcript, Unheard, Wanted};
use hearth_app::{App, AppError, UnavailableCause};
use hearth_domain::field::{Name, Title, Word};
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
/// How long an answer that is under way has when the node stops.
const LAST: Duration = Duration::from_secs(3);
/// How long it is left alone between.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// Something that is being done.
pub(crate) type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Is told what was heard, before it is answered.
pub(crate) type Heard<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Has recordings heard and answered. Tests have one without models.
pub(crate) trait Answers: Send + Sync + 'static {
    /// Hears a recording and has it answered; tells what was heard before it is answered.
    fn answer<'a>(&'a self, recording: &'a Recording, heard: Heard<'a>) -> Doing<'a, PttTurn>;

    /// Keeps a recording that is not answered, for its owner to listen to.
    fn keep<'a>(&'a self, recording: &'a Recording) -> Doing<'a, ()>;

    /// Whether the owner wants answers spoken.
    fn speaks(&self) -> bool;

    /// Speaks an answer, and can be hushed from the call on; returns what went wrong.
    fn speak<'a>(&'a self, answer: &'a str) -> Doing<'a, Result<(), String>>;

    /// Stops what is being spoken.
    fn hush(&self);
}

/// Takes recordings until there are no more. Once the node stops, they are kept and not answered.
pub(super) async fn run(
    mut recordings: mpsc::Receiver<Recording>,
    answers: Arc<dyn Answers>,
    shared: Arc<Shared>,
    shutdown: CancellationToken,
) {
    while let Some(recording) = recordings.recv().await {
        shared.works(PttStage::Transcribing);
        shared.does_not_wait();
        let heard = |text: &str| {
            shared.heard(text);
            shared.works(PttStage::Answering);
        };
        let answer = async {
            if shutdown.is_cancelled() {
                return None;
            }
            tokio::select! {
                biased;
                turn = answers.answer(&recording, &heard) => Some(turn),
                () = late(&shutdown) => None,
            }
        };
        let Some(turn) = answer.await else {
            answers.keep(&recording).await;
            continue;
        };
        let answer = turn.answer.clone();
        shared.answered(turn);
        if !answer.is_empty() && answers.speaks() {
            let speaking = speak(&*answers, &answer, &shared);
            if let Some(Err(problem)) = shutdown.run_until_cancelled(speaking).await {
                warn!("an answer was not spoken: {problem}");
                shared.set_problem(&problem);
            }
        }
        shared.ends();
    }
}

/// Waits until the node stops, and as long after that as an answer that is nearly there may need.
async fn late(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(LAST).await;
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

    async fn answered(&self, recording: &Recording, heard: Heard<'_>) -> PttTurn {
        let mut turn = PttTurn {
            is_cut: recording.is_cut,
            ..PttTurn::default()
        };
        let began_at = self.app.now();
        let wav = match wav(recording) {
            Ok(wav) => wav,
            Err(problem) => {
                turn.problem = problem;
                return turn;
            }
        };
        let transcript = match self.transcribed(&wav).await {
            Ok(transcript) => transcript,
            Err(error) => {
                let kept = self.kept(recording, wav, began_at).await;
                turn.problem = format!("{error}. {kept}");
                return turn;
            }
        };
        turn.heard.clone_from(&transcript.text);
        heard(&transcript.text);
        if transcript.is_silence {
            return turn;
        }
        match self.said(transcript.text, once(&wav, began_at)).await {
            Ok(answer) => {
                let id = answer.message.conversation_id;
                *self.conversation() = Some((id, self.app.now()));
                turn.answer = answer.message.text;
                turn.conversation = Some(id);
            }
            Err(error) => turn.problem = error.to_string(),
        }
        turn
    }

    async fn transcribed(&self, wav: &Bytes) -> Result<Transcript, AppError> {
        while_busy(|| {
            let (app, wav) = (self.app.clone(), wav.clone());
            async move {
                let seat = app.take_seat(&Actor::Owner, Lane::Utterance)?;
                app.transcribe(&seat, wav, Wanted::default()).await
            }
        })
        .await
    }

    async fn said(&self, text: String, once: Once) -> Result<Answered, AppError> {
        let now = self.app.now();
        let goes_on = |at: Timestamp| now.as_millis() - at.as_millis() < GOES_ON_MS;
        let last = *self.conversation();
        let conversation = last.filter(|(_, at)| goes_on(*at)).map(|(id, _)| id);
        while_busy(|| {
            let saying = Saying {
                conversation,
                text: text.clone(),
                // Tried again, it is the same request, whatever of it was done already.
                once: Some(once.clone()),
                listener: None,
            };
            let app = self.app.clone();
            async move { app.say(&Actor::Owner, saying).await }
        })
        .await
    }

    /// Keeps a recording: nobody can say the same again. Returns where it is, as a sentence.
    async fn kept(&self, recording: &Recording, wav: Bytes, at: Timestamp) -> String {
        match self.keep_unheard(recording, wav, at).await {
            Ok(number) => format!("The recording is kept: it is with task #{number}"),
            Err(error) => {
                warn!(%error, "what was said was not heard, and could not be kept");
                format!("The recording could not be kept: {error}; say it again")
            }
        }
    }

    async fn keep_unheard(
        &self,
        recording: &Recording,
        wav: Bytes,
        at: Timestamp,
    ) -> Result<i64, AppError> {
        let seconds = recording.clip.duration().as_secs_f32().ceil();
        let mut once = once(&wav, at);
        once.key.push_str("-kept");
        let unheard = Unheard {
            recording: wav,
            media_type: "audio/wav".parse()?,
            kind: Word::parse("type", "recording")?,
            name: Name::parse("name", "recording.wav")?,
            title: Title::parse("title", &format!("Listen to what you said ({seconds} s)"))?,
        };
        self.app.keep_unheard(&Actor::Owner, unheard, once).await
    }

    fn conversation(&self) -> MutexGuard<'_, Option<(ConversationId, Timestamp)>> {
        let conversation = self.conversation.lock();
        conversation.unwrap_or_else(PoisonError::into_inner)
    }
}

fn wav(recording: &Recording) -> Result<Bytes, String> {
    let wav = encode_wav(&recording.clip.clone().into());
    wav.map(Bytes::from).map_err(|error| error.to_string())
}

/// Names what was said by when it was said, and by its sound.
fn once(wav: &[u8], at: Timestamp) -> Once {
    let request: [u8; 32] = Sha256::digest(wav).into();
    let short = u32::from_be_bytes([request[0], request[1], request[2], request[3]]);
    Once {
        key: format!("ptt-{}-{short:08x}", at.as_millis()),
        among: Among::Callers,
        request,
    }
}

/// Tries something until the node is not too busy for it, for a while: who spoke cannot send it again.
async fn while_busy<T, F: Future<Output = Result<T, AppError>>>(
    mut work: impl FnMut() -> F,
) -> Result<T, AppError> {
    let give_up_at = Instant::now() + BUSY_FOR;
    loop {
        match work().await {
            Err(error) if is_busy(&error) && Instant::now() < give_up_at => {
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            done => return done,
        }
    }
}

fn is_busy(error: &AppError) -> bool {
    let AppError::Unavailable { cause, .. } = error else {
        return false;
    };
    *cause == UnavailableCause::Busy
}

impl Answers for AppAnswers {
    fn answer<'a>(&'a self, recording: &'a Recording, heard: Heard<'a>) -> Doing<'a, PttTurn> {
        Box::pin(self.answered(recording, heard))
    }

    fn keep<'a>(&'a self, recording: &'a Recording) -> Doing<'a, ()> {
        Box::pin(async move {
            let kept = match wav(recording) {
                Ok(wav) => self.kept(recording, wav, self.app.now()).await,
                Err(problem) => problem,
            };
            warn!("what was said as the node was stopped was not answered. {kept}");
        })
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
