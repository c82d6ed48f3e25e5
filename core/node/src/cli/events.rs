//! `hearth events`: what happened.

use clap::Args;
use serde_json::{Map, Value};

use crate::cli::Invocation;
use crate::client::stream::Received;
use crate::client::wire::{Event, Page};
use crate::output::text::{gist, moment, one_line};
use crate::output::{Output, note, print_line};

/// What happened: the last events, or those after one.
#[derive(Debug, Args)]
pub struct Events {
    /// Go on with those that happen, until interrupted
    #[arg(long, short)]
    follow: bool,
    /// Those after this number, oldest first
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(i64).range(0..))]
    after: Option<i64>,
    /// Of this type, such as task.completed or task.*; may be repeated
    #[arg(long = "type", value_name = "T", value_delimiter = ',')]
    types: Vec<String>,
    /// At most so many, 1 to 500
    #[arg(long, value_name = "COUNT", conflicts_with = "follow")]
    limit: Option<u32>,
}

pub(super) async fn run(invocation: &Invocation, events: Events) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let output = invocation.output;
    let mut query: Vec<_> = events
        .types
        .into_iter()
        .map(|word| ("type", word))
        .collect();
    if events.follow {
        let after = match events.after {
            Some(after) => after,
            None => client.last_seq().await?,
        };
        let mut stream = client.events(after, query);
        loop {
            print(output, &stream.next().await?)?;
        }
    }
    match events.after {
        Some(after) => query.push(("after", after.to_string())),
        None => query.push(("order", "desc".into())),
    }
    query.extend(events.limit.map(|limit| ("limit", limit.to_string())));
    let answer = client.get(&["events"], &query).await?;
    let mut page: Page<Event> = answer.read()?;
    // For people the last one stands last, however it was asked for.
    page.items.sort_by_key(|event| event.seq);
    output.answer(&answer.text, || lines(&page.items))?;
    if output == Output::Human {
        match page.items.last() {
            None => note("there are none"),
            Some(last) if page.next_cursor.is_some() && events.after.is_some() => {
                note(&format!(
                    "there are more: hearth events --after {}",
                    last.seq
                ));
            }
            Some(_) => (),
        }
    }
    Ok(())
}

/// Prints an event that was received: the node's object, or a line.
pub(super) fn print(output: Output, received: &Received) -> anyhow::Result<()> {
    match output {
        Output::Json => print_line(&received.text),
        Output::Human => print_line(&line(&received.event)),
    }
}

fn lines(events: &[Event]) -> String {
    events.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn line(event: &Event) -> String {
    let time = moment(&event.timestamp);
    let about = about(event);
    let line = format!(
        "{:>6}  {time}  {:<17}  {about}",
        event.seq,
        one_line(&event.kind)
    );
    line.trim_end().to_owned()
}

/// Returns what an event is about, and what was said.
fn about(event: &Event) -> String {
    let payload = &event.payload;
    let text = |name: &str| payload.get(name).and_then(Value::as_str).map(gist);
    let name = subject(&event.kind, payload);
    let said = [
        "message", "reason", "answer", "note", "error", "what", "agent",
    ]
    .into_iter()
    .find_map(text);
    let percent = payload.get("percent").and_then(Value::as_u64);
    let percent = percent.map(|percent| format!("({percent}%)"));
    let mut about = name.unwrap_or_default();
    if let Some(said) = said.filter(|said| !said.is_empty()) {
        let colon = if about.is_empty() { "" } else { ": " };
        about = format!("{about}{colon}{said}");
    }
    match percent {
        Some(percent) => format!("{about} {percent}"),
        None => about,
    }
}

/// Returns what an event is about.
fn subject(kind: &str, payload: &Map<String, Value>) -> Option<String> {
    let text = |name: &str| payload.get(name).and_then(Value::as_str).map(gist);
    let number = |name: &str| payload.get(name).and_then(Value::as_i64);
    match kind.split('.').next() {
        Some("run") => Some(format!(
            "run {} of #{}",
            number("number")?,
            number("task_number")?
        )),
        Some("step") => Some(format!(
            "run {} step {} {} ({})",
            number("run_number")?,
            number("place")?,
            text("name")?,
            text("tool")?
        )),
        Some("approval") => {
            let (number, task) = (number("number")?, number("task_number")?);
            Some(format!("approval {number} of #{task}"))
        }
        Some("permission") => Some(format!(
            "permission {} {}",
            number("number")?,
            text("tool")?
        )),
        Some("tool") => Some(format!("{} version {}", text("name")?, number("version")?)),
        _ => match (number("number"), text("title")) {
            (Some(number), Some(title)) => Some(format!("#{number} {title}")),
            (Some(number), None) => Some(format!("#{number}")),
            (None, _) => text("name"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, payload: &str) -> Event {
        Event {
            seq: 42,
            kind: kind.into(),
            payload: serde_json::from_str(payload).unwrap(),
            timestamp: "2026-11-23T09:00:00.000Z".into(),
            ..Event::default()
        }
    }

    #[test]
    fn an_event_is_one_line() {
        let blocked = r#"{"number":12,"title":"Count","reason":"which\nfile?"}"#;
        let progress = r#"{"number":12,"title":"Count","message":"reading","percent":50}"#;

        assert_eq!(
            line(&event("task.blocked", blocked)),
            "    42  2026-11-23T09:00:00Z  task.blocked       #12 Count: which file?"
        );
        assert_eq!(
            line(&event("task.progress", progress)),
            "    42  2026-11-23T09:00:00Z  task.progress      #12 Count: reading (50%)"
        );
        assert_eq!(
            line(&event(
                "step.failed",
                r#"{"run_number":3,"place":2,"name":"page","tool":"http_get","error":"away"}"#
            )),
            "    42  2026-11-23T09:00:00Z  step.failed        run 3 step 2 page (http_get): away"
        );
        assert_eq!(
            line(&event(
                "run.waiting",
                r#"{"number":3,"task_number":12,"agent":"seed","reason":"approval 4"}"#
            )),
            "    42  2026-11-23T09:00:00Z  run.waiting        run 3 of #12: approval 4"
        );
        assert_eq!(
            line(&event(
                "approval.requested",
                r#"{"number":4,"task_number":12,"what":"fetch a page"}"#
            )),
            "    42  2026-11-23T09:00:00Z  approval.requested  approval 4 of #12: fetch a page"
        );
        assert_eq!(
            line(&event(
                "tool.disabled",
                r#"{"name":"count_words","version":2,"reason":"too slow"}"#
            )),
            "    42  2026-11-23T09:00:00Z  tool.disabled      count_words version 2: too slow"
        );
        assert_eq!(
            line(&event("project.created", r#"{"name":"notes"}"#)),
            "    42  2026-11-23T09:00:00Z  project.created    notes"
        );
        assert_eq!(
            line(&event("something.newer", "{}")),
            "    42  2026-11-23T09:00:00Z  something.newer"
        );
    }
}
