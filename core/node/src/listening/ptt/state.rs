//! How things are, for whoever asks.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hearth_app::voice::{PttStage, PttState, PttTurn};
use tokio::sync::watch;

/// What both workers tell of themselves.
#[derive(Default)]
pub(super) struct Shared {
    // A lock of the standard library: it is held for a copy only.
    inner: Mutex<Inner>,
    is_listening: watch::Sender<bool>,
}

#[derive(Default)]
struct Inner {
    state: PttState,
    /// What is done with the recording whose turn it is.
    working: Option<PttStage>,
    /// How many recordings were handed over to be answered.
    handed_over: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> PttState {
        let inner = self.lock();
        let stage = if self.is_listening() {
            PttStage::Listening
        } else if let Some(stage) = inner.working {
            stage
        } else if inner.state.waiting > 0 {
            PttStage::Transcribing
        } else {
            PttStage::Idle
        };
        PttState {
            stage,
            recorded: inner.handed_over + u64::from(self.is_listening()),
            ..inner.state.clone()
        }
    }

    pub(super) fn listens(&self, is_listening: bool, is_armed: bool, level: f32) {
        self.is_listening
            .send_if_modified(|before| std::mem::replace(before, is_listening) != is_listening);
        let mut inner = self.lock();
        inner.state.is_armed = is_armed;
        inner.state.level = if is_armed { level } else { 0.0 };
    }

    /// Says what is wrong with a device; returns whether that is news.
    pub(super) fn set_problem(&self, problem: &str) -> bool {
        let mut inner = self.lock();
        let is_news = inner.state.problem != problem;
        problem.clone_into(&mut inner.state.problem);
        is_news
    }

    pub(super) fn waits(&self) {
        let mut inner = self.lock();
        inner.state.waiting += 1;
        inner.handed_over += 1;
    }

    pub(super) fn was_not_taken(&self) {
        let mut inner = self.lock();
        inner.state.waiting = inner.state.waiting.saturating_sub(1);
        inner.handed_over = inner.handed_over.saturating_sub(1);
    }

    pub(super) fn does_not_wait(&self) {
        let mut inner = self.lock();
        inner.state.waiting = inner.state.waiting.saturating_sub(1);
    }

    pub(super) fn works(&self, stage: PttStage) {
        self.lock().working = Some(stage);
    }

    pub(super) fn heard(&self, text: &str) {
        self.lock().state.last = Some(PttTurn {
            heard: text.to_owned(),
            ..PttTurn::default()
        });
    }

    pub(super) fn answered(&self, turn: PttTurn) {
        let mut inner = self.lock();
        inner.state.last = Some(turn);
        inner.state.turns += 1;
        inner.working = Some(PttStage::Speaking);
    }

    pub(super) fn is_listening(&self) -> bool {
        *self.is_listening.borrow()
    }

    pub(super) async fn until_key_is_up(&self) {
        let mut is_listening = self.is_listening.subscribe();
        // The sender is this one's own, and cannot go away.
        let _ = is_listening.wait_for(|is_listening| !is_listening).await;
    }

    pub(super) fn ends(&self) {
        self.lock().working = None;
    }
}
