//! Operations on tools that agents made: make, list, show, let be called or not, go back, count.
//!
//! Whoever makes one has tried it; what is seen to here is its form, who may, and that a version never
//! changes. Testing one once more is in `testing`.

mod testing;

use hearth_domain::action::Action;
use hearth_domain::field::{JsonObject, REASON_MAX, Word, prose};
use hearth_domain::notice::{NewNotice, NoticeKind};
use hearth_domain::tool::{
    self, Counted, Definition, MadeTool, Origin, TOOLS_MAX, ToolHead, ToolRefusal, ToolState,
    VERSIONS_MAX,
};
use hearth_domain::{Actor, Change, InvalidField, Timestamp, ToolId};
use hearth_store::{Tx, WriteTx, made_tools};
use jsonschema::Validator;
use serde_json::Value;

use crate::acceptance::schema;
use crate::app::App;
use crate::authority::{must_act_as, must_be_owner, must_work};
use crate::error::AppError;
use crate::holding::Hold;
use crate::notices;
use crate::tasks::{TaskRef, find};

pub(crate) use testing::Testers;
pub use testing::{TestFuture, Tested, ToolTester, Tried};

/// How much of how a tool failed a notice tells; the whole is with the version.
const STORY_CHARS: usize = 300;

/// How a call of a tool went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// It brought its result.
    Worked,
    /// It failed through no fault of its own, as where a page could not be fetched.
    Excused,
    /// It failed through its own fault: how.
    Failed(String),
}

impl Use {
    /// Returns the word under which it is measured.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Worked => "worked",
            Self::Excused => "excused",
            Self::Failed(_) => "failed",
        }
    }
}

/// Returns what holds arguments against the schema of a tool's parameters. Its cost is bounded, and
/// nothing is fetched.
///
/// # Errors
/// It is no JSON Schema of an object, or one that could take unbounded time.
pub fn parameters_validator(parameters: &JsonObject) -> Result<Validator, InvalidField> {
    if parameters.get("type").and_then(Value::as_str) != Some("object") {
        return Err(InvalidField::new(
            "parameters",
            r#"must be the JSON Schema of an object: {"type": "object", "properties": {...}}"#,
        ));
    }
    schema::compile(&Value::from(parameters.clone()))
        .map_err(|problem| InvalidField::new("parameters", problem))
}

impl App {
    /// Makes a version of a tool for the holder of a task; it may be called at once. One that is just
    /// like the current version is that version: it is not made twice.
    ///
    /// # Errors
    /// The definition has not the form of one; the caller does not hold the task; the owner does not
    /// want the tool; it is just like one that was set aside; there are as many as may be.
    pub async fn create_made_tool(
        &self,
        actor: &Actor,
        task: TaskRef,
        hold: Hold,
        definition: Definition,
    ) -> Result<MadeTool, AppError> {
        must_work(actor, "make a tool")?;
        must_act_as(actor, &hold.agent)?;
        definition.check()?;
        parameters_validator(&definition.parameters)?;
        let now = self.now();
        self.store()
            .write(move |tx| {
                let task = find(tx, task)?;
                task.held_by("make a tool in", &hold.agent, hold.fence)?;
                let versions = made_tools::versions(tx, &definition.name)?;
                if let Some(same) = refuse_or_same(tx, &versions, &definition)? {
                    return Ok(same);
                }
                let newest = versions.iter().map(|tool| tool.version).max();
                let origin = Origin {
                    by: hold.agent.to_string(),
                    task_id: task.id,
                };
                let (id, version) = (ToolId(tx.fresh_uuid()), newest.unwrap_or_default() + 1);
                let change = MadeTool::create(id, version, definition, origin, now);
                Ok(made_tools::insert(tx, change)?)
            })
            .await
    }

