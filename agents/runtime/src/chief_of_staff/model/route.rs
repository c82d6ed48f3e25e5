//! Who answers a message: the grammar, where it reads it exactly, and else the model.
//!
//! The grammar costs nothing and guesses nothing. Consent is its alone: the model never hears a word
//! that approves, denies or answers for the person as one.

use hearth_app::AppError;
use hearth_app::tasks::TaskFilter;
use hearth_domain::conversation::Action;

use crate::chief_of_staff::desk::Desk;
use crate::chief_of_staff::find::{Found, find};
use crate::chief_of_staff::intent::{self, Courtesy, Intent, Question, Target};
use crate::chief_of_staff::phrase::shortened;
use crate::chief_of_staff::words::{Said, Span};

use super::clause::clause;
use super::speech::{WORDS_MAX, words};

/// The most words of a name that an order makes a project of; what is longer says more than a name.
const PROJECT_WORDS: usize = 5;
/// The most words of a message that is taken for a task though nobody said `add`.
const IMPLICIT_WORDS: usize = 10;

impl Desk<'_> {
    /// Whether the grammar reads the message exactly.
    pub(crate) async fn reads_exactly(
        &self,
        intent: &Intent,
        said: &Said,
    ) -> Result<bool, AppError> {
        let is_asking = self.memory.thought.is_asking;
        let is_unfinished = self.memory.thought.progress.is_some();
        Ok(match intent {
            Intent::Question(question) => self.can_answer(question).await?,
            Intent::Order(_, targets) => {
                for target in targets {
                    if !self.knows(target).await? {
                        return Ok(false);
                    }
                }
                true
            }
            Intent::Add(line) => has_add_verb(said.point()) || self.is_plain(line, said).await?,
            Intent::CreateProject { name, .. } => name
                .as_ref()
                .is_none_or(|name| name.split_whitespace().count() <= PROJECT_WORDS),
            Intent::Approval(_)
            | Intent::AddWhat
            | Intent::Undo
            | Intent::Courtesy(Courtesy::Hello | Courtesy::Goodbye) => true,
            Intent::Yes => !(is_asking || is_unfinished),
            Intent::No | Intent::NeverMind => !is_asking || is_unfinished,
            // "Perfect" is thanks, and a yes to whoever asked.
            Intent::Courtesy(Courtesy::Thanks) => !is_asking || says_thanks(said.all()),
            Intent::NeedsModel => false,
            Intent::Unknown => {
                let span = said.all();
                let is_number = intent::whole_number(span.written()).is_some();
                span.is_empty() || is_number && !is_asking
            }
        })
    }

    async fn can_answer(&self, question: &Question) -> Result<bool, AppError> {
        match question {
            Question::About(target) => self.knows(target).await,
            Question::List(filter) | Question::Count(filter) => Ok(filter.unknown.is_none()),
            Question::Search(words) => {
                let filter = TaskFilter {
                    text: Some(words.clone()),
                    ..TaskFilter::default()
                };
                match self.app.list_tasks(filter, None, None, 1).await {
                    Ok(page) => Ok(!page.items.is_empty()),
                    Err(AppError::Store(source)) => Err(AppError::Store(source)),
                    // No words to search by.
                    Err(_) => Ok(false),
                }
            }
            Question::Blocked
            | Question::Running
            | Question::Due(_)
            | Question::Next
            | Question::Done(_)
            | Question::Overview
            | Question::Agent(_)
            | Question::Project(_)
            | Question::Projects
            | Question::Agents
            | Question::Repeating
            | Question::Help => Ok(true),
        }
    }

    async fn knows(&self, target: &Target) -> Result<bool, AppError> {
        Ok(match find(self.app, target, &self.memory).await? {
            Found::One(_) | Found::Many(_) | Found::Nearly(_) | Found::NoNumber(_) => true,
            Found::NoWords(_) | Found::NoIt => false,
        })
    }

    /// Whether a line that nobody said `add` to is a task all the same: short, and with no doubt.
    async fn is_plain(&self, line: &str, said: &Said) -> Result<bool, AppError> {
        if said.all().len() > IMPLICIT_WORDS || intent::needs_model(&Said::new(line)) {
            return Ok(false);
        }
        Ok(self.app.understand(line).await?.doubts.is_empty())
    }

    /// Returns what was too long to say of the last answer, where that is asked for.
    pub(crate) fn rest(&self, said: &Said) -> Option<String> {
        const REST: [&str; 4] = [
            "[show|read|give|tell|print|send] [me] the rest [of] [it|that] [in] [writing]",
            "[show|read|give|tell] [me] more",
            "[show|read|give|tell|print] [me] [it|that] [all|everything] in writing",
            "what is the rest",
        ];
        let rest = self.memory.thought.rest.as_ref()?;
        let is_asked = crate::chief_of_staff::pattern::is_any(&REST, said.point());
        is_asked.then(|| rest.clone())
    }

    /// Lets go of an answer that was cut off; what was made stays. Returns what to say.
    pub(crate) fn leave_unfinished(&mut self) -> Option<String> {
        let progress = self.memory.thought.progress.take()?;
        let acts: Vec<Action> = progress.acts().into_iter().skip(progress.told).collect();
        let made = clause(&acts, "I had");
        self.actions.extend(acts);
        let undo = progress.undo();
        if undo.is_empty() {
            return Some("All right, I leave it there.".into());
        }
        self.memory.undo = undo;
        let text = format!("All right, I leave it there. {made} Say undo to take that back.");
        Some(text.replace("  ", " "))
    }

    /// Adds to an answer of the grammar that one of the model's was cut off, once.
    pub(crate) fn with_unfinished(&mut self, text: String) -> String {
        let now = self.names.now;
        let Some(progress) = self.memory.thought.progress.as_mut() else {
            return text;
        };
        if progress.is_told {
            return text;
        }
        progress.is_told = true;
        let acts: Vec<Action> = progress.acts().into_iter().skip(progress.told).collect();
        progress.told += acts.len();
        let made = clause(&acts, "I had");
        let has_lapsed = progress.has_lapsed(now);
        self.actions.extend(acts);
        let next = if has_lapsed {
            self.memory.thought.progress = None;
            ""
        } else {
            "Say \"go on\" and I'll finish it."
        };
        let tail = format!("Earlier an answer of mine was cut off. {made} {next}");
        let room = WORDS_MAX.saturating_sub(words(&tail));
        let text = if words(&text) > room {
            shortened(&text, room)
        } else {
            text
        };
        format!("{text} {tail}")
            .replace("  ", " ")
            .trim_end()
            .to_owned()
    }
}

/// Whether a message begins with a word that asks for a task to be kept.
fn has_add_verb(span: Span<'_>) -> bool {
    const VERBS: [&str; 9] = [
        "add", "create", "make", "open", "new", "todo", "remember", "note", "put",
    ];
    VERBS.contains(&span.at(0))
        || span.begins("remind me").is_some()
        || span.begins("do not forget").is_some()
}

fn says_thanks(span: Span<'_>) -> bool {
    ["thanks", "thank", "thx", "cheers", "ta"]
        .iter()
        .any(|word| span.has(word))
}
