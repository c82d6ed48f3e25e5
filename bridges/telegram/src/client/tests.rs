//! Whatever a server does, a call ends with a bounded answer or an error that shows no token.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

/// A server that answers each request with the next of these, and ends with the test.
struct Server {
    url: Url,
    task: JoinHandle<Vec<String>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serving(answers: Vec<Vec<u8>>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/base", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let mut paths = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 8192];
            let length = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            paths.push(
                head.split_whitespace()
                    .nth(1)
                    .unwrap_or_default()
                    .to_owned(),
            );
            let _ = stream.write_all(&answer).await;
        }
        paths
    });
    Server {
        url: url.parse().unwrap(),
        task,
    }
}

fn http(status: u16, head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes = format!(
        "HTTP/1.1 {status} X\r\n{head}content-length: {length}\r\nconnection: close\r\n\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn client(url: &Url) -> Client {
    Client::new(url.clone(), Token::new("77:hunter2").unwrap()).unwrap()
}

async fn asked(answer: Vec<u8>) -> Result<Value, CallError> {
    let server = serving(vec![answer]).await;
    client(&server.url).call("getMe", &json!({})).await
}

fn shows_no_token(error: &CallError) {
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("127.0.0.1"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_address_is_below_the_one_that_was_set() {
    let mut server = serving(vec![http(200, "", br#"{"ok": true, "result": 7}"#)]).await;

    let answer: i64 = client(&server.url).call("getMe", &json!({})).await.unwrap();

    assert_eq!(answer, 7);
    let paths = (&mut server.task).await.unwrap();
    assert_eq!(paths, ["/base/bot77:hunter2/getMe"]);
}

#[tokio::test]
async fn what_telegram_refuses_is_told_apart() {
    let refusal = |code: u16, more: &str| {
        let body = format!(r#"{{"ok": false, "error_code": {code}, "description": "why"{more}}}"#);
        http(code, "", body.as_bytes())
    };
    let error = |answer| async { asked(answer).await.unwrap_err() };

    assert_eq!(error(refusal(401, "")).await, CallError::Token);
    assert_eq!(error(refusal(404, "")).await, CallError::Token);
    assert_eq!(
        error(refusal(409, "")).await,
        CallError::Elsewhere("why".into())
    );
    let slow = refusal(429, r#", "parameters": {"retry_after": 7}"#);
    let after = Duration::from_secs(7);
    assert_eq!(error(slow).await, CallError::TooMany { after });
    let refused = CallError::Refused {
        code: 403,
        description: "why".into(),
    };
    assert_eq!(error(refusal(403, "")).await, refused);
    assert!(error(refusal(500, "")).await.is_transient());
}

#[tokio::test]
async fn a_server_that_does_not_speak_the_api_is_no_revoked_token() {
    for answer in [
        http(404, "", b"<html>nothing here</html>"),
        http(200, "", b""),
        http(200, "", br#"{"ok": true, "result": {"no": "number"}}"#),
        http(302, "location: http://127.0.0.1:1/else\r\n", b""),
        http(502, "", b"bad gateway"),
        b"HTTP/1.1 200 X\r\ncontent-length: 90\r\n\r\n{\"ok\"".to_vec(),
        b"nonsense\r\n\r\n".to_vec(),
        Vec::new(),
    ] {
        let server = serving(vec![answer]).await;
        let asked: Result<i64, _> = client(&server.url).call("getMe", &json!({})).await;
        let error = asked.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        shows_no_token(&error);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_was_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);

    let asked: Result<Value, _> = client(&url.parse().unwrap())
        .call("sendMessage", &json!({}))
        .await;

    let error = asked.unwrap_err();
    shows_no_token(&error);
    assert!(
        matches!(
            error,
            CallError::Passing {
                is_unsure: false,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_is_fetched_up_to_its_bound_and_from_its_place_only() {
    let named = |path: &str| {
        let body = format!(r#"{{"ok": true, "result": {{"file_path": "{path}"}}}}"#);
        http(200, "", body.as_bytes())
    };
    let fetched = |path: &str, most| {
        let answers = vec![named(path), http(200, "", b"OggS 1")];
        async move {
            let mut server = serving(answers).await;
            let file = client(&server.url).download("id", most).await;
            let paths = if file.is_ok() {
                (&mut server.task).await.unwrap()
            } else {
                Vec::new()
            };
            (file, paths)
        }
    };

    let (whole, paths) = fetched("voice/f 1.oga", 6).await;
    assert_eq!(whole.unwrap().unwrap(), "OggS 1");
    assert_eq!(paths[1], "/base/file/bot77:hunter2/voice/f%201.oga");
    let (too_large, _) = fetched("voice/f.oga", 5).await;
    assert_eq!(too_large.unwrap(), None);
    for path in ["../bot77/getMe", "voice//f", "/etc/passwd", "a/./b"] {
        let (refused, _) = fetched(path, 6).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, CallError::Refused { .. }), "{refused:?}");
    }
}
