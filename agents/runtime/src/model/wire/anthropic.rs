//! Messages, as Anthropic's own servers take and send them.

use serde_json::{Value, json};

use super::{Asked, error_in_stream, text};
use crate::model::AskError;
use crate::model::draft::{Draft, Piece, Stop, object_of};
use crate::model::fault::Fault;
use crate::model::request::Message;

/// What is sent.
pub(in crate::model) fn body(asked: &Asked<'_>) -> Value {
    let request = asked.request;
    let mut body = json!({
        "model": asked.model,
        "max_tokens": request.max_output_tokens,
        "messages": messages(&request.messages),
        "stream": asked.is_streamed,
    });
    if !request.system.is_empty() {
        body["system"] = json!(request.system);
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({
                "name": tool.name,
                "description": tool.description,
                "input_schema": tool.schema,
            })
        });
        body["tools"] = tools.collect();
    }
    body
}

/// Results of calls are said by the user, and all of one answer in one message.
fn messages(said: &[Message]) -> Vec<Value> {
    let mut messages: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in said {
        let (role, blocks) = blocks(message);
        match messages.last_mut() {
            Some((last, all)) if *last == role => all.extend(blocks),
            _ => messages.push((role, blocks)),
        }
    }
    messages
        .into_iter()
        .filter(|(_, blocks)| !blocks.is_empty())
        .map(|(role, blocks)| json!({"role": role, "content": blocks}))
        .collect()
}

fn blocks(message: &Message) -> (&'static str, Vec<Value>) {
    // An empty text is refused.
    let said = |text: &String| {
        let block = json!({"type": "text", "text": text});
        (!text.trim().is_empty()).then_some(block)
    };
    match message {
        Message::User(text) => ("user", said(text).into_iter().collect()),
        Message::Model { text, calls } => {
            let calls = calls.iter().map(|call| {
                json!({
                    "type": "tool_use",
                    "id": call.id,
                    "name": call.name,
                    "input": object_of(&call.args),
                })
            });
            ("assistant", said(text).into_iter().chain(calls).collect())
        }
        Message::Tool { call_id, content } => (
            "user",
            vec![json!({"type": "tool_result", "tool_use_id": call_id, "content": content})],
        ),
    }
}

/// Takes one event of a stream; returns the text that came with it.
pub(in crate::model) fn take_event(
    who: &str,
    draft: &mut Draft,
    data: &str,
) -> Result<Option<String>, AskError> {
    let event: Value = serde_json::from_str(data)
        .map_err(|_| AskError::Faulty(Fault::passing(format!("{who} sent what is no JSON"))))?;
    let index = event["index"].as_u64();
    match text(&event, "type") {
        "message_start" => take_usage(draft, &event["message"]["usage"]),
        "content_block_start" => return Ok(begin_block(draft, index, &event["content_block"])),
        "content_block_delta" => return Ok(take_delta(draft, index, &event["delta"])),
        "message_delta" => {
            take_usage(draft, &event["usage"]);
            take_stop(draft, &event["delta"]);
        }
        "message_stop" => draft.is_over = true,
        "error" => return Err(error_in_stream(who, &event["error"])),
        _ => (),
    }
    Ok(None)
}

fn begin_block(draft: &mut Draft, index: Option<u64>, block: &Value) -> Option<String> {
    draft.has_begun = true;
    match text(block, "type") {
        "tool_use" => {
            draft.add_piece(&Piece {
                index,
                id: text(block, "id"),
                name: text(block, "name"),
                args: "",
            });
            None
        }
        "text" => say(draft, text(block, "text")),
        _ => None,
    }
}

fn take_delta(draft: &mut Draft, index: Option<u64>, delta: &Value) -> Option<String> {
    match text(delta, "type") {
        "text_delta" => say(draft, text(delta, "text")),
        "input_json_delta" => {
            draft.add_piece(&Piece {
                index,
                args: text(delta, "partial_json"),
                ..Piece::default()
            });
            None
        }
        _ => None,
    }
}

fn say(draft: &mut Draft, text: &str) -> Option<String> {
    draft.text.push_str(text);
    (!text.is_empty()).then(|| text.to_owned())
}

/// Takes an answer that came as a whole.
pub(in crate::model) fn take_whole(
    who: &str,
    draft: &mut Draft,
    answer: &Value,
) -> Result<Option<String>, AskError> {
    if answer["type"] == "error" {
        return Err(error_in_stream(who, &answer["error"]));
    }
    take_usage(draft, &answer["usage"]);
    take_stop(draft, answer);
    let blocks = answer["content"].as_array();
    for (place, block) in blocks.into_iter().flatten().enumerate() {
        match text(block, "type") {
            "text" => draft.text.push_str(text(block, "text")),
            "tool_use" => draft.add_piece(&Piece {
                index: Some(place as u64),
                id: text(block, "id"),
                name: text(block, "name"),
                args: &block["input"].to_string(),
            }),
            _ => (),
        }
    }
    draft.is_over = blocks.is_some();
    Ok((!draft.text.is_empty()).then(|| draft.text.clone()))
}

/// What was read from and written to the server's cache was read as well.
fn take_usage(draft: &mut Draft, usage: &Value) {
    let read = [
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
    ];
    if usage["input_tokens"].is_u64() {
        let tokens = read.iter().filter_map(|field| usage[*field].as_u64());
        draft.input_tokens = Some(tokens.sum());
    }
    draft.output_tokens = usage["output_tokens"].as_u64().or(draft.output_tokens);
}

fn take_stop(draft: &mut Draft, message: &Value) {
    let stop = match message["stop_reason"].as_str() {
        None => return,
        Some("max_tokens" | "model_context_window_exceeded") => Stop::Length,
        Some("refusal") => Stop::Filtered,
        Some(_) => Stop::Done,
    };
    draft.stop = Some(stop);
}
