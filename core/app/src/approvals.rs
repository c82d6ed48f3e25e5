//! Operations on approvals: list, show, answer, let run out.

use hearth_domain::approval::{Approval, ApprovalRefusal, ApprovalStatus};
use hearth_domain::field::{REASON_MAX, prose};
use hearth_domain::permission::{NewPermission, Permission, Shape};
use hearth_domain::run::RunStatus;
use hearth_domain::task::TaskStatus;
use hearth_domain::{Actor, ApprovalId, RunId, TaskId, Timestamp};
use hearth_store::approvals::{self, ApprovalCursor};
use hearth_store::{Page, Tx, WriteTx, runs, steps};

use crate::app::App;
use crate::authority::must_be_owner;
use crate::error::AppError;
use crate::named::Named;
use crate::notices::save_task;
use crate::permissions::give;
use crate::projects::expect_version;
use crate::runs::follow::asking;
use crate::tasks::{TaskRef, find};

/// How a caller names an approval: by its identifier or its number.
pub type ApprovalRef = Named<ApprovalId>;

/// The owner's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Yes, to this one action.
    Approve {
        /// What is said with it.
        note: Option<String>,
        /// Whether calls like it, of the same project, need not be asked any more.
        remember: Option<Remember>,
    },
    /// No.
    Deny {
        /// Why.
        note: Option<String>,
    },
}

/// Which calls need not be asked any more.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Remember {
    /// Those of this shape; only this very call where nothing is said.
    pub shape: Option<Shape>,
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The approval.
    pub approval: Approval,
    /// The permission that was given with it.
    pub permission: Option<Permission>,
}

impl App {
    /// Returns a page of approvals in a state, or in any, newest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list_approvals(
        &self,
        status: Option<ApprovalStatus>,
        cursor: Option<ApprovalCursor>,
        limit: usize,
    ) -> Result<Page<Approval, ApprovalCursor>, AppError> {
        self.store()
            .read(move |tx| Ok(approvals::list(tx, status, cursor, limit)?))
            .await
    }

    /// Returns an approval.
    ///
    /// # Errors
    /// There is none.
    pub fn get_approval(&self, approval: ApprovalRef) -> Result<Approval, AppError> {
        self.store().read_now(|tx| find_approval(tx, approval))
    }

    /// Answers an approval. Once nothing else waits for the owner, its task is taken up again: with a
    /// yes to act, with a no to go on without it.
    ///
    /// # Errors
    /// It was answered before, ran out, or is no longer wanted; a permission was asked for where none
    /// can be given; the caller is not the owner.
    pub async fn answer_approval(
        &self,
        actor: &Actor,
        approval: ApprovalRef,
        answer: Answer,
    ) -> Result<Answered, AppError> {
        must_be_owner(actor, "answer an approval")?;
        let answer = checked(answer)?;
        let (actor, now) = (actor.clone(), self.now());
        let answered = self
            .store()
            .write(move |tx| {
                let approval = find_approval(tx, approval)?;
                let was = approval.status;
                let by = actor.name();
                let (change, remember) = match answer {
                    Answer::Approve { note, remember } => {
                        (approval.approve(by, note, now)?, remember)
                    }
                    Answer::Deny { note } => (approval.deny(by, note, now)?, None),
                };
                let permission = match remember {
                    None => None,
                    Some(remember) => Some(remembered(tx, &change.after, remember, &actor, now)?),
                };
                let approval = approvals::save(tx, change, was, by, now)?;
                wake(tx, approval.run_id, approval.task_id, &actor, now)?;
                Ok::<_, AppError>(Answered {
                    approval,
                    permission,
                })
            })
            .await?;
        self.alarm().set_no_later_than(answered.approval.expires_at);
        Ok(answered)
    }

    /// Takes an answer to a task as one to the approval that it waits for; returns whether it waits
    /// for one. An approval is never given by the way, so anything but a plain yes or no is refused.
    ///
    /// # Errors
    /// The answer is no plain one, or the task waits for several, or has another version than
    /// `expected`.
    pub(crate) async fn answer_by_approval(
        &self,
        actor: &Actor,
        task: TaskRef,
        answer: Option<&str>,
        expected: Option<u64>,
    ) -> Result<bool, AppError> {
        let pending = self.pending_approvals(task, expected).await?;
        let Some(first) = pending.first() else {
            return Ok(false);
        };
        let words = answer
            .unwrap_or_default()
            .trim()
            .trim_end_matches(['.', '!'])
            .to_lowercase();
        let answer = match words.as_str() {
            "approve" | "approved" | "yes" => Answer::Approve {
                note: None,
                remember: None,
            },
            "deny" | "denied" | "no" => Answer::Deny { note: None },
            _ => return Err(waits_for(task, &pending)),
        };
        if matches!(answer, Answer::Approve { .. }) && first.what.contains('…') {
            return Err(AppError::conflict(
                "waits_for_approval",
                format!(
                    "what task {task} asks is longer than a line; see all of it first: hearth approvals \
                     show {}, then approve {}",
                    first.number, first.number
                ),
            ));
        }
        if pending.len() > 1 {
            return Err(waits_for(task, &pending));
        }
        self.answer_approval(actor, ApprovalRef::Id(first.id), answer)
            .await?;
        Ok(true)
    }

    /// Returns the approvals that a blocked task waits for, and nothing else.
    async fn pending_approvals(
        &self,
        task: TaskRef,
        expected: Option<u64>,
    ) -> Result<Vec<Approval>, AppError> {
        self.store()
            .read(move |tx| {
                let task = find(tx, task)?;
                expect_version("task", task.version, expected)?;
                if task.status() != TaskStatus::Blocked {
                    return Ok(Vec::new());
                }
                // A run that failed waits for another word than that.
                let Some(run) =
                    runs::open_of(tx, task.id)?.filter(|run| run.status == RunStatus::Waiting)
                else {
                    return Ok(Vec::new());
                };
                if asking(&steps::of_run(tx, run.id)?).is_some() {
                    return Ok(Vec::new());
                }
                let mut asked = approvals::of_run(tx, run.id)?;
                asked.retain(|approval| approval.status == ApprovalStatus::Pending);
                Ok(asked)
            })
            .await
    }

    /// Lets every approval run out whose time is over; the tasks of those that nobody answered are
    /// taken up again, to say so. Returns how many.
    ///
    /// # Errors
    /// The store failed; the next look does what is left.
    pub(crate) async fn expire_approvals(&self) -> Result<usize, AppError> {
        let now = self.now();
        let mut expired = 0;
        loop {
            let count = self
                .store()
                .write(move |tx| {
                    let over = approvals::run_out(tx, now)?;
                    let count = over.len();
                    for approval in over {
                        let was = approval.status;
                        if let Some(change) = approval.expire(now) {
                            let approval =
                                approvals::save(tx, change, was, Actor::System.name(), now)?;
                            wake(tx, approval.run_id, approval.task_id, &Actor::System, now)?;
                        }
                    }
                    Ok::<_, AppError>(count)
                })
                .await?;
            expired += count;
            if count == 0 {
                return Ok(expired);
            }
        }
    }

    /// Returns when the next approval runs out.
    pub(crate) fn next_expiring_approval(&self) -> Result<Option<Timestamp>, AppError> {
        self.store().read_now(|tx| Ok(approvals::next_expiry(tx)?))
    }
}

