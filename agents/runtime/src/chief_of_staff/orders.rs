//! Carries orders out, by the operations of the node and with the rights of whoever asks.

use std::time::Duration;

use hearth_app::AppError;
use hearth_app::holding::Hold;
use hearth_app::tasks::{TaskRef, TaskView, UpdateTask};
use hearth_domain::event::ReleaseCause;
use hearth_domain::field::{AgentName, Label, Title};
use hearth_domain::recurrence::Rule;
use hearth_domain::task::{Task, TaskPatch, TaskState, TaskStatus};
use hearth_domain::when::When;
use hearth_domain::{JsonObject, Priority};

use super::desk::Desk;
use super::find::{CHOICES_MAX, Found, find};
use super::intent::{Due, Order, Target, known_name, postponed};
use super::memory::{Asked, Field, Step, Undo};
use super::phrase::{capitalised, listed, named, refusal, shortened, standing, status};

/// How long the owner may be at a task that was taken to hand: an hour, the longest lease.
const HAND_LEASE: Duration = Duration::from_hours(1);

/// What came of one order to one task.
enum Outcome {
    /// It was done: what to say, and how it is taken back.
    Done(String, Undo),
    /// It was not: what to say.
    Not(String),
}

impl Desk<'_> {
    /// Carries an order out on each task that is named, or asks which is meant.
    pub(super) async fn order(
        &mut self,
        order: Order,
        targets: Vec<Target>,
    ) -> Result<String, AppError> {
        let mut views = Vec::new();
        for target in &targets {
            match find(self.app, target, &self.memory).await? {
                Found::One(view) => views.push(*view),
                other => return Ok(self.unfound(other, Some(order))),
            }
        }
        let mut said = Vec::new();
        let mut undo = Vec::new();
        let mut has_acted = false;
        for view in views {
            if let Some(question) = self.missing(&order, &view) {
                return Ok(question);
            }
            match self.carry_out(&order, view).await? {
                Outcome::Done(text, step) => {
                    has_acted = true;
                    undo.insert(0, step);
                    said.push(text);
                }
                Outcome::Not(text) => said.push(text),
            }
        }
        if has_acted {
            self.memory.undo = undo;
        }
        if said.len() > 4 {
            return Ok(format!(
                "I've gone through {} tasks: {}",
                said.len(),
                shortened(&said.join(" "), 60)
            ));
        }
        Ok(said.join(" "))
    }

    /// Says that a task was not found, or asks which is meant.
    pub(super) fn unfound(&mut self, found: Found, order: Option<Order>) -> String {
        match found {
            Found::One(view) => format!("I found {}.", named(&view.task)),
            Found::Many(views) => {
                let shown: Vec<String> = views
                    .iter()
                    .take(CHOICES_MAX)
                    .map(|view| listed(&view.task))
                    .collect();
                let more = views.len().saturating_sub(CHOICES_MAX);
                let more = if more > 0 {
                    format!(", or one of {more} more")
                } else {
                    String::new()
                };
                self.memory.question = Some(Asked::Which {
                    order,
                    numbers: views.iter().take(20).map(|view| view.task.number).collect(),
                });
                format!(
                    "Which one do you mean: {}{more}? Tell me the number.",
                    shown.join(", or ")
                )
            }
            Found::Nearly(view) => {
                self.memory.question = Some(Asked::Sure {
                    order,
                    number: view.task.number,
                });
                format!(
                    "I don't find that exactly. Did you mean {}?",
                    named(&view.task)
                )
            }
            Found::NoNumber(number) => format!(
                "There is no task #{number}. Ask \"what's open?\" and I'll read you the numbers."
            ),
            Found::NoWords(words) => format!(
                "I find no task called \"{}\". Tell me its number, or ask \"what's open?\"",
                shortened(&words, 10)
            ),
            Found::NoIt => "Which task do you mean? Tell me its number.".into(),
        }
    }

    /// Asks for what an order lacks.
    fn missing(&mut self, order: &Order, view: &TaskView) -> Option<String> {
        let number = view.task.number;
        let is_blocked = view.task.status() == TaskStatus::Blocked;
        let question = match order {
            Order::Block { reason: None } => format!("Why is {} blocked?", named(&view.task)),
            Order::Answer { text: None } if is_blocked => {
                format!(
                    "{} {}. What shall I answer?",
                    named(&view.task),
                    standing(view, &self.names.zone)
                )
            }
            Order::Urgent => {
                self.memory.question = Some(Asked::Sure {
                    order: Some(Order::Priority(Priority::Critical)),
                    number,
                });
                return Some(format!(
                    "Shall I make {} critical? It is {} now.",
                    named(&view.task),
                    view.task.priority
                ));
            }
            _ => return None,
        };
        self.memory.question = Some(Asked::Words {
            order: order.clone(),
            number,
        });
        Some(question)
    }

    async fn carry_out(&mut self, order: &Order, view: TaskView) -> Result<Outcome, AppError> {
        let task = view.task.clone();
        let done = match order {
            Order::Complete { note } => self.complete(&view, note.as_deref()).await,
            Order::Block { reason } => {
                self.block(&task, reason.as_deref().unwrap_or_default())
                    .await
            }
            Order::Answer { text } => self.answer(&view, text.clone()).await,
            Order::Unblock => self.answer(&view, None).await,
            Order::Cancel { reason } => self.cancel(&task, reason.clone()).await,
            Order::Reopen => self.reopen(&task).await,
            Order::Release => self.release(&view).await,
            Order::Start => self.start(&task).await,
            Order::Urgent => return Ok(Outcome::Not(String::new())),
            fields => match self.patch(fields, &task) {
                Ok((patch, before, clause)) => self.update(&task, patch, before, &clause).await,
                Err(text) => return Ok(Outcome::Not(text)),
            },
        };
        match done {
            Ok(outcome) => Ok(outcome),
            Err(error) => Ok(Outcome::Not(refusal(error)?)),
        }
    }

    async fn complete(&mut self, view: &TaskView, note: Option<&str>) -> Result<Outcome, AppError> {
        let task = &view.task;
        if let Some(lease) = task.lease().filter(|lease| !lease.holder.is_owner()) {
            return Ok(Outcome::Not(format!(
                "{} is working on {}. I leave it alone; say \"cancel {}\" if it should stop.",
                capitalised(lease.holder.as_str()),
                named(task),
                task.number
            )));
        }
        if task.status().is_terminal() {
            return Ok(Outcome::Not(format!(
                "{} is {} already.",
                named(task),
                status(task.status())
            )));
        }
        if let Some(open) = self.open_before(task)? {
            return Ok(Outcome::Not(format!(
                "{} waits for {open}, so I did not mark it done.",
                named(task)
            )));
        }
        let result = note.map(|note| JsonObject::from_iter([("note".to_owned(), note.into())]));
        let taken = self
            .app
            .complete_as_owner(self.actor, TaskRef::Id(task.id), result, Some(task.version))
            .await?;
        let after = &taken.view.task;
        self.note("task.completed", after);
        let blocked = match &taken.before.state {
            TaskState::Blocked { block } => Some((block.reason.clone(), block.options.clone())),
            _ => None,
        };
        let mut text = format!("Well done: {} is done.", named(after));
        if let Some(next) = self.next_occasion(after) {
            text.push_str(&format!(" It comes again on {next}."));
        }
        Ok(Outcome::Done(text, undo(after, Step::Reopen { blocked })))
    }

    /// Names the tasks that must be done before this one and are not.
    fn open_before(&self, task: &Task) -> Result<Option<String>, AppError> {
        let mut open = Vec::new();
        for id in &task.depends_on {
            match self.app.get_task(TaskRef::Id(*id)) {
                Ok(view) if view.task.status() != TaskStatus::Completed => {
                    open.push(listed(&view.task));
                }
                Ok(_) | Err(AppError::NotFound { .. }) => (),
                Err(error) => return Err(error),
            }
        }
        Ok((!open.is_empty()).then(|| shortened(&open.join(" and "), 24)))
    }

    fn next_occasion(&self, task: &Task) -> Option<String> {
        let recurrence = task.recurrence.as_ref()?;
        let rule = recurrence.rule.as_ref()?;
        let (next, _) = rule.catch_up(recurrence.occasion, self.names.now, &self.names.zone);
        Some(next.show(&self.names.zone))
    }

    async fn block(&mut self, task: &Task, reason: &str) -> Result<Outcome, AppError> {
        let taken = self
            .app
            .block_as_owner(
                self.actor,
                TaskRef::Id(task.id),
                reason,
                Vec::new(),
                Some(task.version),
            )
            .await?;
        let after = &taken.view.task;
        self.note("task.blocked", after);
        let text = format!(
            "I've blocked {}: {}.",
            named(after),
            shortened(reason, 20).trim_end_matches('.')
        );
        Ok(Outcome::Done(text, undo(after, Step::Unblock)))
    }

    async fn answer(&mut self, view: &TaskView, text: Option<String>) -> Result<Outcome, AppError> {
        let task = &view.task;
        let TaskState::Blocked { block } = &task.state else {
            return Ok(Outcome::Not(format!(
                "{} asks nothing: it is {}.",
                named(task),
                status(task.status())
            )));
        };
        // One of the options, in whatever case, is the option.
        let text = text.map(|text| {
            let folded = super::words::fold(&text);
            let option = block
                .options
                .iter()
                .find(|option| super::words::fold(option) == folded);
            option.cloned().unwrap_or(text)
        });
        let after = self
            .app
            .answer_task(
                self.actor,
                TaskRef::Id(task.id),
                text.clone(),
                Some(task.version),
            )
            .await?
            .task;
        self.note("task.answered", &after);
        let said = match &text {
            Some(text) => format!(
                "I've answered {} with \"{}\". It goes on.",
                named(&after),
                shortened(text, 20)
            ),
            None => format!("I've unblocked {}. It goes on.", named(&after)),
        };
        let why = format!(
            "An answer cannot be taken back: {} has it already. You can still cancel it or change it.",
            listed(&after)
        );
        Ok(Outcome::Done(said, Undo::Never { why }))
    }

    async fn cancel(&mut self, task: &Task, reason: Option<String>) -> Result<Outcome, AppError> {
        let blocked = match &task.state {
            TaskState::Blocked { block } => Some((block.reason.clone(), block.options.clone())),
            _ => None,
        };
        let was_running = task.status() == TaskStatus::InProgress;
        let after = self
            .app
            .cancel_task(self.actor, TaskRef::Id(task.id), reason, Some(task.version))
            .await?
            .task;
        self.note("task.cancelled", &after);
        let mut text = format!("I've cancelled {}.", named(&after));
        if was_running {
            text.push_str(" Work on it is being stopped.");
        }
        match self.next_occasion(&after) {
            Some(next) => text.push_str(&format!(
                " It comes again on {next}; say \"stop repeating {}\" to end that.",
                after.number
            )),
            None => text.push_str(" Say undo to take that back."),
        }
        Ok(Outcome::Done(text, undo(&after, Step::Reopen { blocked })))
    }

    async fn reopen(&mut self, task: &Task) -> Result<Outcome, AppError> {
        let after = self
            .app
            .reopen_task(self.actor, TaskRef::Id(task.id), None, Some(task.version))
            .await?
            .task;
        self.note("task.reopened", &after);
        let text = format!("I've reopened {}. It is pending again.", named(&after));
        Ok(Outcome::Done(text, undo(&after, Step::Cancel)))
    }

    async fn release(&mut self, view: &TaskView) -> Result<Outcome, AppError> {
        let task = &view.task;
        let Some(lease) = task.lease() else {
            return Ok(Outcome::Not(format!(
                "Nobody is working on {}: it is {}.",
                named(task),
                status(task.status())
            )));
        };
        let hold = Hold {
            agent: lease.holder.clone(),
            fence: task.fence,
        };
        let holder = lease.holder.clone();
        let reason = Some("given back at the owner's word".to_owned());
        let after = self
            .app
            .release_task(
                self.actor,
                TaskRef::Id(task.id),
                hold,
                ReleaseCause::GivenBack,
                reason,
                Some(task.version),
            )
            .await?
            .task;
        self.note("task.released", &after);
        let text = format!(
            "I've taken {} back from {holder}. It is {} now.",
            named(&after),
            status(after.status())
        );
        let why = format!(
            "{holder} let go of {}, and I cannot put it back into its hands. Say \"assign {} to {holder}\" instead.",
            listed(&after),
            after.number
        );
        Ok(Outcome::Done(text, Undo::Never { why }))
    }

    async fn start(&mut self, task: &Task) -> Result<Outcome, AppError> {
        let taken = self
            .app
            .take_task(
                self.actor,
                TaskRef::Id(task.id),
                HAND_LEASE,
                Some(task.version),
            )
            .await?;
        let after = &taken.view.task;
        self.note("task.claimed", after);
        let text = format!(
            "{} is yours for an hour. Tell me when it is done.",
            named(after)
        );
        Ok(Outcome::Done(text, undo(after, Step::Release)))
    }

    async fn update(
        &mut self,
        task: &Task,
        patch: TaskPatch,
        before: Vec<Field>,
        clause: &str,
    ) -> Result<Outcome, AppError> {
        let update = UpdateTask {
            patch,
            ..UpdateTask::default()
        };
        let after = self
            .app
            .update_task(self.actor, TaskRef::Id(task.id), update, Some(task.version))
            .await?
            .task;
        self.note("task.updated", &after);
        let text = format!("{} {clause}.", named(&after));
        Ok(Outcome::Done(text, undo(&after, Step::Fields(before))))
    }

    /// Returns the change of fields that an order asks for, the fields as they are, and what to say;
    /// or why there is none.
    fn patch(&self, order: &Order, task: &Task) -> Result<(TaskPatch, Vec<Field>, String), String> {
        let known = self.names.known();
        let none = TaskPatch::default;
        Ok(match order {
            Order::Assign { to } => {
                let name = to
                    .as_deref()
                    .map(|name| AgentName::from_stored(name.to_owned()));
                let clause = match &name {
                    Some(name) if name.is_owner() => "is yours now; no agent takes it".to_owned(),
                    Some(name) => format!("is for {name} now"),
                    None => "is for anybody now".to_owned(),
                };
                let before = task.reserved_for.as_ref().map(ToString::to_string);
                let patch = TaskPatch {
                    assigned_to: Some(name),
                    ..none()
                };
                (patch, vec![Field::AssignedTo(before)], clause)
            }
            Order::Priority(priority) => priority_patch(task, *priority)?,
            Order::Shift { by } => {
                let rank = i16::from(task.priority.rank()) + i16::from(*by);
                let shifted = u8::try_from(rank).ok().and_then(Priority::from_rank);
                let Some(priority) = shifted else {
                    return Err(format!(
                        "{} is {} already; it goes no further.",
                        named(task),
                        task.priority
                    ));
                };
                priority_patch(task, priority)?
            }
            Order::Due(due) => self.due(task, due)?,
            Order::Move { project } => {
                let Some(name) = known_name(&self.names.projects, project) else {
                    return Err(format!(
                        "I don't know a project \"{}\". Say \"create project {0}\" first.",
                        shortened(project, 8)
                    ));
                };
                let patch = TaskPatch {
                    project_id: Some(self.names.project_id(&name)),
                    ..none()
                };
                (
                    patch,
                    vec![Field::Project(task.project_id)],
                    format!("is in {name} now"),
                )
            }
            Order::Rename { title } => {
                let title = Title::parse("title", title)
                    .map_err(|error| format!("I kept the title: it {}.", error.problem))?;
                let before = task.title.to_string();
                let clause = format!("is its name now; it was \"{}\"", shortened(&before, 12));
                let patch = TaskPatch {
                    title: Some(title),
                    ..none()
                };
                (patch, vec![Field::Title(before)], clause)
            }
            Order::Label { labels } => {
                let mut all = task.labels.clone();
                for label in labels {
                    all.push(Label::parse("labels", label).map_err(|error| {
                        format!("\"{}\" {}.", shortened(label, 3), error.problem)
                    })?);
                }
                all.dedup();
                let clause = format!("is labelled {} now", joined(&all));
                labels_patch(task, all, clause)
            }
            Order::Unlabel { labels } => {
                let all: Vec<Label> = task
                    .labels
                    .iter()
                    .filter(|label| !labels.iter().any(|gone| gone == label.as_str()))
                    .cloned()
                    .collect();
                if all == task.labels {
                    return Err(format!("{} has no such label.", named(task)));
                }
                let clause = if all.is_empty() {
                    "has no label now".to_owned()
                } else {
                    format!("is labelled {} now", joined(&all))
                };
                labels_patch(task, all, clause)
            }
            Order::After { others } => {
                let mut needed = task.depends_on.clone();
                let mut names = Vec::new();
                for other in others {
                    let Target::Number(number) = other else {
                        return Err("Tell me the number of the task that comes first.".into());
                    };
                    let view = self
                        .task(*number)
                        .map_err(|_| format!("There is no task #{number}."))?;
                    names.push(listed(&view.task));
                    needed.push(view.task.id);
                }
                let patch = TaskPatch {
                    depends_on: Some(needed),
                    ..none()
                };
                let clause = format!("waits for {} now", shortened(&names.join(" and "), 24));
                (
                    patch,
                    vec![Field::DependsOn(task.depends_on.clone())],
                    clause,
                )
            }
            Order::Repeat { rule } => {
                let rule: Rule = rule.parse().map_err(|error: hearth_domain::InvalidField| {
                    format!(
                        "I changed nothing: the rhythm {}.",
                        error.problem.trim_end_matches('.')
                    )
                })?;
                let occasion = rule.first(known.now, known.zone);
                let due_at = task.due_at.is_none().then_some(Some(occasion.at));
                let clause = format!("comes {rule} now");
                let before = vec![Field::Recurrence(rule_of(task)), Field::Due(task.due_at)];
                let patch = TaskPatch {
                    recurrence: Some(Some(rule)),
                    due_at,
                    ..none()
                };
                (patch, before, clause)
            }
            Order::StopRepeating => {
                if rule_of(task).is_none() {
                    return Err(format!("{} does not repeat.", named(task)));
                }
                let patch = TaskPatch {
                    recurrence: Some(None),
                    ..none()
                };
                (
                    patch,
                    vec![Field::Recurrence(rule_of(task))],
                    "comes no more after this".to_owned(),
                )
            }
            Order::Complete { .. }
            | Order::Block { .. }
            | Order::Answer { .. }
            | Order::Unblock
            | Order::Cancel { .. }
            | Order::Reopen
            | Order::Release
            | Order::Start
            | Order::Urgent => return Err(String::new()),
        })
    }

    fn due(&self, task: &Task, due: &Due) -> Result<(TaskPatch, Vec<Field>, String), String> {
        let known = self.names.known();
        let when = match due {
            Due::Never => None,
            Due::At(at) => Some(When::of_due(*at, known.zone)),
            Due::By(length) => Some(postponed(task.due_at, length, &known).ok_or_else(|| {
                format!(
                    "I don't know how long \"{}\" is. Say \"by 2 days\", for example.",
                    shortened(length, 6)
                )
            })?),
            Due::Unclear(text) => {
                return Err(format!(
                    "I don't know the date \"{}\", so {} stays as it is. Say \"due friday\" or \"due 2026-12-01\", for example.",
                    shortened(text, 6),
                    named(task)
                ));
            }
        };
        if let Some(past) = when.filter(|when| when.at < known.now) {
            return Err(format!(
                "{} is in the past, so {} stays as it is. Which day do you mean?",
                past.show(known.zone),
                named(task)
            ));
        }
        let clause = match when {
            Some(when) => format!("is due {} now", when.show(known.zone)),
            None => "has no due date now".to_owned(),
        };
        let patch = TaskPatch {
            due_at: Some(when.map(|when| when.at)),
            ..TaskPatch::default()
        };
        Ok((patch, vec![Field::Due(task.due_at)], clause))
    }
}

