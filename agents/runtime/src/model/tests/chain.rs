//! Several servers: who is asked again, who is left alone, and who is asked instead.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hearth_app::language_model::{Origin, Standing};
use serde_json::json;

use super::server::{Reply, Server, delta, events_of, refusal, says, stream};
use super::*;

fn both(first: &Server, second: &Server, patience: Patience) -> Models {
    Models::configured(Config {
        chain: vec![
            choice(first, Preset::Groq),
            choice(second, Preset::Compatible),
        ],
        patience,
        ..Config::default()
    })
}

async fn ask(models: &Models) -> Result<Answer, AskError> {
    models
        .ask(&request("Hi"), None, &CancellationToken::new())
        .await
}

#[tokio::test]
async fn what_passes_is_asked_again() {
    for status in [408, 409, 429, 500, 503] {
        let server = Server::with([refusal(status, "later"), says("Yes.")]).await;

        let answer = ask(&once(&server, Preset::Compatible)).await.unwrap();

        assert_eq!(
            (answer.text.as_str(), server.asked().len()),
            ("Yes.", 2),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_server_is_asked_three_times_and_not_more() {
    let server = Server::with([]).await;

    let error = ask(&once(&server, Preset::Compatible)).await.unwrap_err();

    assert!(matches!(error, AskError::None(_)), "{error}");
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn the_time_that_a_server_names_is_waited_for() {
    let later = Reply::Whole(429, "retry-after: 0.2\r\n", "{}".into());
    let server = Server::with([later, says("Yes.")]).await;
    let began = Instant::now();

    ask(&once(&server, Preset::Compatible)).await.unwrap();

    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_server_that_wants_to_rest_for_long_is_left_alone_so_long() {
    let later = Reply::Whole(429, "retry-after: 300\r\n", "{}".into());
    let first = Server::with([later, says("never")]).await;
    let second = Server::with([says("Yes."), says("Yes.")]).await;
    let models = both(&first, &second, quick());

    ask(&models).await.unwrap();
    ask(&models).await.unwrap();

    assert_eq!((first.asked().len(), second.asked().len()), (1, 2));
    let state = models.state();
    assert_eq!(state[0].standing, Standing::Resting);
    assert!(state[0].retry_in.unwrap() > Duration::from_secs(250));
    assert!(state[1].is_current && state[1].origin == Origin::Fallback);
}

#[tokio::test]
async fn a_key_that_is_not_taken_shows_in_the_state_and_the_key_does_not() {
    let first = Server::with([refusal(401, "wrong key s3cret")]).await;
    let second = Server::with([says("Yes.")]).await;
    let models = both(&first, &second, quick());

    let answer = ask(&models).await.unwrap();

    assert_eq!(answer.provider, "openai-compatible");
    assert_eq!(first.asked().len(), 1);
    let state = &models.state()[0];
    assert_eq!(state.detail, "groq answered 401");
    assert_eq!(state.reason, "groq does not take its key");
    assert!(state.remedy.contains("set-secret groq_key"));
    let facility = models.facility();
    assert!(facility.is_available && facility.reason.contains("in the place of groq"));
    assert!(!format!("{state:?} {models:?} {facility:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_server_that_fails_five_times_is_left_alone_and_then_tried_once() {
    let server = Server::with((0..5).map(|_| refusal(500, "no")).chain([says("Yes.")])).await;
    let models = Models::configured(Config {
        chain: vec![choice(&server, Preset::Compatible)],
        patience: Patience {
            tries: 1,
            rest: Duration::from_millis(100),
            ..quick()
        },
        ..Config::default()
    });
    let mut changes = models.changed();
    for _ in 0..5 {
        ask(&models).await.unwrap_err();
    }

    assert!(models.current().is_none() && changes.has_changed().unwrap());
    assert!(!models.facility().is_available);
    ask(&models).await.unwrap_err();
    assert_eq!(server.asked().len(), 5);

    tokio::time::sleep_until(models.next_try().unwrap()).await;
    changes.borrow_and_update();
    assert!(models.current().is_some());
    assert_eq!(ask(&models).await.unwrap().text, "Yes.");
    assert_eq!(models.state()[0].standing, Standing::Ready);
    assert!(changes.has_changed().unwrap());
}

#[tokio::test]
async fn the_next_is_not_asked_after_something_was_said() {
    let cut = events_of(&[delta(&json!({"content": "The answer is"}))]);
    let first = Server::with([Reply::Pieces(cut)]).await;
    let second = Server::with([says("never")]).await;

    let error = ask(&both(&first, &second, quick())).await.unwrap_err();

    assert!(matches!(error, AskError::BrokenOff(_)), "{error}");
    assert!(second.asked().is_empty());
}

#[tokio::test]
async fn what_a_paid_server_may_have_made_is_not_asked_for_again() {
    let cut = || {
        Reply::Whole(
            200,
            "content-type: application/json\r\n",
            "{\"choices\": [".into(),
        )
    };
    let filtered = || {
        let end = json!({"choices": [{"delta": {}, "finish_reason": "content_filter"}]});
        Reply::Pieces(events_of(&[end]))
    };
    let (first, second) = (
        Server::with([cut(), filtered()]).await,
        Server::with([says("never")]).await,
    );
    let models = both(&first, &second, quick());

    let broken = ask(&models).await.unwrap_err();
    let spoiled = ask(&models).await.unwrap_err();

    assert!(matches!(broken, AskError::BrokenOff(_)), "{broken}");
    assert!(matches!(spoiled, AskError::Spoiled { .. }), "{spoiled}");
    assert_eq!((first.asked().len(), second.asked().len()), (2, 0));
    // One that costs nothing is asked once more.
    let free = Server::with([cut(), says("Yes.")]).await;
    assert_eq!(
        ask(&once(&free, Preset::Compatible)).await.unwrap().text,
        "Yes."
    );
}

#[tokio::test]
async fn a_stream_of_a_paid_server_that_breaks_before_its_first_piece_may_have_to_be_paid_for() {
    let first = Server::with([Reply::Pieces(vec![": hello\n\n".into()]), says("never")]).await;
    let second = Server::with([says("never")]).await;

    let broken = ask(&both(&first, &second, quick())).await;

    assert!(matches!(broken, Err(AskError::BrokenOff(_))), "{broken:?}");
    assert_eq!(end_of(&broken), CallEnd::Unknown);
    assert_eq!((first.asked().len(), second.asked().len()), (1, 0));
}

#[tokio::test]
async fn a_paid_server_that_is_late_may_have_to_be_paid_for_and_nobody_is_asked_instead() {
    let short = Duration::from_millis(300);
    let first_byte = Patience {
        first_byte: short,
        ..quick()
    };
    let whole = Patience {
        whole: short,
        ..quick()
    };
    // Nobody takes its connections, which come about all the same: the request is sent.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute = format!("http://{}", mute.local_addr().unwrap());
    let second = Server::with([says("never")]).await;
    let in_front = |url: String, patience| {
        Models::configured(Config {
            chain: vec![
                Choice {
                    url: Some(url),
                    ..choice(&second, Preset::Groq)
                },
                choice(&second, Preset::Compatible),
            ],
            patience,
            ..Config::default()
        })
    };

    for patience in [first_byte, whole] {
        let begins = Server::with([Reply::Then(vec![]), says("never")]).await;
        for url in [mute.clone(), begins.url()] {
            let late = ask(&in_front(url, patience)).await;

            assert!(matches!(late, Err(AskError::BrokenOff(_))), "{late:?}");
            assert_eq!(end_of(&late), CallEnd::Unknown);
        }
        assert_eq!(begins.asked().len(), 1);
    }
    assert!(second.asked().is_empty());
}

#[tokio::test]
async fn an_answer_that_was_stopped_for_its_content_costs_what_the_server_says_or_the_worst_case() {
    let filtered = |usage: serde_json::Value| {
        let end = json!({"choices": [{"delta": {}, "finish_reason": "content_filter"}],
            "usage": usage});
        stream(&[end])
    };
    let refused = json!({
        "content": [], "stop_reason": "refusal",
        "usage": {"input_tokens": 30, "output_tokens": 4},
    });
    let tokens = |end: CallEnd| match end {
        CallEnd::Used { usage, .. } => Some((
            usage.input_tokens,
            usage.output_tokens,
            usage.usd_micros > 0,
        )),
        CallEnd::NotSent | CallEnd::Unknown => None,
    };
    let told = json!({"prompt_tokens": 30, "completion_tokens": 4});
    // How much was written and held back is not known.
    let half = json!({"prompt_tokens": 30});
    for (preset, reply, used) in [
        (Preset::Groq, filtered(told), Some((30, 4, true))),
        (Preset::Groq, filtered(half), None),
        (Preset::Groq, filtered(json!(null)), None),
        (
            Preset::Anthropic,
            Reply::Whole(200, "", refused.to_string()),
            Some((30, 4, true)),
        ),
    ] {
        let server = Server::with([reply, says("never")]).await;

        let spoiled = ask(&once(&server, preset)).await;

        assert!(
            matches!(spoiled, Err(AskError::Spoiled { .. })),
            "{spoiled:?}"
        );
        let end = end_of(&spoiled);
        assert_ne!(end, CallEnd::NotSent);
        assert_eq!(tokens(end), used);
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_paid_answer_that_is_too_long_counts_at_its_worst_case() {
    let long = events_of(&[delta(&json!({"content": "word ".repeat(60_000)}))]);
    let server = Server::with([Reply::Pieces(long), says("never")]).await;

    let spoiled = ask(&once(&server, Preset::Groq)).await;

    assert!(
        matches!(spoiled, Err(AskError::Spoiled { usage: None, .. })),
        "{spoiled:?}"
    );
    assert_eq!(end_of(&spoiled), CallEnd::Unknown);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn what_a_paid_server_refuses_with_a_status_costs_nothing() {
    for status in [400, 401, 404, 422] {
        let server = Server::with([refusal(status, "no")]).await;

        let refused = ask(&once(&server, Preset::Groq)).await;

        assert_eq!(end_of(&refused), CallEnd::NotSent, "{refused:?}");
    }
}

#[tokio::test]
async fn what_may_be_spent_holds_those_that_rest_as_their_rest_may_end() {
    let first = Server::with([refusal(401, "no")]).await;
    let second = Server::with([says("Yes.")]).await;
    let alone = once(&first, Preset::Groq);
    let models = both(&first, &second, quick());
    let dear = alone.worst_case(&request("Hi")).unwrap();
    assert!(dear.usd_micros > 0);

    ask(&models).await.unwrap();
    assert_eq!(models.state()[0].standing, Standing::Resting);
    assert_eq!(models.worst_case(&request("Hi")), Some(dear));

    // Where every one rests, the first may be back before it is asked.
    for _ in 0..quick().failures {
        ask(&alone).await.unwrap_err();
    }
    assert!(alone.current().is_none());
    assert_eq!(alone.worst_case(&request("Hi")), Some(dear));
}

#[test]
fn what_may_be_spent_holds_a_server_of_ones_own_that_may_be_started_meanwhile() {
    let models = Models::configured(Config {
        chain: vec![Choice {
            output_price: Some(9_000_000),
            ..Choice::of(Preset::Ollama)
        }],
        ..Config::default()
    });

    let worst = models.worst_case(&request("Hi")).unwrap();

    // It has no model yet, and its owner said what the power for it costs.
    assert!(models.current().is_none());
    assert_eq!(worst.usd_micros, 900);
}

#[test]
fn what_passes_calls_on_to_a_paid_provider_costs_what_that_does() {
    let priced = |preset: Preset, url: &str| {
        let models = Models::configured(Config {
            chain: vec![Choice {
                model: Some("m".into()),
                url: Some(url.into()),
                key: (preset.key() != KeyNeed::None).then(|| Key::new("s3cret")),
                ..Choice::of(preset)
            }],
            ..Config::default()
        });
        let current = models.current().unwrap();
        (current.input_price > 0, current.output_price > 0)
    };

    for preset in Preset::ALL {
        let is_paid = preset.key() == KeyNeed::Needed;
        for url in ["http://127.0.0.1:4000/v1", "http://localhost:4000/v1"] {
            assert_eq!(priced(preset, url), (is_paid, is_paid), "{preset}");
        }
    }
    // Who answers elsewhere is not known.
    let elsewhere = "https://models.example.org/v1";
    assert_eq!(priced(Preset::Compatible, elsewhere), (true, true));
}

#[tokio::test]
async fn what_may_be_spent_is_the_most_that_any_of_the_chain_costs() {
    let (first, second) = (Server::with([]).await, Server::with([]).await);
    let mut dear = choice(&second, Preset::Compatible);
    (dear.input_price, dear.output_price) = (Some(9_000_000), Some(9_000_000));
    let models = Models::configured(Config {
        chain: vec![choice(&first, Preset::Compatible), dear],
        patience: quick(),
        ..Config::default()
    });

    let worst = models.worst_case(&request("Hi")).unwrap();

    // The first is on this machine and costs nothing.
    assert!(worst.usd_micros >= 900, "{worst:?}");
    assert_eq!(worst.output_tokens, 100);
}

#[test]
fn a_price_that_nobody_knows_is_the_highest_and_is_told() {
    let mut unknown = Choice::of(Preset::OpenRouter);
    unknown.model = Some("somebody/something".into());
    unknown.key = Some(Key::new("s3cret"));
    let of = |choice: Choice| {
        Models::configured(Config {
            chain: vec![choice],
            ..Config::default()
        })
    };

    let facility = of(unknown.clone()).facility();
    assert!(
        facility.is_available && facility.reason.contains("$15/$75"),
        "{facility:?}"
    );
    assert_eq!(
        of(unknown.clone()).current().unwrap().input_price,
        15_000_000
    );

    (unknown.input_price, unknown.output_price) = (Some(1), Some(2));
    let told = of(unknown);
    assert_eq!(told.facility(), hearth_app::Facility::works());
    assert_eq!(told.current().unwrap().output_price, 2);
}

#[test]
fn what_is_missing_is_named_with_what_mends_it() {
    let remedy = |choice: Choice| {
        let models = Models::configured(Config {
            chain: vec![choice],
            ..Config::default()
        });
        let facility = models.facility();
        assert!(
            !facility.is_available && models.current().is_none(),
            "{facility:?}"
        );
        (facility.reason, facility.remedy)
    };
    let with_key = |preset, url: Option<&str>| Choice {
        key: Some(Key::new("s3cret")),
        url: url.map(str::to_owned),
        model: Some("m".into()),
        ..Choice::of(preset)
    };

    let (reason, mends) = remedy(Choice::of(Preset::Groq));
    assert_eq!(reason, "groq needs a key");
    assert!(
        mends.contains("hearth config set-secret groq_key"),
        "{mends}"
    );
    let (_, mends) = remedy(Choice::of(Preset::Compatible));
    assert!(mends.contains("model.url"), "{mends}");
    let (_, mends) = remedy(Choice {
        model: None,
        ..with_key(Preset::OpenRouter, None)
    });
    assert!(mends.contains("model.name"), "{mends}");
    // A key that anybody on the way could read is not sent.
    let (reason, _) = remedy(with_key(Preset::Compatible, Some("http://192.0.2.1/v1")));
    assert!(reason.contains("without encryption"), "{reason}");
    let (reason, mends) = remedy(Choice {
        key_trouble: Some("the keyring is locked".into()),
        ..Choice::of(Preset::OpenAi)
    });
    assert!(
        reason.contains("locked") && mends.contains("HEARTH_SECRET_OPENAI_KEY"),
        "{mends}"
    );
}

#[tokio::test]
async fn a_model_that_stays_keeps_what_is_known_of_it() {
    let first = Server::with([refusal(401, "no")]).await;
    let second = Server::with([says("Yes.")]).await;
    let models = both(&first, &second, quick());
    ask(&models).await.unwrap();
    let config = |key: &str| Config {
        chain: vec![Choice {
            key: Some(Key::new(key)),
            ..choice(&first, Preset::Groq)
        }],
        patience: quick(),
        ..Config::default()
    };

    models.reconfigure(config("s3cret"));
    assert_eq!(models.state()[0].standing, Standing::Resting);

    models.reconfigure(config("another"));
    assert_eq!(models.state()[0].standing, Standing::Ready);
}

#[tokio::test]
async fn a_server_has_no_more_requests_at_once_than_it_should() {
    let server = Server::answering(|_| {
        let end = json!({"choices": [{"delta": {"content": "Yes."}, "finish_reason": "stop"}]});
        Reply::Slow(events_of(&[end]).remove(0))
    })
    .await;
    let models = Models::configured(Config {
        chain: vec![choice(&server, Preset::Compatible)],
        patience: Patience {
            at_once: 2,
            ..quick()
        },
        ..Config::default()
    });

    let asked = futures_util::future::join_all((0..8).map(|_| ask(&models))).await;

    assert!(asked.iter().all(Result::is_ok), "{asked:?}");
    assert_eq!(server.most_at_once(), 2);
}

#[tokio::test]
async fn a_redirect_is_not_followed_because_the_key_is_for_the_server_that_was_named() {
    let other = Server::with([says("never")]).await;
    let location = format!("location: {}/chat/completions\r\n", other.url());
    // Lives as long as the test, as every header of the server does.
    let location: &'static str = Box::leak(location.into_boxed_str());
    let server = Server::with([Reply::Whole(307, location, String::new())]).await;
    let models = once(&server, Preset::Compatible);

    let error = ask(&models).await.unwrap_err();

    assert!(error.to_string().contains("answered 307"), "{error}");
    assert!(other.asked().is_empty());
    assert!(models.state()[0].remedy.contains("model.url"));
}

#[tokio::test]
async fn a_server_whose_certificate_nobody_vouches_for_is_not_asked() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            assert!(acceptor.accept(stream).await.is_err());
        }
    });
    let chosen = Choice {
        model: Some("m".into()),
        url: Some(format!("https://localhost:{port}")),
        ..Choice::of(Preset::Compatible)
    };
    let models = Models::configured(Config {
        chain: vec![chosen],
        patience: quick(),
        ..Config::default()
    });

    let error = ask(&models).await.unwrap_err();

    assert!(error.to_string().contains("certificate"), "{error}");
    serving.abort();
}

#[tokio::test]
async fn a_call_that_is_cancelled_while_it_tries_leaves_the_try_to_the_next() {
    let hangs = Reply::Then(events_of(&[delta(&json!({"content": "Well,"}))]));
    let server = Server::with([refusal(401, "no"), hangs, says("Yes.")]).await;
    let models = Models::configured(Config {
        chain: vec![choice(&server, Preset::Compatible)],
        patience: Patience {
            rest: Duration::from_millis(1),
            ..quick()
        },
        ..Config::default()
    });
    ask(&models).await.unwrap_err();
    if let Some(until) = models.next_try() {
        tokio::time::sleep_until(until).await;
    }
    let stop = CancellationToken::new();
    let hear = |_: &str| stop.cancel();
    let stopped = models.ask(&request("Hi"), Some(&hear), &stop).await;
    assert_eq!(stopped, Err(AskError::Stopped));

    assert_eq!(ask(&models).await.unwrap().text, "Yes.");
}
