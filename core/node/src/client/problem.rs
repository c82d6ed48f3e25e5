//! Turns a refusal of the node into one line.

use std::fmt;

use anyhow::anyhow;
use reqwest::StatusCode;
use serde::Deserialize;

use crate::client::wire::Evidence;
use crate::output::text::one_line;

/// What `application/problem+json` says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    title: Option<String>,
    detail: Option<String>,
    remedy: Option<String>,
    request_id: Option<String>,
    evidence: Vec<Evidence>,
    failures: Option<u64>,
    blocked: bool,
}

/// What the node refused, in one line.
#[derive(Debug)]
pub struct Refused {
    line: String,
    /// The stable word for it, such as `busy`.
    pub code: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::error::Error for Refused {}

/// A completion that did not pass: one line, and below it what was found.
#[derive(Debug)]
pub struct NotAccepted {
    line: String,
    /// What did not hold.
    pub evidence: Vec<Evidence>,
}

impl fmt::Display for NotAccepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::error::Error for NotAccepted {}

impl NotAccepted {
    fn new(evidence: Vec<Evidence>, failures: u64, is_blocked: bool) -> Self {
        let count = match evidence.len() {
            1 => "1 check does not hold".to_owned(),
            count => format!("{count} checks do not hold"),
        };
        let consequence = if is_blocked {
            "; it is blocked for its owner"
        } else {
            ""
        };
        Self {
            line: format!("the task is not done: {count} (failure {failures} of 3{consequence})"),
            evidence,
        }
    }
}

/// Returns what the node said, as an error in one line.
pub(super) fn error(status: StatusCode, body: &[u8]) -> anyhow::Error {
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    if let Some(failures) = problem.failures {
        return NotAccepted::new(problem.evidence, failures, problem.blocked).into();
    }
    let Some(said) = problem.detail.or(problem.title) else {
        return anyhow!("the node answered {status}");
    };
    let mut line = one_line(said.trim_end_matches('.'));
    if let Some(remedy) = problem.remedy.map(|remedy| one_line(&remedy)) {
        // The detail may end with it already.
        if !remedy.is_empty() && !line.contains(&remedy) {
            line.push_str("; ");
            line.push_str(&remedy);
        }
    }
    // The log tells the rest of the story under this number.
    if let Some(id) = problem.request_id.filter(|_| status.is_server_error()) {
        line = format!("{line} (request {})", one_line(&id));
    }
    let code = problem.code;
    anyhow!(Refused { line, code })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(status: u16, body: &str) -> String {
        error(StatusCode::from_u16(status).unwrap(), body.as_bytes()).to_string()
    }

    #[test]
    fn a_problem_is_told_with_its_remedy() {
        let body = r#"{"type":"about:blank","title":"Conflict","status":409,"code":"wrong_state",
            "detail":"task #12 is completed.","remedy":"reopen it first","request_id":"r1"}"#;

        assert_eq!(line(409, body), "task #12 is completed; reopen it first");
    }

    #[test]
    fn what_is_not_accepted_is_one_line_with_its_evidence_apart() {
        let body = r#"{"title":"x","detail":"a\nb","code":"acceptance_failed","failures":3,
            "blocked":true,"evidence":[{"check":{"kind":"artifact"},"found":"none"}]}"#;

        let error = error(StatusCode::UNPROCESSABLE_ENTITY, body.as_bytes());

        assert_eq!(
            error.to_string(),
            "the task is not done: 1 check does not hold (failure 3 of 3; it is blocked for its \
             owner)"
        );
        let told = error.downcast_ref::<NotAccepted>().unwrap();
        assert_eq!(told.evidence[0].found, "none");
    }

    #[test]
    fn a_failure_carries_its_request_number() {
        let body = r#"{"title":"the node failed","request_id":"r1","remedy":null}"#;

        assert_eq!(line(500, body), "the node failed (request r1)");
    }

    #[test]
    fn whatever_comes_is_one_line() {
        assert_eq!(line(422, "{\"detail\":\"a\\nb\\u001b[2Jc\"}"), "a b [2Jc");
        assert_eq!(line(502, "<html>"), "the node answered 502 Bad Gateway");
        assert_eq!(line(400, "[]"), "the node answered 400 Bad Request");
    }
}
