//! Calls that have other agents work: what their arguments mean to the node.

use std::collections::BTreeSet;

use hearth_app::holding::Hold;
use hearth_app::runs::journal::Delegation;
use hearth_domain::JsonObject;
use hearth_domain::field::{Title, Word};
use hearth_domain::money::{Limits, micros};
use hearth_domain::specialist::{NewSpecialist, WantedGrants};
use hearth_domain::task::{Budget, Check};
use serde_json::{Number, Value, json};

use super::args::{AcceptanceCheck, AgentLimits, CreateAgent, Delegate, ToolName};
use super::{ToolError, Toolbox};

impl Toolbox<'_> {
    /// Makes a specialist; returns its name and the tools it may call.
    pub(super) async fn create_agent(&self, create: &CreateAgent) -> Result<Value, ToolError> {
        let new = create.specialist().map_err(ToolError::Failed)?;
        let Some(lease) = self.task.lease() else {
            return Err(ToolError::Stopped);
        };
        let hold = Hold {
            agent: lease.holder.clone(),
            fence: self.task.fence,
        };
        let tools = self.registry.names().into_iter().map(Word::from_stored);
        let id = hearth_app::tasks::TaskRef::Id(self.task.id);
        let made = self
            .app
            .create_specialist(self.actor, id, hold, new, tools.collect())
            .await?;
        Ok(json!({ "agent": made.name, "tools": made.grants.tools }))
    }
}

impl CreateAgent {
    /// Returns what the node makes of it.
    ///
    /// # Errors
    /// Names the argument that cannot be.
    pub fn specialist(&self) -> Result<NewSpecialist, String> {
        Ok(NewSpecialist {
            name: self.name.0.clone(),
            instructions: self.instructions.clone(),
            grants: WantedGrants {
                tools: self.tools.as_deref().map(words),
                asks_before: words(&self.asks_before),
                limits: self.limits.limits()?,
            },
        })
    }
}

impl AgentLimits {
    fn limits(&self) -> Result<Limits, String> {
        let usd = self.usd.as_ref().map(|usd| {
            let usd = usd
                .as_f64()
                .filter(|usd| (0.0..=1_000_000.0).contains(usd))
                .map(micros);
            usd.ok_or("limits.usd must be 0 to 1000000")
        });
        Ok(Limits {
            usd_micros: usd.transpose()?,
            tokens: self.tokens,
            turns: self.turns,
            tool_calls: self.tool_calls,
            wall_ms: self
                .wall_seconds
                .map(|seconds| seconds.saturating_mul(1000)),
            children: None,
        })
    }
}

impl Delegate {
    /// Returns what the node makes of it.
    ///
    /// # Errors
    /// Names the argument that cannot be.
    pub fn delegation(&self) -> Result<Delegation, String> {
        let checks = self.acceptance.iter().map(AcceptanceCheck::check);
        let budget = self.budget.clone().unwrap_or_default();
        Ok(Delegation {
            agent: self.agent.0.clone(),
            title: Title::parse("title", &self.title.0).map_err(|error| error.to_string())?,
            description: self.description.clone().unwrap_or_default(),
            context: self.context.clone().unwrap_or_default(),
            priority: self.priority.map(Into::into),
            acceptance: checks.collect::<Result<_, _>>()?,
            budget: Budget {
                usd: budget.usd.as_ref().and_then(Number::as_f64),
                tokens: budget.tokens,
                ..Budget::default()
            },
        })
    }
}

impl AcceptanceCheck {
    fn check(&self) -> Result<Check, String> {
        let fields = [
            ("kind", Some(json!(self.kind.as_str()))),
            ("type", self.of_type.as_ref().map(|word| json!(word))),
            ("min_bytes", self.min_bytes.map(Value::from)),
            ("schema", self.schema.clone()),
            ("code", self.code.clone().map(Value::from)),
            ("argv", self.argv.clone().map(Value::from)),
        ];
        let given = fields.into_iter();
        let given = given.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let given = Value::from(given.collect::<JsonObject>());
        serde_json::from_value(given)
            .map_err(|error| format!("acceptance: a check of {}: {error}", self.kind.as_str()))
    }
}

fn words(names: &[ToolName]) -> BTreeSet<Word> {
    names.iter().map(|name| name.0.clone()).collect()
}
