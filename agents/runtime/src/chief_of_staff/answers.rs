//! Answers questions. Nothing is changed.

use hearth_app::AppError;
use hearth_app::tasks::{Order as ListOrder, TaskFilter, TaskView};
use hearth_domain::Priority;
use hearth_domain::field::{AgentName, Label};
use hearth_domain::task::{Task, TaskState, TaskStatus};

use super::desk::{Desk, Model};
use super::find::{Found, find};
use super::intent::{Filter, Period, Question};
use super::phrase::{
    capitalised, count, due, ended, list, listed, named, shortened, standing, status,
};

/// The most tasks that are looked at for one answer.
const LOOKED_AT: usize = 500;
const OPEN: [TaskStatus; 3] = [
    TaskStatus::Pending,
    TaskStatus::InProgress,
    TaskStatus::Blocked,
];

/// What the chief of staff can do, in the words that do it.
const HELP: &str = "I keep your tasks. Say \"add call Ada @home !high due friday\", \"complete 12\", \
    \"block 12 because of rain\", \"answer 7 yes\", \"cancel 3\", \"12 is due monday\", \"assign 12 to seed\" \
    or \"undo\". Ask \"what's blocked?\", \"what needs my approval?\", \"what's due today?\", \"what's next?\", \"what got done today?\" or \
    \"how is web going?\".";
/// What it takes for anything else.
const FREER: &str = "Anything freer needs a language model, which I don't have yet.";
const FREELY: &str = "Or say it freely.";

