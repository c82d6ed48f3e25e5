//! How work is handed to another agent: the call is made by the journal itself, and waits.

use hearth_app::AppError;
use hearth_app::runs::journal::{Intent, Meant};

use super::{Attempt, Hands};
use crate::persist::persist;
use crate::tools::args::Delegate;

impl Hands<'_> {
    /// Has the work handed on, if it may be, and the step wait for what comes of it.
    pub(super) async fn delegate(
        &self,
        meant: Meant,
        delegate: &Delegate,
    ) -> Result<Attempt, AppError> {
        let delegation = match delegate.delegation() {
            Ok(delegation) => delegation,
            Err(problem) => return Ok(Attempt::not_meant(problem)),
        };
        let handed_on = persist(|| {
            let (hold, bounds) = (self.hold.clone(), self.bounds());
            let (meant, delegation) = (meant.clone(), delegation.clone());
            let run = self.run.id;
            self.app
                .delegate_in_step(self.actor, hold, run, meant, delegation, bounds)
        });
        match handed_on.await {
            // It is made in the same write as it is meant, so that nothing is left to be done.
            Ok(Intent::Go(_) | Intent::Waits(_)) => Ok(Attempt::Waits),
            Ok(Intent::Refused(step)) => Ok(Attempt::failed(step.decision.reason)),
            Err(AppError::InvalidInput { field, problem, .. }) => {
                Ok(Attempt::not_meant(format!("{field} {problem}")))
            }
            Err(error) => Err(error),
        }
    }
}
