//! Groq's interface, against a server on this machine.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::super::*;
use super::noise;
use crate::audio::Clip;

const KEY: &str = "gsk_of_the_owner";

/// Answers one request, and returns what was asked.
async fn server(status: &'static str, body: &'static str) -> (String, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = request(&mut stream).await;
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        asked
    });
    (address, asked)
}

async fn request(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = vec![0; 64 * 1024];
        let count = stream.read(&mut buffer).await.unwrap();
        bytes.extend(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let (Some(head), Some(length)) = (text.find("\r\n\r\n"), length(&text)) else {
            assert!(count > 0, "the request broke off");
            continue;
        };
        // Positions in the text are not those in the bytes, but the head is plain.
        if bytes.len() >= head + 4 + length {
            return bytes;
        }
    }
}

fn length(text: &str) -> Option<usize> {
    let (_, after) = text.split_once("content-length: ")?;
    after.split("\r\n").next()?.parse().ok()
}

fn groq(address: &str) -> Groq {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Groq::new(client, KEY).at(address)
}

fn clip() -> Clip {
    Clip {
        samples: noise(2.0, 0.1),
    }
}

#[tokio::test]
async fn a_company_is_sent_a_recording_and_its_answer_is_read() {
    let body = r#"{"text": " Hello there. Thank you.", "language": "English", "duration": 2.0,
        "segments": [{"start": 0.1, "end": 0.9, "text": " Hello there.", "no_speech_prob": 0.1},
                     {"start": 0.9, "end": 1.9, "text": " Thank you.", "no_speech_prob": 0.9}]}"#;
    let (address, asked) = server("200 OK", body).await;
    let options = Options {
        language: Some("en".to_owned()),
        prompt: Some("Hearth".to_owned()),
        ..Options::default()
    };

    let transcript = groq(&address).transcribe(&clip(), &options).await.unwrap();

    assert_eq!(
        transcript.text, "Hello there.",
        "what is likely no speech is dropped"
    );
    assert_eq!(transcript.language.as_deref(), Some("english"));
    assert_eq!(transcript.segments[0].end, Duration::from_millis(900));
    let asked = asked.await.unwrap();
    let asked = String::from_utf8_lossy(&asked);
    for part in [
        "POST /v1/audio/transcriptions",
        "Bearer gsk_of_the_owner",
        "RIFF",
        "verbose_json",
        "whisper-large-v3-turbo",
        "name=\"language\"",
        "name=\"prompt\"",
    ] {
        assert!(
            asked.to_lowercase().contains(&part.to_lowercase()),
            "no {part} in the request"
        );
    }
}

#[tokio::test]
async fn silence_is_not_sent_to_a_company() {
    // Nothing listens there.
    let engine = groq("http://127.0.0.1:9/v1").speech_only();
    let silence = Clip {
        samples: vec![0.0; 32_000],
    };
    let options = Options::default();

    assert!(
        engine
            .transcribe(&silence, &options)
            .await
            .unwrap()
            .is_silence
    );
    assert!(!engine.is_local());
}

#[tokio::test]
async fn a_refusal_says_what_to_do_and_repeats_nothing_of_the_company() {
    for (status, word, is_transient) in [
        ("401 Unauthorized", "key", false),
        ("404 Not Found", "model", false),
        ("413 Payload Too Large", "too large", false),
        ("429 Too Many Requests", "a minute", true),
        ("503 Service Unavailable", "503", true),
    ] {
        let (address, _asked) = server(status, r#"{"error": "gsk_of_the_owner is no good"}"#).await;
        let options = Options::default();

        let error = groq(&address)
            .transcribe(&clip(), &options)
            .await
            .unwrap_err();

        let said = error.to_string();
        assert!(said.contains(word) && !said.contains("gsk_"), "{said}");
        assert_eq!(error.is_transient(), is_transient, "{said}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_transcript_is_an_error_and_no_silence() {
    for body in ["", "<html>", r#"{"segments": []}"#] {
        let (address, _asked) = server("200 OK", body).await;
        let options = Options::default();

        let error = groq(&address)
            .transcribe(&clip(), &options)
            .await
            .unwrap_err();

        assert!(error.to_string().contains("no transcript"), "{error}");
    }
}

#[tokio::test]
async fn a_company_that_cannot_be_reached_may_be_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let options = Options::default();

    let error = groq(&address)
        .transcribe(&clip(), &options)
        .await
        .unwrap_err();

    assert!(
        error.is_transient() && error.to_string().contains("network"),
        "{error}"
    );
}
