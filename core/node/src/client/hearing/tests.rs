use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::client::{Key, Target};

/// A node that answers one request with these pieces of a body, and then ends it.
async fn node(kind: &'static str, pieces: &'static [&'static str]) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let read = socket.read(&mut request).await.unwrap();
        let request = String::from_utf8_lossy(&request[..read]).to_lowercase();
        assert!(request.contains("accept: text/event-stream"), "{request}");
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        for piece in pieces {
            socket.write_all(piece.as_bytes()).await.unwrap();
            socket.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    Client::new(Target {
        url: format!("http://{address}").parse().unwrap(),
        key: Key::new("hearth_key").unwrap(),
    })
    .unwrap()
}

/// Says something; returns what was heard, and what came of it.
async fn say(client: &Client) -> (String, anyhow::Result<Answer>) {
    let mut heard = String::new();
    let answer = client
        .post_heard(&["chat"], &json!({"message": "hi"}), |piece| {
            match piece {
                Heard::Piece(text) => heard.push_str(text),
                Heard::Reset => heard.push('|'),
            }
            Ok(())
        })
        .await;
    (heard, answer)
}

#[tokio::test]
async fn an_answer_is_heard_in_pieces_wherever_they_are_cut() {
    let client = node(
        "text/event-stream",
        &[
            ": still at it\n\nevent: del",
            "ta\ndata: {\"text\":\"On\u{e9}.\"}\n\nevent: reset\ndata: {}\n\nevent: delta\r\ndata: {\"te",
            "xt\":\"Two.\"}\r\n\r\nevent: later\ndata: ?\n\nevent: done\ndata: {\"response\":\"Two.\"}\n\n",
        ],
    )
    .await;

    let (heard, answer) = say(&client).await;

    assert_eq!(heard, "On\u{e9}.|Two.");
    assert_eq!(answer.unwrap().text, "{\"response\":\"Two.\"}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    const SAID: &[&str] = &["event: delta\ndata: {\"text\":\"One.\"}\n\n"];
    let ends = node("text/event-stream", SAID).await;
    let fails = node(
        "text/event-stream",
        &["event: error\ndata: {\"status\":503,\"code\":\"busy\",\"detail\":\"the model is gone\"}\n\n"],
    )
    .await;

    let (heard, ended) = say(&ends).await;
    let (_, failed) = say(&fails).await;

    assert_eq!(heard, "One.");
    assert!(
        ended
            .unwrap_err()
            .to_string()
            .ends_with("broke off its answer")
    );
    assert_eq!(failed.unwrap_err().to_string(), "the model is gone");
}

#[tokio::test]
async fn a_node_that_does_not_stream_is_understood() {
    let client = node("application/json", &["{\"response\":\"Hello.\"}"]).await;

    let (heard, answer) = say(&client).await;

    assert_eq!(heard, "");
    assert_eq!(answer.unwrap().text, "{\"response\":\"Hello.\"}");
}
