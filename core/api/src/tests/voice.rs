//! Hearing and speaking over HTTP, by a voice that hears what a test says.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use hearth_app::voice::{
    PttAct, PttFuture, PttStage, PttState, PttTurn, PushToTalk, Segment, Speech, Transcript, Voice,
    VoiceError, VoiceFuture, Wanted,
};
use http::StatusCode;
use serde_json::{Value, json};

use super::support::{Answer, TestApi};

/// Hears the bytes of a recording as text: `~` is silence, `!` is no recording, `?` finds nothing to hear
/// with, and `#` fails. Speaks by writing down what it was asked for.
#[derive(Default)]
pub(super) struct Parrot {
    wanted: Mutex<Vec<Wanted>>,
}

impl Voice for Parrot {
    fn transcribe(&self, recording: Bytes, wanted: Wanted) -> VoiceFuture<'_, Transcript> {
        self.wanted.lock().unwrap().push(wanted);
        let text = String::from_utf8(recording.to_vec()).unwrap_or_default();
        let heard = match text.as_str() {
            "~" => Ok(Transcript {
                is_silence: true,
                duration: Duration::from_secs(2),
                ..Transcript::default()
            }),
            "!" => Err(VoiceError::Refused {
                code: "invalid_audio",
                field: "file",
                problem: "cannot be used: the recording is empty".into(),
            }),
            "?" => Err(VoiceError::NotSetUp("install a model".into())),
            "#" => Err(VoiceError::Failed("it ended".into())),
            _ => Ok(Transcript {
                segments: vec![Segment {
                    start: Duration::from_millis(250),
                    end: Duration::from_millis(1_500),
                    text: text.clone(),
                }],
                text,
                language: Some("en".into()),
                duration: Duration::from_secs(2),
                is_silence: false,
                is_cut: false,
            }),
        };
        Box::pin(std::future::ready(heard))
    }

    fn speak(&self, speech: Speech) -> VoiceFuture<'_, Bytes> {
        let said = match speech.voice.as_deref() {
            Some("nobody") => Err(VoiceError::Refused {
                code: "invalid_input",
                field: "voice",
                problem: "is none that is here".into(),
            }),
            _ => Ok(format!("{speech:?}").into()),
        };
        Box::pin(std::future::ready(said))
    }
}

/// A key without a microphone.
#[derive(Default)]
pub(super) struct Key(Mutex<PttState>);

impl PushToTalk for Key {
    fn act(&self, act: PttAct) -> PttFuture<'_> {
        let mut state = self.0.lock().unwrap();
        state.stage = match act {
            PttAct::Down => PttStage::Listening,
            PttAct::Up | PttAct::Toggle | PttAct::Cancel => PttStage::Idle,
        };
        if act == PttAct::Up {
            state.turns += 1;
            state.last = Some(PttTurn {
                heard: "hello".into(),
                answer: "hi".into(),
                ..PttTurn::default()
            });
        }
        let result = if act == PttAct::Toggle {
            Err(VoiceError::NotSetUp("there is no microphone".into()))
        } else {
            Ok(state.clone())
        };
        Box::pin(std::future::ready(result))
    }

    fn state(&self) -> PttState {
        self.0.lock().unwrap().clone()
    }
}

const FORM: &str = "multipart/form-data; boundary=B";

/// A form with text parts around a recording.
fn form(recording: &str, parts: &[(&str, &str)]) -> String {
    let mut body = format!(
        "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\
         Content-Type: audio/wav\r\n\r\n{recording}\r\n"
    );
    for (name, text) in parts {
        body.push_str(&format!(
            "--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"
        ));
    }
    body + "--B--\r\n"
}

async fn send(api: &TestApi, path: &str, body: String) -> Answer {
    let call = api.call("POST", path).header("content-type", FORM);
    call.bytes(body).send().await
}

async fn transcribed(api: &TestApi, recording: &str, parts: &[(&str, &str)]) -> Answer {
    send(api, "/v1/audio/transcriptions", form(recording, parts)).await
}

async fn utter(api: &TestApi, recording: &str, parts: &[(&str, &str)]) -> Answer {
    send(api, "/api/v1/voice/utterance", form(recording, parts)).await
}

/// The error in OpenAI's shape.
#[track_caller]
fn error(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    let body: Value = serde_json::from_slice(&answer.bytes).unwrap();
    let error = body["error"].clone();
    assert!(
        error["message"].is_string() && error["type"].is_string(),
        "{body}"
    );
    error
}

