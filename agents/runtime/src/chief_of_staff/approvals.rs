//! Actions that wait for the person's yes or no. A yes is for one exact action that was named or just
//! shown; nothing is allowed for good by the way.

use hearth_app::AppError;
use hearth_app::approvals::{Answer, ApprovalRef};
use hearth_domain::approval::{Approval, ApprovalStatus};
use hearth_domain::task::TaskStatus;
use hearth_domain::when::When;

use super::desk::Desk;
use super::intent::{Consent, Intent};
use super::memory::{Asked, Undo};
use super::phrase::{capitalised, count, list, refusal, shortened};
use super::words::Said;

/// The most approvals that are looked at for one answer.
const LOOKED_AT: usize = 50;

impl Desk<'_> {
    pub(super) async fn consent(&mut self, consent: Consent) -> Result<String, AppError> {
        match consent {
            Consent::Pending => self.pending().await,
            Consent::Waiting => {
                let pending = self.approvals_pending().await?;
                if pending.is_empty() {
                    return self.blocked().await;
                }
                Ok(self.tell(&pending))
            }
            Consent::Show(number) => match self.app.get_approval(ApprovalRef::Number(number)) {
                Ok(approval) => Ok(self.show(&approval)),
                Err(AppError::NotFound { .. }) => Ok(no_such(number)),
                Err(error) => Err(error),
            },
            Consent::Decide {
                number: Some(number),
                is_yes,
                note,
            } => self.decide(number, is_yes, note).await,
            Consent::Decide { number: None, .. } => {
                let pending = self.pending().await?;
                Ok(format!("I'm not sure what you mean. {pending}"))
            }
            Consent::Several => {
                let pending = self.approvals_pending().await?;
                let numbers: Vec<String> = pending
                    .iter()
                    .take(5)
                    .map(|one| one.number.to_string())
                    .collect();
                Ok(match numbers.first() {
                    None => "Nothing waits for your approval.".into(),
                    Some(first) => format!(
                        "One at a time, please, so that each is meant. {} waiting: {}. Say \"approve {first}\" or \"deny {first}\".",
                        capitalised(&count(pending.len(), "approval")),
                        numbers.join(", ")
                    ),
                })
            }
            Consent::Always(number) => Ok(always(number)),
        }
    }

    /// Hears what is said right after one approval was shown; `None` if it is something else.
    pub(super) async fn hear_consent(
        &mut self,
        number: i64,
        said: &Said,
        intent: &Intent,
    ) -> Result<Option<String>, AppError> {
        let words = said.all();
        let is_plain = match words.at(0) {
            "yes" | "yeah" | "yep" | "yup" | "aye" | "ja" => true,
            "no" | "nope" | "nah" | "nein" => words.at(1) != "not" && words.at(1) != "do",
            _ => false,
        };
        match intent {
            Intent::Yes if is_plain => self.decide(number, true, None).await.map(Some),
            Intent::No if is_plain => self.decide(number, false, None).await.map(Some),
            // `ok` may say no more than that it was heard.
            Intent::Yes => {
                self.memory.question = Some(Asked::Approval { number });
                Ok(Some(format!(
                    "To be sure, say \"approve {number}\" or \"deny {number}\"."
                )))
            }
            Intent::No | Intent::NeverMind => Ok(Some(format!(
                "All right, I changed nothing: approval {number} waits on."
            ))),
            Intent::Approval(Consent::Decide {
                number: None,
                is_yes,
                note,
            }) => self.decide(number, *is_yes, note.clone()).await.map(Some),
            Intent::Approval(Consent::Always(None)) => Ok(Some(always(Some(number)))),
            _ => Ok(None),
        }
    }

    /// Tells of the approval that a task waits for, if it is one.
    pub(super) async fn approval_of(&mut self, task: i64) -> Result<Option<String>, AppError> {
        let mut pending = self.approvals_pending().await?;
        pending.retain(|approval| approval.task_number == task);
        Ok(match pending.as_slice() {
            [one] => Some(self.show(one)),
            _ => None,
        })
    }

    async fn pending(&mut self) -> Result<String, AppError> {
        let pending = self.approvals_pending().await?;
        Ok(self.tell(&pending))
    }

    async fn approvals_pending(&self) -> Result<Vec<Approval>, AppError> {
        let page = self
            .app
            .list_approvals(Some(ApprovalStatus::Pending), None, LOOKED_AT)
            .await?;
        let now = self.app.now();
        let mut pending = page.items;
        pending.retain(|approval| approval.expires_at > now);
        // The oldest has waited longest.
        pending.reverse();
        Ok(pending)
    }

    fn tell(&mut self, pending: &[Approval]) -> String {
        match pending {
            [] => "Nothing waits for your approval.".into(),
            [one] => self.show(one),
            [first, ..] => {
                let entries: Vec<String> = pending
                    .iter()
                    .map(|one| {
                        format!(
                            "{}, for #{}: {}",
                            one.number,
                            one.task_number,
                            shortened(&one.what, 6)
                        )
                    })
                    .collect();
                format!(
                    "{} wait for you: {} Say \"show approval {}\" or \"approve {}\".",
                    count(pending.len(), "approval"),
                    list(&entries, entries.len()),
                    first.number,
                    first.number
                )
            }
        }
    }

    /// Says what one approval is about; a pending one is asked about.
    fn show(&mut self, approval: &Approval) -> String {
        let number = approval.number;
        self.memory.it = Some(approval.task_number);
        let about = format!(
            "Approval {number}, for #{}: {}",
            approval.task_number,
            shortened(&approval.what, 14)
        );
        if approval.status != ApprovalStatus::Pending {
            return format!("{about}. It is {}.", approval.status);
        }
        self.memory.question = Some(Asked::Approval { number });
        let until = When {
            at: approval.expires_at,
            precision: hearth_domain::when::Precision::Minute,
        };
        format!(
            "{about}. I ask because {}. It waits until {}. Shall I? Say \"approve {number}\" or \"deny {number}\".",
            shortened(&approval.why, 14),
            until.show(&self.names.zone)
        )
    }

    async fn decide(
        &mut self,
        number: i64,
        is_yes: bool,
        note: Option<String>,
    ) -> Result<String, AppError> {
        let answer = if is_yes {
            Answer::Approve {
                note,
                remember: None,
            }
        } else {
            Answer::Deny { note }
        };
        let answered = self
            .app
            .answer_approval(self.actor, ApprovalRef::Number(number), answer)
            .await;
        let approval = match answered {
            Ok(answered) => answered.approval,
            Err(AppError::NotFound { .. }) => return Ok(no_such(number)),
            Err(error) => return refusal(error),
        };
        let task = approval.task_number;
        let event = if is_yes {
            "approval.approved"
        } else {
            "approval.denied"
        };
        self.note_thing(event, approval.id.0, &approval.what);
        self.memory.it = Some(task);
        let (done, undo) = if is_yes {
            ("approved", "may be used already")
        } else {
            ("denied", "was told")
        };
        self.memory.undo = vec![Undo::Never {
            why: format!(
                "Approval {number} cannot be taken back: it {undo}. Say \"cancel {task}\" to stop the task itself."
            ),
        }];
        let goes_on = match self.task(task) {
            Ok(view) if view.task.status() == TaskStatus::Blocked => "still waits for you",
            Ok(_) if is_yes => "goes on",
            Ok(_) => "goes on without it",
            Err(_) => "is not there any more",
        };
        Ok(format!(
            "I've {done} {number}: {}. #{task} {goes_on}.",
            shortened(&approval.what, 14)
        ))
    }
}

fn no_such(number: i64) -> String {
    format!("There is no approval {number}. Ask \"what needs my approval?\".")
}

/// Says how something is allowed for good, which is not done by the way.
fn always(number: Option<i64>) -> String {
    let number = number.map_or_else(|| "N".to_owned(), |number| number.to_string());
    format!(
        "I take a yes for one action at a time. To allow it for good, type: hearth approvals approve {number} --remember. What is allowed so far shows: hearth approvals permissions."
    )
}
