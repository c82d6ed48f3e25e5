//! Language models: asked by the node's own code, and shown, tried and chosen by its commands.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use hearth_runtime::model::{
    AskError, Choice, Config, Key, Message, Models, Patience, Preset, Request, ToolCall, ToolSpec,
};
use hearth_tests::aimock::AiMock;
use hearth_tests::keyring::TestKeyring;
use hearth_tests::node::{Options, TestNode, command};
use hearth_tests::skip::skip;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const LIMIT: Duration = Duration::from_secs(30);
/// A value that must show nowhere.
const SECRET: &str = "s3cret-model-key";

fn says_ready() -> Value {
    json!([{
        "match": {},
        "response": {"content": "ready", "usage": {"prompt_tokens": 11, "completion_tokens": 2}},
    }])
}

fn models(preset: Preset, url: &str) -> Models {
    let first = Choice {
        model: Some("m".into()),
        url: Some(url.to_owned()),
        key: (!preset.is_own()).then(|| Key::new(SECRET)),
        ..Choice::of(preset)
    };
    Models::configured(Config {
        chain: vec![first],
        patience: Patience {
            retry_pause: Duration::from_millis(2),
            ..Patience::default()
        },
        ..Config::default()
    })
}

fn request(text: &str) -> Request {
    Request {
        system: "You help.".into(),
        messages: vec![Message::User(text.into())],
        tools: vec![ToolSpec {
            name: "get_weather".into(),
            description: "Says how the weather is.".into(),
            schema: json!({"type": "object", "properties": {"city": {"type": "string"}}}),
        }],
        max_output_tokens: 200,
    }
}

