//! The policy: one pure function that says of each call whether it is made, refused, put to the
//! owner, or made in another form. What it says is kept with the step.
//!
//! What a run has taken in decides with it. Untrusted are words that somebody else than the owner
//! wrote: a page of the web, a file that was handed in, the answer of a service, what an agent from
//! outside says. Private is what is nobody's but the owner's. A run begins with the labels of its
//! task's words and of the files that came with it, and takes on those of each call that it makes;
//! what it makes has the labels that it has then. They only ever grow.
//!
//! | the call | nothing, or private | untrusted | untrusted and private |
//! |---|---|---|---|
//! | stays in the run's folder, reads a folder that is open | made | made | made |
//! | makes a tool or an agent | made; asked each time after private reads | refused | refused |
//! | speaks to a host that is not agreed to | asked, or by a standing permission | asked, or by a standing permission | asked each time |
//! | the same, and the words of its task are untrusted | | asked each time | asked each time |
//! | writes into a folder that is open | made | asked each time, as what opens it is private | asked each time |
//! | runs outside the sandbox | asked each time | asked each time, with a warning | asked each time, with a warning |
//! | answers an approval, gives a permission, opens a folder | refused | refused | refused |
//!
//! The last row is not decided here: no tool does it, and the operations take an admin key. Asked
//! each time means that no standing permission stands in for the owner's word, and none is given with
//! it; and a yes that was asked for with less in view is asked for again.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::approval::{Approval, ApprovalStatus};
use crate::clock::Timestamp;
use crate::field::Word;
use crate::folder::{Access, GrantedFolder};
use crate::id::ProjectId;
use crate::money::Charge;
use crate::permission::Permission;
use crate::run::{COMPLETE, TURN};
use crate::specialist::Grants;

/// What is said to a run that may not make tools and agents.
const MAKES_NOTHING: &str = "the run has read text that is not the owner's own, and so makes no tool and no \
     agent: that text may be what asks for it. Have it made in a task of your own words, without files \
     and pages of others";

/// How often in a row the same call is made before it is noted.
pub const ALIKE_NOTED: u32 = 3;

/// What text or data a run has taken in. Labels spread to all that is made from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Labels {
    /// From somebody who may not mean well, such as a page of the web.
    pub untrusted: bool,
    /// Nobody's but the owner's, such as a file of a granted folder.
    pub private: bool,
}

impl Labels {
    /// From somebody who may not mean well, and not private.
    pub const UNTRUSTED: Self = Self {
        untrusted: true,
        private: false,
    };
    /// The owner's alone, and trusted.
    pub const PRIVATE: Self = Self {
        untrusted: false,
        private: true,
    };

    /// Whether there is nothing to say.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the labels of what is made from both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            untrusted: self.untrusted || other.untrusted,
            private: self.private || other.private,
        }
    }
}

/// What a call can touch beyond its run's own folder, as its tool says of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Hosts it may speak to.
    pub hosts: Vec<String>,
    /// Granted folders it reads, by name.
    pub reads: Vec<Word>,
    /// Granted folders it writes, by name.
    pub writes: Vec<Word>,
    /// Whether it is made outside the sandbox.
    pub is_outside: bool,
    /// What the owner said of the hosts before.
    pub agreed: Option<Agreed>,
    /// What it makes that later runs can use.
    pub creates: Option<Creates>,
    /// Whether it reads what runs remembered: it brings the labels of all that is in its reach.
    pub reads_memories: bool,
    /// How long it may take, where that is its own to say.
    pub limit: Option<Duration>,
}

/// How the owner agreed to the hosts that a call speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreed {
    /// With a yes when the tool was made.
    WithTool,
    /// In the settings, for this very tool: that holds as long as the run knows nothing private that
    /// could go there.
    InSettings,
}

/// What a call makes that later runs can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creates {
    /// A tool.
    Tool {
        /// Whether it asks for rights: its reach.
        has_grants: bool,
    },
    /// An agent.
    Agent,
}

/// What the policy knows of a call.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// What exactly is to be done.
    pub action: &'a Action,
    /// What it can touch.
    pub reach: &'a Reach,
    /// The project of its task.
    pub project: Option<ProjectId>,
    /// What its run has taken in, and what it brings itself.
    pub labels: Labels,
    /// Whether the words of its task are a stranger's, or of a run that had read a stranger's: then
    /// the call itself may be what they want.
    pub told_by_strangers: bool,
    /// Whether another step of its run is speaking to a host meanwhile, in the same folder.
    pub speaks_meanwhile: bool,
    /// How many calls just like it the run made right before.
    pub alike: u32,
    /// How many calls the run made.
    pub calls: u32,
    /// What the agent may do, where that is not everything.
    pub grants: Option<&'a Grants>,
    /// The owner's word on this step, if it was asked.
    pub approval: Option<&'a Approval>,
    /// What the owner allows without being asked.
    pub permissions: &'a [Permission],
    /// The folders that the owner opened.
    pub folders: &'a [GrantedFolder],
}

