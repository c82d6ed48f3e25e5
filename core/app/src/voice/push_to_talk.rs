//! The microphone of the node, which its owner talks into while a key is held.
//!
//! The node's own part does it; here is who may, and what is told of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hearth_domain::{Actor, ConversationId};

use super::VoiceError;
use crate::app::App;
use crate::authority::must_be_owner;
use crate::error::AppError;

/// A change that is being made.
pub type PttFuture<'a> = Pin<Box<dyn Future<Output = Result<PttState, VoiceError>> + Send + 'a>>;

/// Listens while a key is held.
pub trait PushToTalk: Send + Sync + 'static {
    /// Does what the key asks for; returns how things are then.
    fn act(&self, act: PttAct) -> PttFuture<'_>;

    /// Returns how things are.
    fn state(&self) -> PttState;
}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PttAct {
    /// It went down: listen.
    Down,
    /// It went up: what was said is to be answered.
    Up,
    /// Down where nobody listens, else up.
    Toggle,
    /// What is being said is thrown away, and what is being spoken stops.
    Cancel,
}

impl PttAct {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Down, Self::Up, Self::Toggle, Self::Cancel];

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
            Self::Toggle => "toggle",
            Self::Cancel => "cancel",
        }
    }
}

/// What the node does with what is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PttStage {
    /// Nothing.
    #[default]
    Idle,
    /// It listens.
    Listening,
    /// It writes down what was said.
    Transcribing,
    /// The chief of staff answers.
    Answering,
    /// The answer is being spoken.
    Speaking,
}

impl PttStage {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Idle,
        Self::Listening,
        Self::Transcribing,
        Self::Answering,
        Self::Speaking,
    ];

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Listening => "listening",
            Self::Transcribing => "transcribing",
            Self::Answering => "answering",
            Self::Speaking => "speaking",
        }
    }
}

/// How things are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PttState {
    /// What the node does. It listens also while it answers something said earlier.
    pub stage: PttStage,
    /// Whether the microphone is open, so that what was said just before the key went down is kept.
    pub is_armed: bool,
    /// How loud it is, from 0 to 1.
    pub level: f32,
    /// Recordings that wait for their turn.
    pub waiting: usize,
    /// What is wrong with the microphone or the loudspeaker, and what mends it; empty where nothing is.
    pub problem: String,
    /// How many recordings were begun since the node was started and not cancelled. What became of the last
    /// of them is known once there are as many turns.
    pub recorded: u64,
    /// How many turns were answered since the node was started.
    pub turns: u64,
    /// The last of them.
    pub last: Option<PttTurn>,
}

/// Something said, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PttTurn {
    /// What was heard; empty where nothing was said.
    pub heard: String,
    /// What the chief of staff answered; empty where it was not asked.
    pub answer: String,
    /// Whether it ended because it was too long or the microphone was lost, and not by the key.
    pub is_cut: bool,
    /// What went wrong; empty where nothing did.
    pub problem: String,
    /// In which conversation.
    pub conversation: Option<ConversationId>,
}

impl App {
    /// Says who listens while a key is held. Once; a later call changes nothing.
    pub fn set_push_to_talk(&self, ptt: Arc<dyn PushToTalk>) {
        // Set already: the first one stays.
        let _ = self.voice_slot().push_to_talk().set(ptt);
    }

    /// Does what a key asks for.
    ///
    /// # Errors
    /// The caller is not the owner, whose microphone it is; there is no microphone; too many recordings
    /// wait.
    pub async fn push_to_talk(&self, actor: &Actor, act: PttAct) -> Result<PttState, AppError> {
        must_be_owner(actor, "use the microphone")?;
        let ptt = self.ptt()?;
        Ok(ptt.act(act).await?)
    }

    /// Returns what push-to-talk does, and what was said last.
    ///
    /// # Errors
    /// The caller is not the owner.
    pub fn push_to_talk_state(&self, actor: &Actor) -> Result<PttState, AppError> {
        must_be_owner(actor, "hear what was said")?;
        Ok(self.ptt()?.state())
    }

    fn ptt(&self) -> Result<Arc<dyn PushToTalk>, VoiceError> {
        let ptt = self.voice_slot().push_to_talk().get().cloned();
        ptt.ok_or_else(|| {
            VoiceError::NotSetUp("push-to-talk is not there yet; try again in a moment".into())
        })
    }
}
