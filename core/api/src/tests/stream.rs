//! The stream of events, over a socket of this machine, and the connection loop under it.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::support::TestApi;
use crate::routes::stream::Pace;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

struct Served {
    api: TestApi,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Served {
    async fn start(pace: Pace, max_subscribers: usize) -> Self {
        let api = TestApi::start_with(pace, max_subscribers).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (router, config) = (api.router.clone(), api.config.clone());
        let shutdown = api.shutdown.clone();
        let serving = tokio::spawn(async move {
            crate::serve(listener, router, &config, shutdown).await;
        });
        Self {
            api,
            address,
            serving,
        }
    }

    async fn subscribe(&self, query: &str) -> Result<Socket, Error> {
        self.subscribe_as(&self.api.viewer, query).await
    }

    async fn subscribe_as(&self, key: &str, query: &str) -> Result<Socket, Error> {
        let url = format!("ws://{}/api/v1/events/stream{query}", self.address);
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("x-api-key", key.parse().unwrap());
        connect_async(request).await.map(|(socket, _)| socket)
    }
}

async fn next(socket: &mut Socket) -> Message {
    timeout(PATIENCE, socket.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap()
}

async fn next_event(socket: &mut Socket) -> Value {
    loop {
        if let Message::Text(text) = next(socket).await {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

/// Reads on until the node closes, and returns why.
async fn closing(socket: &mut Socket) -> (u16, String) {
    loop {
        if let Message::Close(frame) = next(socket).await {
            let frame = frame.unwrap();
            return (frame.code.into(), frame.reason.to_string());
        }
    }
}

fn refusal(refused: Result<Socket, Error>) -> (u16, Value) {
    let Err(Error::Http(response)) = refused else {
        panic!("the handshake was not refused");
    };
    let body = response.body().as_deref().unwrap_or_default();
    let body = serde_json::from_slice(body).unwrap_or_default();
    (response.status().as_u16(), body)
}

#[tokio::test]
async fn stored_events_come_first_then_live_ones() {
    let served = Served::start(Pace::default(), 8).await;
    served.api.task("before").await;

    let mut socket = served.subscribe("?after=3&type=task.*").await.unwrap();
    let before = next_event(&mut socket).await;
    served.api.task("after").await;
    let after = next_event(&mut socket).await;

    assert_eq!(
        (&before["seq"], &before["payload"]["title"]),
        (&json!(4), &json!("before"))
    );
    assert_eq!(
        (&after["seq"], &after["payload"]["title"]),
        (&json!(5), &json!("after"))
    );
    let listed = served.api.get("/api/v1/events?after=4").await;
    assert_eq!(listed["items"][0], after);
    assert!(served.api.app.status().await.is_ok());
}

#[tokio::test]
async fn a_long_past_arrives_whole_and_in_order() {
    let served = Served::start(Pace::default(), 8).await;
    for _ in 0..700 {
        served.api.task("one of many").await;
    }

    let mut socket = served
        .subscribe("?after=0&channel=tasks:pending")
        .await
        .unwrap();

    for seq in 4..704 {
        assert_eq!(next_event(&mut socket).await["seq"], seq);
    }
}

#[tokio::test]
async fn a_bad_filter_is_refused_before_the_handshake() {
    let served = Served::start(Pace::default(), 8).await;

    let (status, problem) = refusal(served.subscribe("?type=nonsense*").await);
    assert_eq!((status, &problem["field"]), (422, &json!("type")));
    let (status, _) = refusal(served.subscribe_as("wrong", "").await);
    assert_eq!(status, 401);
    let plain = served.api.call("GET", "/api/v1/events/stream").send().await;
    assert_eq!(plain.status, StatusCode::UPGRADE_REQUIRED);
    assert_eq!(plain.problem()["code"], "upgrade_required");
}

#[tokio::test]
async fn one_subscriber_too_many_is_told_to_come_back() {
    let served = Served::start(Pace::default(), 1).await;
    let first = served.subscribe("").await.unwrap();

    let (status, problem) = refusal(served.subscribe("").await);
    assert_eq!((status, &problem["code"]), (503, &json!("busy")));

    drop(first);
    let again = async {
        while served.subscribe("").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test]
async fn a_revoked_key_ends_its_streams() {
    let pace = Pace {
        ping_every: Duration::from_millis(20),
        ..Pace::default()
    };
    let served = Served::start(pace, 8).await;
    let mut socket = served.subscribe("").await.unwrap();
    let key = format!("/api/v1/keys/{}", served.api.viewer_id);

    served
        .api
        .call("DELETE", &key)
        .send()
        .await
        .expect(StatusCode::NO_CONTENT);

    let (code, reason) = closing(&mut socket).await;
    assert_eq!(
        (code, reason.as_str()),
        (1008, "the key is not valid any more")
    );
}

#[tokio::test]
async fn a_subscriber_that_does_not_answer_pings_is_closed() {
    let pace = Pace {
        ping_every: Duration::from_millis(20),
        answer_within: Duration::from_millis(60),
        read_within: Duration::from_secs(10),
    };
    let served = Served::start(pace, 8).await;
    // A bare socket, since the client library answers by itself.
    let mut raw = TcpStream::connect(served.address).await.unwrap();
    let handshake = format!(
        "GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        served.api.viewer
    );
    raw.write_all(handshake.as_bytes()).await.unwrap();

    let mut received = Vec::new();
    timeout(PATIENCE, raw.read_to_end(&mut received))
        .await
        .unwrap()
        .unwrap();

    let received = String::from_utf8_lossy(&received);
    assert!(received.contains("no answer to a ping"), "{received}");
}

#[tokio::test]
async fn a_subscriber_that_never_reads_is_cut_off() {
    let pace = Pace {
        read_within: Duration::from_millis(100),
        ..Pace::default()
    };
    let served = Served::start(pace, 1).await;
    let project = json!({"name": "large", "description": "x"});
    served
        .api
        .post("/api/v1/projects", project)
        .await
        .expect(StatusCode::CREATED);
    let task = served.api.claimed_task("large").await;
    let text = "x".repeat(200_000);
    let done = json!({"agent": "seed", "fence": task["fence"], "result": {"text": text}});
    served
        .api
        .post("/api/v1/tasks/1/complete", done)
        .await
        .expect(StatusCode::OK);
    let stuck = served.subscribe("").await.unwrap();

    for number in 2..62 {
        let task = served.api.claimed_task("large").await;
        let done = json!({"agent": "seed", "fence": task["fence"], "result": {"text": text}});
        let path = format!("/api/v1/tasks/{number}/complete");
        served.api.post(&path, done).await.expect(StatusCode::OK);
    }

    let seat_is_free = async {
        while served.subscribe("").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, seat_is_free).await.unwrap();
    drop(stuck);
}

#[tokio::test]
async fn what_a_subscriber_says_is_ignored_and_bounded() {
    let served = Served::start(Pace::default(), 8).await;
    let mut socket = served.subscribe("").await.unwrap();

    socket.send(Message::Text("hello".into())).await.unwrap();
    served.api.task("still there").await;
    assert_eq!(next_event(&mut socket).await["type"], "task.created");

    let large = Message::Binary(vec![0; 5000].into());
    socket.send(large).await.unwrap();
    let end = async { while let Some(Ok(_)) = socket.next().await {} };
    timeout(PATIENCE, end).await.unwrap();
}

#[tokio::test]
async fn at_shutdown_streams_are_told_and_the_loop_ends() {
    let served = Served::start(Pace::default(), 8).await;
    let mut socket = served.subscribe("").await.unwrap();

    served.api.shutdown.cancel();

    let (code, _) = closing(&mut socket).await;
    assert_eq!(code, 1001);
    drop(socket);
    timeout(PATIENCE, served.serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_under_way_ends_before_the_loop_does() {
    let served = Served::start(Pace::default(), 8).await;
    let mut raw = TcpStream::connect(served.address).await.unwrap();
    let head = format!(
        "POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {}\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n",
        served.api.admin
    );
    raw.write_all(head.as_bytes()).await.unwrap();
    // The node asks for the body once the handler waits for it.
    let mut wait = [0; 25];
    timeout(PATIENCE, raw.read_exact(&mut wait))
        .await
        .unwrap()
        .unwrap();

    served.api.shutdown.cancel();
    raw.write_all(br#"{"title":"x"}"#).await.unwrap();

    let mut received = String::new();
    timeout(PATIENCE, raw.read_to_string(&mut received))
        .await
        .unwrap()
        .unwrap();
    assert!(received.starts_with("HTTP/1.1 201 "), "{received}");
    timeout(PATIENCE, served.serving).await.unwrap().unwrap();
}
