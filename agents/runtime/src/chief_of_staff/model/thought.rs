//! What is kept in mind of the model's work: a stored format, part of a conversation's memory.

use std::time::Duration;

use hearth_domain::conversation::Action;
use hearth_domain::policy::Labels;
use hearth_domain::{MessageId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::chief_of_staff::memory::{Step, Undo};
use crate::model::Answer;

/// How long an answer that was cut off is gone on with. The keys by which its acts are known are kept
/// for longer.
const GOES_ON: Duration = Duration::from_hours(24);
/// The most things of which a summary keeps what was done to them.
const FACTS_MAX: usize = 100;

/// What is kept in mind of the model's work.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Thought {
    /// An answer that is not finished.
    pub(crate) progress: Option<Progress>,
    /// What was said before what the model is shown.
    pub(crate) summary: Option<Summary>,
    /// What was too long to say of the last answer.
    pub(crate) rest: Option<String>,
    /// Whether the model's last answer asked something.
    pub(crate) is_asking: bool,
}

/// How far an answer is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// The message with which it began; the keys of what is done are made from it.
    pub(crate) key: MessageId,
    /// When that was.
    pub(crate) began_at: Timestamp,
    /// What was said, called and done, in order.
    pub(crate) entries: Vec<Entry>,
    /// How many of its acts the person was told of.
    #[serde(default)]
    pub(crate) told: usize,
    /// Whether the person was told that it is not finished.
    #[serde(default)]
    pub(crate) is_told: bool,
}

/// One entry of an answer's progress.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    /// The person said something.
    Said(String),
    /// The model answered; of its calls, the first ones have a result.
    Answered {
        /// What.
        answer: Answer,
        /// What came of its calls so far.
        results: Vec<Done>,
    },
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Done {
    /// What the model is told.
    pub(crate) content: String,
    /// What was done, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<Action>,
    /// How that is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) undo: Option<Undo>,
    /// Whose words it tells.
    #[serde(default, skip_serializing_if = "Labels::is_none")]
    pub(crate) labels: Labels,
}

/// What was said before what the model is shown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Summary {
    /// In the model's words.
    pub(crate) text: String,
    /// The position of the last message it covers.
    pub(crate) upto: i64,
    /// What was done, from the record and not from the model's words; what was touched last stands
    /// last.
    pub(crate) facts: Vec<Fact>,
    /// How many things were left out, the oldest first.
    pub(crate) left_out: usize,
}

/// What was done to one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fact {
    /// Which.
    pub(crate) entity_id: Uuid,
    /// Its number, where it is a task.
    pub(crate) number: Option<i64>,
    /// Its title or name.
    pub(crate) name: String,
    /// What, such as `task.created`.
    pub(crate) events: Vec<String>,
}

impl Thought {
    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Progress {
    /// Begins with a message.
    pub(crate) fn begin(key: MessageId, began_at: Timestamp, said: &str) -> Self {
        Self {
            key,
            began_at,
            entries: vec![Entry::Said(said.to_owned())],
            told: 0,
            is_told: false,
        }
    }

    /// Whether it is too old to be gone on with.
    pub(crate) fn has_lapsed(&self, now: Timestamp) -> bool {
        self.began_at.after(GOES_ON) <= now
    }

    /// The model's turns, each with what came of its calls.
    pub(crate) fn turns(&self) -> impl Iterator<Item = (&Answer, &[Done])> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Said(_) => None,
            Entry::Answered { answer, results } => Some((answer, results.as_slice())),
        })
    }

    /// What was done, in order.
    pub(crate) fn acts(&self) -> Vec<Action> {
        self.done().filter_map(|done| done.action.clone()).collect()
    }

    /// Returns whose words the calls brought.
    pub(crate) fn labels(&self) -> Labels {
        let none = Labels::default();
        self.done()
            .fold(none, |labels, done| labels.and(done.labels))
    }

    /// How many calls have a result.
    pub(crate) fn calls_done(&self) -> usize {
        self.done().count()
    }

    /// How what was done is taken back, the last first.
    pub(crate) fn undo(&self) -> Vec<Undo> {
        let mut steps = Vec::new();
        for undo in self.done().filter_map(|done| done.undo.clone()) {
            add_undo(&mut steps, undo);
        }
        steps
    }

    fn done(&self) -> impl Iterator<Item = &Done> {
        self.turns().flat_map(|(_, results)| results)
    }
}

/// Adds a step before the others; what was done to one task is taken back in one step.
fn add_undo(steps: &mut Vec<Undo>, next: Undo) {
    if let Undo::Task {
        id,
        version,
        step: Step::Fields(later),
        ..
    } = &next
    {
        let same = steps.iter_mut().find_map(|step| match step {
            Undo::Task {
                id: known,
                version,
                step,
                ..
            } if known == id => Some((version, step)),
            Undo::Task { .. } | Undo::Project { .. } | Undo::Never { .. } => None,
        });
        match same {
            Some((known, Step::Cancel)) => {
                *known = *version;
                return;
            }
            Some((known, Step::Fields(fields))) => {
                *known = *version;
                for field in later {
                    let is_same =
                        |other: &_| std::mem::discriminant(other) == std::mem::discriminant(field);
                    // The oldest value is the one to go back to.
                    if !fields.iter().any(is_same) {
                        fields.push(field.clone());
                    }
                }
                return;
            }
            _ => (),
        }
    }
    steps.insert(0, next);
}

impl Summary {
    /// Adds what was done with a message.
    pub(crate) fn add_facts(&mut self, actions: &[Action]) {
        for action in actions {
            let place = self
                .facts
                .iter()
                .position(|fact| fact.entity_id == action.entity_id);
            let mut fact = match place {
                Some(place) => self.facts.remove(place),
                None => Fact {
                    entity_id: action.entity_id,
                    number: action.number,
                    name: String::new(),
                    events: Vec::new(),
                },
            };
            fact.name.clone_from(&action.name);
            if fact.events.last() != Some(&action.event) {
                fact.events.push(action.event.clone());
            }
            self.facts.push(fact);
        }
        let over = self.facts.len().saturating_sub(FACTS_MAX);
        self.facts.drain(..over);
        self.left_out += over;
    }
}
