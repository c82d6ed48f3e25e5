//! Every way a task goes from one state to another.

use std::time::Duration;

use serde_json::{Value, json};

use crate::actor::Actor;
use crate::artifact::Artifact;
use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::{EventKind, Evidence, ReleaseCause, TaskFacts};
use crate::field::{AgentName, JsonObject, REASON_MAX, SYSTEM, json_within};
use crate::id::TaskId;
use crate::task::acceptance::{ArtifactFound, FailedCheck, Finding, Unmet};
use crate::task::refusal::Refusal;
use crate::task::state::{AttemptEnd, Block, BlockCause, Lease, TaskState};
use crate::task::{Budget, FAILED_CHECKS_MAX, Task};

/// The most answers a task's context keeps; older ones stay in the events.
const ANSWERS_KEPT: usize = 50;

/// What a holder says when it is done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Completion {
    /// What came of it.
    pub result: Option<JsonObject>,
}

/// What a holder says on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub message: String,
    /// How far it is, from 0 to 100, if it knows.
    pub percent: Option<u8>,
}

impl Task {
    /// Hands the task to `agent` for `length`, with a new fence.
    ///
    /// `open_dependencies` is how many of the tasks it depends on are not completed.
    ///
    /// # Errors
    /// It is not pending, is kept for somebody else, waits for its time, or for other tasks.
    pub fn claim(
        mut self,
        agent: AgentName,
        length: Duration,
        open_dependencies: u64,
        now: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        match self.state {
            TaskState::Pending => (),
            TaskState::InProgress { .. }
            | TaskState::Blocked { .. }
            | TaskState::Completed { .. }
            | TaskState::Cancelled { .. } => return Err(self.refuses("claim")),
        }
        let number = self.number;
        if let Some(reserved_for) = self.reserved_for.as_ref().filter(|name| **name != agent) {
            return Err(Refusal::Reserved {
                number,
                reserved_for: reserved_for.clone(),
            });
        }
        if let Some(not_before) = self.not_before.filter(|moment| *moment > now) {
            return Err(Refusal::TooEarly { number, not_before });
        }
        if open_dependencies > 0 {
            return Err(Refusal::DependenciesOpen {
                number,
                open: open_dependencies,
            });
        }
        let expires_at = now.after(length);
        self.attempt += 1;
        self.fence += 1;
        self.started_at = Some(now);
        self.worker = Some(agent.clone());
        self.state = TaskState::InProgress {
            lease: Lease {
                holder: agent.clone(),
                expires_at,
                length,
            },
        };
        let by = agent.clone();
        Ok(
            self.changed(by.as_str(), now, |task| EventKind::TaskClaimed {
                task,
                agent,
                lease_expires_at: expires_at,
            }),
        )
    }

    /// Prolongs the lease from `now`. This is no change of the task: no version, no event.
    ///
    /// # Errors
    /// The caller does not hold it.
    pub fn renew(mut self, agent: &AgentName, fence: u64, now: Timestamp) -> Result<Self, Refusal> {
        let lease = self.held_by("renew the lease of", agent, fence)?.clone();
        let expires_at = now.after(lease.length).max(lease.expires_at);
        self.state = TaskState::InProgress {
            lease: Lease {
                expires_at,
                ..lease
            },
        };
        Ok(self)
    }

    /// Notes how far the holder is.
    ///
    /// # Errors
    /// The caller does not hold it.
    pub fn progress(
        self,
        agent: &AgentName,
        fence: u64,
        progress: Progress,
        now: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let task = self.renew(agent, fence, now)?;
        let Progress { message, percent } = progress;
        Ok(
            task.changed(agent.as_str(), now, |task| EventKind::TaskProgress {
                task,
                message,
                percent,
            }),
        )
    }

