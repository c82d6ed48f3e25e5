//! `hearth budget`: what may be used up, and what was.

use anyhow::bail;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use hearth_domain::money::{Resource, amount, dollars, micros};
use serde_json::{Map, Value, json};

use crate::cli::words::{from_when, task_ref};
use crate::cli::{Invocation, project};
use crate::client::Client;
use crate::client::wire::{Account, Page, Spending};
use crate::output::Output;
use crate::output::table::table;

/// What can be done with budgets.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what may be used up, what was, and what is left
    List,
    /// Say how much may be used up, or none to clear a limit; tasks that waited for more go on
    Set(Set),
    /// Show what was spent on models, the most first
    Spent(Spent),
}

/// What a budget is for.
const SCOPES: [&str; 5] = ["everything", "day", "project", "agent", "task"];

/// Says how much may be used up.
#[derive(Debug, Args)]
pub struct Set {
    /// What it is for
    #[arg(value_parser = PossibleValuesParser::new(SCOPES))]
    scope: String,
    /// Which one: a project's name, an agent's, a task's number; a date for one day alone, each day
    /// unless told
    name: Option<String>,
    #[command(flatten)]
    limits: Limits,
}

/// The limits; at least one. With `none` one is cleared: the settings count again, or what the task
/// says itself.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Limits {
    /// US dollars, such as 5 or 0.50; 0 for models that cost nothing
    #[arg(long, value_name = "DOLLARS", value_parser = usd)]
    usd: Option<Limit>,
    /// Tokens, in and out together
    #[arg(long, value_name = "COUNT", value_parser = count)]
    tokens: Option<Limit>,
    /// Turns of a model
    #[arg(long, value_name = "COUNT", value_parser = count)]
    turns: Option<Limit>,
    /// Calls of tools
    #[arg(long, value_name = "COUNT", value_parser = count)]
    tool_calls: Option<Limit>,
    /// Minutes for which workers hold tasks; waiting for you does not count
    #[arg(long, value_name = "COUNT", value_parser = count)]
    minutes: Option<Limit>,
    /// Tasks that are handed to other agents
    #[arg(long, value_name = "COUNT", value_parser = count)]
    children: Option<Limit>,
}

/// Shows what was spent.
#[derive(Debug, Args)]
pub struct Spent {
    /// What it is summed by
    #[arg(long, default_value = "model",
        value_parser = PossibleValuesParser::new(["model", "agent", "project", "day", "task"]))]
    by: String,
    /// From when on, such as monday or 2026-11-01
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// At most so many, 1 to 500
    #[arg(long, value_name = "COUNT")]
    limit: Option<u32>,
    /// Go on where another list ended
    #[arg(long)]
    cursor: Option<String>,
}

/// A limit, or none.
#[derive(Debug, Clone, PartialEq)]
struct Limit(Value);

fn usd(text: &str) -> Result<Limit, String> {
    let problem = "an amount such as 5 or 0.50, or none";
    let number = text.strip_prefix('$').unwrap_or(text);
    match text {
        "none" => Ok(Limit(Value::Null)),
        _ => match number.parse::<f64>() {
            Ok(amount) if amount.is_finite() && amount >= 0.0 => Ok(Limit(json!(amount))),
            _ => Err(problem.into()),
        },
    }
}

fn count(text: &str) -> Result<Limit, String> {
    match text {
        "none" => Ok(Limit(Value::Null)),
        _ => text
            .parse::<u64>()
            .map(|count| Limit(json!(count)))
            .map_err(|_| "a whole number, or none".into()),
    }
}

impl Limits {
    /// Returns the body that says them.
    fn body(self) -> Map<String, Value> {
        let minutes = self.minutes.map(|Limit(minutes)| {
            Limit(match minutes.as_u64() {
                Some(minutes) => json!(minutes.saturating_mul(60)),
                None => Value::Null,
            })
        });
        let named = [
            ("usd", self.usd),
            ("tokens", self.tokens),
            ("turns", self.turns),
            ("tool_calls", self.tool_calls),
            ("wall_seconds", minutes),
            ("children", self.children),
        ];
        named
            .into_iter()
            .filter_map(|(field, limit)| Some((field.to_owned(), limit?.0)))
            .collect()
    }
}

pub(super) async fn run(invocation: &Invocation, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List => list(invocation).await,
        Command::Set(set) => self::set(invocation, set).await,
        Command::Spent(spent) => self::spent(invocation, spent).await,
    }
}

async fn list(invocation: &Invocation) -> anyhow::Result<()> {
    let answer = invocation.client()?.get(&["budgets"], &[]).await?;
    let page: Page<Account> = answer.read()?;
    invocation.output.answer(&answer.text, || rows(&page.items))
}

async fn set(invocation: &Invocation, set: Set) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let key = key(&client, &set.scope, set.name.as_deref()).await?;
    let path = ["budgets", set.scope.as_str(), key.as_str()];
    let answer = client.put(&path, &set.limits.body()).await?;
    let account: Account = answer.read()?;
    invocation
        .output
        .answer(&answer.text, || rows(std::slice::from_ref(&account)))
}

/// Returns what the path calls the thing that is named.
async fn key(client: &Client, scope: &str, name: Option<&str>) -> anyhow::Result<String> {
    match (scope, name) {
        ("everything", None) => Ok("all".into()),
        ("everything", Some(_)) => bail!("everything has no name; leave it out"),
        ("day", None) => Ok("each".into()),
        ("day" | "agent", Some(name)) => Ok(name.to_owned()),
        ("project", Some(name)) => project::find(client, name).await,
        ("task", Some(name)) => task_ref(name).map_err(anyhow::Error::msg),
        (scope, _) => bail!("say which {scope}, such as: hearth budget set {scope} NAME --usd 5"),
    }
}

