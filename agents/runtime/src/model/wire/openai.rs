//! Chat completions, as OpenAI made them and most servers answer.
//!
//! Sent is what all of them take and nothing more: Groq answers 400 to a `name` in a message, to
//! `logprobs`, and to an `n` other than 1.

use serde_json::{Value, json};

use super::{Asked, error_in_stream, text};
use crate::model::draft::{Draft, Piece, Stop, object_of};
use crate::model::request::Message;
use crate::model::{AskError, ToolCall};

/// What is sent.
pub(in crate::model) fn body(asked: &Asked<'_>) -> Value {
    let request = asked.request;
    let mut messages = Vec::new();
    if !request.system.is_empty() {
        messages.push(json!({"role": "system", "content": request.system}));
    }
    messages.extend(request.messages.iter().map(message));
    let mut body = json!({
        "model": asked.model,
        "messages": messages,
        "stream": asked.is_streamed,
    });
    let limit = if asked.has_new_limit {
        "max_completion_tokens"
    } else {
        "max_tokens"
    };
    body[limit] = json!(request.max_output_tokens);
    if asked.is_streamed {
        body["stream_options"] = json!({"include_usage": true});
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({"type": "function", "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.schema,
            }})
        });
        body["tools"] = tools.collect();
    }
    body
}

fn message(message: &Message) -> Value {
    match message {
        Message::User(text) => json!({"role": "user", "content": text}),
        Message::Model { text, calls } if calls.is_empty() => {
            json!({"role": "assistant", "content": text})
        }
        Message::Model { text, calls } => {
            let content = (!text.is_empty()).then_some(text);
            let calls: Vec<Value> = calls.iter().map(call).collect();
            json!({"role": "assistant", "content": content, "tool_calls": calls})
        }
        Message::Tool { call_id, content } => {
            json!({"role": "tool", "tool_call_id": call_id, "content": content})
        }
    }
}

fn call(call: &ToolCall) -> Value {
    json!({"id": call.id, "type": "function", "function": {
        "name": call.name,
        "arguments": object_of(&call.args).to_string(),
    }})
}

/// Takes one event of a stream; returns the text that came with it.
pub(in crate::model) fn take_event(
    who: &str,
    draft: &mut Draft,
    data: &str,
) -> Result<Option<String>, AskError> {
    if data == "[DONE]" {
        draft.is_over = true;
        return Ok(None);
    }
    let event = parse(who, data)?;
    if let Some(error) = event.get("error").filter(|error| !error.is_null()) {
        return Err(error_in_stream(who, error));
    }
    take_usage(draft, &event);
    let choice = &event["choices"][0];
    let said = take_message(draft, &choice["delta"]);
    take_stop(draft, choice);
    Ok(said)
}

/// Takes an answer that came as a whole.
pub(in crate::model) fn take_whole(
    who: &str,
    draft: &mut Draft,
    answer: &Value,
) -> Result<Option<String>, AskError> {
    if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
        return Err(error_in_stream(who, error));
    }
    take_usage(draft, answer);
    let choice = &answer["choices"][0];
    let said = take_message(draft, &choice["message"]);
    take_stop(draft, choice);
    draft.is_over = choice.is_object();
    Ok(said)
}

fn parse(who: &str, data: &str) -> Result<Value, AskError> {
    use crate::model::fault::Fault;
    serde_json::from_str(data)
        .map_err(|_| AskError::Faulty(Fault::passing(format!("{who} sent what is no JSON"))))
}

fn take_message(draft: &mut Draft, message: &Value) -> Option<String> {
    let said = said(&message["content"]);
    draft.text.push_str(&said);
    let reasons = ["reasoning", "reasoning_content"];
    let has_reason = reasons.iter().any(|field| !text(message, field).is_empty());
    draft.has_begun |= has_reason || !said.is_empty();
    let pieces = message["tool_calls"].as_array().map(Vec::as_slice);
    for piece in pieces.unwrap_or_default() {
        let function = &piece["function"];
        // Some servers write the arguments as the object that they are.
        let whole = function["arguments"]
            .is_object()
            .then(|| function["arguments"].to_string());
        draft.add_piece(&Piece {
            index: piece["index"].as_u64(),
            id: text(piece, "id"),
            name: text(function, "name"),
            args: whole.as_deref().unwrap_or(text(function, "arguments")),
        });
    }
    (!said.is_empty()).then_some(said)
}

/// A text, or a list of parts of which some are text.
fn said(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(|part| text(part, "text")).collect(),
        _ => String::new(),
    }
}

fn take_usage(draft: &mut Draft, event: &Value) {
    // Groq puts it into a field of its own.
    for usage in [&event["usage"], &event["x_groq"]["usage"]] {
        draft.input_tokens = usage["prompt_tokens"].as_u64().or(draft.input_tokens);
        draft.output_tokens = usage["completion_tokens"].as_u64().or(draft.output_tokens);
    }
}

fn take_stop(draft: &mut Draft, choice: &Value) {
    let stop = match choice["finish_reason"].as_str() {
        None | Some("") => return,
        Some("length") => Stop::Length,
        Some("content_filter") => Stop::Filtered,
        Some(_) => Stop::Done,
    };
    draft.stop = Some(stop);
}
