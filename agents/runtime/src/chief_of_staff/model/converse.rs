//! One message answered by the model: it is asked, its calls are carried out, it is asked again, until
//! it has said what it has to say. Each turn and each act is kept before the next.

mod request;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hearth_app::AppError;
use hearth_app::chat::Turn;
use hearth_domain::conversation::Action;
use hearth_domain::memory::Memory;
use hearth_domain::money::Purpose;
use hearth_domain::policy::Labels;
use tokio::time::Instant;

use super::acts::Acting;
use super::ask::{Asking, NoAnswer, paid_ask};
use super::clause::{clause, names};
use super::history::Past;
use super::speech::{self, certain, limited};
use super::thought::{Done, Entry, Progress};
use crate::chief_of_staff::ChiefOfStaff;
use crate::chief_of_staff::desk::Desk;
use crate::model::{Answer, Profile, Request};

/// The most turns of the model for one message; in the last it has no tools.
const TURNS_MAX: usize = 8;
/// The most calls of tools for one message.
const CALLS_MAX: usize = 40;
/// After this long the next turn is the last.
const PATIENCE: Duration = Duration::from_mins(3);
/// The most characters that are kept of what is not said.
const REST_MAX: usize = 40_000;
/// The most memories that a message is answered with.
const RECALLED: usize = 5;

/// Answers the message of `turn` by the model.
///
/// The inner error is a clause that says why the model did not answer; nothing was done then.
///
/// # Errors
/// The store failed; the node stops. What was done is kept in mind.
pub(in crate::chief_of_staff) async fn converse(
    chief: &ChiefOfStaff,
    profile: &Profile,
    desk: &mut Desk<'_>,
    turn: &mut Turn,
) -> Result<Result<String, String>, AppError> {
    let asking = Asking {
        app: turn.app.clone(),
        actor: turn.actor.clone(),
        conversation: turn.conversation().id,
        models: &chief.models,
        stop: &chief.stop,
    };
    let progress = begin(desk, turn);
    let memories = recalled(turn).await?;
    let spoken = turn
        .app
        .labels_of_conversation(turn.conversation().id)
        .await?;
    let recalled = memories.iter().fold(Labels::default(), |labels, memory| {
        labels.and(memory.labels)
    });
    let mut talk = Talk {
        asking,
        profile,
        acts_before: progress.acts().len(),
        progress,
        heard: spoken.and(recalled),
        memories,
        desk,
        turn,
        began: Instant::now(),
    };
    // From here on the answer is known to be wanted, whatever becomes of this life of the node.
    talk.note().await?;
    let past = talk.past().await?;
    let answered = talk.make_answer(&past).await?;
    talk.desk.labels = talk.progress.labels().and(recalled);
    match answered {
        Ok(()) => Ok(Ok(talk.finish())),
        Err(no_answer) => talk.break_off(no_answer),
    }
}

/// Returns what the node remembers of what is said. What strangers may have written is not recalled
/// unasked: it would stand where the person's own facts stand.
async fn recalled(turn: &Turn) -> Result<Vec<Memory>, AppError> {
    let found = turn.app.recall(turn.text(), None, RECALLED).await?;
    Ok(found
        .into_iter()
        .filter(|memory| !memory.labels.untrusted)
        .collect())
}

/// Begins an answer, or goes on with one that was cut off.
fn begin(desk: &mut Desk<'_>, turn: &Turn) -> Progress {
    let said = turn.text();
    let cut_off = desk.memory.thought.progress.take();
    let cut_off = cut_off.filter(|progress| !progress.has_lapsed(desk.names.now));
    let Some(mut progress) = cut_off else {
        return Progress::begin(turn.message.id, turn.message.created_at, said);
    };
    let last = progress.entries.iter().rev().find_map(|entry| match entry {
        Entry::Said(text) => Some(text.as_str()),
        Entry::Answered { .. } => None,
    });
    // The same message again asks for nothing more.
    if last != Some(said) {
        progress.entries.push(Entry::Said(said.to_owned()));
    }
    progress
}

