//! Who holds the data folder, and whether it answers.

use std::time::Duration;

use serde_json::Value;

use super::{Check, State};
use crate::client::Client;
use crate::client::locate::own;
use crate::data_dir::{DataDir, Holder};
use crate::output::text::count;

const NAME: &str = "lock";
/// A node answers this at once; one that hangs does not answer it at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the node on the data folder says of itself.
pub(super) struct Running {
    /// What was found.
    pub(super) check: Check,
    /// Whether anybody holds the folder.
    pub(super) is_held: bool,
    /// What is the matter with the inbox, where the node says so.
    pub(super) inbox: Option<Check>,
    /// Whether a language model answers, where the node says so.
    pub(super) model: Option<Check>,
    /// Whether the owner can talk over Telegram, where a bot token is set.
    pub(super) telegram: Option<Check>,
    /// Whether recordings are heard and texts spoken, where the node says so.
    pub(super) voice: Option<Check>,
}

impl Running {
    fn silent(check: Check, is_held: bool) -> Self {
        Self {
            check,
            is_held,
            inbox: None,
            model: None,
            telegram: None,
            voice: None,
        }
    }
}

/// Looks at who holds the folder.
pub(super) async fn check(data: &DataDir) -> Running {
    let holder = match Holder::find(data) {
        Ok(Some(holder)) => holder,
        Ok(None) => return Running::silent(Check::ok(NAME, "no node is running"), false),
        Err(error) => {
            let remedy = "wait a moment, and look again";
            return Running::silent(Check::warning(NAME, format!("{error:#}"), remedy), true);
        }
    };
    let pid = holder.pid;
    let Some(url) = holder.url else {
        let found = format!("a node or a command with pid {pid} is starting, or at work");
        let remedy = "wait a moment, and look again";
        return Running::silent(Check::warning(NAME, found, remedy), true);
    };
    let asked = tokio::time::timeout(PATIENCE, ask(data, "status")).await;
    let problem = match asked {
        Ok(Ok(status)) => {
            let telegram = match of_telegram(&status) {
                Some(well) if well.state == State::Ok => {
                    Some(of_letters(data).await.unwrap_or(well))
                }
                other => other,
            };
            return Running {
                check: of_version(&status, pid, &url),
                is_held: true,
                inbox: of_inbox(&status),
                telegram,
                model: of_facility(&status, "model", "a language model answers"),
                voice: of_facility(&status, "voice", "recordings are heard and texts spoken"),
            };
        }
        Ok(Err(error)) => format!("{error:#}"),
        Err(_) => format!("it does not answer in {} s", PATIENCE.as_secs()),
    };
    let found = format!("the node with pid {pid} at {url} cannot be asked: {problem}");
    let remedy = format!("stop it with `kill {pid}` and start it again: hearth up");
    Running::silent(Check::fault(NAME, found, remedy), true)
}

async fn ask(data: &DataDir, what: &str) -> anyhow::Result<Value> {
    let Some(target) = own(data)? else {
        anyhow::bail!("it has just stopped");
    };
    Client::new(target)?.get(&[what], &[]).await?.read()
}

fn of_version(status: &Value, pid: u32, url: &str) -> Check {
    let (theirs, ours) = (
        status["version"].as_str().unwrap_or("of unknown version"),
        env!("CARGO_PKG_VERSION"),
    );
    if theirs == ours {
        let found = format!("a node of this version runs with pid {pid} at {url}");
        return Check::ok(NAME, found);
    }
    let found =
        format!("the node with pid {pid} at {url} is Hearth {theirs}, and this program is {ours}");
    Check::warning(NAME, found, "stop the node and start it again: hearth up")
}

fn of_inbox(status: &Value) -> Option<Check> {
    const NAME: &str = "inbox";
    let inbox = &status["facilities"]["inbox"];
    let said = |name: &str| inbox[name].as_str().unwrap_or_default().to_owned();
    let (reason, remedy) = (said("reason"), said("remedy"));
    if reason.is_empty() {
        return None;
    }
    let mut check = Check::warning(NAME, reason, remedy);
    if inbox["is_available"] == false {
        check.state = State::Fault;
    }
    check.remedy = check.remedy.filter(|remedy| !remedy.is_empty());
    Some(check)
}

