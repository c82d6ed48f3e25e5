//! What the journal of a run led by a model says: which turns there were, what each of them called,
//! and what comes next. It is read off the steps and nothing else, so that a run goes on after a crash
//! as if there had been none.
//!
//! A turn at place `p` with `n` calls has them at `p + 1` to `p + n`, and what is extracted from the
//! results of strangers at `p + n + 1` to `p + 2n`; the next turn comes after that. A turn that says
//! something and calls nothing says that the task is done, which is a call too.

use std::collections::BTreeSet;

use hearth_domain::run::{COMPLETE, Step, StepEnd, StepState, TURN};
use serde_json::json;

use crate::model::{Answer, ToolCall};
use crate::tools::registry::shelf::DESCRIBE;

/// How often in a row a model may say nothing of use before its task is its owner's to look at.
pub(super) const USELESS_MAX: usize = 3;

/// How often it is tried to extract something from one text.
const EXTRACTS_MAX: u32 = 2;

/// The turns of a run so far.
#[derive(Debug)]
pub(super) struct Episode {
    pub(super) turns: Vec<Turn>,
}

/// One turn, and what it called.
#[derive(Debug)]
pub(super) struct Turn {
    /// Where it lies, from 1 on.
    pub(super) place: u32,
    pub(super) answer: Answer,
    pub(super) calls: Vec<Called>,
    /// When it was asked for.
    pub(super) asked_at: hearth_domain::Timestamp,
    /// Under which claim. What an answer of the owner's set going again is counted anew.
    pub(super) fence: u64,
}

/// A call of a turn.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) place: u32,
    pub(super) call: ToolCall,
    pub(super) came: Came,
    /// What was extracted from its result, where that was a stranger's text.
    pub(super) extract: Extract,
    /// The attempt that counts, if one was begun.
    pub(super) step: Option<Step>,
}

/// What came of a call.
#[derive(Debug, PartialEq)]
pub(super) enum Came {
    /// It is to be made.
    Open,
    /// It waits for the owner or another task.
    Waits,
    /// It was made; its result is to be kept.
    Acted,
    /// It was cut off.
    Interrupted,
    Done(StepEnd),
    Failed(String),
}

