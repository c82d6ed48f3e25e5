//! What is said as sound, and the key that one talks while holding.

use hearth_app::voice::{PttAct, PttState, PttTurn, Transcript as Heard, Uttered};
use hearth_domain::ConversationId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::audio::language;
use super::chat::Action;
use super::field::parse;
use super::scalar;
use crate::problem::Problem;

/// A recording for the chief of staff.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "its fields are there for the OpenAPI document; the form is read in parts"
)]
pub(crate) struct UtteranceForm {
    /// The recording: WAV, FLAC, MP3, M4A or Ogg/Opus.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// The conversation it belongs to; without one, it begins one.
    #[schema(format = "uuid")]
    conversation_id: Option<String>,
    /// The language spoken, as two letters such as `en`; found out unless told.
    language: Option<String>,
}

/// What is asked for in such a form.
#[derive(Debug, Default)]
pub(crate) struct AskedUtterance {
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) language: Option<String>,
}

impl UtteranceForm {
    pub(crate) fn read(parts: Vec<(String, String)>) -> Result<AskedUtterance, Problem> {
        let mut asked = AskedUtterance::default();
        for (name, text) in parts {
            match name.as_str() {
                "conversation_id" => asked.conversation = Some(parse("conversation_id", &text)?),
                "language" => asked.language = language(&text)?,
                _ => {
                    let problem =
                        "is not a part of this form; those are file, conversation_id, language";
                    return Err(Problem::invalid(name, problem));
                }
            }
        }
        Ok(asked)
    }
}

/// What was heard, and what the chief of staff answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Utterance<'a> {
    /// What was heard.
    transcript: Transcript<'a>,
    /// The answer; null where nobody spoke.
    #[schema(required = true)]
    response: Option<&'a str>,
    /// The conversation, for the next message; null where nobody spoke.
    #[schema(required = true)]
    conversation_id: Option<Uuid>,
    /// What was done.
    actions: Vec<Action<'a>>,
}

/// What was heard.
#[derive(Serialize, ToSchema)]
pub(crate) struct Transcript<'a> {
    /// All of it; empty where nobody spoke.
    text: &'a str,
    /// The language; null where it is not known.
    #[schema(required = true)]
    language: Option<&'a str>,
    /// How long the recording sounds, in seconds.
    duration_seconds: f64,
    /// Whether nobody spoke.
    is_silence: bool,
    /// Whether the recording breaks off in the middle; this is what there is of it.
    is_cut: bool,
}

impl<'a> From<&'a Heard> for Transcript<'a> {
    fn from(heard: &'a Heard) -> Self {
        Self {
            text: &heard.text,
            language: heard.language.as_deref(),
            duration_seconds: heard.duration.as_secs_f64(),
            is_silence: heard.is_silence,
            is_cut: heard.is_cut,
        }
    }
}

impl<'a> From<&'a Uttered> for Utterance<'a> {
    fn from(uttered: &'a Uttered) -> Self {
        let message = uttered.answer.as_ref().map(|answer| &answer.message);
        let actions = message.map(|message| message.actions.iter().map(Action::from).collect());
        Self {
            transcript: Transcript::from(&uttered.transcript),
            response: message.map(|message| message.text.as_str()),
            conversation_id: message.map(|message| message.conversation_id.0),
            actions: actions.unwrap_or_default(),
        }
    }
}

/// A press or a release of the key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChoosePushToTalk {
    /// `down` listens, `up` has what was said answered, `toggle` does either, `cancel` throws it away.
    #[schema(value_type = scalar::PushToTalkAction)]
    action: String,
}

impl ChoosePushToTalk {
    pub(crate) fn read(&self) -> Result<PttAct, Problem> {
        let mut all = PttAct::ALL.into_iter();
        all.find(|act| act.as_str() == self.action)
            .ok_or_else(|| Problem::invalid("action", "must be down, up, toggle or cancel"))
    }
}

/// What the node does with its microphone.
#[derive(Serialize, ToSchema)]
pub(crate) struct PushToTalk<'a> {
    /// What it does at this moment.
    #[schema(value_type = scalar::PushToTalkState)]
    state: &'static str,
    /// Whether the microphone is open, so that what is said just before the key goes down is kept.
    is_armed: bool,
    /// How loud it is, from 0 to 1.
    level: f32,
    /// Recordings that wait for their turn.
    waiting: usize,
    /// What is wrong with the microphone or loudspeaker, and what mends it; empty where nothing is.
    problem: &'a str,
    /// How many recordings were begun since the node was started and not cancelled, one that is being made
    /// included. The answer to the last of them is there once `turns` is as many.
    recorded: u64,
    /// How many turns have ended since the node was started.
    turns: u64,
    /// The last of them; null where there was none.
    #[schema(required = true)]
    last: Option<PushToTalkTurn<'a>>,
}

/// Something said, and what came of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct PushToTalkTurn<'a> {
    /// What was heard; empty where nobody spoke.
    heard: &'a str,
    /// What the chief of staff answered; empty where it was not asked.
    response: &'a str,
    /// Whether it ended because it was too long or the microphone was lost.
    is_cut: bool,
    /// What went wrong; empty where nothing did.
    problem: &'a str,
    /// The conversation; null where it was not asked.
    #[schema(required = true)]
    conversation_id: Option<Uuid>,
}

impl<'a> From<&'a PttState> for PushToTalk<'a> {
    fn from(state: &'a PttState) -> Self {
        Self {
            state: state.stage.as_str(),
            is_armed: state.is_armed,
            level: state.level,
            waiting: state.waiting,
            problem: &state.problem,
            recorded: state.recorded,
            turns: state.turns,
            last: state.last.as_ref().map(PushToTalkTurn::from),
        }
    }
}

impl<'a> From<&'a PttTurn> for PushToTalkTurn<'a> {
    fn from(turn: &'a PttTurn) -> Self {
        Self {
            heard: &turn.heard,
            response: &turn.answer,
            is_cut: turn.is_cut,
            problem: &turn.problem,
            conversation_id: turn.conversation.map(|id| id.0),
        }
    }
}
