//! A try of the models: what is set aside for it, and what it used, however it ends.

use std::sync::Arc;

use hearth_app::AppError;
use hearth_app::language_model::{LanguageModels, ModelTest};

use super::server::{Reply, Server, refusal, says};
use super::*;

/// Tries these models, whose keys stay as they are.
async fn tried(models: Models) -> (Result<ModelTest, AppError>, CallEnd) {
    let nothing: Refresh = Arc::new(|| Box::pin(async {}));
    ModelDesk::new(models, nothing).test().await
}

#[tokio::test]
async fn what_a_try_may_use_is_told_with_the_keys_that_it_will_be_asked_with() {
    let server = Server::with([says("ready")]).await;
    let without = Choice {
        key: None,
        ..choice(&server, Preset::Groq)
    };
    let config = |choice: Choice| Config {
        chain: vec![choice],
        patience: quick(),
        ..Config::default()
    };
    let models = Models::configured(config(without));
    let (changing, found) = (models.clone(), config(choice(&server, Preset::Groq)));
    let refresh: Refresh = Arc::new(move || {
        let (models, config) = (changing.clone(), found.clone());
        Box::pin(async move { models.reconfigure(config) })
    });
    let desk = ModelDesk::new(models.clone(), refresh);
    assert_eq!(models.worst_case(&request("Hi")), None);

    let worst_case = desk.prepare_test().await.unwrap();
    let (tried, end) = desk.test().await;

    assert!(worst_case.usd_micros > 0, "{worst_case:?}");
    let tried = tried.unwrap();
    assert_eq!(tried.answer, "ready");
    let CallEnd::Used { usage, .. } = end else {
        panic!("{end:?}");
    };
    assert_eq!(usage, tried.usage);
    assert!(usage.usd_micros > 0 && usage.usd_micros <= worst_case.usd_micros);
}

#[tokio::test]
async fn a_try_that_no_server_took_used_nothing() {
    let (tried_none, end) = tried(Models::default()).await;
    assert!(tried_none.is_err());
    assert_eq!(end, CallEnd::NotSent);

    for status in [400, 401] {
        let server = Server::with([refusal(status, "no")]).await;
        let (refused, end) = tried(once(&server, Preset::Groq)).await;
        assert!(refused.is_err());
        assert_eq!(end, CallEnd::NotSent, "{status}");
    }
}

#[tokio::test]
async fn a_try_that_broke_off_counts_at_its_worst_case() {
    let server = Server::with([Reply::Pieces(vec![])]).await;

    let (broken, end) = tried(once(&server, Preset::Groq)).await;

    assert!(broken.is_err());
    assert_eq!(end, CallEnd::Unknown);
}