/// What came of extracting.
#[derive(Debug, PartialEq)]
pub(super) enum Extract {
    /// Nobody was asked, or not to the end.
    Open,
    Done(Answer),
    Failed(String),
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next<'a> {
    /// Ask the model for its next turn.
    Turn { place: u32, number: usize },
    /// Make a call of the last turn.
    Call(&'a Called),
    /// Keep the result of a call that was made.
    Keep(&'a Step),
    /// Find out whether a call that was cut off may be made again.
    Repeat(&'a Step),
    /// Have the text of strangers in a call's result put into shape.
    Extract { place: u32, called: &'a Called },
    /// The model says nothing of use, again and again.
    Useless,
}

impl Turn {
    /// Whether it brought nothing to go on with: neither a call nor a whole sentence.
    pub(super) fn is_useless(&self) -> bool {
        self.calls.is_empty()
    }

    fn next_place(&self) -> u32 {
        let calls = u32::try_from(self.calls.len().max(1)).unwrap_or(u32::MAX);
        self.place
            .saturating_add(calls.saturating_mul(2))
            .saturating_add(1)
    }
}

impl Episode {
    /// Returns the names of the tools that the model is to see in whole: those that it asked for, and those
    /// that it called wrongly.
    pub(super) fn opened(&self) -> BTreeSet<String> {
        let calls = self.turns.iter().flat_map(|turn| &turn.calls);
        let mut opened = BTreeSet::new();
        for Called { call, came, .. } in calls {
            if call.name == DESCRIBE && matches!(came, Came::Done(_)) {
                let names = call.args["names"].as_array().into_iter().flatten();
                opened.extend(names.filter_map(|name| name.as_str().map(str::to_owned)));
            } else if matches!(came, Came::Failed(_)) {
                opened.insert(call.name.clone());
            }
        }
        opened
    }

    /// Reads the attempts that count. What is no answer in a turn's place ends the reading: the turn is
    /// asked for anew.
    pub(super) fn read(steps: &[Step]) -> Self {
        let at = |place: u32| {
            steps
                .iter()
                .rfind(|step| step.place == place && step.discarded_at.is_none())
        };
        let mut turns: Vec<Turn> = Vec::new();
        loop {
            let place = turns.last().map_or(1, Turn::next_place);
            let Some((answer, asked_at, fence)) = at(place).and_then(answered) else {
                return Self { turns };
            };
            let calls = calls_of(&answer);
            let count = u32::try_from(calls.len()).unwrap_or(u32::MAX);
            let calls = (place.saturating_add(1)..).zip(calls);
            turns.push(Turn {
                place,
                calls: calls
                    .map(|(place, call)| {
                        let step = at(place).cloned();
                        Called {
                            place,
                            call,
                            came: step.as_ref().map_or(Came::Open, Came::of),
                            extract: at(place.saturating_add(count))
                                .map_or(Extract::Open, extracted),
                            step,
                        }
                    })
                    .collect(),
                answer,
                asked_at,
                fence,
            });
        }
    }

    /// Says what comes next under a claim; `is_strange` tells whether a call's result holds text of
    /// strangers.
    pub(super) fn next(&self, fence: u64, is_strange: impl Fn(&Called) -> bool) -> Next<'_> {
        let Some(turn) = self.turns.last() else {
            return Next::Turn {
                place: 1,
                number: 1,
            };
        };
        for called in &turn.calls {
            match (&called.came, &called.step) {
                (Came::Acted, Some(step)) if called.call.name != COMPLETE => {
                    return Next::Keep(step);
                }
                // Of one that acted, whether the task is done was not settled yet.
                (Came::Open | Came::Waits | Came::Acted, _) => return Next::Call(called),
                (Came::Interrupted, Some(step)) => return Next::Repeat(step),
                (Came::Interrupted | Came::Done(_) | Came::Failed(_), _) => (),
            }
        }
        let count = u32::try_from(turn.calls.len()).unwrap_or(u32::MAX);
        for called in &turn.calls {
            if called.extract == Extract::Open && is_strange(called) {
                let place = called.place.saturating_add(count);
                return Next::Extract { place, called };
            }
        }
        let last = self.turns.iter().rev().take(USELESS_MAX);
        if last
            .filter(|turn| turn.fence == fence && turn.is_useless())
            .count()
            == USELESS_MAX
        {
            return Next::Useless;
        }
        Next::Turn {
            place: turn.next_place(),
            number: self.turns.len() + 1,
        }
    }

    /// How many calls in a row, up to the last, named no tool or had wrong arguments, under a claim.
    pub(super) fn wrong_calls(&self, fence: u64, is_wrong: impl Fn(&ToolCall) -> bool) -> usize {
        let turns = self.turns.iter().filter(|turn| turn.fence == fence);
        let calls: Vec<&Called> = turns.flat_map(|turn| &turn.calls).collect();
        calls
            .iter()
            .rev()
            .take_while(|called| is_wrong(&called.call))
            .count()
    }
}

impl Came {
    fn of(step: &Step) -> Self {
        match &step.state {
            StepState::Waiting(_) => Self::Waits,
            StepState::Intended => Self::Open,
            StepState::Acted { .. } => Self::Acted,
            StepState::Done(end) => Self::Done(end.clone()),
            StepState::Failed { error } => Self::Failed(error.clone()),
            StepState::Interrupted => Self::Interrupted,
        }
    }
}

fn answered(step: &Step) -> Option<(Answer, hearth_domain::Timestamp, u64)> {
    if step.action.tool.as_str() != TURN {
        return None;
    }
    Some((answer_in(step)?, step.created_at, step.fence))
}

/// Returns the answer that a turn brought.
pub(super) fn answer_in(step: &Step) -> Option<Answer> {
    let outcome = match &step.state {
        StepState::Acted { outcome } => outcome.clone(),
        StepState::Done(end) => end.result.clone()?.into(),
        _ => return None,
    };
    serde_json::from_value(outcome).ok()
}

fn extracted(step: &Step) -> Extract {
    if let Some(answer) = answer_in(step) {
        return Extract::Done(answer);
    }
    match &step.state {
        // Where no model answered, that was no try.
        StepState::Failed { error } if step.attempt >= EXTRACTS_MAX && step.acted_at.is_some() => {
            Extract::Failed(error.clone())
        }
        _ => Extract::Open,
    }
}

/// What a turn calls: what it says, and for a whole sentence without a call, that the task is done.
fn calls_of(answer: &Answer) -> Vec<ToolCall> {
    let is_said = !answer.text.trim().is_empty() && !answer.is_cut;
    if answer.calls.is_empty() && is_said {
        return vec![ToolCall {
            id: String::new(),
            name: COMPLETE.into(),
            args: json!({ "summary": answer.text }),
        }];
    }
    answer.calls.clone()
}
