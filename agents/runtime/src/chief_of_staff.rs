//! The chief of staff: reads what a person says, carries it out, and answers in a few words.
//!
//! It works by a grammar, with no language model. What it does not understand it says so of, and
//! nothing is changed by a guess.
//!
//! Reading order: `words` and `pattern` (a message as words, the shapes of sentences), `intent` (what
//! it asks for), `find` (which task is meant), `add`, `orders`, `approvals`, `undo` and `answers` (what is done),
//! `memory` (what is kept in mind), `phrase` (how it is said).

mod add;
mod answers;
mod approvals;
mod desk;
mod find;
mod intent;
mod memory;
mod orders;
mod pattern;
mod phrase;
mod undo;
mod words;

use std::time::Duration;

use hearth_app::chat::{CHIEF_OF_STAFF, Reply, ReplyFuture};
use hearth_app::tasks::TaskRef;
use hearth_app::{App, AppError};
use hearth_domain::agent::{Presence, Registration};
use hearth_domain::conversation::Conversation;
use hearth_domain::field::{AgentName, Word};
use hearth_domain::{Actor, JsonObject};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use self::desk::{Desk, Names};
use self::intent::{Courtesy, Intent, Order, Target};
use self::memory::{Asked, Memory};
use self::phrase::shortened;
use self::words::{Said, fold};

/// How often the chief of staff says that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// The chief of staff.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChiefOfStaff;

impl ChiefOfStaff {
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
    fn reply<'a>(
        &'a self,
        app: &'a App,
        actor: &'a Actor,
        conversation: &'a Conversation,
        message: &'a str,
    ) -> ReplyFuture<'a> {
        Box::pin(reply(app, actor, conversation, message))
    }
}

async fn reply(
    app: &App,
    actor: &Actor,
    conversation: &Conversation,
    message: &str,
) -> Result<Reply, AppError> {
    let mut desk = Desk {
        app,
        actor,
        names: Names::of(app).await?,
        memory: Memory::read(&conversation.memory),
        actions: Vec::new(),
    };
    let said = Said::new(message);
    let intent = intent::read(&said, &desk.names.known());
    let text = match desk.memory.question.take() {
        Some(asked) => match desk.hear_answer(asked, &said, &intent).await? {
            Some(text) => text,
            // Something else is said: the question lapses.
            None => desk.act(intent, &said).await?,
        },
        None => desk.act(intent, &said).await?,
    };
    let labels = app.labels_of_tasks(quoted(&text)).await?;
    Ok(Reply {
        labels,
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
            Intent::Undo => self.undo().await,
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
            Intent::NeedsModel => {
                Ok(self.offer(said, "That needs a language model, which I don't have yet."))
            }
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
        Ok(self.offer(
            said,
            "I didn't understand that; without a language model I know set phrases only, such as \"what's next?\".",
        ))
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