#[tokio::test]
async fn a_transcript_comes_in_each_format() {
    let api = TestApi::start().await;
    let parts = |format| {
        [
            ("model", "whisper-1"),
            ("response_format", format),
            ("temperature", "0"),
        ]
    };

    let json = transcribed(&api, "hello", &[("model", "x")]).await;
    assert_eq!(json.expect(StatusCode::OK), json!({"text": "hello"}));
    let text = transcribed(&api, "hello", &parts("text")).await;
    assert_eq!(
        (text.status, text.text().as_str()),
        (StatusCode::OK, "hello\n")
    );
    let srt = transcribed(&api, "hello", &parts("srt")).await;
    assert_eq!(srt.text(), "1\n00:00:00,250 --> 00:00:01,500\nhello\n\n");
    let vtt = transcribed(&api, "hello", &parts("vtt")).await;
    assert_eq!(
        vtt.text(),
        "WEBVTT\n\n00:00:00.250 --> 00:00:01.500\nhello\n\n"
    );
    let verbose = transcribed(&api, "hello", &parts("verbose_json")).await;
    let verbose = verbose.expect(StatusCode::OK);
    assert_eq!(verbose["language"], "en");
    assert_eq!(verbose["duration"], 2.0);
    assert_eq!(verbose["segments"][0]["start"], 0.25);
    assert_eq!(verbose["segments"][0]["text"], "hello");
}

#[tokio::test]
async fn silence_has_no_words() {
    let api = TestApi::start().await;

    let answer = transcribed(&api, "~", &[]).await;

    assert_eq!(answer.expect(StatusCode::OK), json!({"text": ""}));
}

#[tokio::test]
async fn what_is_asked_for_reaches_whoever_hears() {
    let api = TestApi::start().await;
    let parts = [
        ("language", "DE"),
        ("prompt", "Rosen"),
        ("response_format", "srt"),
    ];

    transcribed(&api, "hallo", &parts).await;

    let wanted = api.parrot.wanted.lock().unwrap().pop().unwrap();
    assert_eq!(wanted.language.as_deref(), Some("de"));
    assert_eq!(wanted.prompt.as_deref(), Some("Rosen"));
    assert!(wanted.wants_times);
}

#[tokio::test]
async fn errors_have_the_shape_that_its_clients_know() {
    let api = TestApi::start().await;
    let path = "/v1/audio/transcriptions";

    let no_key = api.call("POST", path).key(None).send().await;
    assert_eq!(error(&no_key, 401)["code"], "invalid_api_key");
    let broken = transcribed(&api, "!", &[]).await;
    let broken = error(&broken, 400);
    assert_eq!(
        (&broken["code"], &broken["param"]),
        (&json!("invalid_audio"), &json!("file"))
    );
    let missing = transcribed(&api, "?", &[]).await;
    let header = missing.header("retry-after").to_owned();
    let missing = error(&missing, 503);
    assert_eq!(
        (header.as_str(), &missing["message"]),
        ("60", &json!("install a model"))
    );
    assert_eq!(missing["type"], "server_error");
    for (parts, field) in [
        ([("response_format", "mp4")], "response_format"),
        ([("language", "German")], "language"),
        (
            [("timestamp_granularities[]", "word")],
            "timestamp_granularities",
        ),
        ([("stream", "true")], "stream"),
    ] {
        let refused = transcribed(&api, "x", &parts).await;
        assert_eq!(error(&refused, 400)["param"], field);
    }
    let no_file = send(&api, path, "--B--\r\n".into()).await;
    assert_eq!(error(&no_file, 400)["param"], "file");
    let json = api.post(path, json!({})).await;
    error(&json, 415);
    let nothing = api.call("GET", "/v1/models").send().await;
    assert_eq!(error(&nothing, 404)["code"], "no_such_path");
}

