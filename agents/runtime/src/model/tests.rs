mod asking;
mod chain;
mod facility;
mod local;
pub(crate) mod server;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use self::server::Server;
use super::*;
use crate::test_support::{Scripted, says};

fn request(text: &str) -> Request {
    Request {
        messages: vec![Message::User(text.into())],
        max_output_tokens: 100,
        ..Request::default()
    }
}

#[tokio::test]
async fn the_next_model_is_asked_where_one_does_not_answer() {
    let broken = Scripted::new([Err(AskError::None("it is off".into()))]);
    let works = Scripted::new([says("Hello.")]);
    let models = Models::new(vec![broken, works]);

    let answer = models
        .ask(&request("Hi"), None, &CancellationToken::new())
        .await;

    assert_eq!(answer.unwrap().text, "Hello.");
}

#[tokio::test]
async fn with_no_model_the_error_says_so() {
    let asked = Models::default()
        .ask(&request("Hi"), None, &CancellationToken::new())
        .await;

    assert!(matches!(asked, Err(AskError::None(_))));
    assert_eq!(Models::default().worst_case(&request("Hi")), None);
}

#[test]
fn the_worst_case_holds_all_that_is_sent_and_may_be_written() {
    let models = Models::new(vec![Scripted::new([])]);

    let short = models.worst_case(&request("Hi")).unwrap();
    let long = models.worst_case(&request(&"word ".repeat(1000))).unwrap();

    assert_eq!(short.output_tokens, 100);
    assert!(long.input_tokens > short.input_tokens + 1000);
    assert!(long.usd_micros > short.usd_micros + 1000);
}

/// Patience for tests: with servers at loopback, which answer at once or not at all.
fn quick() -> Patience {
    Patience {
        retry_pause: Duration::from_millis(2),
        look: Duration::from_secs(20),
        ..Patience::default()
    }
}

/// A server of these tests.
fn choice(server: &Server, preset: Preset) -> Choice {
    Choice {
        model: Some("m".into()),
        url: Some(server.url()),
        key: (preset.key() != KeyNeed::None).then(|| Key::new("s3cret")),
        ..Choice::of(preset)
    }
}

/// That server alone.
pub(crate) fn once(server: &Server, preset: Preset) -> Models {
    Models::configured(Config {
        chain: vec![choice(server, preset)],
        patience: quick(),
        ..Config::default()
    })
}

/// A server whose stream holds no calls of tools.
fn unstreamed(server: &Server) -> Arc<dyn Provider> {
    let client = http::client().unwrap();
    let choice = Choice {
        has_streamed_tools: Some(false),
        ..choice(server, Preset::Compatible)
    };
    Arc::new(remote::Remote::new(choice, client, quick()))
}
