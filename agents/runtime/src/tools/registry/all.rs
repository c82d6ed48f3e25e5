//! All tools that a run may call, as they stand at one moment: the built-in ones, and those that agents
//! made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use hearth_app::made_tools::{exact_name, is_exact_call, read_exact_name};
use hearth_app::{App, AppError};
use hearth_domain::JsonObject;
use hearth_domain::action::Action;
use hearth_domain::field::Word;
use hearth_domain::plan::{Plan, PlannedStep};
use hearth_domain::run::StepEnd;
use hearth_domain::tool::{ToolHead, ToolStatus};
use serde_json::Value;

use super::shelf::{DESCRIBE, Shown, shown};
use super::{Call, TOOLS, check_args, compact, explain, is_builtin, names, spec};
use crate::model::ToolSpec;
use crate::tools::made::{self, MadeCall, MadeSpec};

/// How many made tools models are shown without being asked for: each is a part of every prompt.
const SHOWN_MAX: usize = 20;
/// The most bytes that their descriptions and schemas have together: about 3000 tokens.
const SHOWN_BYTES_MAX: usize = 10 * 1024;

/// The tools that a run may call. Clones are the same registry.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// A lock of the standard library, held for a copy of the pointer; written when the tools were read
    /// again.
    made: Arc<RwLock<Arc<Made>>>,
}

/// The tools that agents made.
#[derive(Debug, Default)]
struct Made {
    /// By the word that means one version.
    exact: BTreeMap<String, Arc<MadeSpec>>,
    /// By name: the current version.
    current: BTreeMap<String, Arc<MadeSpec>>,
    /// The names that are shown to models without being asked for: those used or made last.
    shown: BTreeSet<String>,
}

impl Made {
    fn of(heads: Vec<ToolHead>) -> Self {
        let mut made = Self::default();
        let mut room = SHOWN_BYTES_MAX;
        for head in heads {
            let exact = exact_name(&head.name, head.version).to_string();
            let current = head.is_current.then(|| head.name.to_string());
            let spec = Arc::new(MadeSpec::new(head));
            if let Some(name) = current {
                let size = shown_size(&spec.head);
                if made.shown.len() < SHOWN_MAX
                    && room >= size
                    && spec.head.status == ToolStatus::Enabled
                {
                    room -= size;
                    made.shown.insert(name.clone());
                }
                made.current.insert(name, Arc::clone(&spec));
            }
            made.exact.insert(exact, spec);
        }
        made
    }

    fn find(&self, word: &str) -> Option<&Arc<MadeSpec>> {
        self.current.get(word).or_else(|| self.exact.get(word))
    }
}

impl Registry {
    /// The built-in tools alone.
    pub fn builtin() -> Self {
        Self::default()
    }

    /// The built-in tools, and those of `heads`.
    pub fn with(heads: Vec<ToolHead>) -> Self {
        Self {
            made: Arc::new(RwLock::new(Arc::new(Made::of(heads)))),
        }
    }

    /// The built-in tools, and those that agents made.
    ///
    /// # Errors
    /// The store failed.
    pub async fn load(app: &App) -> Result<Self, AppError> {
        Ok(Self::with(app.made_tool_heads().await?))
    }

    /// Reads again which tools agents made.
    ///
    /// # Errors
    /// The store failed; the registry is as it was.
    pub async fn refresh(&self, app: &App) -> Result<(), AppError> {
        let made = Arc::new(Made::of(app.made_tool_heads().await?));
        *self.made.write().unwrap_or_else(PoisonError::into_inner) = made;
        Ok(())
    }