fn waits_for(task: TaskRef, pending: &[Approval]) -> AppError {
    let numbers: Vec<String> = pending
        .iter()
        .map(|approval| approval.number.to_string())
        .collect();
    AppError::conflict(
        "waits_for_approval",
        format!(
            "task {task} waits for approval {}; answer that: hearth approvals approve N, or deny N",
            numbers.join(" and ")
        ),
    )
}

fn checked(answer: Answer) -> Result<Answer, AppError> {
    let note = |note: Option<String>| {
        note.map(|text| prose("note", &text, REASON_MAX))
            .transpose()
    };
    Ok(match answer {
        Answer::Approve {
            note: said,
            remember,
        } => {
            if let Some(shape) = remember
                .as_ref()
                .and_then(|remember| remember.shape.as_ref())
            {
                shape.check()?;
            }
            Answer::Approve {
                note: note(said)?,
                remember,
            }
        }
        Answer::Deny { note: said } => Answer::Deny { note: note(said)? },
    })
}

/// Gives the permission that the owner asked for with a yes.
fn remembered(
    tx: &mut WriteTx<'_>,
    approval: &Approval,
    remember: Remember,
    actor: &Actor,
    now: Timestamp,
) -> Result<Permission, AppError> {
    if approval.is_once {
        return Err(AppError::invalid(
            "remember",
            format!(
                "cannot be had for approval {}: {}, which is asked each time",
                approval.number, approval.why
            ),
        ));
    }
    let shape = remember
        .shape
        .unwrap_or_else(|| Shape::of(&approval.action));
    if !shape.fits(&approval.action) {
        return Err(AppError::invalid(
            "remember.shape",
            "does not fit the action that is approved with it",
        ));
    }
    let task = find(tx, TaskRef::Id(approval.task_id))?;
    let new = NewPermission {
        tool: approval.action.tool.clone(),
        shape,
        project_id: task.project_id,
    };
    give(tx, new, actor, now)
}

/// Has a task taken up again that waits for nothing any more.
fn wake(
    tx: &mut WriteTx<'_>,
    run: RunId,
    task: TaskId,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), AppError> {
    let still_asked = approvals::of_run(tx, run)?
        .iter()
        .any(|approval| approval.status == ApprovalStatus::Pending);
    let task = find(tx, TaskRef::Id(task))?;
    let is_run_waiting = runs::get(tx, run)?.is_some_and(|run| run.status == RunStatus::Waiting);
    if still_asked
        || !is_run_waiting
        || task.status() != TaskStatus::Blocked
        || asking(&steps::of_run(tx, run)?).is_some()
    {
        return Ok(());
    }
    save_task(tx, task.answer(None, actor, now)?)?;
    Ok(())
}

fn find_approval(tx: &impl Tx, approval: ApprovalRef) -> Result<Approval, AppError> {
    let found = match approval {
        ApprovalRef::Id(id) => approvals::get(tx, id)?,
        ApprovalRef::Number(number) => approvals::find_by_number(tx, number)?,
    };
    found.ok_or_else(|| AppError::not_found("approval", approval))
}

impl From<ApprovalRefusal> for AppError {
    fn from(refusal: ApprovalRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            ApprovalRefusal::Settled { .. } => Self::conflict("already_answered", detail),
            ApprovalRefusal::RanOut { .. } => Self::conflict("ran_out", detail),
            ApprovalRefusal::OtherAction { .. } => Self::conflict("other_action", detail),
        }
    }
}

#[cfg(test)]
mod tests;
