//! Servers on this machine.

use hearth_app::language_model::Origin;
use serde_json::json;

use super::server::{Asked, Reply, Server, refusal, says};
use super::*;

/// Ports at which nothing answers.
async fn closed() -> Ports {
    let mut ports = Vec::new();
    for _ in 0..3 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        ports.push(listener.local_addr().unwrap().port());
    }
    Ports {
        ollama: ports[0],
        llama_server: ports[1],
        lm_studio: ports[2],
    }
}

fn looking(ports: Ports) -> Models {
    Models::configured(Config {
        find_local: true,
        ports,
        patience: quick(),
        ..Config::default()
    })
}

fn ok(body: &Value) -> Reply {
    Reply::Whole(200, "", body.to_string())
}

fn ollama(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/api/version" => ok(&json!({"version": "0.13.0"})),
        "/api/tags" => ok(&json!({"models": [
            {"name": "embed:latest"}, {"name": "old:7b"}, {"name": "qwen3:8b"}]})),
        "/api/show" => match asked.body["model"].as_str() {
            Some("embed:latest") => ok(&json!({"capabilities": ["embedding"]})),
            Some("old:7b") => ok(&json!({"capabilities": ["completion"]})),
            _ => ok(&json!({"capabilities": ["completion", "tools"],
                "model_info": {"qwen3.context_length": 40960}})),
        },
        _ => refusal(404, "no"),
    }
}

#[tokio::test]
async fn ollama_is_found_with_a_model_that_calls_tools() {
    let server = Server::answering(ollama).await;
    let models = looking(Ports {
        ollama: server.port,
        ..closed().await
    });

    assert!(models.look().await);

    let found = models.current().unwrap();
    assert_eq!(
        (found.provider.as_str(), found.model.as_str()),
        ("ollama", "qwen3:8b")
    );
    // Not all that the model could hold: the memory for it grows.
    assert_eq!((found.context_tokens, found.has_tools), (16_384, true));
    assert_eq!((found.input_price, found.output_price), (0, 0));
    assert_eq!(models.state()[0].origin, Origin::Found);
    assert!(!models.look().await);
}

#[tokio::test]
async fn llama_server_and_lm_studio_are_found_and_other_servers_are_not() {
    let llama = Server::answering(|asked| match asked.path.as_str() {
        "/health" => ok(&json!({"status": "ok"})),
        "/props" => ok(&json!({"default_generation_settings": {"n_ctx": 8192},
            "model_path": "/models/small.gguf", "chat_template": "{% if tools %}"})),
        _ => says("Yes."),
    })
    .await;
    let studio = Server::answering(|_| {
        ok(&json!({"object": "list", "data": [{"id": "text-embedding-x"}, {"id": "gemma"}]}))
    })
    .await;
    let other = Server::answering(|_| ok(&json!({"hello": "world"}))).await;
    let models = looking(Ports {
        ollama: other.port,
        llama_server: llama.port,
        lm_studio: studio.port,
    });

    models.look().await;

    let names: Vec<_> = models
        .state()
        .into_iter()
        .map(|state| (state.provider, state.model))
        .collect();
    let expected = [("llama-server", "small.gguf"), ("lmstudio", "gemma")];
    assert_eq!(names, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert_eq!(models.current().unwrap().context_tokens, 8192);
    let answer = models
        .ask(&request("Hi"), None, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(answer.text, "Yes.");
    assert_eq!(llama.asked().last().unwrap().path, "/v1/chat/completions");
}

#[tokio::test]
async fn a_call_that_finds_none_looks_but_not_again_at_once() {
    let server = Server::answering(|asked| match asked.path.as_str() {
        "/api/chat" => refusal(500, "no"),
        _ => ollama(asked),
    })
    .await;
    let models = looking(Ports {
        ollama: server.port,
        ..closed().await
    });
    let looks = || {
        server
            .asked()
            .iter()
            .filter(|asked| asked.path == "/api/version")
            .count()
    };

    let ask = || async {
        models
            .ask(&request("Hi"), None, &CancellationToken::new())
            .await
    };
    ask().await.unwrap_err();
    ask().await.unwrap_err();

    assert_eq!(looks(), 1);
    assert!(server.asked().iter().any(|asked| asked.path == "/api/chat"));
}

#[tokio::test]
async fn nothing_is_looked_for_where_the_owner_does_not_want_it() {
    let server = Server::answering(ollama).await;
    let ports = Ports {
        ollama: server.port,
        ..closed().await
    };
    let models = Models::configured(Config {
        ports,
        patience: quick(),
        ..Config::default()
    });

    assert!(!models.look().await);
    models
        .ask(&request("Hi"), None, &CancellationToken::new())
        .await
        .unwrap_err();

    assert!(server.asked().is_empty() && models.current().is_none());
}

#[tokio::test]
async fn a_server_of_ones_own_that_was_chosen_says_which_model_it_has() {
    let server = Server::answering(ollama).await;
    let mut chosen = choice(&server, Preset::Ollama);
    chosen.model = None;
    let models = Models::configured(Config {
        chain: vec![chosen],
        patience: quick(),
        ..Config::default()
    });
    assert!(models.current().is_none());

    models.look().await;

    assert_eq!(models.current().unwrap().model, "qwen3:8b");
}

#[tokio::test]
async fn a_server_that_went_is_not_asked_any_more() {
    let server = Server::answering(ollama).await;
    let models = looking(Ports {
        ollama: server.port,
        ..closed().await
    });
    models.look().await;
    drop(server);

    models.look().await;

    assert!(models.current().is_none() && models.state().is_empty());
}
