//! Approvals: exact actions put to the owner, and the owner's answers.

use hearth_app::approvals::{Answer, Answered, Remember as Remembered};
use hearth_domain::approval::{self, ApprovalStatus};
use hearth_domain::{InvalidField, JsonObject};
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::permission::Permission;
use super::scalar::{self, schema_of};
use super::shape;
use super::time::Time;
use crate::cursor;
use crate::problem::Problem;
use crate::query::{FromQuery, Pairs, one_parameter, page_parameters};

/// One exact action, put to the owner.
#[derive(Serialize, ToSchema)]
pub(crate) struct Approval<'a> {
    /// Identifies it.
    id: Uuid,
    /// Its short number, for people.
    #[schema(minimum = 1)]
    number: i64,
    /// The run that wants to act.
    run_id: Uuid,
    /// The run's task.
    task_id: Uuid,
    /// The task's number.
    #[schema(minimum = 1)]
    task_number: i64,
    /// Which step of the run, from 1 on.
    #[schema(minimum = 1)]
    place: u32,
    /// The tool.
    #[schema(value_type = scalar::Word)]
    tool: &'a str,
    /// With what exactly it is called.
    #[schema(value_type = Object)]
    args: &'a JsonObject,
    /// SHA-256 of tool and arguments, to which the answer is bound.
    action_sha256: String,
    /// What is to be done, in words.
    what: &'a str,
    /// Why it is asked.
    why: &'a str,
    /// Whether it is asked each time, so that it cannot be remembered.
    is_once: bool,
    /// Where it stands.
    #[schema(value_type = scalar::ApprovalStatus)]
    status: &'static str,
    /// Who answered.
    #[schema(required = true)]
    decided_by: Option<&'a str>,
    /// When.
    #[schema(required = true)]
    decided_at: Option<Time>,
    /// What was said with the answer, or why it is no longer wanted.
    #[schema(required = true)]
    note: Option<&'a str>,
    /// Until when it may be answered, or used.
    expires_at: Time,
    /// When it was asked.
    created_at: Time,
}

impl<'a> From<&'a approval::Approval> for Approval<'a> {
    fn from(approval: &'a approval::Approval) -> Self {
        Self {
            id: approval.id.0,
            number: approval.number,
            run_id: approval.run_id.0,
            task_id: approval.task_id.0,
            task_number: approval.task_number,
            place: approval.place,
            tool: approval.action.tool.as_str(),
            args: &approval.action.args,
            action_sha256: approval.action.hash().to_string(),
            what: &approval.what,
            why: &approval.why,
            is_once: approval.is_once,
            status: approval.status.as_str(),
            decided_by: approval.decided_by.as_deref(),
            decided_at: approval.decided_at.map(Time),
            note: approval.note.as_deref(),
            expires_at: Time(approval.expires_at),
            created_at: Time(approval.created_at),
        }
    }
}

/// A page of approvals.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApprovalPage<'a> {
    /// The approvals, newest first.
    pub(crate) items: Vec<Approval<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

/// What became of an answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct DecidedApproval<'a> {
    /// The approval.
    approval: Approval<'a>,
    /// The permission that was given with it.
    #[schema(required = true)]
    permission: Option<Permission<'a>>,
}

impl<'a> From<&'a Answered> for DecidedApproval<'a> {
    fn from(answered: &'a Answered) -> Self {
        Self {
            approval: Approval::from(&answered.approval),
            permission: answered.permission.as_ref().map(Permission::from),
        }
    }
}

/// The owner's answer to an approval.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "decision": "approve",
    "remember": {"shape": {"url": {"starts_with": "https://example.org/"}}},
}))]
pub(crate) struct AnswerApproval {
    /// Yes or no, to this one action.
    #[schema(value_type = scalar::ApprovalDecision)]
    decision: String,
    /// What is said with it; the agent reads it.
    #[schema(value_type = Option<scalar::ReasonText>)]
    note: Option<String>,
    /// With `approve`: allows like calls for tasks of the same project without asking again.
    remember: Option<Remember>,
}

/// Which calls need not be asked any more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remember {
    /// Those of this shape; only this very call unless told.
    #[schema(value_type = Option<shape::Shape>)]
    shape: Option<JsonObject>,
}

impl AnswerApproval {
    pub(crate) fn read(self) -> Result<Answer, InvalidField> {
        let Self {
            decision,
            note,
            remember,
        } = self;
        match (decision.as_str(), remember) {
            ("approve", remember) => Ok(Answer::Approve {
                note,
                remember: remember.map(Remember::read).transpose()?,
            }),
            ("deny", None) => Ok(Answer::Deny { note }),
            ("deny", Some(_)) => Err(InvalidField::new(
                "remember",
                "goes with the decision approve only",
            )),
            _ => Err(InvalidField::new("decision", "must be approve or deny")),
        }
    }
}

impl Remember {
    fn read(self) -> Result<Remembered, InvalidField> {
        let read = |shape: JsonObject| shape::read("remember.shape", &shape);
        Ok(Remembered {
            shape: self.shape.map(read).transpose()?,
        })
    }
}

/// What a list of approvals is asked for.
pub(crate) struct ListApprovals {
    pub(crate) status: Option<ApprovalStatus>,
    pub(crate) cursor: Option<i64>,
    pub(crate) limit: usize,
}

/// The list's name in its cursors.
const LIST: &str = "approvals";

impl FromQuery for ListApprovals {
    const PARAMETERS: &'static [&'static str] = &["status", "cursor", "limit"];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        Ok(Self {
            status: query.one("status")?.map(str::parse).transpose()?,
            cursor: query
                .one("cursor")?
                .map(|cursor| cursor::read(LIST, cursor, |number| number.parse().ok()))
                .transpose()?,
            limit: query.limit()?,
        })
    }
}

impl ListApprovals {
    pub(crate) fn next_cursor(next: i64) -> String {
        cursor::write(LIST, next)
    }
}

impl IntoParams for ListApprovals {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut all = vec![one_parameter(
            "status",
            "Where they stand.",
            schema_of::<scalar::ApprovalStatus>(),
        )];
        all.extend(page_parameters());
        all
    }
}
