//! One server: what it is sent, and what is made of its answers.

use std::time::{Duration, Instant};

use serde_json::json;

use super::server::{Reply, Server, delta, events_of, refusal, says, stream, whole};
use super::*;

fn with_tools() -> Request {
    let call = ToolCall {
        id: "call_1".into(),
        name: "read".into(),
        args: json!({"file": "a"}),
    };
    let wrong = ToolCall {
        id: "call_2".into(),
        name: "read".into(),
        args: json!("{\"file\": "),
    };
    Request {
        system: "You work.".into(),
        messages: vec![
            Message::User("Look.".into()),
            Message::Model {
                text: String::new(),
                calls: vec![call, wrong],
            },
            Message::Tool {
                call_id: "call_1".into(),
                content: "it is empty".into(),
            },
            Message::Tool {
                call_id: "call_2".into(),
                content: "that is no JSON".into(),
            },
        ],
        tools: vec![ToolSpec {
            name: "read".into(),
            description: "Reads a file.".into(),
            schema: json!({"type": "object", "properties": {"file": {"type": "string"}}}),
        }],
        max_output_tokens: 100,
    }
}

async fn ask(models: &Models, request: &Request) -> Result<Answer, AskError> {
    models.ask(request, None, &CancellationToken::new()).await
}

async fn answer_of(reply: Reply) -> Result<Answer, AskError> {
    let server = Server::with([reply]).await;
    ask(&once(&server, Preset::Compatible), &request("Hi")).await
}

#[tokio::test]
async fn a_request_holds_what_every_server_takes_and_nothing_that_groq_refuses() {
    let server = Server::with([says("Done.")]).await;

    let answer = ask(&once(&server, Preset::Groq), &with_tools())
        .await
        .unwrap();

    assert_eq!(answer.text, "Done.");
    let asked = server.asked().remove(0);
    assert_eq!(asked.path, "/chat/completions");
    assert!(
        asked.head.contains("authorization: bearer s3cret"),
        "{}",
        asked.head
    );
    for field in ["n", "logprobs", "temperature"] {
        assert!(asked.body.get(field).is_none(), "{field}");
    }
    let messages = asked.body["messages"].as_array().unwrap();
    assert!(messages.iter().all(|message| message.get("name").is_none()));
    let roles: Vec<_> = messages
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "tool"]);
    assert_eq!(asked.body["tools"][0]["function"]["name"], "read");
    assert_eq!(asked.body["max_completion_tokens"], 100);
    // What was no JSON is sent as some, because servers read it.
    let sent = messages[2]["tool_calls"][1]["function"]["arguments"]
        .as_str()
        .unwrap();
    assert_eq!(sent, r#"{"not_json":"{\"file\": "}"#);
}

#[tokio::test]
async fn pieces_of_calls_come_in_any_order_with_names_late_or_repeated() {
    let piece = |piece: Value| delta(&json!({"tool_calls": [piece]}));
    let answer = answer_of(stream(&[
        piece(json!({"index": 1, "function": {"arguments": "{\"b\""}})),
        piece(json!({"index": 0, "id": "one", "function": {"name": "read", "arguments": ""}})),
        piece(json!({"index": 1, "id": "two", "function": {"name": "write", "arguments": ":2}"}})),
        piece(
            json!({"index": 0, "id": "one", "function": {"name": "read", "arguments": "{\"a\":1"}}),
        ),
        piece(json!({"index": 0, "id": "one", "function": {"name": "read", "arguments": "}"}})),
        json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
    ]))
    .await
    .unwrap();

    let calls: Vec<_> = answer
        .calls
        .iter()
        .map(|call| (call.id.as_str(), call.name.as_str(), call.args.clone()))
        .collect();
    assert_eq!(
        calls,
        [
            ("two", "write", json!({"b": 2})),
            ("one", "read", json!({"a": 1}))
        ]
    );
}

#[tokio::test]
async fn arguments_that_are_no_json_and_tools_that_are_unknown_are_handed_on_as_they_came() {
    let answer = answer_of(stream(&[
        delta(
            &json!({"tool_calls": [{"index": 4_000_000_000_u64, "id": "x",
            "function": {"name": "no_such_tool", "arguments": "{\"a\": "}}]}),
        ),
        json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
    ]))
    .await
    .unwrap();

    assert_eq!(answer.calls.len(), 1);
    assert_eq!(answer.calls[0].name, "no_such_tool");
    assert_eq!(answer.calls[0].args, json!("{\"a\": "));
}

#[tokio::test]
async fn reasoning_is_not_part_of_what_is_said() {
    let answer = answer_of(stream(&[
        delta(&json!({"reasoning": "Hm."})),
        delta(&json!({"reasoning_content": "Hm, hm."})),
        delta(&json!({"content": "Yes."})),
        json!({"choices": [{"delta": {}, "finish_reason": "length"}]}),
    ]))
    .await
    .unwrap();

    assert_eq!((answer.text.as_str(), answer.is_cut), ("Yes.", true));
}

