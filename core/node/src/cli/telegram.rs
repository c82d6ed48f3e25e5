//! `hearth telegram`: talking over Telegram, and who may.

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::Invocation;
use crate::client::Client;
use crate::client::wire::{TelegramChat, TelegramPairing, TelegramState};
use crate::output::note;
use crate::output::table::{fields, table};
use crate::output::text::{count, moment, one_line, shortened};

/// How wide a dead letter's text is shown.
const LETTER_WIDTH: usize = 60;

/// What can be done about talking over Telegram.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Pair a chat: shows a code, good once and for ten minutes, that your chat with the bot is to say.
    /// First have @BotFather make a bot, and keep its token: hearth config set-secret telegram_token
    Pair,
    /// List the chats that may talk
    List,
    /// Take a chat's right to talk
    Remove(Remove),
    /// Show whether the bot is connected, what waits, and what could not be delivered; looks for the
    /// bot's token again where it is not
    Status,
}

/// Takes a chat's right to talk.
#[derive(Debug, Args)]
pub struct Remove {
    /// Its number or name, as `hearth telegram list` shows it
    #[arg(allow_hyphen_values = true)]
    chat: String,
}

pub(super) async fn run(invocation: &Invocation, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Pair => pair(invocation).await,
        Command::List => list(invocation).await,
        Command::Remove(remove) => self::remove(invocation, &remove.chat).await,
        Command::Status => status(invocation).await,
    }
}

async fn pair(invocation: &Invocation) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let answer = client.post(&["telegram", "pairing"], &json!({})).await?;
    let pairing: TelegramPairing = answer.read()?;
    invocation.output.answer(&answer.text, || {
        format!(
            "say this to @{} in Telegram: {}\nor open {}\nit is good once, until {}; whoever says it \
             speaks for you",
            one_line(&pairing.bot),
            one_line(&pairing.code),
            one_line(&pairing.link),
            moment(&pairing.expires_at)
        )
    })
}

async fn list(invocation: &Invocation) -> anyhow::Result<()> {
    let answer = invocation.client()?.get(&["telegram"], &[]).await?;
    let state: TelegramState = answer.read()?;
    invocation.output.answer(&answer.text, || {
        if state.chats.is_empty() {
            return "no chat may talk; to pair one: hearth telegram pair".into();
        }
        chats(&state.chats)
    })
}

async fn remove(invocation: &Invocation, wanted: &str) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let chat = find(&client, wanted).await?;
    let answer = client.delete(&["telegram", "chats", &chat.id]).await?;
    invocation.output.answer(&answer.text, || {
        let until = if chat.chat < 0 {
            ", until somebody who may talk does so there; telegram.groups = false keeps groups out"
        } else {
            ""
        };
        format!("{} may not talk any more{until}", one_line(&chat.name))
    })
}

async fn find(client: &Client, wanted: &str) -> anyhow::Result<TelegramChat> {
    let state: TelegramState = client.get(&["telegram"], &[]).await?.read()?;
    let is_meant = |chat: &TelegramChat| {
        chat.chat.to_string() == wanted || chat.id == wanted || chat.name == wanted
    };
    let mut meant: Vec<TelegramChat> = state.chats.into_iter().filter(is_meant).collect();
    match meant.len() {
        1 => Ok(meant.remove(0)),
        0 => bail!("there is no chat {wanted}; hearth telegram list shows those that may talk"),
        _ => bail!("several chats are called {wanted}; give its number"),
    }
}

async fn status(invocation: &Invocation) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let answer = client.post(&["telegram", "connect"], &json!({})).await?;
    let state: TelegramState = answer.read()?;
    invocation.output.answer(&answer.text, || lines(&state))?;
    if state.facility.is_none() {
        note(
            "to talk over Telegram, have @BotFather make a bot, keep its token with `hearth config \
             set-secret telegram_token`, then: hearth telegram pair",
        );
    }
    Ok(())
}

fn lines(state: &TelegramState) -> String {
    let stands = match &state.facility {
        None => "no bot token is set".to_owned(),
        Some(facility) if facility.is_available => "connected".to_owned(),
        Some(facility) if facility.remedy.is_empty() => {
            format!("not connected: {}", one_line(&facility.reason))
        }
        Some(facility) => format!(
            "not connected: {}; do this: {}",
            one_line(&facility.reason),
            one_line(&facility.remedy)
        ),
    };
    let bot = state.bot.as_ref().map(|bot| format!("@{}", one_line(bot)));
    let mut text = fields(&[
        ("state", stands),
        ("bot", bot.unwrap_or_default()),
        ("chats", count(state.chats.len() as u64, "chat")),
        (
            "came in",
            format!("{} to be dealt with", state.updates_waiting),
        ),
        ("goes out", format!("{} to be sent", state.messages_waiting)),
        ("not delivered", state.messages_dead.to_string()),
        ("not read", format!("{} of other kinds", state.unread_kinds)),
    ]);
    let letters: Vec<[String; 4]> = state
        .dead_letters
        .iter()
        .map(|letter| {
            [
                moment(&letter.at),
                letter.chat.to_string(),
                letter.error.clone(),
                shortened(&letter.text, LETTER_WIDTH),
            ]
        })
        .collect();
    if state.chats.iter().any(|chat| chat.closed_at.is_some()) {
        text.push_str("\n\n");
        text.push_str(&chats(&state.chats));
    }
    if !letters.is_empty() {
        text.push_str("\n\n");
        text.push_str(&table(["given up", "chat", "why", "text"], &letters));
    }
    text
}

fn chats(chats: &[TelegramChat]) -> String {
    let rows: Vec<[String; 5]> = chats
        .iter()
        .map(|chat| {
            [
                chat.chat.to_string(),
                chat.name.clone(),
                moment(&chat.created_at),
                chat.paired_by.clone(),
                chat.closed_at.as_ref().map_or_else(
                    || "yes".to_owned(),
                    |since| format!("no, since {}: write to the bot there", moment(since)),
                ),
            ]
        })
        .collect();
    table(["chat", "name", "paired", "by", "can be reached"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_it_stands_is_told_with_what_mends_it() {
        let state: TelegramState = serde_json::from_value(json!({
            "facility": {"is_available": false, "reason": "another program receives this bot's messages",
                "remedy": "stop the other program"},
            "bot": "hearth_bot", "chats": [{"id": "i", "chat": 5, "name": "Ada", "paired_by": "code",
                "created_at": "2026-11-24T10:00:00Z", "closed_at": "2026-11-25T10:00:00Z"}], "updates_waiting": 1, "messages_waiting": 2, "messages_dead": 1,
            "unread_kinds": 3, "some_new_field": 1,
            "dead_letters": [{"chat": 5, "text": "hello\u{1b}[2J", "error": "bot was blocked",
                "at": "2026-11-25T10:00:00Z"}],
        }))
        .unwrap();

        let text = lines(&state);

        for has in [
            "not connected: another program receives this bot's messages; do this: stop the other program",
            "@hearth_bot",
            "1 to be dealt with",
            "2 to be sent",
            "3 of other kinds",
            "bot was blocked",
            "write to the bot there",
        ] {
            assert!(text.contains(has), "{has}: {text}");
        }
        assert!(!text.contains('\u{1b}'));
        assert!(lines(&TelegramState::default()).contains("no bot token is set"));
    }
}