    /// Ends the task as done, if its acceptance checks hold over `artifacts`, all that it has.
    ///
    /// What counts as evidence is what its worker made: a file handed in with the task does not.
    /// `findings` are what came of the checks that take more than a look at the artifacts.
    ///
    /// # Errors
    /// The caller does not hold it, or a check does not hold or was not run.
    pub fn complete(
        mut self,
        agent: &AgentName,
        fence: u64,
        completion: Completion,
        artifacts: &[Artifact],
        findings: &[Finding],
        now: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        self.held_by("complete", agent, fence)?;
        let made: Vec<ArtifactFound> = artifacts
            .iter()
            .filter(|artifact| artifact.created_by == agent.as_str())
            .map(ArtifactFound::from)
            .collect();
        let evidence = self.verify(&made, findings)?;
        let duration = self
            .started_at
            .map_or(Duration::ZERO, |start| now.since(start));
        self.state = TaskState::Completed {
            result: completion.result.clone(),
            at: now,
        };
        self.failed_attempts.clear();
        self.failed_checks.clear();
        Ok(
            self.changed(agent.as_str(), now, |task| EventKind::TaskCompleted {
                task,
                agent: agent.clone(),
                result: completion.result,
                evidence,
                artifacts: artifacts.iter().map(|artifact| artifact.id).collect(),
                duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            }),
        )
    }

    /// Notes that a completion did not pass. The holder may try again, unless
    /// [`Task::has_failed_too_often`].
    ///
    /// # Errors
    /// The caller does not hold it.
    pub fn fail_acceptance(
        mut self,
        agent: &AgentName,
        fence: u64,
        unmet: Vec<Unmet>,
        now: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        self.held_by("complete", agent, fence)?;
        let unmet: Vec<Evidence> = unmet.into_iter().map(Evidence::from).collect();
        self.failed_checks.push(FailedCheck {
            agent: agent.clone(),
            attempt: self.attempt,
            at: now,
            unmet: unmet.clone(),
        });
        let failures = u32::try_from(self.failed_checks.len()).unwrap_or(u32::MAX);
        Ok(self.changed(agent.as_str(), now, |task| {
            EventKind::TaskAcceptanceFailed {
                task,
                agent: agent.clone(),
                unmet,
                failures,
            }
        }))
    }

    /// Whether so many completions failed that the task is the owner's to look at.
    pub fn has_failed_too_often(&self) -> bool {
        self.failed_checks.len() >= FAILED_CHECKS_MAX
    }

    /// Stops work for the owner, with the story of every completion that did not pass.
    ///
    /// # Errors
    /// Nobody holds it.
    pub fn block_unaccepted(mut self, now: Timestamp) -> Result<Change<Self>, Refusal> {
        if self.lease().is_none() {
            return Err(self.refuses("block"));
        }
        let story: Vec<String> = self.failed_checks.iter().map(ToString::to_string).collect();
        let reason = format!(
            "{} completions did not pass the acceptance checks\n{}",
            self.failed_checks.len(),
            story.join("\n")
        );
        let block = Block {
            reason: reason.clone(),
            options: Vec::new(),
            cause: BlockCause::ChecksFailed,
        };
        self.state = TaskState::Blocked { block };
        Ok(self.changed(SYSTEM, now, |task| EventKind::TaskBlocked {
            task,
            reason,
            options: Vec::new(),
        }))
    }

    /// Stops work until somebody answers.
    ///
    /// # Errors
    /// The caller does not hold it.
    pub fn block(
        mut self,
        agent: &AgentName,
        fence: u64,
        reason: String,
        options: Vec<String>,
        now: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        self.held_by("block", agent, fence)?;
        let block = Block {
            reason: reason.clone(),
            options: options.clone(),
            cause: BlockCause::Holder,
        };
        self.state = TaskState::Blocked { block };
        Ok(
            self.changed(agent.as_str(), now, |task| EventKind::TaskBlocked {
                task,
                reason,
                options,
            }),
        )
    }