    /// Returns the current version of every tool, by name.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list_made_tools(&self) -> Result<Vec<MadeTool>, AppError> {
        self.store()
            .read(|tx| Ok(made_tools::list_current(tx)?))
            .await
    }

    /// Returns what callers need of the tools that there are.
    ///
    /// # Errors
    /// The store failed.
    pub async fn made_tool_heads(&self) -> Result<Vec<ToolHead>, AppError> {
        self.store().read(|tx| Ok(made_tools::heads(tx)?)).await
    }

    /// Returns every version of a tool, oldest first.
    ///
    /// # Errors
    /// There is none of that name.
    pub async fn get_made_tool(&self, name: Word) -> Result<Vec<MadeTool>, AppError> {
        self.store().read(move |tx| all(tx, &name)).await
    }

    /// Returns one version of a tool as it stands at this moment.
    ///
    /// # Errors
    /// There is none.
    pub fn get_made_tool_version(&self, name: &Word, version: u32) -> Result<MadeTool, AppError> {
        let wanted = name.clone();
        self.store()
            .read_now(move |tx| made_tools::find(tx, &wanted, version))?
            .ok_or_else(|| AppError::not_found("tool", format!("{name}.v{version}")))
    }

    /// Lets a version be called, or where none is named the current one; what it failed before is
    /// forgotten.
    ///
    /// # Errors
    /// There is none; it may be called already; the caller is not the owner.
    pub async fn enable_made_tool(
        &self,
        actor: &Actor,
        name: Word,
        version: Option<u32>,
    ) -> Result<Vec<MadeTool>, AppError> {
        must_be_owner(actor, "enable a tool")?;
        self.change_made_tool(actor, name, move |versions| {
            let tool = pick(versions, version)?;
            let (name, version) = (tool.name().clone(), tool.version);
            let change = tool.enable().ok_or_else(|| {
                ToolRefusal::State(format!(
                    "version {version} of tool {name} is enabled already"
                ))
            })?;
            Ok(vec![change])
        })
        .await
    }

    /// Lets a version be called no more, or where none is named, none of them.
    ///
    /// # Errors
    /// There is none; it is disabled already; the caller is not the owner.
    pub async fn disable_made_tool(
        &self,
        actor: &Actor,
        name: Word,
        version: Option<u32>,
        reason: Option<String>,
    ) -> Result<Vec<MadeTool>, AppError> {
        must_be_owner(actor, "disable a tool")?;
        let reason = reason
            .map(|reason| prose("reason", &reason, REASON_MAX))
            .transpose()?;
        let by = actor.name().to_owned();
        self.change_made_tool(actor, name, move |versions| {
            let current = tool::current(&versions).map(|tool| tool.version);
            let disabled = match version {
                Some(_) => vec![pick(versions, version)?],
                None => versions
                    .into_iter()
                    .filter(|tool| {
                        tool.state == ToolState::Enabled || Some(tool.version) == current
                    })
                    .collect(),
            };
            let changes: Vec<_> = disabled
                .into_iter()
                .filter_map(|tool| tool.disable(&by, reason.clone()))
                .collect();
            if changes.is_empty() {
                return Err(ToolRefusal::State("it is disabled already".into()));
            }
            Ok(changes)
        })
        .await
    }

    /// Makes an earlier version the current one: `to`, or the one before the current.
    ///
    /// # Errors
    /// There is none; `to` is not before the current one; the caller is not the owner.
    pub async fn roll_back_made_tool(
        &self,
        actor: &Actor,
        name: Word,
        to: Option<u32>,
    ) -> Result<Vec<MadeTool>, AppError> {
        must_be_owner(actor, "go back to an earlier version of a tool")?;
        let by = actor.name().to_owned();
        self.change_made_tool(actor, name, move |versions| {
            tool::roll_back(versions, to, &by)
        })
        .await
    }

    /// Counts a call of a version. One that failed too often in a row is set aside, and its owner told.
    ///
    /// # Errors
    /// The caller may not work; there is no such version.
    pub async fn count_made_tool_use(
        &self,
        actor: &Actor,
        id: ToolId,
        how: Use,
    ) -> Result<MadeTool, AppError> {
        must_work(actor, "use a tool")?;
        metrics::counter!("hearth_made_tool_uses_total", "outcome" => how.as_str()).increment(1);
        let (by, now) = (actor.name().to_owned(), self.now());
        self.store()
            .write(move |tx| {
                let tool =
                    made_tools::get(tx, id)?.ok_or_else(|| AppError::not_found("tool", id))?;
                let was = tool.state.status();
                let counted = match how {
                    Use::Worked => Counted::Noted(Box::new(tool.succeed(now))),
                    Use::Excused => Counted::Noted(Box::new(tool.excuse(now))),
                    Use::Failed(story) => tool.fail(&story, now),
                };
                match counted {
                    Counted::Noted(tool) => {
                        made_tools::save_counts(tx, &tool)?;
                        Ok(*tool)
                    }
                    Counted::SetAside(change) => {
                        let tool = made_tools::save(tx, *change, was, &by, now)?;
                        notices::insert(tx, set_aside_notice(&tool), now)?;
                        Ok(tool)
                    }
                }
            })
            .await
    }

    /// Brings versions of a tool to where `decide` says; returns all of them.
    async fn change_made_tool(
        &self,
        actor: &Actor,
        name: Word,
        decide: impl FnOnce(Vec<MadeTool>) -> Result<Vec<Change<MadeTool>>, ToolRefusal>
        + Send
        + 'static,
    ) -> Result<Vec<MadeTool>, AppError> {
        let (by, now) = (actor.name().to_owned(), self.now());
        self.store()
            .write(move |tx| {
                let versions = all(tx, &name)?;
                for change in decide(versions.clone())? {
                    store(tx, &versions, change, &by, now)?;
                }
                all(tx, &name)
            })
            .await
    }
}