    fn made(&self) -> Arc<Made> {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&made)
    }

    /// Reads a call.
    ///
    /// # Errors
    /// Says that there is no such tool, or which argument is wrong and what would be right.
    pub fn read(&self, action: &Action) -> Result<Call, String> {
        if let Some(builtin) = Call::read_builtin(action) {
            return builtin;
        }
        let made = self.made();
        let Some(spec) = made.find(action.tool.as_str()) else {
            return Err(self.no_such_tool(&action.tool));
        };
        let head = &spec.head;
        if head.status != ToolStatus::Enabled {
            return Err(off(head));
        }
        let (name, args) = (action.tool.as_str(), Value::from(action.args.clone()));
        let validator = spec
            .validator()
            .map_err(|problem| format!("the schema of {name} cannot be used: {problem}"))?;
        check_args(name, &args, validator, |wrong| {
            explain(wrong, &Value::from(head.parameters.clone()))
        })?;
        Ok(Call::Made(MadeCall {
            spec: Arc::clone(spec),
            args: action.args.clone(),
        }))
    }

    /// Makes a step's result of what the world answered to its call. A call of a tool that may not be
    /// called any more has its result all the same.
    ///
    /// # Errors
    /// The call failed: the story.
    pub(crate) fn result_of(&self, action: &Action, outcome: &Value) -> Result<StepEnd, String> {
        if !is_builtin(action.tool.as_str()) && is_exact_call(action) {
            return made::result_of(outcome);
        }
        crate::tools::result_of(&self.read(action)?, outcome)
    }

    /// Whether a call that was made has changed its run's folder; if that cannot be known, it has.
    pub(crate) fn has_changed_folder(&self, action: &Action) -> bool {
        match self.read(action) {
            Ok(call) => call.changes_folder(),
            Err(_) => !is_builtin(action.tool.as_str()) && is_exact_call(action),
        }
    }

    /// Looks at every call of a plan whose arguments are known before anything is done. A tool that a
    /// step of the plan makes is not known yet.
    ///
    /// # Errors
    /// Names the step whose tool there is not, or whose arguments it does not take.
    pub fn check_calls(&self, plan: &Plan) -> Result<(), String> {
        self.check_calls_at(plan, |_| true)
    }

    /// The same for those places, from 0 on, that are to be done: a tool may have been disabled since it
    /// was called.
    ///
    /// # Errors
    /// See [`Registry::check_calls`].
    pub(crate) fn check_calls_at(
        &self,
        plan: &Plan,
        is_open: impl Fn(usize) -> bool,
    ) -> Result<(), String> {
        let coming: BTreeSet<&str> = plan.steps.iter().filter_map(makes).collect();
        let open = plan.steps.iter().enumerate();
        for (place, planned) in open.filter(|(place, _)| is_open(*place)) {
            let Ok(args) = planned.args_with(|_| None) else {
                continue;
            };
            let tool = &planned.tool;
            let exact = read_exact_name(tool);
            let name = exact.as_ref().map_or(tool, |(name, _)| name);
            if coming.contains(name.as_str()) && !is_builtin(tool.as_str()) {
                continue;
            }
            let action = Action {
                tool: tool.clone(),
                args,
            };
            self.read(&action)
                .map_err(|problem| format!("context.plan[{place}] cannot be done: {problem}"))?;
        }
        Ok(())
    }

    /// Returns the names of the tools that may be called: built-in ones first.
    pub fn names(&self) -> Vec<String> {
        let made = self.made();
        let made = made
            .current
            .iter()
            .filter(|(name, spec)| spec.head.status == ToolStatus::Enabled && !is_builtin(name));
        names()
            .map(str::to_owned)
            .chain(made.map(|(name, _)| name.clone()))
            .collect()
    }

    /// Returns the tools as models see them: those that are allowed; or else the built-in ones, and of
    /// those that agents made the 20 that were used or made last.
    ///
    /// Who may call [`DESCRIBE`] sees those that few tasks need once they are `opened`.
    pub(crate) fn specs(
        &self,
        allowed: Option<&BTreeSet<Word>>,
        opened: &BTreeSet<String>,
    ) -> Vec<ToolSpec> {
        let made = self.made();
        let names = self.shown(allowed);
        let can_open = names.iter().any(|name| name == DESCRIBE);
        names
            .iter()
            .filter_map(|name| match TOOLS.get(name.as_str()) {
                Some(tool) => tool.spec(name, shown(name, can_open, opened)),
                None => made.current.get(name).map(|spec| spec_of(&spec.head)),
            })
            .collect()
    }

    /// Returns the names of those that lie on the shelf.
    pub(crate) fn shelved(&self, allowed: Option<&BTreeSet<Word>>) -> Vec<String> {
        let mut names = self.shown(allowed);
        let can_open = names.iter().any(|name| name == DESCRIBE);
        names.retain(|name| shown(name, can_open, &BTreeSet::new()) == Shown::Not);
        names
    }

    /// Returns what tools are for, by their names.
    ///
    /// # Errors
    /// Names the one that there is not.
    pub(crate) fn describe(&self, names: &[String]) -> Result<JsonObject, String> {
        let made = self.made();
        let describe = |name: &String| {
            let builtin = TOOLS.get(name.as_str());
            let spec = match builtin {
                Some(tool) => tool.spec(name, Shown::Whole),
                None => made.current.get(name).map(|spec| spec_of(&spec.head)),
            };
            let no_such_tool = || format!("there is no tool {name}");
            let spec = spec.ok_or_else(no_such_tool)?;
            Ok((spec.name, spec.description.into()))
        };
        names.iter().map(describe).collect()
    }

    /// Returns the names of those that [`Self::specs`] shows.
    pub(crate) fn shown(&self, allowed: Option<&BTreeSet<Word>>) -> Vec<String> {
        let made = self.made();
        let mut names = self.names();
        names.retain(|name| match allowed {
            Some(words) => words.iter().any(|word| word.as_str() == name),
            None => is_builtin(name) || made.shown.contains(name),
        });
        names
    }

    fn no_such_tool(&self, tool: &Word) -> String {
        let all = self.names();
        if let Some((name, _)) = read_exact_name(tool)
            && self.made().current.contains_key(name.as_str())
        {
            return format!(
                "there is no tool {tool} that may be called; the versions of {name}: hearth tool show \
                 {name}"
            );
        }
        let name = tool.as_str();
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

/// The name of the tool that a step makes.
fn makes(planned: &PlannedStep) -> Option<&str> {
    if planned.tool.as_str() != "create_tool" {
        return None;
    }
    planned.args.get("name").and_then(Value::as_str)
}

/// Says that a tool may not be called, and what would change that.
fn off(head: &ToolHead) -> String {
    let ToolHead {
        name,
        version,
        status,
        ..
    } = head;
    let why = match status {
        ToolStatus::SetAside => "was set aside, because it kept failing",
        ToolStatus::Enabled | ToolStatus::Disabled | ToolStatus::RolledBack => {
            "was disabled by the owner"
        }
    };
    format!(
        "the tool {name}, version {version}, {why}. Its owner can bring it back: hearth tool enable \
         {name}; or the version before it: hearth tool rollback {name}"
    )
}

/// Returns a made tool as models see it.
/// Returns how many bytes a tool takes in a prompt.
fn shown_size(head: &ToolHead) -> usize {
    let spec = spec_of(head);
    spec.name.len() + spec.description.len() + spec.schema.to_string().len()
}

fn spec_of(head: &ToolHead) -> ToolSpec {
    let compacted = compact(&Value::from(head.parameters.clone()));
    ToolSpec {
        description: head.description.clone(),
        ..spec(head.name.as_str(), &compacted)
    }
}