/// What holds for every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How many calls one run may make.
    pub calls_max: u32,
    /// How long one call may take.
    pub time_max: Duration,
}

/// What is done with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is made.
    Allow,
    /// It is not.
    Deny,
    /// The owner is asked.
    Ask,
    /// It is made within a shorter time than it asked for.
    Change,
}

impl Verdict {
    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Ask => "ask",
            Self::Change => "change",
        }
    }
}

/// What the policy said, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What is done.
    pub verdict: Verdict,
    /// Why, in words.
    pub reason: String,
    /// With [`Verdict::Ask`]: whether no standing permission can stand in for the owner's word.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_once: bool,
    /// The standing permission that allowed it, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<i64>,
    /// The approval that allowed it, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<i64>,
    /// What it asks of the budgets, where it waits for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<Charge>,
}

impl Decision {
    /// A verdict with its reason.
    pub fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            reason: reason.into(),
            is_once: false,
            permission: None,
            approval: None,
            needs: None,
        }
    }
}

/// Decides over a call.
pub fn decide(call: &Call<'_>, bounds: &Bounds, now: Timestamp) -> Decision {
    if call.calls >= bounds.calls_max {
        return Decision::new(
            Verdict::Deny,
            format!(
                "the run made {} calls, which is as many as one may make; look what it does, and make \
                 several tasks of it",
                call.calls
            ),
        );
    }
    if let Some(refusal) = call.grants.and_then(|grants| refused_tool(call, grants)) {
        return Decision::new(Verdict::Deny, refusal);
    }
    if call.reach.creates.is_some() && call.labels.untrusted {
        return Decision::new(Verdict::Deny, MAKES_NOTHING);
    }
    if let Some(refusal) = refused_folder(call) {
        return Decision::new(Verdict::Deny, refusal);
    }
    let asked = why_ask(call);
    if let Some(decision) = by_approval(call, asked.as_ref(), now) {
        return decision;
    }
    let permission = call
        .permissions
        .iter()
        .find(|permission| permission.allows(call.action, call.project));
    match (asked, permission) {
        (None, _) => within_time(
            call,
            bounds,
            Decision::new(Verdict::Allow, note_alike(call)),
        ),
        (Some(Asked::UnlessPermitted(_)), Some(permission)) => {
            let reason = format!("by standing permission {}", permission.number);
            let allowed = Decision {
                permission: Some(permission.number),
                ..Decision::new(Verdict::Allow, reason)
            };
            within_time(call, bounds, allowed)
        }
        (Some(Asked::UnlessPermitted(why)), None) => Decision::new(Verdict::Ask, why),
        (Some(Asked::Always(why)), _) => Decision {
            is_once: true,
            ..Decision::new(Verdict::Ask, why)
        },
    }
}

/// What the owner said of this step: for this very action, and not too long ago. A yes that was asked
/// for before the run had read so much is none to what is asked now.
fn by_approval(call: &Call<'_>, asked: Option<&Asked>, now: Timestamp) -> Option<Decision> {
    let approval = call.approval?;
    let number = approval.number;
    let is_enough = approval.is_once || !matches!(asked, Some(Asked::Always(_)));
    let said = |word: &str| match &approval.note {
        Some(note) => format!("{word} by the owner, approval {number}: {note}"),
        None => format!("{word} by the owner, approval {number}"),
    };
    match approval.status {
        ApprovalStatus::Approved
            if is_enough
                && approval.expires_at > now
                && approval.action.hash() == call.action.hash() =>
        {
            Some(Decision {
                approval: Some(number),
                ..Decision::new(Verdict::Allow, said("approved"))
            })
        }
        ApprovalStatus::Denied if approval.action.hash() == call.action.hash() => {
            Some(Decision::new(Verdict::Deny, said("denied")))
        }
        ApprovalStatus::Expired if approval.decided_at.is_none() => Some(Decision::new(
            Verdict::Deny,
            format!("nobody answered approval {number} in time"),
        )),
        ApprovalStatus::Pending
        | ApprovalStatus::Approved
        | ApprovalStatus::Denied
        | ApprovalStatus::Used
        | ApprovalStatus::Expired
        | ApprovalStatus::Withdrawn => None,
    }
}

enum Asked {
    Always(String),
    UnlessPermitted(String),
}