impl Desk<'_> {
    pub(super) async fn answer_question(&mut self, question: Question) -> Result<String, AppError> {
        match question {
            Question::Blocked => self.blocked().await,
            Question::Running => self.running().await,
            Question::Due(period) => self.due_in(&period).await,
            Question::Next => self.next().await,
            Question::Done(period) => self.done_in(&period).await,
            Question::Overview => self.overview().await,
            Question::About(target) => match find(self.app, &target, &self.memory).await? {
                Found::One(view) => Ok(self.about(&view)),
                other => Ok(self.unfound(other, None)),
            },
            Question::Agent(name) => self.agent(&name).await,
            Question::Project(name) => self.project(&name).await,
            Question::Projects => Ok(self.projects()),
            Question::Agents => self.agents().await,
            Question::Repeating => self.repeating().await,
            Question::List(filter) => self.list_tasks(filter).await,
            Question::Count(filter) => self.count_tasks(filter).await,
            Question::Search(words) => self.search(&words).await,
            Question::Help => Ok(match self.model {
                Model::None => format!("{HELP} {FREER}"),
                Model::There | Model::Silent => format!("{HELP} {FREELY}"),
            }),
        }
    }

    async fn of(&self, filter: TaskFilter, order: ListOrder) -> Result<Vec<TaskView>, AppError> {
        let page = self
            .app
            .list_tasks(filter, Some(order), None, LOOKED_AT)
            .await?;
        Ok(page.items)
    }

    async fn with_status(
        &self,
        statuses: &[TaskStatus],
        order: ListOrder,
    ) -> Result<Vec<TaskView>, AppError> {
        let filter = TaskFilter {
            statuses: statuses.to_vec(),
            ..TaskFilter::default()
        };
        self.of(filter, order).await
    }

    pub(super) async fn blocked(&mut self) -> Result<String, AppError> {
        let views = self
            .with_status(&[TaskStatus::Blocked], ListOrder::PriorityDescending)
            .await?;
        if let [view] = views.as_slice() {
            if let Some(approval) = self.approval_of(view.task.number).await? {
                return Ok(format!("One task waits for you. {approval}"));
            }
            self.memory.it = Some(view.task.number);
            let how = ended(&format!(
                "One task waits for you: {} {}",
                named(&view.task),
                standing(view, &self.names.zone)
            ));
            return Ok(format!(
                "{how} Say \"answer {} …\" and it goes on.",
                view.task.number
            ));
        }
        let Some(first) = views.first() else {
            return Ok("Nothing is blocked. I need nothing from you.".into());
        };
        let entries: Vec<String> = views
            .iter()
            .map(|view| match &view.task.state {
                TaskState::Blocked { block } => {
                    format!("{}: {}", listed(&view.task), shortened(&block.reason, 5))
                }
                _ => listed(&view.task),
            })
            .collect();
        Ok(format!(
            "{} wait for you: {} Say \"answer {} …\" to begin.",
            count(views.len(), "task"),
            list(&entries, entries.len()),
            first.task.number
        ))
    }

    async fn running(&mut self) -> Result<String, AppError> {
        let views = self
            .with_status(&[TaskStatus::InProgress], ListOrder::PriorityDescending)
            .await?;
        if views.is_empty() {
            return Ok(
                "Nothing is in progress. Ask \"what's next?\" and I'll tell you where to start."
                    .into(),
            );
        }
        let entries: Vec<String> = views
            .iter()
            .map(|view| match view.task.lease() {
                Some(lease) if lease.holder.is_owner() => format!("{}, by you", listed(&view.task)),
                Some(lease) => format!("{}, by {}", listed(&view.task), lease.holder),
                None => listed(&view.task),
            })
            .collect();
        Ok(format!(
            "{} in progress: {}",
            capitalised(&count(views.len(), "task")),
            list(&entries, entries.len())
        ))
    }

    async fn due_in(&mut self, period: &Period) -> Result<String, AppError> {
        let now = self.names.now;
        let views = self.with_status(&OPEN, ListOrder::Due).await?;
        let is_overdue = period.name == "overdue";
        let (late, coming): (Vec<&TaskView>, Vec<&TaskView>) = views
            .iter()
            .filter(|view| view.task.due_at.is_some_and(|due| due <= period.until))
            .partition(|view| view.task.due_at.is_some_and(|due| due < now));
        let coming: Vec<&TaskView> = coming
            .into_iter()
            .filter(|view| view.task.due_at.is_some_and(|due| due >= period.from))
            .collect();
        let entry = |view: &&TaskView| {
            let due = due(&view.task, now, &self.names.zone).unwrap_or_default();
            format!("{}, {due}", listed(&view.task))
        };
        let late_entries: Vec<String> = late.iter().map(entry).collect();
        if is_overdue {
            return Ok(if late.is_empty() {
                "Nothing is overdue. You're on time.".into()
            } else {
                format!(
                    "{} overdue: {}",
                    capitalised(&count(late.len(), "task")),
                    list(&late_entries, late.len())
                )
            });
        }
        let entries: Vec<String> = coming.iter().map(entry).collect();
        let mut text = if coming.is_empty() {
            format!("Nothing is due {}.", period.name)
        } else {
            format!(
                "{} due {}: {}",
                capitalised(&count(coming.len(), "task")),
                period.name,
                list(&entries, coming.len())
            )
        };
        if !late.is_empty() {
            text.push_str(&format!(
                " And {} overdue; ask \"what's overdue?\"",
                count(late.len(), "task")
            ));
        }
        Ok(text)
    }

    async fn next(&mut self) -> Result<String, AppError> {
        let now = self.names.now;
        let blocked = self
            .with_status(&[TaskStatus::Blocked], ListOrder::PriorityDescending)
            .await?;
        let pending = self
            .with_status(&[TaskStatus::Pending], ListOrder::PriorityDescending)
            .await?;
        let is_yours = |task: &Task| {
            !task.has_plan()
                && task.reserved_for.as_ref().is_none_or(AgentName::is_owner)
                && task.not_before.is_none_or(|moment| moment <= now)
        };
        let mut yours: Vec<&TaskView> = pending
            .iter()
            .filter(|view| is_yours(&view.task))
            .filter(|view| {
                view.waiting_for
                    .as_deref()
                    .is_none_or(|reason| !reason.contains("depends on"))
            })
            .collect();
        // What is due by the end of today goes before what is merely urgent.
        yours.sort_by_key(|view| {
            let is_soon = view
                .task
                .due_at
                .is_some_and(|due| due.since(now).as_secs() < 86_400);
            (
                !is_soon,
                std::cmp::Reverse(view.task.priority.rank()),
                view.task.due_at.is_none(),
                view.task.due_at,
                view.task.number,
            )
        });
        let Some(first) = yours.first() else {
            return Ok(if blocked.is_empty() {
                "Nothing waits for you. Tell me what you'd like to get done.".into()
            } else {
                format!(
                    "{} wait for your answer. Ask \"what's blocked?\"",
                    capitalised(&count(blocked.len(), "task"))
                )
            });
        };
        self.memory.it = Some(first.task.number);
        let due = due(&first.task, now, &self.names.zone)
            .map_or_else(String::new, |due| format!(", {due}"));
        let mut text = format!(
            "Next is {}, {} priority{due}.",
            named(&first.task),
            first.task.priority
        );
        let others: Vec<String> = yours
            .iter()
            .skip(1)
            .take(2)
            .map(|view| listed(&view.task))
            .collect();
        if !others.is_empty() {
            text.push_str(&format!(" After that: {}.", others.join("; ")));
        }
        if !blocked.is_empty() {
            text.push_str(&format!(" And {} for your answer.", wait(blocked.len())));
        }
        Ok(text)
    }

    async fn done_in(&mut self, period: &Period) -> Result<String, AppError> {
        let filter = TaskFilter {
            statuses: vec![TaskStatus::Completed],
            updated_since: Some(period.from),
            ..TaskFilter::default()
        };
        let views = self.of(filter, ListOrder::Updated).await?;
        let done: Vec<String> = views
            .iter()
            .filter(|view| {
                matches!(&view.task.state, TaskState::Completed { at, .. } if *at >= period.from && *at <= period.until)
            })
            .map(|view| listed(&view.task))
            .collect();
        Ok(if done.is_empty() {
            format!("Nothing was finished {} so far.", period.name)
        } else {
            format!(
                "{} done {}: {}",
                capitalised(&count(done.len(), "task")),
                period.name,
                list(&done, done.len())
            )
        })
    }

    /// How things stand, in a few sentences.
    pub(super) async fn overview(&mut self) -> Result<String, AppError> {
        let counts = self.app.status().await?.tasks;
        let of = |wanted: TaskStatus| {
            counts
                .iter()
                .find(|(status, _)| status == wanted.as_str())
                .map_or(0, |(_, count)| *count)
        };
        let open = of(TaskStatus::Pending) + of(TaskStatus::InProgress) + of(TaskStatus::Blocked);
        if open == 0 {
            return Ok("Your list is clear. Tell me what you'd like to get done.".into());
        }
        let now = self.names.now;
        let due: Vec<TaskView> = self.with_status(&OPEN, ListOrder::Due).await?;
        let late = due
            .iter()
            .filter(|view| view.task.due_at.is_some_and(|due| due < now))
            .count();
        let soon = due
            .iter()
            .filter(|view| {
                view.task
                    .due_at
                    .is_some_and(|due| due >= now && due.since(now).as_secs() < 86_400)
            })
            .count();
        let usize_of = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let mut text = format!(
            "You have {} open: {} in progress, {} blocked, {} waiting.",
            count(usize_of(open), "task"),
            of(TaskStatus::InProgress),
            of(TaskStatus::Blocked),
            of(TaskStatus::Pending)
        );
        if late > 0 {
            text.push_str(&format!(" {} overdue.", capitalised(&count(late, "task"))));
        }
        if soon > 0 {
            text.push_str(&format!(
                " {} due within a day.",
                capitalised(&count(soon, "task"))
            ));
        }
        text.push_str(if of(TaskStatus::Blocked) > 0 {
            " Shall we begin with what's blocked? Just ask."
        } else {
            " Ask \"what's next?\" to begin."
        });
        Ok(text)
    }

    /// How one task stands.
    pub(super) fn about(&mut self, view: &TaskView) -> String {
        let task = &view.task;
        self.memory.it = Some(task.number);
        let mut text = ended(&format!(
            "{} {}",
            named(task),
            standing(view, &self.names.zone)
        ));
        let mut more = vec![format!("{} priority", task.priority)];
        more.extend(due(task, self.names.now, &self.names.zone));
        if let Some(id) = task.project_id
            && let Ok(project) = self.app.get_project(id)
        {
            more.push(format!("in {}", shortened(project.name.as_str(), 6)));
        }
        if let Some(rule) = task
            .recurrence
            .as_ref()
            .and_then(|recurrence| recurrence.rule.as_ref())
        {
            more.push(rule.to_string());
        }
        if !task.labels.is_empty() {
            let labels: Vec<&str> = task.labels.iter().map(Label::as_str).collect();
            more.push(format!("labelled {}", shortened(&labels.join(", "), 6)));
        }
        text.push_str(&format!(" It has {}.", more.join(", ")));
        text
    }

    async fn agent(&mut self, name: &str) -> Result<String, AppError> {
        let agent = AgentName::from_stored(name.to_owned());
        let known = match self.app.get_agent(&agent) {
            Ok(known) => known,
            Err(AppError::NotFound { .. }) => {
                return Ok(format!(
                    "{} is not here. Start the node without --no-agents.",
                    capitalised(name)
                ));
            }
            Err(error) => return Err(error),
        };
        let filter = TaskFilter {
            statuses: vec![TaskStatus::InProgress],
            assigned_to: vec![agent],
            ..TaskFilter::default()
        };
        let views = self.of(filter, ListOrder::PriorityDescending).await?;
        let entries: Vec<String> = views.iter().map(|view| listed(&view.task)).collect();
        Ok(if entries.is_empty() {
            format!(
                "{} is {} and has nothing in hand.",
                capitalised(name),
                known.status.as_str()
            )
        } else {
            format!(
                "{} is {}, working on {}",
                capitalised(name),
                known.status.as_str(),
                list(&entries, entries.len())
            )
        })
    }

    async fn project(&mut self, name: &str) -> Result<String, AppError> {
        let filter = TaskFilter {
            project_ids: self.names.project_id(name).into_iter().collect(),
            ..TaskFilter::default()
        };
        let views = self.of(filter, ListOrder::PriorityDescending).await?;
        let of = |wanted: TaskStatus| {
            views
                .iter()
                .filter(|view| view.task.status() == wanted)
                .count()
        };
        let open: Vec<&TaskView> = views
            .iter()
            .filter(|view| !view.task.status().is_terminal())
            .collect();
        let all = views.len() - of(TaskStatus::Cancelled);
        if all == 0 {
            return Ok(format!(
                "{name} has no tasks yet. Say \"add first step @{name}\" to begin."
            ));
        }
        let mut text = format!(
            "{name}: {} of {} done, {} in progress, {} blocked, {} waiting.",
            of(TaskStatus::Completed),
            all,
            of(TaskStatus::InProgress),
            of(TaskStatus::Blocked),
            of(TaskStatus::Pending)
        );
        let entries: Vec<String> = open
            .iter()
            .map(|view| format!("{} ({})", listed(&view.task), status(view.task.status())))
            .collect();
        if !entries.is_empty() {
            text.push_str(&format!(
                " Open: {}",
                list(
                    entries.get(..entries.len().min(3)).unwrap_or_default(),
                    entries.len()
                )
            ));
        }
        Ok(text)
    }

    fn projects(&self) -> String {
        let names = &self.names.projects;
        if names.is_empty() {
            "There is no project yet. Say \"create project web\" to make one.".into()
        } else {
            let shown: Vec<String> = names.iter().map(|name| shortened(name, 5)).collect();
            format!(
                "You have {}: {}",
                count(names.len(), "project"),
                list(&shown, shown.len())
            )
        }
    }

    async fn agents(&mut self) -> Result<String, AppError> {
        let page = self.app.list_agents(Vec::new(), None, 100).await?;
        let entries: Vec<String> = page
            .items
            .iter()
            .map(|agent| format!("{} is {}", agent.name, agent.status.as_str()))
            .collect();
        Ok(if entries.is_empty() {
            "No agent is here.".into()
        } else {
            format!(
                "{}: {}",
                capitalised(&count(entries.len(), "agent")),
                list(&entries, entries.len())
            )
        })
    }

    async fn repeating(&mut self) -> Result<String, AppError> {
        let views = self.with_status(&OPEN, ListOrder::Due).await?;
        let entries: Vec<String> = views
            .iter()
            .filter_map(|view| {
                let rule = view.task.recurrence.as_ref()?.rule.as_ref()?;
                Some(format!("{}, {rule}", listed(&view.task)))
            })
            .collect();
        Ok(if entries.is_empty() {
            "Nothing repeats. Say \"add water the plants every monday 9:00\", for example.".into()
        } else {
            format!(
                "{} that repeat: {}",
                capitalised(&count(entries.len(), "task")),
                list(&entries, entries.len())
            )
        })
    }

    async fn filtered(
        &self,
        filter: &Filter,
    ) -> Result<Result<(Vec<TaskView>, String), String>, AppError> {
        if let Some(unknown) = &filter.unknown {
            return Ok(Err(format!(
                "I know neither a project nor an agent \"{}\". Ask \"which projects are there?\"",
                shortened(unknown, 8)
            )));
        }
        let labels = match filter
            .label
            .as_deref()
            .map(|label| Label::parse("label", label))
            .transpose()
        {
            Ok(label) => label.into_iter().collect(),
            Err(error) => return Ok(Err(format!("The label {}.", error.problem))),
        };
        let tasks = TaskFilter {
            statuses: filter.status.map_or(OPEN.to_vec(), |status| vec![status]),
            priorities: filter.priorities.clone(),
            assigned_to: filter
                .agent
                .clone()
                .map(AgentName::from_stored)
                .into_iter()
                .collect(),
            project_ids: filter
                .project
                .as_deref()
                .and_then(|name| self.names.project_id(name))
                .into_iter()
                .collect(),
            labels,
            ..TaskFilter::default()
        };
        let views = self.of(tasks, ListOrder::PriorityDescending).await?;
        let mut clause = filter.status.map_or("open", status).to_owned();
        let priorities: Vec<&str> = filter
            .priorities
            .iter()
            .copied()
            .map(Priority::as_str)
            .collect();
        if !priorities.is_empty() {
            clause.push_str(&format!(" with {} priority", priorities.join(" or ")));
        }
        for (lead, name) in [
            ("in", &filter.project),
            ("labelled", &filter.label),
            ("for", &filter.agent),
        ] {
            if let Some(name) = name {
                clause.push_str(&format!(" {lead} {}", shortened(name, 6)));
            }
        }
        Ok(Ok((views, clause)))
    }

    async fn list_tasks(&mut self, filter: Filter) -> Result<String, AppError> {
        let (views, clause) = match self.filtered(&filter).await? {
            Ok(found) => found,
            Err(text) => return Ok(text),
        };
        let entries: Vec<String> = views.iter().map(|view| listed(&view.task)).collect();
        Ok(if entries.is_empty() {
            format!("I find no task {clause}.")
        } else {
            format!(
                "{} {clause}: {}",
                capitalised(&count(entries.len(), "task")),
                list(&entries, entries.len())
            )
        })
    }

    async fn count_tasks(&mut self, filter: Filter) -> Result<String, AppError> {
        Ok(match self.filtered(&filter).await? {
            Ok((views, clause)) => {
                let more = if views.len() == LOOKED_AT {
                    "at least "
                } else {
                    ""
                };
                format!("You have {more}{} {clause}.", count(views.len(), "task"))
            }
            Err(text) => text,
        })
    }

    async fn search(&mut self, words: &str) -> Result<String, AppError> {
        let filter = TaskFilter {
            text: Some(words.to_owned()),
            ..TaskFilter::default()
        };
        let views = match self.app.list_tasks(filter, None, None, LOOKED_AT).await {
            Ok(page) => page.items,
            Err(AppError::Store(source)) => return Err(AppError::Store(source)),
            Err(_) => Vec::new(),
        };
        let entries: Vec<String> = views
            .iter()
            .map(|view| format!("{} ({})", listed(&view.task), status(view.task.status())))
            .collect();
        Ok(if entries.is_empty() {
            format!("I find no task with \"{}\".", shortened(words, 8))
        } else {
            format!(
                "I found {}: {}",
                count(entries.len(), "task"),
                list(&entries, entries.len())
            )
        })
    }
}

fn wait(waiting: usize) -> String {
    match waiting {
        1 => "one task waits".into(),
        waiting => format!("{waiting} tasks wait"),
    }
}
