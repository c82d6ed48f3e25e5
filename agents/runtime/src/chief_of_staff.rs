//! The chief of staff: reads what a person says, carries it out, and answers in a few words.
//!
//! It works by a grammar, with no language model: what it does not understand it says so of, and
//! nothing is changed by a guess. With a model, what the grammar does not read exactly goes there.
//!
//! Reading order: `words` and `pattern` (a message as words, the shapes of sentences), `intent` (what
//! it asks for), `find` (which task is meant), `add`, `orders`, `approvals`, `undo` and `answers` (what is done),
//! `memory` (what is kept in mind), `phrase` (how it is said); `model` (what is said freely).

mod add;
mod answers;
mod approvals;
mod desk;
mod find;
mod intent;
mod memory;
mod model;
mod orders;
mod pattern;
mod phrase;
mod undo;
mod words;

use std::time::Duration;

use hearth_app::chat::{CHIEF_OF_STAFF, Reply, ReplyFuture, Turn};
use hearth_app::tasks::TaskRef;
use hearth_app::{App, AppError};
use hearth_domain::agent::{Presence, Registration};
use hearth_domain::field::{AgentName, Word};
use hearth_domain::policy::Labels;
use hearth_domain::{Actor, JsonObject};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

pub(crate) mod acts {
    //! What works on tasks, for the tools of runs as well.
    pub(crate) use super::model::acts::{Acting, Refused};
    pub(crate) use super::model::thought::Done;
}

use self::desk::{Desk, Model, Names};
use self::intent::{Courtesy, Intent, Order, Target};
use self::memory::{Asked, Memory};
use self::phrase::{capitalised, shortened};
use self::words::{Said, fold};
use crate::model::{Models, Profile};

/// How often the chief of staff says that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// The chief of staff.
#[derive(Debug, Clone, Default)]
pub struct ChiefOfStaff {
    models: Models,
    /// Ends calls of a model when the node stops.
    stop: CancellationToken,
}

/// Returns what is to be done in words that tell of one task: `remind me to call Ann.` as `Call Ann`. Words that
/// are no such order are the task as they stand.
pub fn task_line(words: &str) -> String {
    let said = Said::new(words);
    let line = intent::task_line(&said).unwrap_or(words);
    capitalised(line.trim_end_matches('.'))
}

impl ChiefOfStaff {
    /// A chief of staff who asks `models` what the grammar does not read, until `stop`.
    pub fn new(models: Models, stop: CancellationToken) -> Self {
        Self { models, stop }
    }

    /// Returns the model that answers `actor`; a viewer may look, and spends no money.
    fn model_for(&self, actor: &Actor) -> Option<Profile> {
        match actor {
            Actor::Owner | Actor::System | Actor::Agent(_) => self.models.current(),
            Actor::Viewer => None,
        }
    }

    /// Says that it is there until `shutdown`; answering needs no loop.
    pub async fn run(app: App, shutdown: CancellationToken) {
        let name = AgentName::from_stored(CHIEF_OF_STAFF.into());
        let actor = Actor::Agent(name.clone());
        let mut is_known = false;
        let mut signs = interval(SIGN_OF_LIFE);
        signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                _ = signs.tick() => (),
            }
            let shown = if is_known {
                app.heartbeat_agent(&actor, name.clone(), Some(Presence::Idle))
                    .await
            } else {
                app.register_agent(&actor, registration(name.clone())).await
            };
            match shown {
                Ok(_) => is_known = true,
                Err(failure) => {
                    warn!(error = %failure, "the chief of staff could not say that it is there");
                }
            }
        }
    }
}

fn registration(name: AgentName) -> Registration {
    Registration {
        name,
        kind: Word::from_stored("chief-of-staff".into()),
        capabilities: vec!["conversation".into()],
        metadata: JsonObject::new(),
    }
}

impl hearth_app::chat::ChiefOfStaff for ChiefOfStaff {
    fn reply<'a>(&'a self, turn: &'a mut Turn) -> ReplyFuture<'a> {
        Box::pin(reply(self, turn))
    }
}

