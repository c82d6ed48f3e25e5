//! The verbs of a task's life.

use std::time::Duration;

use hearth_app::holding::{Claim, Done, Hold, Work};
use hearth_domain::JsonObject;
use hearth_domain::field::{AgentName, InvalidField};
use hearth_domain::task::{LEASE_DEFAULT, Progress};
use serde::Deserialize;
use utoipa::ToSchema;

use super::field::parse_all;
use super::scalar;

/// A claim of a named task.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimTask {
    /// Who claims.
    #[schema(value_type = scalar::AgentName)]
    agent: String,
    /// How long the claim lasts without a heartbeat; 60 unless told.
    #[schema(value_type = Option<scalar::LeaseSeconds>)]
    lease_seconds: Option<u64>,
}

impl ClaimTask {
    pub(crate) fn read(self) -> Result<Claim, InvalidField> {
        Ok(Claim {
            agent: AgentName::parse("agent", &self.agent)?,
            lease: self
                .lease_seconds
                .map_or(LEASE_DEFAULT, Duration::from_secs),
        })
    }
}

/// A claim of the best pending task that fits.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimNextTask {
    /// Who claims.
    #[schema(value_type = scalar::AgentName)]
    agent: String,
    /// How long the claim lasts without a heartbeat; 60 unless told.
    #[schema(value_type = Option<scalar::LeaseSeconds>)]
    lease_seconds: Option<u64>,
    /// Whether only a task fits whose context carries a plan.
    has_plan: Option<bool>,
}

impl ClaimNextTask {
    /// Returns the claim, and which work it is for.
    pub(crate) fn read(self) -> Result<(Claim, Work), InvalidField> {
        let work = match self.has_plan {
            Some(true) => Work::Planned,
            Some(false) | None => Work::Any,
        };
        let claim = ClaimTask {
            agent: self.agent,
            lease_seconds: self.lease_seconds,
        };
        Ok((claim.read()?, work))
    }
}

/// A sign of life from the holder.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeartbeatTask {
    /// Who holds the task.
    #[schema(value_type = scalar::AgentName)]
    agent: String,
    /// The fence of the claim.
    #[schema(value_type = scalar::Fence)]
    fence: u64,
    /// What it is doing; an event tells of it.
    #[schema(value_type = Option<scalar::Message>)]
    message: Option<String>,
    /// How far it is; goes with a message.
    #[schema(value_type = Option<scalar::Percent>)]
    percent: Option<u64>,
}

impl HeartbeatTask {
    pub(crate) fn read(self) -> Result<(Hold, Option<Progress>), InvalidField> {
        let percent = self
            .percent
            .map(|percent| {
                u8::try_from(percent).map_err(|_| InvalidField::new("percent", "must be 0 to 100"))
            })
            .transpose()?;
        let progress = match (self.message, percent) {
            (Some(message), percent) => Some(Progress { message, percent }),
            (None, None) => None,
            (None, Some(_)) => {
                let problem = "is missing; percent goes with a message";
                return Err(InvalidField::new("message", problem));
            }
        };
        Ok((hold(&self.agent, self.fence)?, progress))
    }
}

/// What a holder hands in when it is done.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompleteTask {
    /// Who holds the task.
    #[schema(value_type = scalar::AgentName)]
    agent: String,
    /// The fence of the claim.
    #[schema(value_type = scalar::Fence)]
    fence: u64,
    /// What came of the task; at most 256 KiB.
    #[schema(value_type = Option<Object>)]
    result: Option<JsonObject>,
    /// Artifacts that wait for a task, to be given to this one first.
    #[schema(value_type = Option<Vec<uuid::Uuid>>, max_items = 50)]
    artifacts: Option<Vec<String>>,
}

impl CompleteTask {
    pub(crate) fn read(self) -> Result<(Hold, Done), InvalidField> {
        let done = Done {
            result: self.result,
            artifacts: parse_all("artifacts", &self.artifacts.unwrap_or_default())?,
        };
        Ok((hold(&self.agent, self.fence)?, done))
    }
}

/// Why a holder cannot go on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlockTask {
    /// Who holds the task.
    #[schema(value_type = scalar::AgentName)]
    agent: String,
    /// The fence of the claim.
    #[schema(value_type = scalar::Fence)]
    fence: u64,
    /// The reason, or the question to be answered.
    #[schema(value_type = scalar::Question)]
    reason: String,
    /// Answers to choose from.
    #[schema(value_type = Option<Vec<scalar::Choice>>, max_items = 50)]
    options: Option<Vec<String>>,
}

impl BlockTask {
    /// Returns the holder, the reason and the options.
    pub(crate) fn read(self) -> Result<(Hold, String, Vec<String>), InvalidField> {
        let hold = hold(&self.agent, self.fence)?;
        Ok((hold, self.reason, self.options.unwrap_or_default()))
    }
}

/// A task given back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseTask {
    /// Who holds the task.
    #[schema(value_type = scalar::AgentName)]
    agent: String,
    /// The fence of the claim.
    #[schema(value_type = scalar::Fence)]
    fence: u64,
    /// Why.
    #[schema(value_type = Option<scalar::ReasonText>)]
    reason: Option<String>,
}

impl ReleaseTask {
    /// Returns the holder and the reason.
    pub(crate) fn read(self) -> Result<(Hold, Option<String>), InvalidField> {
        Ok((hold(&self.agent, self.fence)?, self.reason))
    }
}

/// An answer to a blocked task.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerTask {
    /// The answer; without one the task is only unblocked.
    #[schema(value_type = Option<scalar::Question>)]
    pub(crate) answer: Option<String>,
}

/// Why a task is cancelled or reopened.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// Why.
    #[schema(value_type = Option<scalar::ReasonText>)]
    pub(crate) reason: Option<String>,
}

fn hold(agent: &str, fence: u64) -> Result<Hold, InvalidField> {
    Ok(Hold {
        agent: AgentName::parse("agent", agent)?,
        fence,
    })
}