#[tokio::test]
async fn a_recording_over_the_limit_is_refused_while_it_comes() {
    let api = TestApi::start().await;
    let large = "x".repeat(64 * 1024 + 1);

    for path in ["/v1/audio/transcriptions", "/api/v1/voice/utterance"] {
        let answer = send(&api, path, form(&large, &[])).await;
        assert_eq!(
            answer.status,
            StatusCode::PAYLOAD_TOO_LARGE,
            "{}",
            answer.text()
        );
        assert!(
            answer.text().contains("voice.max_upload_mb"),
            "{}",
            answer.text()
        );
    }
    assert!(api.parrot.wanted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_text_is_spoken_as_the_file_that_was_asked_for() {
    let api = TestApi::start().await;
    let say = async |body: Value| api.post("/v1/audio/speech", body).await;

    let usual = say(json!({"model": "tts-1", "input": "Hi", "voice": "alloy"})).await;
    assert_eq!(usual.header("content-type"), "audio/wav");
    assert!(
        usual.text().contains("format: Wav, voice: None"),
        "{}",
        usual.text()
    );
    let opus = json!({"input": "Hi", "voice": "de", "response_format": "opus", "speed": 1.5});
    let opus = say(opus).await;
    assert_eq!(opus.header("content-type"), "audio/ogg");
    assert!(
        opus.text().contains("voice: Some(\"de\"), speed: 1.5"),
        "{}",
        opus.text()
    );
    for (body, field) in [
        (
            json!({"input": "Hi", "response_format": "mp3"}),
            "response_format",
        ),
        (json!({"input": "Hi", "voice": "nobody"}), "voice"),
        (json!({"input": "Hi", "speed": 9}), "speed"),
        (json!({"input": " "}), "input"),
        (json!({"voice": "alloy"}), "input"),
    ] {
        let refused = say(body).await;
        assert_eq!(error(&refused, 400)["param"], field);
    }
}

#[tokio::test]
async fn what_is_said_is_answered_in_the_conversation_that_is_named() {
    let api = TestApi::start().await;

    let first = utter(&api, "hello", &[]).await.expect(StatusCode::OK);
    let id = first["conversation_id"].as_str().unwrap();
    let second = utter(&api, "again", &[("conversation_id", id)]).await;
    let second = second.expect(StatusCode::OK);

    assert_eq!(first["transcript"]["text"], "hello");
    assert_eq!(first["transcript"]["language"], "en");
    assert_eq!(first["response"], "You said hello. Before: null.");
    assert_eq!(first["actions"][0]["name"], "hello");
    assert_eq!(second["response"], "You said again. Before: \"hello\".");
    let other = uuid::Uuid::from_u128(7).to_string();
    let other = utter(&api, "x", &[("conversation_id", &other)]).await;
    assert_eq!(other.problem()["field"], "conversation_id");
    let unknown = utter(&api, "x", &[("colour", "red")]).await;
    assert_eq!(unknown.problem()["field"], "colour");
}

#[tokio::test]
async fn silence_is_no_message_and_says_so() {
    let api = TestApi::start().await;

    let answer = utter(&api, "~", &[]).await.expect(StatusCode::OK);

    assert_eq!(
        answer,
        json!({
            "transcript": {"text": "", "language": null, "duration_seconds": 2.0, "is_silence": true,
                "is_cut": false},
            "response": null, "conversation_id": null, "actions": [],
        })
    );
    let all = api.get("/api/v1/conversations").await;
    assert_eq!(all["items"], json!([]));
}

#[tokio::test]
async fn an_utterance_that_is_sent_again_is_said_once() {
    let api = TestApi::start().await;
    let send = async |recording: &str, boundary: &str| {
        let body = form(recording, &[]).replace("--B", &format!("--{boundary}"));
        api.call("POST", "/api/v1/voice/utterance")
            .header(
                "content-type",
                format!("multipart/form-data; boundary={boundary}"),
            )
            .header("idempotency-key", "k")
            .bytes(body)
            .send()
            .await
    };

    let first = send("hello", "B").await;
    let again = send("hello", "C").await;
    let other = send("else", "B").await;

    assert_eq!(first.expect(StatusCode::OK), again.expect(StatusCode::OK));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(other.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_recording_that_cannot_be_heard_is_kept_and_the_error_says_where() {
    let api = TestApi::start().await;

    let answer = utter(&api, "?", &[]).await;

    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let problem = answer.problem();
    assert_eq!(problem["code"], "no_voice");
    let detail = problem["detail"].as_str().unwrap();
    let id = detail.rsplit(' ').next().unwrap();
    let kept = api
        .call("GET", &format!("/api/v1/artifacts/{id}/content"))
        .send()
        .await;
    assert_eq!(kept.text(), "?");
    assert_eq!(kept.header("content-type"), "audio/wav");
    let failed = utter(&api, "#", &[]).await;
    assert_eq!(failed.problem()["code"], "voice_failed");
}

#[tokio::test]
async fn the_key_is_pressed_and_released_by_its_owner() {
    let api = TestApi::start().await;
    let path = "/api/v1/voice/ptt";
    let press = async |action: &str| api.post(path, json!({ "action": action })).await;

    let down = press("down").await.expect(StatusCode::OK);
    let up = press("up").await.expect(StatusCode::OK);

    assert_eq!(
        (&down["state"], &down["last"]),
        (&json!("listening"), &Value::Null)
    );
    assert_eq!((&up["state"], &up["turns"]), (&json!("idle"), &json!(1)));
    assert_eq!(api.get(path).await["last"]["response"], "hi");
    assert_eq!(press("hold").await.problem()["field"], "action");
    let none = press("toggle").await;
    assert_eq!(none.problem()["detail"], "there is no microphone");
}