fn why_ask(call: &Call<'_>) -> Option<Asked> {
    let reach = call.reach;
    if reach.is_outside {
        let warning = if call.labels.untrusted {
            "; the run has read text of strangers, and this may be what they want"
        } else {
            ""
        };
        return Some(Asked::Always(format!(
            "it runs outside the sandbox, with your own rights, and with what is in the run's folder \
             now{warning}"
        )));
    }
    let asks_before = call.grants.map(|grants| &grants.asks_before);
    if asks_before.is_some_and(|tools| names(tools, &call.action.tool)) {
        return Some(Asked::Always(format!(
            "its agent asks before every call of {}",
            call.action.tool
        )));
    }
    if let Some(Creates::Tool { has_grants: true }) = reach.creates {
        return Some(Asked::Always(
            "it makes a tool with rights of its own, which later calls of it use without asking again"
                .into(),
        ));
    }
    if reach.creates.is_some() && call.labels.private {
        return Some(Asked::Always(
            "the run has read private files, and what it makes may hold what it read, for later runs".into(),
        ));
    }
    if call.alike > ALIKE_NOTED {
        return Some(Asked::Always(format!(
            "the run has made this very call {} times in a row",
            call.alike
        )));
    }
    let leaves = !reach.hosts.is_empty() || !reach.writes.is_empty();
    if (leaves || call.speaks_meanwhile) && call.labels.untrusted && call.labels.private {
        return Some(Asked::Always(
            "the run has read text of strangers and private files, and this could carry one to the other"
                .into(),
        ));
    }
    let is_configured = reach.agreed == Some(Agreed::InSettings) && !call.labels.private;
    if reach.hosts.is_empty() || is_configured {
        return None;
    }
    let speaks = format!("it speaks to {}", reach.hosts.join(", "));
    if call.told_by_strangers {
        return Some(Asked::Always(format!(
            "{speaks}, and the words of its task are not your own"
        )));
    }
    if reach.agreed == Some(Agreed::WithTool) {
        return None;
    }
    Some(Asked::UnlessPermitted(speaks))
}

/// Says which tool the agent may not call, or that it called as many as it may.
fn refused_tool(call: &Call<'_>, grants: &Grants) -> Option<String> {
    let tool = &call.action.tool;
    // How its model thinks and says that it is done is no tool, and granted to every agent.
    if [TURN, COMPLETE].contains(&tool.as_str()) {
        return None;
    }
    if !names(&grants.tools, tool) {
        let own: Vec<&str> = grants.tools.iter().map(Word::as_str).collect();
        return Some(format!(
            "this agent may not call {tool}; it may call {}",
            if own.is_empty() {
                "no tool".into()
            } else {
                own.join(", ")
            }
        ));
    }
    None
}

/// Whether a tool is among those that are named: a version of one that an agent made, such as
/// `count_words.v2`, by its name alone.
fn names(tools: &BTreeSet<Word>, tool: &Word) -> bool {
    let bare = tool.as_str().rsplit_once(".v").filter(|(_, version)| {
        !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())
    });
    tools.contains(tool)
        || bare.is_some_and(|(bare, _)| tools.iter().any(|name| name.as_str() == bare))
}

/// Says which folder the call may not use, and what would open it.
fn refused_folder(call: &Call<'_>) -> Option<String> {
    let open = |name: &Word| {
        call.folders
            .iter()
            .find(|folder| folder.name == *name && folder.is_open_to(call.project))
    };
    for name in call.reach.reads.iter().chain(&call.reach.writes) {
        if open(name).is_none() {
            return Some(format!(
                "no folder {name} is open to this task; to open one: hearth folder grant PATH --name {name}"
            ));
        }
    }
    let closed = call
        .reach
        .writes
        .iter()
        .find(|name| open(name).is_some_and(|folder| folder.access == Access::Read))?;
    Some(format!(
        "folder {closed} is open for reading only; to change that: hearth folder revoke {closed}, then \
         hearth folder grant PATH --name {closed} --write"
    ))
}

fn note_alike(call: &Call<'_>) -> String {
    if call.alike >= ALIKE_NOTED {
        format!("allowed; the same call {} times in a row", call.alike)
    } else {
        "nothing beyond the run's own folder and what the owner opened".into()
    }
}

/// Shortens a call that asks for more time than there is.
fn within_time(call: &Call<'_>, bounds: &Bounds, allowed: Decision) -> Decision {
    match call.reach.limit {
        Some(limit) if limit > bounds.time_max => Decision {
            verdict: Verdict::Change,
            reason: format!(
                "{}; it may take {} s, not {}: that is the limit of sandbox.time_seconds",
                allowed.reason,
                bounds.time_max.as_secs(),
                limit.as_secs()
            ),
            ..allowed
        },
        Some(_) | None => allowed,
    }
}

#[cfg(test)]
mod tests;