struct Talk<'a, 'd> {
    asking: Asking<'a>,
    profile: &'a Profile,
    progress: Progress,
    /// How many acts there were already when this message came.
    acts_before: usize,
    /// Whose words were said, and recalled.
    heard: Labels,
    /// What the node remembers of what is said.
    memories: Vec<Memory>,
    desk: &'a mut Desk<'d>,
    turn: &'a mut Turn,
    began: Instant,
}

impl Talk<'_, '_> {
    /// Asks and acts until the model has said what it has to say.
    async fn make_answer(&mut self, past: &Past) -> Result<Result<(), NoAnswer>, AppError> {
        let mut may_be_done = true;
        loop {
            self.finish_calls(may_be_done).await?;
            may_be_done = false;
            let (turns, calls, is_over) = self.since_last_said();
            if is_over {
                return Ok(Ok(()));
            }
            let is_last =
                turns + 1 >= TURNS_MAX || calls >= CALLS_MAX || self.began.elapsed() >= PATIENCE;
            let request = self.request(past, is_last).await?;
            let mut answer = match self.ask(&request).await {
                Ok(answer) => answer,
                Err(no_answer) => return Ok(Err(no_answer)),
            };
            if is_last {
                answer.calls.clear();
            }
            let is_empty = answer.calls.is_empty() && answer.text.trim().is_empty();
            if is_empty && self.progress.acts().is_empty() && self.said().is_empty() {
                return Ok(Err(NoAnswer::Empty));
            }
            let has_calls = !answer.calls.is_empty();
            let results = Vec::new();
            self.progress
                .entries
                .push(Entry::Answered { answer, results });
            if has_calls {
                self.note().await?;
            }
        }
    }

    /// Returns how many turns and calls there were since the person last said something, and whether
    /// the last turn ended the answer.
    fn since_last_said(&self) -> (usize, usize, bool) {
        let (mut turns, mut calls, mut is_over) = (0, 0, false);
        for entry in &self.progress.entries {
            match entry {
                Entry::Said(_) => (turns, calls, is_over) = (0, 0, false),
                Entry::Answered { answer, results } => {
                    turns += 1;
                    calls += results.len();
                    is_over = answer.calls.is_empty();
                }
            }
        }
        (turns, calls, is_over)
    }

    /// Carries out the calls of the last turn that have no result yet.
    async fn finish_calls(&mut self, mut may_be_done: bool) -> Result<(), AppError> {
        // What was said after a turn comes after its calls as well.
        let place = self
            .progress
            .entries
            .iter()
            .rposition(|entry| matches!(entry, Entry::Answered { .. }));
        let Some(place) = place else {
            return Ok(());
        };
        loop {
            let Some(Entry::Answered { answer, results }) = self.progress.entries.get(place) else {
                return Ok(());
            };
            let Some(call) = answer.calls.get(results.len()) else {
                return Ok(());
            };
            let done = if self.calls_of_message(place) >= CALLS_MAX {
                Done {
                    content: format!(
                        "not done: one message may make {CALLS_MAX} calls; say what is left to do"
                    ),
                    ..Done::default()
                }
            } else {
                let acting = Acting {
                    app: self.desk.app,
                    actor: self.desk.actor,
                    whose: "chat",
                    key: self.progress.key.0,
                    position: self.progress.calls_done(),
                    made: self.progress.acts(),
                    labels: self.heard.and(self.progress.labels()),
                    within: None,
                    holds: None,
                    home: None,
                    may_be_done,
                };
                acting.carry_out(call).await?
            };
            may_be_done = false;
            if let Some(Entry::Answered { results, .. }) = self.progress.entries.get_mut(place) {
                results.push(done);
            }
            self.note().await?;
        }
    }

    /// How many calls were made since the person said what led to the turn at `place`.
    fn calls_of_message(&self, place: usize) -> usize {
        let entries = self.progress.entries.get(..=place).unwrap_or_default();
        let calls = entries.iter().rev().map_while(|entry| match entry {
            Entry::Said(_) => None,
            Entry::Answered { results, .. } => Some(results.len()),
        });
        calls.sum()
    }