async fn reply(chief: &ChiefOfStaff, turn: &mut Turn) -> Result<Reply, AppError> {
    let (app, actor) = (turn.app.clone(), turn.actor.clone());
    let model = chief.model_for(&actor);
    let mut desk = Desk {
        app: &app,
        actor: &actor,
        message: turn.message.id,
        names: Names::of(&app).await?,
        memory: Memory::read(&turn.conversation().memory),
        actions: Vec::new(),
        model: model.as_ref().map_or(Model::None, |_| Model::There),
        labels: Labels::default(),
    };
    let said = Said::new(turn.text());
    let intent = intent::read(&said, &desk.names.known());
    if let Some(rest) = desk.rest(&said) {
        return desk.reply(rest);
    }
    // Where something else is said than was asked for, the question lapses.
    let heard = match desk.memory.question.take() {
        Some(asked) => desk.hear_answer(asked, &said, &intent).await?,
        None => None,
    };
    if let Some(text) = heard {
        return desk.reply(text);
    }
    let text = match &model {
        Some(profile) if !desk.reads_exactly(&intent, &said).await? => {
            match model::converse(chief, profile, &mut desk, turn).await? {
                Ok(text) => text,
                Err(why) => {
                    desk.model = Model::Silent;
                    let text = desk.act(intent, &said).await?;
                    format!("{why}, so I go by set phrases. {text}")
                }
            }
        }
        Some(_) | None => {
            let is_question = matches!(intent, Intent::Question(_));
            desk.memory.thought.is_asking &= is_question;
            let text = desk.act(intent, &said).await?;
            desk.with_unfinished(text)
        }
    };
    let quoted = app.labels_of_tasks(quoted(&text)).await?;
    Ok(Reply {
        labels: desk.labels.and(quoted),
        ..desk.reply(text)?
    })
}

/// Returns the tasks that an answer tells of, each by its number as it tells of all: its words are
/// theirs too then.
fn quoted(text: &str) -> Vec<TaskRef> {
    let after_sign = text.split('#').skip(1);
    after_sign
        .filter_map(|rest| {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            rest.get(..digits)?.parse().ok().map(TaskRef::Number)
        })
        .collect()
}