async fn spent(invocation: &Invocation, spent: Spent) -> anyhow::Result<()> {
    let mut query = vec![("by", spent.by.clone())];
    if let Some(since) = &spent.since {
        query.push(("since", from_when(since, &invocation.zone())?));
    }
    query.extend(spent.limit.map(|limit| ("limit", limit.to_string())));
    query.extend(spent.cursor.map(|cursor| ("cursor", cursor)));
    let answer = invocation.client()?.get(&["spending"], &query).await?;
    let page: Page<Spending> = answer.read()?;
    invocation
        .output
        .answer(&answer.text, || sums(&spent.by, &page.items))?;
    if invocation.output == Output::Human {
        page.note_rest("hearth budget spent");
    }
    Ok(())
}

/// Returns a row for each limit, and for each budget that has none.
fn rows(accounts: &[Account]) -> String {
    let mut rows: Vec<[String; 4]> = Vec::new();
    for account in accounts {
        let mut has_limit = false;
        for (field, what) in FIELDS {
            let Some(limit) = units(&account.limits, field, what) else {
                continue;
            };
            has_limit = true;
            let spent = units(&account.spent, field, what).unwrap_or(0);
            let left = units(&account.left, field, what).unwrap_or(0);
            rows.push([
                account.name.clone(),
                amount(what, spent),
                amount(what, limit),
                amount(what, left),
            ]);
        }
        if !has_limit {
            let spent = units(&account.spent, "usd", Resource::Usd).unwrap_or(0);
            rows.push([
                account.name.clone(),
                dollars(spent),
                "no limit".into(),
                String::new(),
            ]);
        }
    }
    table(["budget of", "spent", "limit", "left"], &rows)
}

/// The fields of an object of amounts, and what they are of.
const FIELDS: [(&str, Resource); 6] = [
    ("usd", Resource::Usd),
    ("tokens", Resource::Tokens),
    ("turns", Resource::Turns),
    ("tool_calls", Resource::ToolCalls),
    ("wall_seconds", Resource::WallTime),
    ("children", Resource::Children),
];

/// Returns one amount in the units in which it is written out.
fn units(amounts: &Map<String, Value>, field: &str, what: Resource) -> Option<u64> {
    let value = amounts.get(field)?;
    match what {
        Resource::Usd => value.as_f64().map(micros),
        Resource::WallTime => value.as_u64().map(|seconds| seconds.saturating_mul(1000)),
        Resource::Tokens | Resource::Turns | Resource::ToolCalls | Resource::Children => {
            value.as_u64()
        }
    }
}

fn sums(by: &str, rows: &[Spending]) -> String {
    let rows: Vec<[String; 5]> = rows
        .iter()
        .map(|row| {
            [
                row.name.clone(),
                row.calls.to_string(),
                dollars(micros(row.usd)),
                row.input_tokens.to_string(),
                row.output_tokens.to_string(),
            ]
        })
        .collect();
    table([by, "calls", "cost", "tokens in", "tokens out"], &rows)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command as Any};

    fn set(args: &[&str]) -> Result<Map<String, Value>, String> {
        let args = ["hearth", "budget", "set"].iter().chain(args);
        let cli = Cli::try_parse_from(args).map_err(|error| error.kind().to_string())?;
        match cli.command {
            Any::Budget(Command::Set(set)) => Ok(set.limits.body()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn limits_are_amounts_or_none() {
        let body = set(&[
            "day",
            "--usd",
            "$2.50",
            "--tokens",
            "none",
            "--minutes",
            "3",
        ]);

        assert_eq!(
            Value::Object(body.unwrap()),
            json!({"usd": 2.5, "tokens": null, "wall_seconds": 180})
        );
        for bad in [
            vec!["day"],
            vec!["year", "--usd", "1"],
            vec!["day", "--usd", "-1"],
            vec!["day", "--usd", "much"],
            vec!["day", "--turns", "1.5"],
        ] {
            assert!(set(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn each_limit_has_a_row() {
        let account: Account = serde_json::from_value(json!({
            "name": "task #12",
            "limits": {"usd": 1.0, "tokens": null, "wall_seconds": 7200},
            "spent": {"usd": 0.98, "tokens": 5, "wall_seconds": 60},
            "left": {"usd": 0.02, "tokens": null, "wall_seconds": 7140},
        }))
        .unwrap();
        let free: Account = serde_json::from_value(json!({
            "name": "agent seed", "limits": {"usd": null}, "spent": {"usd": 0.5}, "left": {},
        }))
        .unwrap();

        assert_eq!(
            rows(&[account, free]),
            "BUDGET OF   SPENT     LIMIT        LEFT\n\
             task #12    $0.98     $1.00        $0.02\n\
             task #12    1 minute  120 minutes  119 minutes\n\
             agent seed  $0.50     no limit"
        );
    }

    #[test]
    fn sums_stand_in_columns() {
        let row: Spending = serde_json::from_value(json!({
            "name": "groq/big", "calls": 2, "usd": 0.25, "input_tokens": 1000, "output_tokens": 50,
        }))
        .unwrap();

        assert_eq!(
            sums("model", &[row]),
            "MODEL     CALLS  COST   TOKENS IN  TOKENS OUT\n\
             groq/big  2      $0.25  1000       50"
        );
    }
}