    /// Keeps in mind how far the answer is.
    async fn note(&mut self) -> Result<(), AppError> {
        self.desk.memory.thought.progress = Some(self.progress.clone());
        let memory = self.desk.memory.write()?;
        self.desk.memory.thought.progress = None;
        self.turn.note(memory).await
    }

    /// Asks the model once; whoever listens hears what is certain of it as it comes.
    async fn ask(&self, request: &Request) -> Result<Answer, NoAnswer> {
        let Some(listener) = self.turn.listener() else {
            return paid_ask(&self.asking, Purpose::Chat, request, None).await;
        };
        let reserved = self.reserved();
        // Filled by whatever thread the answer comes on, and locked for no longer than a piece.
        let so_far = Mutex::new(self.said());
        let heard = |piece: &str| {
            let mut so_far = so_far.lock().unwrap_or_else(PoisonError::into_inner);
            so_far.push_str(piece);
            let certain = certain(&so_far, reserved);
            if !certain.is_empty() {
                listener(&certain);
            }
        };
        paid_ask(&self.asking, Purpose::Chat, request, Some(&heard)).await
    }

    /// What the model said so far, with a break at its end where more is to come.
    fn said(&self) -> String {
        let mut said = String::new();
        let acts = self.progress.acts();
        let before = acts.get(self.progress.told..self.acts_before);
        let before = clause(before.unwrap_or_default(), "Before I was cut off, I had");
        if !before.is_empty() {
            said.push_str(&format!("{before} "));
        }
        for (answer, _) in self.progress.turns() {
            let text = answer.text.trim();
            if !text.is_empty() {
                said.push_str(text);
                said.push_str(if text.ends_with(['.', '!', '?', '…', ':']) {
                    " "
                } else {
                    ". "
                });
            }
        }
        said
    }

    fn untold(&self) -> Vec<Action> {
        let acts = self.progress.acts();
        acts.into_iter().skip(self.progress.told).collect()
    }

    /// How many words are kept free for saying what was done.
    fn reserved(&self) -> usize {
        speech::words(&clause(&self.untold(), "I've"))
    }

    /// Ends the answer.
    fn finish(self) -> String {
        let said = self.said();
        let untold = self.untold();
        let mut unnamed = untold.clone();
        unnamed.retain(|act| !names(&said, act));
        let made = clause(&unnamed, "I've");
        let spoken = limited(&said, speech::words(&made));
        let text = if spoken.text.is_empty() {
            made
        } else {
            format!("{} {made}", spoken.text).trim().to_owned()
        };
        let text = if text.is_empty() {
            "I have nothing to add to that. What would you like next?".to_owned()
        } else {
            text
        };
        let thought = &mut self.desk.memory.thought;
        thought.progress = None;
        thought.rest = spoken
            .rest
            .map(|rest| rest.chars().take(REST_MAX).collect());
        thought.is_asking = text.contains('?');
        self.desk.actions.extend(untold);
        self.desk.remember_acts(&self.progress);
        text
    }

    /// Ends without an answer: what was done is said and gone on with later; where nothing was, the
    /// grammar answers.
    fn break_off(mut self, no_answer: NoAnswer) -> Result<Result<String, String>, AppError> {
        let why = no_answer.clause()?;
        if self.progress.turns().next().is_none() {
            return Ok(Err(why));
        }
        let untold = self.untold();
        let made = clause(&untold, "I've");
        self.desk.actions.extend(untold);
        self.desk.remember_acts(&self.progress);
        self.progress.told = self.progress.acts().len();
        self.progress.is_told = true;
        self.desk.memory.thought.progress = Some(self.progress);
        let text = format!("{made} {why}. Say \"go on\" and I'll finish it.");
        Ok(Ok(text.trim().to_owned()))
    }
}

impl Desk<'_> {
    /// Keeps in mind how the acts are taken back, and of what was last spoken.
    fn remember_acts(&mut self, progress: &Progress) {
        let undo = progress.undo();
        if !undo.is_empty() {
            self.memory.undo = undo;
        }
        let last = progress.acts().into_iter().rev().find_map(|act| act.number);
        self.memory.it = last.or(self.memory.it);
    }
}
