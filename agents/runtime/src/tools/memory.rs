//! Remembering and recalling, for the run that a task has.

use hearth_app::holding::Hold;
use hearth_domain::Actor;
use hearth_domain::field::AgentName;
use hearth_domain::memory::Memory;
use hearth_domain::run::StepEnd;
use serde_json::{Value, json};

use super::args::{Recall, Remember};
use super::{ToolError, Toolbox};

/// How many memories are recalled where nothing is said.
const COUNT: u32 = 5;

impl Toolbox<'_> {
    /// Returns the claim under which the task is worked on.
    pub(super) fn hold(&self) -> Hold {
        let agent = match self.actor {
            Actor::Agent(name) => name.clone(),
            other => AgentName::from_stored(other.name().to_owned()),
        };
        Hold {
            agent,
            fence: self.task.fence,
        }
    }

    pub(super) async fn remember(&self, remember: &Remember) -> Result<Value, ToolError> {
        let (text, about) = (remember.text.clone(), remember.about.clone());
        let memory = self
            .app
            .remember_in_task(
                self.actor,
                self.hold(),
                self.task.id,
                text,
                about.unwrap_or_default(),
            )
            .await?;
        Ok(json!({ "memory": memory.number }))
    }

    pub(super) async fn recall(&self, recall: &Recall) -> Result<Value, ToolError> {
        let count = recall.count.unwrap_or(COUNT) as usize;
        let found = self
            .app
            .recall_in_task(self.actor, self.hold(), self.task.id, &recall.query, count)
            .await?;
        let shown: Vec<Value> = found.iter().map(shown).collect();
        Ok(json!({ "memories": shown }))
    }
}

fn shown(memory: &Memory) -> Value {
    let mut shown = json!({
        "memory": memory.number,
        "text": memory.text,
        "from": memory.provenance(),
    });
    if !memory.about.is_empty() {
        shown["about"] = memory.about.as_str().into();
    }
    if memory.labels.untrusted {
        // So that whoever reads it knows what it is worth.
        shown["untrusted"] = true.into();
    }
    shown
}

/// Makes the step's result.
pub(super) fn end(outcome: &Value) -> StepEnd {
    let recalled = outcome.get("memories").and_then(Value::as_array);
    let note = match (recalled, outcome.get("memory")) {
        (Some(memories), _) => format!("recalled {} memories", memories.len()),
        (None, Some(number)) => format!("kept as memory {number}"),
        (None, None) => String::new(),
    };
    StepEnd {
        note,
        result: outcome.as_object().cloned(),
        ..StepEnd::default()
    }
}
