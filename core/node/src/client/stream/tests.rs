use std::collections::VecDeque;

use futures_util::SinkExt;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::*;
use crate::client::{Key, Target};

/// Answers one connection after the other, each with the events it was given, and hangs up.
/// Returns its address, and what it was asked for once all were answered.
async fn node(connections: &[&[i64]]) -> (Client, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut connections: VecDeque<Vec<i64>> =
        connections.iter().map(|seqs| seqs.to_vec()).collect();
    let asked = tokio::spawn(async move {
        let mut asked = Vec::new();
        while let Some(seqs) = connections.pop_front() {
            let (stream, _) = listener.accept().await.unwrap();
            #[expect(clippy::result_large_err, reason = "the signature is the library's")]
            let note = |request: &Request, response: Response| {
                let authorization = request.headers()[AUTHORIZATION].to_str().unwrap();
                asked.push(format!("{} {authorization}", request.uri()));
                Ok(response)
            };
            let mut socket = tokio_tungstenite::accept_hdr_async(stream, note)
                .await
                .unwrap();
            for seq in seqs {
                let text = format!(r#"{{"seq":{seq},"type":"task.created"}}"#);
                socket.send(Message::text(text)).await.unwrap();
            }
            socket.close(None).await.unwrap();
        }
        asked
    });
    let target = Target {
        url: url.parse().unwrap(),
        key: Key::new("hearth_key").unwrap(),
    };
    (Client::new(target).unwrap(), asked)
}

#[tokio::test]
async fn a_lost_connection_leaves_no_gap_and_repeats_nothing() {
    let (client, asked) = node(&[&[4, 5], &[5, 6]]).await;
    let mut stream = client.events(3, vec![("type", "task.*".into())]);

    let mut seqs = Vec::new();
    for _ in 0..3 {
        seqs.push(stream.next().await.unwrap().event.seq);
    }

    assert_eq!(seqs, [4, 5, 6]);
    assert_eq!(
        asked.await.unwrap(),
        [
            "/api/v1/events/stream?after=3&type=task.* Bearer hearth_key",
            "/api/v1/events/stream?after=5&type=task.* Bearer hearth_key",
        ]
    );
}
