//! `hearth approvals`: exact actions that wait for the owner's yes or no, and what the owner allows
//! without being asked.

mod permissions;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::cli::Invocation;
use crate::cli::words::{approval_statuses, number_or_id};
use crate::client::json_object;
use crate::client::wire::{Approval, DecidedApproval, Page};
use crate::output::Output;
use crate::output::table::{fields, table};
use crate::output::text::{moment, one_line, paragraphs, shortened};

/// So that a row fits 110 columns. Why it is asked is in `approvals show`.
const WORDS_WIDTH: usize = 64;

/// What waits for your yes or no; without a command, lists it.
#[derive(Debug, Args)]
pub struct Approvals {
    #[command(subcommand)]
    command: Option<Command>,
}

/// What can be done with approvals and standing permissions.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what waits for your yes or no
    List(List),
    /// Show what exactly is asked, and why
    Show(Named),
    /// Say yes to one exact action, once
    Approve(Approve),
    /// Say no
    Deny(Deny),
    /// List what is allowed without asking
    Permissions(permissions::List),
    /// Allow calls of a tool without being asked for each
    Allow(permissions::Allow),
    /// Have calls asked for again
    Revoke(permissions::Revoke),
}

/// Lists approvals.
#[derive(Debug, Args)]
pub struct List {
    /// With this status; pending unless told
    #[arg(long, value_name = "S", value_parser = approval_statuses())]
    status: Option<String>,
    /// Those that are settled, too
    #[arg(long, conflicts_with = "status")]
    all: bool,
    /// At most so many, 1 to 500
    #[arg(long, value_name = "COUNT")]
    limit: Option<u32>,
    /// Go on where another list ended
    #[arg(long)]
    cursor: Option<String>,
}

/// One approval.
#[derive(Debug, Args)]
pub struct Named {
    /// The approval's number or UUID
    #[arg(value_name = "N", value_parser = number_or_id)]
    approval: String,
}

/// Says yes.
#[derive(Debug, Args)]
pub struct Approve {
    #[command(flatten)]
    named: Named,
    /// What is said with it
    #[arg(long, value_name = "T")]
    note: Option<String>,
    /// Do not ask again for this very call, in tasks of the same project
    #[arg(long)]
    remember: bool,
    /// Do not ask again for calls whose arguments have this shape, such as
    /// `{"url": {"starts_with": "https://example.org/"}}`
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    shape: Option<Value>,
}

/// Says no.
#[derive(Debug, Args)]
pub struct Deny {
    #[command(flatten)]
    named: Named,
    /// Why; the agent reads it
    #[arg(long, value_name = "T")]
    note: Option<String>,
}

pub(super) async fn run(invocation: &Invocation, approvals: Approvals) -> anyhow::Result<()> {
    let pending = List {
        status: None,
        all: false,
        limit: None,
        cursor: None,
    };
    match approvals.command.unwrap_or(Command::List(pending)) {
        Command::List(list) => self::list(invocation, list).await,
        Command::Show(named) => self::show(invocation, &named.approval).await,
        Command::Approve(approve) => {
            let body = approve.body();
            answer(invocation, &approve.named.approval, &body).await
        }
        Command::Deny(deny) => {
            let body = with_note(json!({ "decision": "deny" }), deny.note);
            answer(invocation, &deny.named.approval, &body).await
        }
        Command::Permissions(list) => permissions::list(invocation, &list).await,
        Command::Allow(allow) => permissions::allow(invocation, allow).await,
        Command::Revoke(revoke) => permissions::revoke(invocation, &revoke).await,
    }
}

impl Approve {
    fn body(&self) -> Value {
        let mut body = with_note(json!({ "decision": "approve" }), self.note.clone());
        match &self.shape {
            Some(shape) => body["remember"] = json!({ "shape": shape }),
            None if self.remember => body["remember"] = json!({}),
            None => (),
        }
        body
    }
}

fn with_note(mut body: Value, note: Option<String>) -> Value {
    if let Some(note) = note {
        body["note"] = json!(note);
    }
    body
}

async fn list(invocation: &Invocation, list: List) -> anyhow::Result<()> {
    let is_pending = list.status.is_none() && !list.all;
    let status = list.status.or(is_pending.then(|| "pending".into()));
    let given = [
        ("status", status),
        ("limit", list.limit.map(|limit| limit.to_string())),
        ("cursor", list.cursor),
    ];
    let query: Vec<_> = given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let answer = invocation.client()?.get(&["approvals"], &query).await?;
    let page: Page<Approval> = answer.read()?;
    invocation.output.answer(&answer.text, || {
        if is_pending && page.items.is_empty() {
            return "nothing waits for your approval".into();
        }
        rows(&page.items)
    })?;
    if invocation.output == Output::Human && !(is_pending && page.items.is_empty()) {
        page.note_rest("hearth approvals list");
    }
    Ok(())
}

async fn show(invocation: &Invocation, approval: &str) -> anyhow::Result<()> {
    let path = ["approvals", approval];
    let answer = invocation.client()?.get(&path, &[]).await?;
    let approval: Approval = answer.read()?;
    invocation.output.answer(&answer.text, || page(&approval))
}

async fn answer(invocation: &Invocation, approval: &str, body: &Value) -> anyhow::Result<()> {
    let path = ["approvals", approval];
    let answer = invocation.client()?.post(&path, body).await?;
    let decided: DecidedApproval = answer.read()?;
    invocation.output.answer(&answer.text, || said(&decided))
}