/// What the node says of a part without which much works, so that its absence is no fault.
fn of_facility(status: &Value, part: &'static str, all_well: &str) -> Option<Check> {
    let facility = status["facilities"][part].as_object()?;
    let said = |name: &str| {
        facility
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (reason, remedy) = (said("reason"), said("remedy"));
    if reason.is_empty() {
        return Some(Check::ok(part, all_well));
    }
    let mut check = Check::warning(part, reason, remedy);
    check.remedy = check.remedy.filter(|remedy| !remedy.is_empty());
    Some(check)
}

/// Looks whether Telegram took all that was sent; none where it did.
async fn of_letters(data: &DataDir) -> Option<Check> {
    let asked = tokio::time::timeout(PATIENCE, ask(data, "telegram")).await;
    of_undelivered(&asked.ok()?.ok()?)
}

fn of_undelivered(telegram: &Value) -> Option<Check> {
    let dead = telegram["messages_dead"].as_u64().unwrap_or(0);
    let chats = telegram["chats"].as_array().into_iter().flatten();
    let closed = chats.filter(|chat| !chat["closed_at"].is_null()).count();
    let found = match (closed, dead) {
        (0, 0) => return None,
        (0, _) => {
            let dead = count(dead, "message");
            format!("the bot is connected; {dead} could not be delivered")
        }
        (_, _) => {
            let closed = count(closed as u64, "chat");
            format!("the bot is connected; {closed} cannot be reached")
        }
    };
    let remedy = "hearth telegram status shows which, and why";
    Some(Check::warning("telegram", found, remedy))
}

/// Those who set no bot token are told nothing of it.
fn of_telegram(status: &Value) -> Option<Check> {
    const NAME: &str = "telegram";
    let telegram = status["facilities"]["telegram"].as_object()?;
    let said = |name: &str| {
        telegram
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (reason, remedy) = (said("reason"), said("remedy"));
    if reason.is_empty() {
        return Some(Check::ok(NAME, "the bot is connected"));
    }
    let mut check = Check::fault(NAME, reason, remedy);
    check.remedy = check.remedy.filter(|remedy| !remedy.is_empty());
    Some(check)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bot_that_is_refused_is_a_fault_and_none_is_nothing() {
        let of = |telegram: Value| of_telegram(&json!({ "facilities": { "telegram": telegram } }));
        assert_eq!(of(Value::Null), None);

        let well = json!({ "is_available": true, "reason": "", "remedy": "" });
        assert_eq!(
            of(well),
            Some(Check::ok("telegram", "the bot is connected"))
        );

        let revoked = json!({ "is_available": false, "reason": "revoked", "remedy": "mend it" });
        assert_eq!(
            of(revoked),
            Some(Check::fault("telegram", "revoked", "mend it"))
        );
    }

    #[test]
    fn what_telegram_did_not_take_is_warned_of() {
        let of = |dead: u64, closed: Value| {
            let check = of_undelivered(&json!({
                "messages_dead": dead, "chats": [{"closed_at": closed}],
            }));
            check.map(|check| check.found)
        };
        assert_eq!(of(0, Value::Null), None);
        assert!(of(2, Value::Null).unwrap().contains("2 messages"));
        let closed = of(2, json!("2026-11-25T10:00:00Z")).unwrap();
        assert!(closed.contains("1 chat cannot be reached"), "{closed}");
    }

    #[test]
    fn what_the_node_says_of_the_inbox_is_taken_over() {
        let of = |inbox: Value| of_inbox(&json!({ "facilities": { "inbox": inbox } }));
        let all_well = json!({ "is_available": true, "reason": "", "remedy": "" });
        assert_eq!(of(all_well), None);

        let slow = json!({ "is_available": true, "reason": "it is slow", "remedy": "wait" });
        assert_eq!(
            of(slow),
            Some(Check::warning("inbox", "it is slow", "wait"))
        );

        let full = json!({ "is_available": false, "reason": "no room", "remedy": "" });
        let check = of(full).unwrap();
        assert_eq!((check.state, check.remedy), (State::Fault, None));
    }
}