impl Desk<'_> {
    async fn act(&mut self, intent: Intent, said: &Said) -> Result<String, AppError> {
        match intent {
            Intent::Question(question) => self.answer_question(question).await,
            Intent::Order(order, targets) => self.order(order, targets).await,
            Intent::Approval(consent) => self.consent(consent).await,
            Intent::Add(line) => self.add(&line).await,
            Intent::AddWhat => {
                self.memory.question = Some(Asked::AddWhat);
                Ok("What shall I add?".into())
            }
            Intent::CreateProject { name, description } => {
                self.create_project(name.as_deref(), &description).await
            }
            Intent::Undo => {
                // What was cut off is over with it.
                self.leave_unfinished();
                self.undo().await
            }
            Intent::No | Intent::NeverMind if self.memory.thought.progress.is_some() => {
                Ok(self.leave_unfinished().unwrap_or_default())
            }
            Intent::Yes | Intent::No | Intent::NeverMind => {
                Ok("All right. I had no question open; tell me what you'd like.".into())
            }
            Intent::Courtesy(Courtesy::Hello) => {
                let overview = self.overview().await?;
                Ok(format!("Hello! {overview}"))
            }
            Intent::Courtesy(Courtesy::Thanks) => Ok("You're welcome. What's next?".into()),
            Intent::Courtesy(Courtesy::Goodbye) => {
                Ok("Goodbye. I'll keep an eye on your dates.".into())
            }
            Intent::NeedsModel => Ok(match self.model {
                Model::None => {
                    self.offer(said, "That needs a language model, which I don't have yet.")
                }
                Model::There | Model::Silent => self.offer(said, "That one takes the model."),
            }),
            Intent::Unknown => self.unknown(said),
        }
    }

    fn unknown(&mut self, said: &Said) -> Result<String, AppError> {
        let span = said.all();
        if span.is_empty() {
            return Ok(
                "I heard nothing I can read. Say \"help\" and I'll tell you what I understand."
                    .into(),
            );
        }
        // A number alone is a task that is to be shown.
        if let Some(number) = intent::whole_number(span.written()) {
            return match self.task(number) {
                Ok(view) => Ok(self.about(&view)),
                Err(AppError::NotFound { .. }) => Ok(format!("There is no task #{number}.")),
                Err(error) => Err(error),
            };
        }
        let why = match self.model {
            Model::None => {
                "I didn't understand that; without a language model I know set phrases only, such as \"what's next?\"."
            }
            Model::There | Model::Silent => "That one I can't read by myself.",
        };
        Ok(self.offer(said, why))
    }

    /// Says why something cannot be done, and offers to keep it as a task.
    fn offer(&mut self, said: &Said, why: &str) -> String {
        let line = said.all().line().to_owned();
        let shown = shortened(&line, 12);
        self.memory.question = Some(Asked::AddAsTask { line });
        format!("{why} Shall I add \"{shown}\" as a task?")
    }

    /// Hears whether a message answers what was asked; `None` if it says something else.
    async fn hear_answer(
        &mut self,
        asked: Asked,
        said: &Said,
        intent: &Intent,
    ) -> Result<Option<String>, AppError> {
        if let Asked::Approval { number } = asked {
            return self.hear_consent(number, said, intent).await;
        }
        let span = said.point();
        let is_command = matches!(
            intent,
            Intent::Question(_)
                | Intent::Order(..)
                | Intent::Approval(_)
                | Intent::Undo
                | Intent::CreateProject { .. }
        );
        if matches!(intent, Intent::NeverMind) {
            return Ok(Some("All right, I changed nothing.".into()));
        }
        if matches!(intent, Intent::No) {
            return match asked {
                Asked::Project { line, .. } => self.add_with(&line, true).await.map(Some),
                Asked::Words { .. } => self.fill(asked, said).await.map(Some),
                _ => Ok(Some("All right, I changed nothing.".into())),
            };
        }
        match asked {
            Asked::Which { order, numbers } => {
                let number = intent::whole_number(span.written())
                    .filter(|number| numbers.contains(number))
                    .or_else(|| numbers.get(intent::position(span, numbers.len())?).copied())
                    .or_else(|| self.by_title(&numbers, span.written()));
                match number {
                    Some(number) => self.chosen(order, number).await.map(Some),
                    None if is_command || !matches!(intent, Intent::Unknown | Intent::Yes) => {
                        Ok(None)
                    }
                    None => {
                        let shown: Vec<String> = numbers
                            .iter()
                            .take(4)
                            .map(|number| format!("#{number}"))
                            .collect();
                        self.memory.question = Some(Asked::Which { order, numbers });
                        Ok(Some(format!(
                            "I need one of {}. Which is it?",
                            shown.join(", ")
                        )))
                    }
                }
            }
            Asked::Sure { order, number } => match intent {
                Intent::Yes => self.chosen(order, number).await.map(Some),
                _ if intent::whole_number(span.written()) == Some(number) => {
                    self.chosen(order, number).await.map(Some)
                }
                _ => Ok(None),
            },
            Asked::AddAsTask { line } => match intent {
                Intent::Yes => self.add(&line).await.map(Some),
                _ => Ok(None),
            },
            Asked::Project {
                line,
                said: name,
                meant,
            } => match intent {
                Intent::Yes => self.add(&renamed(&line, &name, &meant)).await.map(Some),
                _ if fold(span.written()) == fold(&meant) => {
                    self.add(&renamed(&line, &name, &meant)).await.map(Some)
                }
                _ => Ok(None),
            },
            Asked::AddWhat | Asked::ProjectName | Asked::Words { .. } if is_command => Ok(None),
            Asked::AddWhat => {
                let line = match intent {
                    Intent::Add(line) => line.clone(),
                    _ => said.all().line().to_owned(),
                };
                self.add(&line).await.map(Some)
            }
            Asked::ProjectName => {
                let name = words::unquoted(said.all().line()).to_owned();
                self.create_project(Some(&name), "").await.map(Some)
            }
            Asked::Words { .. } => self.fill(asked, said).await.map(Some),
            Asked::Approval { .. } => Ok(None),
        }
    }

    /// Carries out an order that lacked words, which are what is said.
    async fn fill(&mut self, asked: Asked, said: &Said) -> Result<String, AppError> {
        let Asked::Words { order, number } = asked else {
            return Ok(String::new());
        };
        let mut text = said.all().line();
        for lead in ["because ", "since "] {
            text = text.strip_prefix(lead).unwrap_or(text);
        }
        let text = Some(words::unquoted(text).to_owned());
        let order = match order {
            Order::Block { .. } => Order::Block { reason: text },
            Order::Answer { .. } => Order::Answer { text },
            other => other,
        };
        self.order(order, vec![Target::Number(number)]).await
    }

    async fn chosen(&mut self, order: Option<Order>, number: i64) -> Result<String, AppError> {
        if let Some(order) = order {
            return self.order(order, vec![Target::Number(number)]).await;
        }
        let view = self.task(number)?;
        Ok(self.about(&view))
    }

    /// The one of the offered tasks whose title alone has all these words.
    fn by_title(&self, numbers: &[i64], words: &str) -> Option<i64> {
        let wanted = Said::new(words);
        let mut fitting = numbers.iter().filter(|number| {
            let Ok(view) = self.task(**number) else {
                return false;
            };
            let title = Said::new(view.task.title.as_str());
            let has = |word: &words::Word| word.text == "the" || title.all().has(&word.text);
            !wanted.all().is_empty() && wanted.all().words().iter().all(has)
        });
        let first = fitting.next().copied();
        first.filter(|_| fitting.next().is_none())
    }
}

/// A line with the name of another project in it.
fn renamed(line: &str, said: &str, meant: &str) -> String {
    let quoted = if meant.contains(' ') {
        format!("\"{meant}\"")
    } else {
        meant.to_owned()
    };
    [
        format!("@\"{said}\""),
        format!("@{said}"),
        format!("project:\"{said}\""),
        format!("project:{said}"),
    ]
    .into_iter()
    .find(|mark| line.contains(mark.as_str()))
    .map_or_else(
        || line.to_owned(),
        |mark| line.replacen(&mark, &format!("@{quoted}"), 1),
    )
}

#[cfg(test)]
mod tests;