fn said(decided: &DecidedApproval) -> String {
    let approval = &decided.approval;
    let line = format!(
        "{} approval {} of task #{}: {}",
        one_line(&approval.status),
        approval.number,
        approval.task_number,
        one_line(&approval.what)
    );
    match &decided.permission {
        None => line,
        Some(permission) => format!(
            "{line}\nfrom now on allowed: {}; to take it back: hearth approvals revoke {}",
            permissions::line(permission),
            permission.number
        ),
    }
}

fn rows(approvals: &[Approval]) -> String {
    let rows: Vec<[String; 5]> = approvals
        .iter()
        .map(|approval| {
            [
                approval.number.to_string(),
                format!("#{}", approval.task_number),
                approval.status.clone(),
                shortened(&approval.what, WORDS_WIDTH),
                moment(&approval.expires_at),
            ]
        })
        .collect();
    table(["no", "task", "status", "what", "until"], &rows)
}

fn page(approval: &Approval) -> String {
    let text = |text: &Option<String>| text.as_deref().map(one_line).unwrap_or_default();
    let time = |text: &Option<String>| text.as_deref().map(moment).unwrap_or_default();
    let number = approval.number;
    let (until, commands) = match approval.status.as_str() {
        "pending" => (
            moment(&approval.expires_at),
            format!("hearth approvals approve {number}, or deny {number}"),
        ),
        "approved" => (moment(&approval.expires_at), String::new()),
        _ => (String::new(), String::new()),
    };
    let once = if approval.is_once {
        "yes, it cannot be remembered"
    } else {
        ""
    };
    let pairs = [
        ("status", one_line(&approval.status)),
        ("task", format!("#{}", approval.task_number)),
        ("step", approval.place.to_string()),
        ("why", one_line(&approval.why)),
        ("tool", one_line(&approval.tool)),
        ("args", pretty(&approval.args)),
        ("each time", once.to_owned()),
        ("asked", moment(&approval.created_at)),
        ("until", until),
        ("answered", time(&approval.decided_at)),
        ("by", text(&approval.decided_by)),
        ("note", text(&approval.note)),
        ("sha256", one_line(&approval.action_sha256)),
        ("id", one_line(&approval.id)),
        ("answer", commands),
    ];
    let head = format!("approval {number}: {}", one_line(&approval.what));
    format!("{head}\n\n{}", fields(&pairs))
}

fn pretty(args: &Map<String, Value>) -> String {
    paragraphs(&serde_json::to_string_pretty(args).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn approval() -> Approval {
        serde_json::from_str(
            r#"{"id":"u1","number":4,"task_number":12,"place":2,"tool":"http_get",
                "args":{"url":"https://example.org/\u001b[2J"},"action_sha256":"abc",
                "what":"fetch https://example.org/","why":"it speaks to example.org",
                "status":"pending","is_once":false,"expires_at":"2026-11-30T09:00:00.000Z",
                "created_at":"2026-11-23T09:00:00.000Z","something_newer":1}"#,
        )
        .unwrap()
    }

    fn body(args: &[&str]) -> Value {
        let lead = ["hearth", "approvals", "approve", "4"];
        let cli = Cli::try_parse_from(lead.iter().chain(args)).unwrap();
        match cli.command {
            crate::cli::Command::Approvals(Approvals {
                command: Some(Command::Approve(approve)),
            }) => approve.body(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_yes_says_what_is_to_be_remembered() {
        assert_eq!(body(&[]), json!({"decision": "approve"}));
        assert_eq!(
            body(&["--remember", "--note", "ok"]),
            json!({"decision": "approve", "note": "ok", "remember": {}})
        );
        assert_eq!(
            body(&["--shape", r#"{"url": "any"}"#]),
            json!({"decision": "approve", "remember": {"shape": {"url": "any"}}})
        );
    }

    #[test]
    fn an_approval_is_shown_with_the_exact_arguments_and_how_to_answer() {
        assert_eq!(
            page(&approval()),
            "approval 4: fetch https://example.org/\n\n\
             status  pending\n\
             task    #12\n\
             step    2\n\
             why     it speaks to example.org\n\
             tool    http_get\n\
             args    {\n          \
             \"url\": \"https://example.org/\\u001b[2J\"\n        \
             }\n\
             asked   2026-11-23T09:00:00Z\n\
             until   2026-11-30T09:00:00Z\n\
             sha256  abc\n\
             id      u1\n\
             answer  hearth approvals approve 4, or deny 4"
        );
    }

    #[test]
    fn an_answer_is_told_with_what_is_allowed_from_now_on() {
        let mut decided = DecidedApproval {
            approval: Approval {
                status: "approved".into(),
                ..approval()
            },
            permission: None,
        };
        let line = "approved approval 4 of task #12: fetch https://example.org/";
        assert_eq!(said(&decided), line);

        decided.permission = Some(
            serde_json::from_value(json!({
                "number": 7, "tool": "http_get", "shape": {"url": "any"}
            }))
            .unwrap(),
        );
        assert_eq!(
            said(&decided),
            format!(
                "{line}\nfrom now on allowed: http_get {{\"url\":\"any\"}}; to take it back: \
                 hearth approvals revoke 7"
            )
        );
    }
}
