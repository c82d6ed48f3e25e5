//! Tasks beside the run's own: made, found and changed with the rights of its agent.

use hearth_domain::run::StepEnd;
use serde_json::{Value, json};

use super::task_args::{CreateTask, QueryTasks, UpdateTask};
use super::{ToolError, Toolbox};
use crate::chief_of_staff::acts::{Acting, Done, Refused};

/// How much of a result is shown in a line of progress, in characters.
const NOTE_CHARS: usize = 120;

impl Toolbox<'_> {
    /// Makes a task, once for each place in the run and what is asked there.
    pub(super) async fn create_task(
        &self,
        new: &CreateTask,
        args: &Value,
        place: u32,
    ) -> Result<Value, ToolError> {
        outcome(self.acting(place).create_task(new, args).await)
    }

    pub(super) async fn query_tasks(&self, query: &QueryTasks) -> Result<Value, ToolError> {
        outcome(self.acting(0).query(&query.filters).await)
    }

    pub(super) async fn update_task(&self, update: &UpdateTask) -> Result<Value, ToolError> {
        let acting = self.acting(0);
        outcome(acting.update(&update.task_id, &update.updates).await)
    }

    pub(super) async fn agent_status(&self) -> Result<Value, ToolError> {
        outcome(self.acting(0).agents().await)
    }

    fn acting(&self, place: u32) -> Acting<'_> {
        Acting {
            app: self.app,
            actor: self.actor,
            whose: "run",
            key: self.run.0,
            position: place as usize,
            made: Vec::new(),
            labels: hearth_domain::policy::Labels::default(),
            within: Some(self.run),
            holds: Some((self.task.id, self.task.fence)),
            home: self.task.project_id,
            may_be_done: true,
        }
    }
}

fn outcome(done: Result<Done, Refused>) -> Result<Value, ToolError> {
    match done {
        Ok(done) => Ok(json!({ "told": done.content, "brings": done.labels })),
        Err(Refused::Told(problem)) => Err(ToolError::Failed(problem)),
        Err(Refused::Failed(error)) => Err(error.into()),
    }
}

/// Makes the step's result: what was told, and whose words that is.
pub(super) fn end(outcome: &Value) -> StepEnd {
    let told = outcome.get("told").cloned().unwrap_or_default();
    let told = told.as_str().unwrap_or_default();
    // Where it was cut to fit, it is a text and no JSON any more.
    let result = serde_json::from_str(told).unwrap_or_else(|_| json!({ "text": told }));
    StepEnd {
        note: told.chars().take(NOTE_CHARS).collect(),
        result: result.as_object().cloned(),
        brings: outcome
            .get("brings")
            .and_then(|brings| serde_json::from_value(brings.clone()).ok())
            .unwrap_or_default(),
        ..StepEnd::default()
    }
}
