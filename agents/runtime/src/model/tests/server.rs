//! A server of models at loopback that answers as a test tells it to, and keeps what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server does with one request.
pub(crate) enum Reply {
    /// Answers with a status, further header lines, and a body.
    Whole(u16, &'static str, String),
    /// Sends this stream after a moment.
    Slow(String),
    /// Sends these pieces, and then closes the connection.
    Pieces(Vec<String>),
    /// Sends these pieces, and then nothing more.
    Then(Vec<String>),
    /// Sends this again and again until nobody reads it.
    Endless(String),
}

/// What it was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    /// All header lines, in lower case.
    pub(crate) head: String,
    pub(crate) body: Value,
}

/// The server. It ends with the test.
pub(crate) struct Server {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// How many bytes of an endless answer were taken.
    sent: Arc<Mutex<usize>>,
    /// How many requests were being answered, and how many at most.
    at_once: Arc<Mutex<(usize, usize)>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Answers requests with these, in order; then with 500.
    pub(crate) async fn with(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Arc<Mutex<VecDeque<Reply>>> =
            Arc::new(Mutex::new(replies.into_iter().collect()));
        Self::answering(move |_| {
            let next = replies.lock().unwrap().pop_front();
            next.unwrap_or_else(|| refusal(500, "the script is over"))
        })
        .await
    }

    /// Answers each request by its path.
    pub(crate) async fn answering(
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let sent: Arc<Mutex<usize>> = Arc::default();
        let at_once: Arc<Mutex<(usize, usize)>> = Arc::default();
        let (keep, count, now) = (Arc::clone(&asked), Arc::clone(&sent), Arc::clone(&at_once));
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            // Connections end with the server.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (keep, count, now) = (Arc::clone(&keep), Arc::clone(&count), Arc::clone(&now));
                let answer = Arc::clone(&answer);
                connections
                    .spawn(async move { serve(stream, &keep, &count, &now, &*answer).await });
            }
        });
        Self {
            port,
            asked,
            sent,
            at_once,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Returns how many requests it was answering at once, at most.
    pub(crate) fn most_at_once(&self) -> usize {
        self.at_once.lock().unwrap().1
    }

    pub(crate) fn sent(&self) -> usize {
        *self.sent.lock().unwrap()
    }
}

async fn serve(
    mut stream: TcpStream,
    keep: &Mutex<Vec<Asked>>,
    sent: &Mutex<usize>,
    at_once: &Mutex<(usize, usize)>,
    answer: &(dyn Fn(&Asked) -> Reply + Send + Sync),
) {
    let Some(asked) = read(&mut stream).await else {
        return;
    };
    keep.lock().unwrap().push(asked.clone());
    let begun = |count: &mut (usize, usize)| *count = (count.0 + 1, count.1.max(count.0 + 1));
    begun(&mut at_once.lock().unwrap());
    let begin = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    match answer(&asked) {
        Reply::Slow(body) => {
            tokio::time::sleep(Duration::from_millis(20)).await;
            // Before the last byte: after it the next request may come.
            at_once.lock().unwrap().0 -= 1;
            send(&mut stream, begin, &[body]).await;
        }
        Reply::Whole(status, head, body) => {
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{head}content-length: {length}\r\n\
                 connection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(text.as_bytes()).await;
        }
        Reply::Pieces(pieces) => send(&mut stream, begin, &pieces).await,
        Reply::Then(pieces) => {
            send(&mut stream, begin, &pieces).await;
            // Until the other side goes.
            let _ = stream.read(&mut [0; 16]).await;
        }
        Reply::Endless(piece) => {
            send(&mut stream, begin, &[]).await;
            while stream.write_all(piece.as_bytes()).await.is_ok() {
                *sent.lock().unwrap() += piece.len();
            }
        }
    }
}

async fn send(stream: &mut TcpStream, begin: &str, pieces: &[String]) {
    let _ = stream.write_all(begin.as_bytes()).await;
    for piece in pieces {
        let _ = stream.write_all(piece.as_bytes()).await;
        let _ = stream.flush().await;
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let path = head.split_whitespace().nth(1)?.to_owned();
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Some(Asked { path, head, body })
}

/// An answer as a whole, as OpenAI sends it.
pub(crate) fn whole(text: &str) -> Reply {
    let body = json!({
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 30, "completion_tokens": 4},
    });
    Reply::Whole(200, "", body.to_string())
}

/// A stream of OpenAI's, to its end.
pub(crate) fn stream(events: &[Value]) -> Reply {
    let mut pieces = events_of(events);
    pieces.push("data: [DONE]\n\n".into());
    Reply::Pieces(pieces)
}

pub(crate) fn events_of(events: &[Value]) -> Vec<String> {
    let events = events.iter().map(|event| format!("data: {event}\n\n"));
    events.collect()
}

/// A stream that says something and ends as it should.
pub(crate) fn says(text: &str) -> Reply {
    stream(&[
        delta(&json!({"role": "assistant", "content": text})),
        json!({"choices": [{"delta": {}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 30, "completion_tokens": 4}}),
    ])
}

pub(crate) fn delta(delta: &Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

pub(crate) fn refusal(status: u16, message: &str) -> Reply {
    Reply::Whole(
        status,
        "",
        json!({"error": {"message": message}}).to_string(),
    )
}

/// Longer than any of this takes, should it work.
pub(crate) const LONG: Duration = Duration::from_mins(1);