fn priority_patch(
    task: &Task,
    priority: Priority,
) -> Result<(TaskPatch, Vec<Field>, String), String> {
    if task.priority == priority {
        return Err(format!("{} is {priority} already.", named(task)));
    }
    let patch = TaskPatch {
        priority: Some(priority),
        ..TaskPatch::default()
    };
    let before = vec![Field::Priority(task.priority.to_string())];
    let clause = format!("has {priority} priority now; it was {}", task.priority);
    Ok((patch, before, clause))
}

fn labels_patch(
    task: &Task,
    labels: Vec<Label>,
    clause: String,
) -> (TaskPatch, Vec<Field>, String) {
    let before = task.labels.iter().map(ToString::to_string).collect();
    let patch = TaskPatch {
        labels: Some(labels),
        ..TaskPatch::default()
    };
    (patch, vec![Field::Labels(before)], clause)
}

fn undo(task: &Task, step: Step) -> Undo {
    Undo::Task {
        id: task.id,
        number: task.number,
        version: task.version,
        step,
    }
}

fn rule_of(task: &Task) -> Option<String> {
    let recurrence = task.recurrence.as_ref()?;
    recurrence.rule.as_ref().map(ToString::to_string)
}

fn joined(labels: &[Label]) -> String {
    let labels: Vec<&str> = labels.iter().map(Label::as_str).collect();
    shortened(&labels.join(", "), 12)
}
