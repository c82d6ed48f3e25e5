//! `create_tool`: from code to a tool that is kept. The code is looked at, its examples are tried with no
//! rights at all, and only what holds is made. Rights are the owner's to give: the policy asks before any
//! of this is done with them.

use hearth_app::holding::Hold;
use hearth_app::made_tools::{exact_name, parameters_validator};
use hearth_app::tasks::TaskRef;
use hearth_domain::tool::{Definition, Example, Grants, HostGrants};
use hearth_domain::{Actor, JsonObject};
use hearth_sandbox::Limits;
use serde_json::{Value, json};

use super::args::{CreateTool, FolderName, ToolGrants};
use super::registry::is_builtin;
use super::trial::{compare, compiled, compiling, of_an_example, trying};
use super::{Call, ToolError, Toolbox};

/// The word under which turns of a model lie in the journal; no tool may have it.
const MODEL: &str = "model";

impl CreateTool {
    /// Returns the tool as it is kept. What its schema does not name, it does not take, unless it says
    /// otherwise: a misspelt argument would else be the tool's failure and not its caller's.
    pub(super) fn definition(&self) -> Definition {
        let mut parameters = self.parameters.clone();
        parameters
            .entry("additionalProperties")
            .or_insert(Value::Bool(false));
        let examples = self.examples.iter().map(|example| Example {
            args: example.args.clone(),
            result: example.result.clone(),
            needs_grants: example.needs_grants,
        });
        Definition {
            name: self.name.clone(),
            description: self.description.clone(),
            parameters,
            code: self.code.clone(),
            examples: examples.collect(),
            grants: self.grants.as_kept(),
        }
    }

    /// Checks all that can be seen without running it.
    pub(super) fn check(&self) -> Result<(), String> {
        if is_builtin(self.name.as_str()) || self.name.as_str() == MODEL {
            return Err(format!(
                "name {} is that of a built-in tool; give yours another",
                self.name
            ));
        }
        let definition = self.definition();
        definition.check().map_err(|problem| problem.to_string())?;
        for (right, hosts) in [
            ("grants.network", &definition.grants.network),
            ("grants.host.http_get", &definition.grants.host.http_get),
        ] {
            super::registry::check_hosts(right, hosts)?;
        }
        let validator =
            parameters_validator(&definition.parameters).map_err(|problem| problem.to_string())?;
        for (place, example) in definition.examples.iter().enumerate() {
            let args = Value::from(example.args.clone());
            if let Some(wrong) = validator.iter_errors(&args).next() {
                return Err(format!(
                    "examples[{place}].args does not fit the parameters: {wrong}"
                ));
            }
        }
        Ok(())
    }

    /// Whether its rights are used once they are given: some example takes them.
    pub(super) fn tries_with_grants(&self) -> bool {
        self.examples.iter().any(|example| example.needs_grants)
    }

    /// Whether no example can be tried before the owner has said yes.
    pub(super) fn is_untried(&self) -> bool {
        self.examples.iter().all(|example| example.needs_grants)
    }
}

impl ToolGrants {
    /// Returns the rights as they are kept.
    pub(super) fn as_kept(&self) -> Grants {
        let words = |folders: &[FolderName]| folders.iter().map(|name| name.0.clone()).collect();
        Grants {
            host: HostGrants {
                http_get: self.host.http_get.clone(),
                fs_read: words(&self.host.fs_read),
                fs_write: words(&self.host.fs_write),
                kv: self.host.kv,
                task: self.host.task,
            },
            reads: words(&self.reads),
            writes: words(&self.writes),
            network: self.network.clone(),
            workspace: self.workspace,
        }
    }
}

impl Toolbox<'_> {
    /// Looks at what the owner is about to be asked for, so that nobody is asked to approve what does
    /// not work. Nothing here has any rights, and nothing is kept.
    pub(crate) async fn before_asking(
        &self,
        call: &Call,
        limits: &Limits,
    ) -> Result<(), ToolError> {
        match call {
            Call::CreateTool(create) if !create.grants.as_kept().is_empty() => {
                self.try_out(&create.definition(), limits).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Makes a tool of code that holds.
    pub(super) async fn create_tool(
        &self,
        create: &CreateTool,
        limits: &Limits,
    ) -> Result<Value, ToolError> {
        let definition = create.definition();
        let mut tried = self.try_out(&definition, limits).await?;
        tried += self.try_with_grants(&definition, limits).await?;
        let hold = Hold {
            agent: self.agent()?,
            fence: self.task.fence,
        };
        let task = TaskRef::Id(self.task.id);
        let tool = self
            .app
            .create_made_tool(self.actor, task, hold, definition)
            .await?;
        self.registry.refresh(self.app).await?;
        let exact = exact_name(tool.name(), tool.version);
        Ok(json!({
            "name": tool.name().as_str(),
            "version": tool.version,
            "tool": exact.as_str(),
            "examples_tried": tried,
        }))
    }

    /// Looks at the code, and tries the examples that need no rights; returns how many these are.
    async fn try_out(&self, definition: &Definition, limits: &Limits) -> Result<usize, ToolError> {
        let limits = of_an_example(limits);
        let outcome = self.run(compiling(definition, &limits)).await?;
        compiled(&outcome, &limits).map_err(|story| {
            ToolError::Failed(format!(
                "the tool {} was not made: {story}",
                definition.name
            ))
        })?;
        let mut tried = 0;
        for (place, example) in definition.examples.iter().enumerate() {
            if !example.needs_grants {
                let outcome = self.run(trying(definition, example, &limits)).await?;
                compare(example, &outcome, &limits)
                    .map_err(|story| failed(definition, place, &example.args, &story))?;
                tried += 1;
            }
        }
        Ok(tried)
    }

    /// Tries the examples that take the rights, which the owner has given.
    async fn try_with_grants(
        &self,
        definition: &Definition,
        limits: &Limits,
    ) -> Result<usize, ToolError> {
        let limits = of_an_example(limits);
        let mut tried = 0;
        for (place, example) in definition.examples.iter().enumerate() {
            if example.needs_grants {
                let mut job = trying(definition, example, &limits);
                self.grant(&mut job, &definition.grants, &limits)?;
                let outcome = self.run(job).await?;
                compare(example, &outcome, &limits)
                    .map_err(|story| failed(definition, place, &example.args, &story))?;
                tried += 1;
            }
        }
        Ok(tried)
    }

    fn agent(&self) -> Result<hearth_domain::field::AgentName, ToolError> {
        match self.actor {
            Actor::Agent(name) => Ok(name.clone()),
            Actor::Owner | Actor::System | Actor::Viewer => {
                Err(ToolError::Failed("only an agent makes tools".into()))
            }
        }
    }
}

fn failed(definition: &Definition, place: usize, args: &JsonObject, story: &str) -> ToolError {
    let args: String = Value::from(args.clone())
        .to_string()
        .chars()
        .take(500)
        .collect();
    ToolError::Failed(format!(
        "the tool {} was not made: example {} of {}, run(**{args}), failed: {story}",
        definition.name,
        place + 1,
        definition.examples.len()
    ))
}