    /// Makes a blocked task pending again; an answer is kept in its context, under `answers`.
    /// It gets its full number of attempts anew.
    ///
    /// # Errors
    /// It is not blocked.
    pub fn answer(
        mut self,
        answer: Option<String>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let TaskState::Blocked { block } = &self.state else {
            return Err(self.refuses("answer"));
        };
        if let Some(text) = &answer {
            let question: String = block.reason.chars().take(REASON_MAX).collect();
            let mut answers = match self.context.remove("answers") {
                Some(Value::Array(earlier)) => earlier,
                Some(_) | None => Vec::new(),
            };
            answers.push(json!({
                "question": question, "answer": text, "by": by.name(), "at": now.to_string(),
            }));
            answers.drain(..answers.len().saturating_sub(ANSWERS_KEPT));
            self.context.insert("answers".into(), answers.into());
            // Old answers make room, so that a task which was asked much can still be answered.
            while json_within("context", &self.context).is_err()
                && let Some(Value::Array(answers)) = self.context.get_mut("answers")
                && answers.len() > 1
            {
                answers.remove(0);
            }
        }
        self.failed_attempts.clear();
        self.failed_checks.clear();
        self.state = TaskState::Pending;
        Ok(
            self.changed(by.name(), now, |task| EventKind::TaskAnswered {
                task,
                answer,
            }),
        )
    }

    /// Gives the task back, by its holder.
    ///
    /// # Errors
    /// The caller does not hold it.
    pub fn release(
        self,
        agent: &AgentName,
        fence: u64,
        cause: ReleaseCause,
        reason: Option<String>,
        now: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let lease = self.held_by("release", agent, fence)?.clone();
        Ok(self.back(lease, agent.as_str(), cause, reason, now))
    }

    /// Takes the task from its holder: its lease ran out, or it was cut off with the node.
    ///
    /// # Errors
    /// Nobody holds it.
    pub fn reclaim(self, cause: ReleaseCause, now: Timestamp) -> Result<Change<Self>, Refusal> {
        let Some(lease) = self.lease().cloned() else {
            return Err(self.refuses("reclaim"));
        };
        Ok(self.back(lease, SYSTEM, cause, None, now))
    }

    /// Ends the task as no longer wanted.
    ///
    /// # Errors
    /// It has ended already.
    pub fn cancel(
        mut self,
        reason: Option<String>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        match self.state {
            TaskState::Pending | TaskState::InProgress { .. } | TaskState::Blocked { .. } => (),
            TaskState::Completed { .. } | TaskState::Cancelled { .. } => {
                return Err(self.refuses("cancel"));
            }
        }
        self.state = TaskState::Cancelled {
            reason: reason.clone(),
            at: now,
        };
        Ok(
            self.changed(by.name(), now, |task| EventKind::TaskCancelled {
                task,
                reason,
            }),
        )
    }

    /// Makes an ended task pending again, with its full number of attempts.
    ///
    /// # Errors
    /// It has not ended.
    pub fn reopen(
        mut self,
        reason: Option<String>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        match self.state {
            TaskState::Completed { .. } | TaskState::Cancelled { .. } => (),
            TaskState::Pending | TaskState::InProgress { .. } | TaskState::Blocked { .. } => {
                return Err(self.refuses("reopen"));
            }
        }
        self.failed_attempts.clear();
        self.failed_checks.clear();
        self.state = TaskState::Pending;
        Ok(
            self.changed(by.name(), now, |task| EventKind::TaskReopened {
                task,
                reason,
            }),
        )
    }

    /// Has it wait for a task that its run hands to another; `left` is what is left of its budget,
    /// where a part went along.
    pub fn hand_on(
        mut self,
        child: TaskId,
        left: Option<Budget>,
        by: &str,
        now: Timestamp,
    ) -> Change<Self> {
        self.depends_on.push(child);
        self.depends_on.sort();
        let mut changed = vec!["depends_on".to_owned()];
        if left.is_some() {
            self.budget = left;
            changed.push("budget".into());
        }
        self.changed(by, now, |task| EventKind::TaskUpdated { task, changed })
    }

    /// Has it wait for tasks that its run handed to others; `None` if it does already.
    pub fn wait_for(
        mut self,
        children: &[TaskId],
        by: &str,
        now: Timestamp,
    ) -> Option<Change<Self>> {
        let before = self.depends_on.len();
        self.depends_on.extend(children);
        self.depends_on.sort();
        self.depends_on.dedup();
        (self.depends_on.len() > before).then(|| self.depends_otherwise(by, now))
    }

    /// Has it wait no more for a task that its run handed to another; `None` if it does not, or has
    /// ended.
    pub fn wait_no_more_for(
        mut self,
        child: TaskId,
        by: &str,
        now: Timestamp,
    ) -> Option<Change<Self>> {
        let before = self.depends_on.len();
        self.depends_on.retain(|needed| *needed != child);
        let is_other = self.depends_on.len() < before && !self.status().is_terminal();
        is_other.then(|| self.depends_otherwise(by, now))
    }

