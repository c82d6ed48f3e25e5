//! When a model says that its task is done: its word is a claim, which the task's own checks decide.
//! What does not pass is told to the model, and it goes on.

use hearth_app::AppError;
use hearth_app::holding::Done as Handed;
use hearth_app::runs::RunView;
use hearth_app::runs::journal::{Entry, Intent, Meant};
use hearth_domain::JsonObject;
use hearth_domain::policy::{Labels, Reach};
use hearth_domain::run::{Repeat, Step, StepState};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::episode::{Called, Came, Episode};
use super::{Done, Lead, Led, action_of, word};
use crate::model::ToolCall;
use crate::run::Finish;

/// Says that the task is done. Files in `out/` and stored artifacts are handed in with it.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    /// What came of it, in a few sentences.
    pub(super) summary: String,
    /// Results for programs.
    #[serde(default)]
    pub(super) result: Option<JsonObject>,
}

impl Claim {
    /// Reads what a model says of its work.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(super) fn read(call: &ToolCall) -> Result<Self, String> {
        Self::deserialize(&call.args).map_err(|error| {
            format!(
                "args of {}: {error}; it takes summary and result",
                call.name
            )
        })
    }

    fn into_result(self) -> JsonObject {
        let mut result = self.result.unwrap_or_default();
        result
            .entry("summary")
            .or_insert_with(|| Value::from(self.summary));
        result
    }
}

impl Lead<'_> {
    /// Hands the work in.
    pub(super) async fn finish(
        &self,
        view: &RunView,
        episode: &Episode,
        called: &Called,
    ) -> Result<Done, AppError> {
        let claim = match Claim::read(&called.call) {
            Ok(claim) => claim,
            Err(problem) => {
                let name = word(&format!("turn-{}-done", episode.turns.len()));
                let action = action_of(&called.call);
                return self.refuse(called.place, name, action, problem).await;
            }
        };
        let step = match (&called.came, &called.step) {
            (Came::Acted, Some(step)) => step.clone(),
            _ => match self.claim(episode, called).await? {
                Ok(step) => step,
                Err(led) => return Ok(Done::Ends(led)),
            },
        };
        let handed = Handed {
            result: Some(claim.into_result()),
            artifacts: stored(&view.steps),
        };
        match self.work.hand_in(self.task, &self.hands, handed).await? {
            Finish::Ended(end) => Ok(Done::Ends(Led::Ended(end))),
            Finish::Stopped => Ok(Done::Ends(Led::Stopped)),
            Finish::NotAccepted(story) => {
                self.hands.record(step, Entry::Failed(story), None).await?;
                Ok(Done::GoOn)
            }
        }
    }

    /// Writes down that the model says that it is done.
    async fn claim(
        &self,
        episode: &Episode,
        called: &Called,
    ) -> Result<Result<Step, Led>, AppError> {
        let meant = Meant {
            place: called.place,
            name: word(&format!("turn-{}-done", episode.turns.len())),
            action: action_of(&called.call),
            what: "hand the task in".into(),
            repeat: Repeat::Safe,
            brings: Labels::default(),
            reach: Reach::default(),
            worst_case: None,
        };
        let step = match self.hands.intend(&meant).await? {
            Intent::Go(step) => step,
            Intent::Waits(_) => return Ok(Err(Led::Waits)),
            Intent::Refused(step) => return Ok(Err(Led::Failed(step.decision.reason))),
        };
        let entry = Entry::Acted(called.call.args.clone());
        Ok(Ok(self.hands.record(step, entry, None).await?))
    }
}

/// The artifacts that the run's steps have stored, in their order.
fn stored(steps: &[Step]) -> Vec<hearth_domain::ArtifactId> {
    let live = steps.iter().filter(|step| step.discarded_at.is_none());
    live.filter_map(|step| match &step.state {
        StepState::Done(end) => Some(end.artifacts.clone()),
        _ => None,
    })
    .flatten()
    .collect()
}
