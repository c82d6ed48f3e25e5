//! Ollama's own way. The one of OpenAI that it speaks as well has no place for the size of the context,
//! cuts what is longer than 4,096 tokens, and says nothing.

use serde_json::{Value, json};

use super::{Asked, error_in_stream, text};
use crate::model::AskError;
use crate::model::draft::{Draft, Piece, Stop, object_of};
use crate::model::fault::Fault;
use crate::model::request::Message;

/// What is sent. What does not fit is to be an error and no shorter text, as far as the server's version
/// knows of that.
pub(in crate::model) fn body(asked: &Asked<'_>) -> Value {
    let request = asked.request;
    let mut messages = Vec::new();
    if !request.system.is_empty() {
        messages.push(json!({"role": "system", "content": request.system}));
    }
    messages.extend(request.messages.iter().map(|said| message(request, said)));
    let mut body = json!({
        "model": asked.model,
        "messages": messages,
        "stream": asked.is_streamed,
        "truncate": false,
        "shift": false,
        "options": {
            "num_ctx": asked.context_tokens,
            "num_predict": request.max_output_tokens,
        },
    });
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

fn message(request: &crate::model::Request, message: &Message) -> Value {
    match message {
        Message::User(text) => json!({"role": "user", "content": text}),
        Message::Model { text, calls } => {
            let calls: Vec<Value> = calls
                .iter()
                .map(|call| {
                    json!({"function": {"name": call.name, "arguments": object_of(&call.args)}})
                })
                .collect();
            let mut said = json!({"role": "assistant", "content": text});
            if !calls.is_empty() {
                said["tool_calls"] = json!(calls);
            }
            said
        }
        Message::Tool { call_id, content } => json!({
            "role": "tool",
            "content": content,
            "tool_name": name_of(request, call_id),
        }),
    }
}

/// It knows results by the name of the tool.
fn name_of<'a>(request: &'a crate::model::Request, call_id: &str) -> &'a str {
    let calls = request.messages.iter().rev().flat_map(|said| match said {
        Message::Model { calls, .. } => calls.as_slice(),
        Message::User(_) | Message::Tool { .. } => &[],
    });
    let mut names = calls.filter(|call| call.id == call_id);
    names.next().map_or("", |call| &call.name)
}

/// Takes one line of a stream; returns the text that came with it.
pub(in crate::model) fn take_line(
    who: &str,
    draft: &mut Draft,
    line: &str,
) -> Result<Option<String>, AskError> {
    let line: Value = serde_json::from_str(line)
        .map_err(|_| AskError::Faulty(Fault::passing(format!("{who} sent what is no JSON"))))?;
    take_whole(who, draft, &line)
}

/// Takes an answer, or a line of one: they have the same form.
pub(in crate::model) fn take_whole(
    who: &str,
    draft: &mut Draft,
    line: &Value,
) -> Result<Option<String>, AskError> {
    if let Some(error) = line.get("error") {
        return Err(error_in_stream(who, error));
    }
    let message = &line["message"];
    let said = text(message, "content");
    draft.text.push_str(said);
    draft.has_begun |= !said.is_empty() || !text(message, "thinking").is_empty();
    let calls = message["tool_calls"].as_array().map(Vec::as_slice);
    for call in calls.unwrap_or_default() {
        let function = &call["function"];
        // Each comes as a whole, whatever number it has.
        draft.add_piece(&Piece {
            index: Some(draft.calls.len() as u64),
            id: text(call, "id"),
            name: text(function, "name"),
            args: &function["arguments"].to_string(),
        });
    }
    if line["done"] == true {
        draft.is_over = true;
        draft.input_tokens = line["prompt_eval_count"].as_u64();
        draft.output_tokens = line["eval_count"].as_u64();
        draft.stop = Some(match text(line, "done_reason") {
            "length" => Stop::Length,
            _ => Stop::Done,
        });
    }
    Ok((!said.is_empty()).then(|| said.to_owned()))
}