/// Returns the current version where the new one would be just like it; refuses what the owner does not
/// want, and what there are too many of.
fn refuse_or_same(
    tx: &impl Tx,
    versions: &[MadeTool],
    definition: &Definition,
) -> Result<Option<MadeTool>, AppError> {
    let name = &definition.name;
    if let Some(current) = tool::current(versions) {
        if let ToolState::Disabled { .. } = current.state {
            return Err(AppError::conflict(
                "tool_disabled",
                format!("the owner disabled the tool {name}; give yours another name"),
            ));
        }
        let sha256 = definition.sha256();
        if current.sha256 == sha256 && current.state == ToolState::Enabled {
            return Ok(Some(current.clone()));
        }
        let mut alike = versions.iter().filter(|tool| tool.sha256 == sha256);
        if let Some(refusal) = alike.find_map(why_not_again) {
            return Err(refusal);
        }
    } else if made_tools::count_names(tx)? >= TOOLS_MAX {
        return Err(AppError::conflict(
            "too_many",
            format!("there are {TOOLS_MAX} tools already, which is as many as may be"),
        ));
    }
    if versions.len() >= VERSIONS_MAX {
        return Err(AppError::conflict(
            "too_many",
            format!("tool {name} has {VERSIONS_MAX} versions already; give yours another name"),
        ));
    }
    Ok(None)
}

/// Says why a version is not made once more; none where it may be.
fn why_not_again(tool: &MadeTool) -> Option<AppError> {
    let version = tool.version;
    let (code, why) = match &tool.state {
        ToolState::Enabled => return None,
        ToolState::SetAside { reason } => (
            "tool_set_aside",
            format!("was set aside, because it kept failing: {reason}"),
        ),
        ToolState::Disabled { .. } => ("tool_disabled", "was disabled by the owner".to_owned()),
        ToolState::RolledBack { .. } => (
            "tool_rolled_back",
            "was given up by the owner for an earlier one".to_owned(),
        ),
    };
    let detail = format!("this very tool is version {version}, which {why}; change it");
    Some(AppError::conflict(code, detail))
}

fn all(tx: &impl Tx, name: &Word) -> Result<Vec<MadeTool>, AppError> {
    let versions = made_tools::versions(tx, name)?;
    if versions.is_empty() {
        return Err(AppError::not_found("tool", name));
    }
    Ok(versions)
}

/// Returns the version that is meant: the current one where none is named.
fn pick(versions: Vec<MadeTool>, version: Option<u32>) -> Result<MadeTool, ToolRefusal> {
    let newest = versions
        .last()
        .map(|tool| (tool.name().clone(), tool.version));
    let current = tool::current(&versions).map(|tool| tool.version);
    let wanted = version.or(current);
    let found = versions
        .into_iter()
        .find(|tool| Some(tool.version) == wanted);
    match (found, newest) {
        (Some(tool), _) => Ok(tool),
        (None, Some((name, newest))) => Err(ToolRefusal::NoVersion {
            name,
            version: wanted.unwrap_or_default(),
            newest,
        }),
        (None, None) => Err(ToolRefusal::State("there is no version of it".into())),
    }
}

fn store(
    tx: &mut WriteTx<'_>,
    before: &[MadeTool],
    change: Change<MadeTool>,
    by: &str,
    now: Timestamp,
) -> Result<(), AppError> {
    let id = change.after.id;
    let was = before
        .iter()
        .find(|tool| tool.id == id)
        .ok_or_else(|| AppError::not_found("tool", id))?
        .state
        .status();
    made_tools::save(tx, change, was, by, now)?;
    Ok(())
}

fn set_aside_notice(tool: &MadeTool) -> NewNotice {
    let (name, version) = (tool.name(), tool.version);
    let story = match &tool.state {
        ToolState::SetAside { reason } => reason.as_str(),
        _ => "",
    };
    let last = story.lines().rev().find(|line| !line.trim().is_empty());
    let mut told: String = last.unwrap_or(story).chars().take(STORY_CHARS).collect();
    told.retain(|c| !c.is_control());
    let back = if version > 1 {
        format!(" The version before it comes back by: hearth tool rollback {name}.")
    } else {
        String::new()
    };
    NewNotice {
        kind: NoticeKind::ToolSetAside,
        task_id: None,
        about: format!("tool_set_aside:{}:{}", tool.id.0.simple(), tool.failures),
        text: format!(
            "The tool {name}, version {version}, failed {} times in a row and is set aside; the last \
             time: {told}.{back} To use it again: hearth tool enable {name}.",
            tool.failures_in_row
        ),
    }
}

impl From<ToolRefusal> for AppError {
    fn from(refusal: ToolRefusal) -> Self {
        match &refusal {
            ToolRefusal::NoVersion { .. } => Self::invalid("version", refusal.to_string()),
            ToolRefusal::State(detail) => Self::InvalidTransition {
                code: "wrong_state",
                detail: detail.clone(),
            },
        }
    }
}

/// Returns the word by which the journal, approvals and permissions mean one version of a tool.
pub fn exact_name(name: &Word, version: u32) -> Word {
    Word::from_stored(format!("{name}.v{version}"))
}

/// Reads such a word; `None` where it is none.
pub fn read_exact_name(word: &Word) -> Option<(Word, u32)> {
    let (name, version) = word.as_str().rsplit_once(".v")?;
    let version = version.parse().ok().filter(|version| *version > 0)?;
    let name = Word::parse("tool", name).ok()?;
    // One way of writing it, so that one version has one word.
    (exact_name(&name, version) == *word).then_some((name, version))
}

/// Whether an action is a call of a made tool, as the journal writes it.
pub fn is_exact_call(action: &Action) -> bool {
    read_exact_name(&action.tool).is_some()
}

#[cfg(test)]
mod tests;