#[tokio::test]
async fn what_is_heard_is_the_text_piece_by_piece() {
    let server = Server::with([stream(&[
        delta(&json!({"content": "Good "})),
        delta(&json!({"content": "day."})),
        json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}),
    ])])
    .await;
    let heard = std::sync::Mutex::new(Vec::new());
    let hear = |text: &str| heard.lock().unwrap().push(text.to_owned());

    let models = once(&server, Preset::Compatible);
    models
        .ask(&request("Hi"), Some(&hear), &CancellationToken::new())
        .await
        .unwrap();

    assert_eq!(*heard.lock().unwrap(), ["Good ", "day."]);
}

#[tokio::test]
async fn a_stream_without_an_end_is_no_answer_and_is_not_asked_for_again() {
    let cut = events_of(&[delta(&json!({"content": "The answer is"}))]);
    let server = Server::with([Reply::Pieces(cut), says("never")]).await;

    let error = ask(&once(&server, Preset::Compatible), &request("Hi"))
        .await
        .unwrap_err();

    assert!(
        error.to_string().contains("before the end of its answer"),
        "{error}"
    );
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_stream_that_breaks_off_before_it_began_is_asked_for_again() {
    let server = Server::with([Reply::Pieces(vec![": hello\n\n".into()]), says("Yes.")]).await;

    let answer = ask(&once(&server, Preset::Compatible), &request("Hi"))
        .await
        .unwrap();

    assert_eq!(answer.text, "Yes.");
}

#[tokio::test]
async fn an_answer_that_never_ends_is_dropped() {
    for piece in [
        // Many small pieces.
        events_of(&[delta(&json!({"content": "word ".repeat(200)}))]).remove(0),
        // One line without an end.
        "x".repeat(4096),
        // Nothing that counts.
        format!(": {}\n\n", "keep-alive ".repeat(400)),
    ] {
        let server = Server::with([Reply::Endless(piece)]).await;

        let error = ask(&once(&server, Preset::Compatible), &request("Hi"))
            .await
            .unwrap_err();

        assert_eq!(
            error,
            AskError::Refused("it answered with more than 256 KiB".into())
        );
        assert!(server.sent() < 50_000_000, "{}", server.sent());
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_of_fifty_megabytes_as_a_whole_is_dropped() {
    let server = Server::with([whole(&"word ".repeat(10_000_000))]).await;
    let models = Models::new(vec![unstreamed(&server)]);

    let error = ask(&models, &with_tools()).await.unwrap_err();

    assert_eq!(
        error,
        AskError::Refused("it answered with more than 256 KiB".into())
    );
}

#[tokio::test]
async fn where_streamed_calls_do_not_work_the_answer_comes_as_a_whole() {
    let body = json!({
        "choices": [{"message": {"content": null, "tool_calls": [
            {"id": "a", "function": {"name": "read", "arguments": "{\"file\":\"x\"}"}}]},
            "finish_reason": "tool_calls"}],
    });
    let server = Server::with([Reply::Whole(200, "", body.to_string())]).await;
    let models = Models::new(vec![unstreamed(&server)]);

    let answer = ask(&models, &with_tools()).await.unwrap();

    assert_eq!(answer.calls[0].args, json!({"file": "x"}));
    assert_eq!(server.asked()[0].body["stream"], false);
    assert!(answer.is_estimated);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_before_and_in_an_answer() {
    let begun = events_of(&[delta(&json!({"content": "Well,"}))]);
    for (reply, asked) in [(Reply::Then(vec![]), 1), (Reply::Then(begun), 1)] {
        let server = Server::with([reply]).await;
        let patience = Patience {
            first_byte: Duration::from_millis(50),
            between_bytes: Duration::from_millis(50),
            tries: 1,
            ..quick()
        };
        let models = Models::configured(Config {
            chain: vec![choice(&server, Preset::Compatible)],
            patience,
            ..Config::default()
        });
        let began = Instant::now();

        let error = ask(&models, &request("Hi")).await.unwrap_err();

        assert!(
            error.to_string().contains("said nothing for 0.05 s"),
            "{error}"
        );
        assert!(began.elapsed() < super::server::LONG);
        assert_eq!(server.asked().len(), asked);
    }
}

#[tokio::test]
async fn a_call_is_cancelled_in_the_middle_of_an_answer() {
    let begun = events_of(&[delta(&json!({"content": "Well,"}))]);
    let server = Server::with([Reply::Then(begun)]).await;
    let models = once(&server, Preset::Compatible);
    let stop = CancellationToken::new();
    let hear = |_: &str| stop.cancel();

    let stopped = models.ask(&request("Hi"), Some(&hear), &stop).await;

    assert_eq!(stopped, Err(AskError::Stopped));
    assert!(models.current().is_some());
}

#[tokio::test]
async fn a_wrong_request_is_told_and_not_repeated() {
    let server = Server::with([refusal(400, "no such field"), says("never")]).await;

    let error = ask(&once(&server, Preset::Compatible), &request("Hi"))
        .await
        .unwrap_err();

    assert_eq!(
        error,
        AskError::Refused("openai-compatible answered 400: no such field".into())
    );
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn ollama_is_asked_in_its_own_way_with_the_context_set() {
    let lines = [
        json!({"message": {"role": "assistant", "thinking": "Hm."}, "done": false}),
        json!({"message": {"role": "assistant", "content": "", "tool_calls": [
            {"function": {"name": "read", "arguments": {"file": "b"}}},
            {"function": {"name": "read", "arguments": {"file": "c"}}}]}, "done": false}),
        json!({"message": {"content": ""}, "done": true, "done_reason": "stop",
            "prompt_eval_count": 40, "eval_count": 9}),
    ];
    let lines = lines.map(|line| format!("{line}\n")).to_vec();
    let server = Server::with([Reply::Pieces(lines)]).await;
    let models = Models::configured(Config {
        chain: vec![Choice {
            model: Some("qwen3:8b".into()),
            context_tokens: Some(12_000),
            ..choice(&server, Preset::Ollama)
        }],
        patience: quick(),
        ..Config::default()
    });

    let answer = ask(&models, &with_tools()).await.unwrap();

    let asked = server.asked().remove(0);
    assert_eq!(asked.path, "/api/chat");
    assert_eq!(
        asked.body["options"],
        json!({"num_ctx": 12_000, "num_predict": 100})
    );
    assert_eq!(asked.body["truncate"], false);
    assert_eq!(asked.body["messages"][3]["tool_name"], "read");
    let args: Vec<_> = answer.calls.iter().map(|call| call.args.clone()).collect();
    assert_eq!(args, [json!({"file": "b"}), json!({"file": "c"})]);
    assert!(answer.calls[0].id != answer.calls[1].id && !answer.calls[0].id.is_empty());
    assert_eq!(
        (answer.usage.input_tokens, answer.usage.usd_micros),
        (40, 0)
    );
    assert!(!answer.is_estimated);
}

#[tokio::test]
async fn anthropic_is_asked_in_its_own_way() {
    let events = [
        json!({"type": "message_start", "message": {"usage":
            {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking"}}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Let me look."}}),
        json!({"type": "content_block_start", "index": 2, "content_block":
            {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"file\":"}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "\"b\"}"}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 20}}),
        json!({"type": "message_stop"}),
    ];
    let server = Server::with([Reply::Pieces(events_of(&events))]).await;

    let answer = ask(&once(&server, Preset::Anthropic), &with_tools())
        .await
        .unwrap();

    let asked = server.asked().remove(0);
    assert_eq!(asked.path, "/messages");
    assert!(asked.head.contains("x-api-key: s3cret") && asked.head.contains("anthropic-version"));
    // Both results stand in the one message after the calls.
    let messages = asked.body["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[2]["content"][1]["tool_use_id"], "call_2");
    assert_eq!(asked.body["tools"][0]["input_schema"]["type"], "object");
    assert_eq!(answer.text, "Let me look.");
    assert_eq!(answer.calls[0].args, json!({"file": "b"}));
    assert_eq!(
        (answer.usage.input_tokens, answer.usage.output_tokens),
        (15, 20)
    );
}

#[tokio::test]
async fn a_text_that_cannot_fit_is_not_sent() {
    let server = Server::with([says("never")]).await;
    let models = Models::configured(Config {
        chain: vec![Choice {
            context_tokens: Some(1000),
            ..choice(&server, Preset::Compatible)
        }],
        patience: quick(),
        ..Config::default()
    });

    let error = ask(&models, &request(&"longer ".repeat(4000)))
        .await
        .unwrap_err();

    assert!(
        matches!(&error, AskError::Refused(why) if why.contains("model.context_tokens")),
        "{error}"
    );
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn an_answer_without_numbers_is_counted_from_its_text() {
    let answer = answer_of(stream(&[
        delta(&json!({"content": "Good day to you."})),
        json!({"choices": [{"delta": {}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 0, "completion_tokens": 0}}),
    ]))
    .await
    .unwrap();

    assert!(answer.is_estimated);
    assert!(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 3);
}

#[tokio::test]
async fn a_server_that_sends_the_whole_where_a_stream_was_asked_for_is_understood() {
    let answer = answer_of(whole("Yes.")).await.unwrap();

    assert_eq!((answer.text.as_str(), answer.is_estimated), ("Yes.", false));
}

#[tokio::test]
async fn a_page_for_browsers_is_told_as_a_wrong_address() {
    let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<html>";
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(page.as_bytes()).await;
        }
    });
    let at_it = |preset| {
        Models::configured(Config {
            chain: vec![Choice {
                model: Some("m".into()),
                url: Some(format!("http://127.0.0.1:{port}")),
                key: Some(Key::new("s3cret")),
                ..Choice::of(preset)
            }],
            patience: quick(),
            ..Config::default()
        })
    };
    let models = at_it(Preset::Compatible);

    let error = ask(&models, &request("Hi")).await.unwrap_err();

    assert!(error.to_string().contains("a page for browsers"), "{error}");
    assert!(models.state()[0].remedy.contains("/v1"));
    // Whatever stands in front of a paid server may have asked it before.
    let paid = ask(&at_it(Preset::Groq), &request("Hi")).await;
    assert!(matches!(paid, Err(AskError::BrokenOff(_))), "{paid:?}");
    serving.abort();
}
