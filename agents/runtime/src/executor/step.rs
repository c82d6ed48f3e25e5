//! How one step of a plan is made: as often as its rule for failures says.

use hearth_app::AppError;
use hearth_domain::JsonObject;
use hearth_domain::action::Action;
use hearth_domain::plan::PlannedStep;
use hearth_domain::run::{Step, StepEnd};
use hearth_domain::task::Progress;

use super::{Executor, label, number};
use crate::hands::{Attempt, Wanted};

impl Executor<'_> {
    /// Makes a step, as often as its rule for failures says.
    pub(super) async fn step(
        &self,
        place: usize,
        args: Result<JsonObject, String>,
        acted: Option<Step>,
        mut failures: u32,
        settled: usize,
    ) -> Result<Attempt, AppError> {
        let Some(planned) = self.planned(place) else {
            return Ok(Attempt::Stopped);
        };
        let mut attempt = match acted {
            Some(step) => {
                let tell = |step: &Step, end: &StepEnd| Some(self.progress(step, end, settled));
                self.hands.keep(&step, &tell).await?
            }
            None => self.attempt(place, planned, &args, settled).await?,
        };
        loop {
            let Attempt::Failed {
                story,
                may_help_again,
                ..
            } = &attempt
            else {
                return Ok(attempt);
            };
            failures += 1;
            let Some(pause) = planned.retry.pause(failures).filter(|_| *may_help_again) else {
                if failures == 1 {
                    return Ok(attempt);
                }
                return Ok(Attempt::Failed {
                    story: format!("{failures} tries, the last: {story}"),
                    may_help_again: false,
                    is_written: true,
                });
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => (),
                () = self.hands.stop.cancelled() => return Ok(Attempt::Stopped),
            }
            attempt = self.attempt(place, planned, &args, settled).await?;
        }
    }

    async fn attempt(
        &self,
        place: usize,
        planned: &PlannedStep,
        args: &Result<JsonObject, String>,
        settled: usize,
    ) -> Result<Attempt, AppError> {
        let args = match args {
            Ok(args) => args.clone(),
            Err(problem) => {
                return Ok(Attempt::Failed {
                    story: problem.clone(),
                    may_help_again: false,
                    is_written: true,
                });
            }
        };
        let wanted = Wanted {
            place: number(place),
            name: planned.name.clone(),
            action: Action {
                tool: planned.tool.clone(),
                args,
            },
            limit: planned.limit,
            key: planned.idempotency_key.as_deref(),
        };
        let tell = |step: &Step, end: &StepEnd| Some(self.progress(step, end, settled));
        self.hands.make(&wanted, &tell).await
    }

    /// Says how far the plan is with one more step done.
    fn progress(&self, step: &Step, end: &StepEnd, settled: usize) -> Progress {
        let count = self.plan.steps.len();
        Progress {
            message: format!(
                "step {} of {count}, {}: {}",
                step.place,
                label(step.place, step.name.as_str(), step.action.tool.as_str()),
                end.note
            ),
            percent: u8::try_from((settled + 1) * 100 / count.max(1)).ok(),
        }
    }
}