#[tokio::test]
async fn a_model_calls_a_tool_and_answers_by_its_result_in_three_ways_of_speaking()
-> anyhow::Result<()> {
    let name = "a_model_calls_a_tool_and_answers_by_its_result_in_three_ways_of_speaking";
    let fixtures = json!([
        {"match": {"userMessage": "weather", "hasToolResult": false},
            "response": {"toolCalls": [{"name": "get_weather", "arguments": {"city": "Oslo"}}]}},
        {"match": {"userMessage": "weather", "hasToolResult": true}, "response": {"content": "It rains."}},
    ]);
    let Some(mock) = AiMock::start(name, &fixtures)? else {
        return Ok(());
    };
    let ways = [
        (Preset::Groq, mock.v1()),
        (Preset::Anthropic, mock.v1()),
        (Preset::Ollama, mock.url().to_owned()),
    ];
    for (preset, url) in ways {
        let models = models(preset, &url);
        let mut request = request("How is the weather?");

        let called = models
            .ask(&request, None, &CancellationToken::new())
            .await?;
        let [ToolCall { id, name, args }] = called.calls.as_slice() else {
            anyhow::bail!("{preset}: one call was expected: {called:?}");
        };
        ensure!(
            name == "get_weather" && *args == json!({"city": "Oslo"}),
            "{called:?}"
        );
        request.messages.push(Message::Model {
            text: called.text.clone(),
            calls: called.calls.clone(),
        });
        request.messages.push(Message::Tool {
            call_id: id.clone(),
            content: "rain".into(),
        });
        let said = models
            .ask(&request, None, &CancellationToken::new())
            .await?;
        ensure!(
            said.text == "It rains." && said.calls.is_empty(),
            "{preset}: {said:?}"
        );
    }

    let asked = mock.asked().await?;
    ensure!(asked.len() == 6, "{asked:?}");
    for body in asked {
        let messages = body["messages"].as_array().context("messages")?;
        ensure!(
            messages.iter().all(|message| message.get("name").is_none()),
            "{body}"
        );
        ensure!(
            body["tools"][0]["function"]["name"] == "get_weather",
            "{body}"
        );
        ensure!(
            body.get("logprobs").is_none() && body.get("n").is_none(),
            "{body}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_busy_is_waited_for_and_one_that_breaks_off_is_not_believed()
-> anyhow::Result<()> {
    let name = "a_server_that_is_busy_is_waited_for_and_one_that_breaks_off_is_not_believed";
    let error =
        |status: u16| json!({"error": {"message": "later"}, "status": status, "retryAfter": 1});
    let fixtures = json!([
        {"match": {"userMessage": "busy", "sequenceIndex": 0}, "response": error(429)},
        {"match": {"userMessage": "busy"}, "response": {"content": "Here I am."}},
        {"match": {"userMessage": "broken", "sequenceIndex": 0}, "response": error(500)},
        {"match": {"userMessage": "broken"}, "response": {"content": "Mended."}},
        {"match": {"userMessage": "cut"}, "response": {"content": "word ".repeat(40)}, "truncateAfterChunks": 3, "latency": 50},
        {"match": {"userMessage": "wrong"}, "response": {"error": {"message": "no"}, "status": 400}},
        {"match": {"userMessage": "odd"}, "response": {"toolCalls": [{"name": "fly", "arguments": "{\"to\":"}]}},
    ]);
    let Some(mock) = AiMock::start(name, &fixtures)? else {
        return Ok(());
    };
    let models = models(Preset::Compatible, &mock.v1());
    let stop = CancellationToken::new();
    let ask = |text: &str| {
        let (models, stop, request) = (models.clone(), stop.clone(), request(text));
        async move { models.ask(&request, None, &stop).await }
    };

    ensure!(ask("busy").await?.text == "Here I am.");
    ensure!(ask("broken").await?.text == "Mended.");
    let cut = ask("cut").await;
    ensure!(
        matches!(&cut, Err(AskError::BrokenOff(why)) if !why.contains(SECRET)),
        "{cut:?}"
    );
    let wrong = ask("wrong").await;
    ensure!(matches!(&wrong, Err(AskError::Refused(_))), "{wrong:?}");
    let odd = ask("odd").await?;
    ensure!(
        odd.calls[0].name == "fly" && odd.calls[0].args == json!("{\"to\":"),
        "{odd:?}"
    );
    ensure!(mock.asked().await?.len() == 7);
    Ok(())
}

fn said(output: &std::process::Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

#[tokio::test]
async fn a_model_is_chosen_shown_and_tried_while_the_node_runs() -> anyhow::Result<()> {
    let name = "a_model_is_chosen_shown_and_tried_while_the_node_runs";
    let Some(mock) = AiMock::start(name, &says_ready())? else {
        return Ok(());
    };
    let node = TestNode::start(&Options {
        env: vec![("HEARTH_SECRET_MODEL_KEY".into(), SECRET.into())],
        ..Options::default()
    })?;
    let api = node.api()?;
    let is_there = |status: &Value| status["facilities"]["model"]["is_available"] == true;
    let none = api.get("/status").await?;
    ensure!(!is_there(&none), "{none}");
    let refused = node.hearth(&["model", "test"])?;
    ensure!(refused.status.code() == Some(1) && said(&refused).contains("hearth model use"));

    let used = node.hearth(&[
        "model",
        "use",
        "openai-compatible",
        "m",
        "--server",
        &mock.v1(),
    ])?;
    ensure!(used.status.code() == Some(0), "{used:?}");
    ensure!(said(&used).contains("hearth model test"), "{}", said(&used));
    api.wait_for("/status", LIMIT, is_there).await?;

    let shown = said(&node.hearth(&["model", "show"])?);
    ensure!(
        shown.contains("*  openai-compatible/m") && shown.contains("free"),
        "{shown}"
    );
    let tested = node.hearth(&["model", "test"])?;
    ensure!(tested.status.code() == Some(0), "{tested:?}");
    let words = said(&tested);
    ensure!(
        words.contains("ready") && words.contains("11 in, 2 out"),
        "{words}"
    );
    ensure!(words.contains("costs money"), "{words}");

    // The same by the interface; a viewer sees it and cannot spend.
    let key = node.hearth(&["keys", "create", "--name", "v", "--role", "viewer"])?;
    let viewer = api.with_key(String::from_utf8(key.stdout)?.trim());
    let list = viewer.get("/model").await?;
    ensure!(
        list["providers"][0]["model"] == "m" && !list.to_string().contains("127.0.0.1"),
        "{list}"
    );
    ensure!(viewer.send("POST", "/model/test", None).await?.status == 403);

    let doctor = said(&node.hearth(&["doctor"])?);
    ensure!(doctor.contains("a language model answers"), "{doctor}");
    for text in [node.log(), shown, words, doctor, list.to_string()] {
        ensure!(!text.contains(SECRET), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_model_without_a_key_says_what_to_do_and_the_next_one_answers() -> anyhow::Result<()> {
    let name = "a_model_without_a_key_says_what_to_do_and_the_next_one_answers";
    let Some(mock) = AiMock::start(name, &says_ready())? else {
        return Ok(());
    };
    let node = TestNode::start(&Options::default())?;
    let api = node.api()?;

    let used = said(&node.hearth(&["model", "use", "groq"])?);

    ensure!(used.contains("hearth config set-secret groq_key"), "{used}");
    let needs_key = |status: &Value| {
        let reason = status["facilities"]["model"]["reason"].as_str();
        reason.is_some_and(|reason| reason.contains("groq"))
    };
    let status = api.wait_for("/status", LIMIT, needs_key).await?;
    let remedy = status["facilities"]["model"]["remedy"]
        .as_str()
        .unwrap_or_default();
    ensure!(remedy.contains("groq_key"), "{status}");
    let show = said(&node.hearth(&["model", "show"])?);
    ensure!(
        show.contains("unusable") && show.contains("$0.59"),
        "{show}"
    );

    // As Ollama would be found at its usual place.
    let set = node.hearth(&["config", "set", "model.provider", "ollama"])?;
    ensure!(set.status.code() == Some(0), "{set:?}");
    let set = node.hearth(&["config", "set", "model.url", mock.url()])?;
    ensure!(set.status.code() == Some(0), "{set:?}");
    let set = node.hearth(&["config", "set", "model.name", "qwen3:8b"])?;
    ensure!(set.status.code() == Some(0), "{set:?}");
    let is_there = |status: &Value| status["facilities"]["model"]["is_available"] == true;
    api.wait_for("/status", LIMIT, is_there).await?;
    let test = api.post("/model/test", json!({})).await;
    ensure!(
        test.as_ref().is_ok_and(|test| test["answer"] == "ready"),
        "{test:?}"
    );
    Ok(())
}

#[test]
fn a_wrong_choice_of_a_model_changes_nothing_and_says_what_is_right() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let wrong: [(&[&str], &str); 5] = [
        (&["gorq"], "groq, openai"),
        (&["openai-compatible", "m"], "--server"),
        (&["openrouter"], "hearth model use openrouter NAME"),
        (
            &[
                "openai-compatible",
                "m",
                "--server",
                "https://a/v1?key=s3cret",
            ],
            "model.url must be",
        ),
        (&["none", "m"], "no model"),
    ];
    for (args, expected) in wrong {
        let output = command(folder.path())?
            .args(["model", "use"])
            .args(args)
            .stdin(Stdio::null())
            .output()?;
        let told = said(&output);
        ensure!(
            output.status.code() == Some(1) && told.contains(expected),
            "{told}"
        );
        ensure!(!told.contains("s3cret"), "{told}");
    }
    let settings = std::fs::read_to_string(folder.path().join("hearth.toml"))?;
    ensure!(!settings.contains("model"), "{settings}");
    Ok(())
}

#[test]
fn who_chooses_a_model_at_a_terminal_is_asked_for_its_key() -> anyhow::Result<()> {
    let Some(keyring) = TestKeyring::start()? else {
        let name = "who_chooses_a_model_at_a_terminal_is_asked_for_its_key";
        skip(
            name,
            "gnome-keyring-daemon, dbus-daemon or dbus-send is not installed",
        );
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let hearth = |args: &[&str]| -> anyhow::Result<std::process::Command> {
        let mut hearth = command(folder.path())?;
        hearth
            .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
            .args(args)
            .stdin(Stdio::null());
        Ok(hearth)
    };
    let terminal = nix::pty::openpty(None, None)?;
    let mut keyboard = std::fs::File::from(terminal.master);
    let mut child = hearth(&["model", "use", "groq"])?
        .stdin(Stdio::from(terminal.slave))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut asked = String::new();
    let stderr = child.stderr.take().context("no stderr")?;
    BufReader::new(stderr).read_line(&mut asked)?;
    ensure!(asked.contains("your key for groq"), "{asked}");
    writeln!(keyboard, "{SECRET}")?;

    let used = child.wait_with_output()?;

    ensure!(
        used.status.success() && said(&used).contains("llama-3.3-70b-versatile"),
        "{used:?}"
    );
    let settings = std::fs::read_to_string(folder.path().join("hearth.toml"))?;
    ensure!(
        settings.ends_with("\n[model]\nprovider = \"groq\"\n"),
        "{settings}"
    );
    let shown = hearth(&["--json", "config", "show"])?.output()?;
    let shown: Value = serde_json::from_slice(&shown.stdout)?;
    ensure!(
        shown["secrets"]["groq_key"]["source"] == "keyring",
        "{shown}"
    );
    ensure!(!shown.to_string().contains(SECRET));
    // It is there, and not asked for again.
    let again = hearth(&["model", "use", "groq", "openai/gpt-oss-20b"])?.output()?;
    ensure!(
        again.status.success() && said(&again).contains("hearth model test"),
        "{again:?}"
    );
    Ok(())
}