    fn depends_otherwise(self, by: &str, now: Timestamp) -> Change<Self> {
        self.changed(by, now, |task| EventKind::TaskUpdated {
            task,
            changed: vec!["depends_on".into()],
        })
    }

    /// Returns the lease if `agent` holds the task under `fence`.
    ///
    /// # Errors
    /// Says who holds it, or that it was handed on.
    pub fn held_by(
        &self,
        act: &'static str,
        agent: &AgentName,
        fence: u64,
    ) -> Result<&Lease, Refusal> {
        let Some(lease) = self.lease() else {
            return Err(self.refuses(act));
        };
        if lease.holder != *agent {
            return Err(Refusal::NotHolder {
                number: self.number,
                holder: lease.holder.clone(),
                agent: agent.clone(),
            });
        }
        if self.fence != fence {
            return Err(Refusal::Fence {
                number: self.number,
                given: fence,
                present: self.fence,
            });
        }
        Ok(lease)
    }

    pub(super) fn refuses(&self, act: &'static str) -> Refusal {
        Refusal::State {
            act,
            number: self.number,
            status: self.status(),
        }
    }

    /// Every change ends here: the next version, its time and author, the event.
    pub(super) fn changed(
        mut self,
        by: &str,
        now: Timestamp,
        event: impl FnOnce(TaskFacts) -> EventKind,
    ) -> Change<Self> {
        self.version += 1;
        self.updated_at = now;
        by.clone_into(&mut self.updated_by);
        let event = event(self.facts());
        Change { after: self, event }
    }

    fn verify(
        &self,
        made: &[ArtifactFound],
        findings: &[Finding],
    ) -> Result<Vec<Evidence>, Refusal> {
        let mut evidence = Vec::new();
        let mut unmet = Vec::new();
        for check in &self.acceptance {
            let is_of_check = |finding: &&Finding| match finding {
                Ok(found) => found.check == *check,
                Err(missing) => missing.check == *check,
            };
            let finding = check
                .look(made)
                .or_else(|| findings.iter().find(is_of_check).cloned());
            match finding {
                Some(Ok(found)) => evidence.push(found),
                Some(Err(missing)) => unmet.push(missing),
                None => {
                    return Err(Refusal::Unexamined {
                        number: self.number,
                    });
                }
            }
        }
        if unmet.is_empty() {
            Ok(evidence)
        } else {
            Err(Refusal::Unaccepted {
                number: self.number,
                unmet,
            })
        }
    }

    /// Notes the end of the attempt; blocks the task if it was the last one allowed.
    fn back(
        mut self,
        lease: Lease,
        by: &str,
        cause: ReleaseCause,
        reason: Option<String>,
        now: Timestamp,
    ) -> Change<Self> {
        let agent = lease.holder;
        if cause.costs_attempt() {
            self.failed_attempts.push(AttemptEnd {
                attempt: self.attempt,
                agent: agent.clone(),
                started_at: self.started_at.unwrap_or(now),
                ended_at: now,
                cause,
                reason: reason.clone(),
            });
        }
        let failed = u32::try_from(self.failed_attempts.len()).unwrap_or(u32::MAX);
        // What costs nothing blocks nothing, even where the attempts allowed were lowered meanwhile.
        if !cause.costs_attempt() || failed < self.max_attempts {
            self.state = TaskState::Pending;
            return self.changed(by, now, |task| EventKind::TaskReleased {
                task,
                agent,
                cause,
                reason,
            });
        }
        let story: Vec<String> = self
            .failed_attempts
            .iter()
            .map(ToString::to_string)
            .collect();
        let reason = format!(
            "all {failed} attempts ended without a result\n{}",
            story.join("\n")
        );
        let block = Block {
            reason: reason.clone(),
            options: Vec::new(),
            cause: BlockCause::AttemptsUsed,
        };
        self.state = TaskState::Blocked { block };
        self.changed(by, now, |task| EventKind::TaskBlocked {
            task,
            reason,
            options: Vec::new(),
        })
    }
}
