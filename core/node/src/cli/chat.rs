//! `hearth chat`: talks to the chief of staff, and tells what there is to tell.

mod notices;
mod telling;
mod terminal;

use std::io::{BufRead, IsTerminal};

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use hearth_domain::Clock;
use serde_json::{Map, Value, json};

use crate::cli::Invocation;
use crate::client::Client;
use crate::client::hearing::Heard;
use crate::client::wire::{ChatAnswer, Conversation, Page};
use crate::output::{Output, print_line};
use crate::system::SystemClock;

/// How long after its last message a conversation is gone on with, unless told otherwise.
const GOES_ON: TimeDelta = TimeDelta::hours(12);

/// Talks to the chief of staff.
#[derive(Debug, Args)]
pub struct Chat {
    /// What to say; without it, a conversation at the terminal, or a message for each line of
    /// standard input
    #[arg(value_name = "MESSAGE", trailing_var_arg = true)]
    message: Vec<String>,
    /// Begin another conversation instead of going on with the last one
    #[arg(long)]
    new: bool,
    /// The conversation to go on with
    #[arg(long, value_name = "ID", conflicts_with = "new", value_parser = crate::cli::words::id)]
    conversation: Option<uuid::Uuid>,
}

/// One side of a conversation with the node.
pub(super) struct Thread<'a> {
    client: &'a Client,
    conversation: Option<String>,
}

impl Thread<'_> {
    /// Says something; returns the answer as it came, and as it is read. `hear` is told of it as it
    /// is made.
    async fn say(
        &mut self,
        message: &str,
        hear: impl FnMut(Heard<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<(String, ChatAnswer)> {
        let mut body = Map::from_iter([("message".to_owned(), json!(message))]);
        if let Some(id) = &self.conversation {
            body.insert("conversation_id".into(), json!(id));
        }
        let body = Value::Object(body);
        let answer = self.client.post_heard(&["chat"], &body, hear).await?;
        let read: ChatAnswer = answer.read()?;
        self.conversation = Some(read.conversation_id.clone());
        Ok((answer.text, read))
    }
}

pub(super) async fn run(invocation: &Invocation, chat: Chat) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let conversation = match chat.conversation {
        Some(id) => Some(id.to_string()),
        None if chat.new => None,
        None => last_conversation(&client).await?,
    };
    let mut thread = Thread {
        client: &client,
        conversation,
    };
    let message = chat.message.join(" ");
    if !message.trim().is_empty() {
        return once(invocation.output, &mut thread, &message).await;
    }
    if std::io::stdin().is_terminal() && matches!(invocation.output, Output::Human) {
        return terminal::converse(invocation, thread).await;
    }
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if !line.trim().is_empty() {
            once(invocation.output, &mut thread, &line).await?;
        }
    }
    Ok(())
}

/// Says one thing and prints the answer, after what there is to tell.
async fn once(output: Output, thread: &mut Thread<'_>, message: &str) -> anyhow::Result<()> {
    match output {
        Output::Human => {
            notices::tell(thread.client, print_line).await?;
            telling::say(thread, message).await
        }
        Output::Json => {
            let (text, _) = thread.say(message, |_| Ok(())).await?;
            print_line(&text)
        }
    }
}

/// Returns the owner's last conversation, if it is not long ago.
async fn last_conversation(client: &Client) -> anyhow::Result<Option<String>> {
    let query = [("limit", "20".to_owned())];
    let page: Page<Conversation> = client.get(&["conversations"], &query).await?.read()?;
    let now = DateTime::from_timestamp_millis(SystemClock::default().now().as_millis());
    let is_recent = |conversation: &&Conversation| {
        let said_at = DateTime::parse_from_rfc3339(&conversation.updated_at)
            .map(|moment| moment.with_timezone(&Utc));
        match (said_at, now) {
            (Ok(said_at), Some(now)) => now - said_at < GOES_ON,
            _ => false,
        }
    };
    Ok(page
        .items
        .iter()
        .find(is_recent)
        .map(|conversation| conversation.id.clone()))
}
