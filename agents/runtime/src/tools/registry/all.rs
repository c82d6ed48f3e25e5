//! All tools that a run may call, as they stand at one moment.

use std::collections::BTreeSet;

use hearth_domain::action::Action;
use hearth_domain::field::Word;
use hearth_domain::plan::Plan;

use super::{Call, TOOLS, names};
use crate::model::ToolSpec;

/// The tools that a run may call. Clones are the same registry.
#[derive(Debug, Clone, Default)]
pub struct Registry {}

impl Registry {
    /// The built-in tools alone.
    pub fn builtin() -> Self {
        Self::default()
    }

    /// Reads a call.
    ///
    /// # Errors
    /// Says that there is no such tool, or which argument is wrong and what would be right.
    pub fn read(&self, action: &Action) -> Result<Call, String> {
        Call::read_builtin(action).unwrap_or_else(|| Err(self.no_such_tool(action.tool.as_str())))
    }

    /// Looks at every call of a plan whose arguments are known before anything is done.
    ///
    /// # Errors
    /// Names the step whose tool there is not, or whose arguments it does not take.
    pub fn check_calls(&self, plan: &Plan) -> Result<(), String> {
        for (place, planned) in plan.steps.iter().enumerate() {
            let Ok(args) = planned.args_with(|_| None) else {
                continue;
            };
            let action = Action {
                tool: planned.tool.clone(),
                args,
            };
            self.read(&action)
                .map_err(|problem| format!("context.plan[{place}] cannot be done: {problem}"))?;
        }
        Ok(())
    }

    /// Returns the tools' names.
    pub fn names(&self) -> Vec<String> {
        names().map(str::to_owned).collect()
    }

    /// Returns the tools as models see them: those that are allowed, or all.
    pub fn specs(&self, allowed: Option<&BTreeSet<Word>>) -> Vec<ToolSpec> {
        let is_allowed =
            |name: &str| allowed.is_none_or(|words| words.iter().any(|word| word.as_str() == name));
        names()
            .filter(|name| is_allowed(name))
            .filter_map(|name| TOOLS.get(name).map(|tool| tool.spec(name)))
            .collect()
    }

    fn no_such_tool(&self, name: &str) -> String {
        let all = self.names();
        let nearest = all
            .iter()
            .max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
        format!(
            "there is no tool {name}; the nearest is {}; all: {}",
            nearest.map_or("none", String::as_str),
            all.join(", ")
        )
    }
}
