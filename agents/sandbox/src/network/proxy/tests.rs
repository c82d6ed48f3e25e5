use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::network::{AllowList, NetworkUse};

/// How long anything here may take before the test has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on loopback: passes on what it reads of each connection, and answers the same to all.
struct Server {
    address: SocketAddr,
    heard: mpsc::Receiver<String>,
    _until_dropped: AbortOnDropHandle<()>,
}

async fn server(answer: &'static str) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, heard) = mpsc::channel(64);
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = vec![0; 8192];
            let length = stream.read(&mut text).await.unwrap();
            text.truncate(length);
            stream.write_all(answer.as_bytes()).await.unwrap();
            tell.send(String::from_utf8(text).unwrap()).await.unwrap();
        }
    });
    Server {
        address,
        heard,
        _until_dropped: AbortOnDropHandle::new(serving),
    }
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: timeout=5\r\n\r\nhello";

struct Running {
    proxy: Proxy,
    address: SocketAddr,
    _until_dropped: AbortOnDropHandle<()>,
}

impl Running {
    async fn new(rules: ProxyRules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = Proxy::new(rules);
        let serving = proxy.clone();
        Self {
            proxy,
            address,
            _until_dropped: AbortOnDropHandle::new(tokio::spawn(async move {
                match serving.serve(listener).await {}
            })),
        }
    }

    async fn allowing(address: SocketAddr) -> Self {
        Self::new(rules_for(address)).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a text and returns everything that comes back.
    async fn say(&self, text: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        rest_of(&mut stream).await
    }
}

fn rules_for(address: SocketAddr) -> ProxyRules {
    ProxyRules::new(AllowList::parse([address.to_string()]).unwrap())
}

async fn rest_of(stream: &mut TcpStream) -> String {
    let mut text = vec![];
    // A reset after the last byte is as good an end as any.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut text))
        .await
        .expect("an end");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_request_goes_to_its_server_as_if_there_were_no_proxy() {
    let mut server = server(HELLO).await;
    let address = server.address;
    let running = Running::allowing(address).await;

    let answer = running
        .say(&format!(
            "GET http://{address}/a%20b?c=d HTTP/1.1\r\nHost: other.example\r\nX-Own: 1\r\nX-Hop: 2\r\n\
             Proxy-Authorization: secret\r\nProxy-Connection: keep-alive\r\n\
             Connection: keep-alive, x-hop\r\n\r\n"
        ))
        .await;

    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nhello"),
        "{answer}"
    );
    assert!(!answer.to_lowercase().contains("keep-alive"), "{answer}");
    let heard = server.heard.recv().await.unwrap().to_lowercase();
    assert!(heard.starts_with("get /a%20b?c=d http/1.1\r\n"), "{heard}");
    assert!(
        heard.contains(&format!("host: {address}\r\n")) && heard.contains("connection: close"),
        "{heard}"
    );
    assert!(heard.contains("x-own: 1"), "{heard}");
    for gone in ["other.example", "secret", "keep-alive", "x-hop"] {
        assert!(!heard.contains(gone), "{heard}");
    }
    let usage = running.proxy.usage();
    let host = address.ip().to_string();
    let bytes = usage.bytes;
    let entry = NetworkUse {
        host,
        port: address.port(),
        allowed: true,
        requests: 1,
        bytes,
    };
    assert_eq!(usage.uses, [entry]);
    assert!(bytes > 100, "{bytes}");
}

#[tokio::test]
async fn what_follows_a_request_on_its_connection_goes_nowhere() {
    let mut server = server(HELLO).await;
    let address = server.address;
    let running = Running::allowing(address).await;
    let second = "GET /second HTTP/1.1\r\nHost: other.example\r\n\r\n";

    for head in [
        format!("GET http://{address}/ HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("POST http://{address}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"),
        format!(
            "POST http://{address}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
        ),
    ] {
        running.say(&format!("{head}{second}")).await;
        let heard = server.heard.recv().await.unwrap();
        assert!(!heard.contains("second"), "{heard}");
    }
    assert!(server.heard.try_recv().is_err());
}

#[tokio::test]
async fn a_tunnel_carries_bytes_both_ways_unread() {
    let mut server = server("\0\u{1}from there").await;
    let address = server.address;
    let running = Running::allowing(address).await;
    let mut stream = running.connect().await;

    // The first bytes may come along with the request.
    let request = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n\u{2}from here");
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = rest_of(&mut stream).await;

    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n\0\u{1}from there"), "{answer}");
    assert_eq!(server.heard.recv().await.unwrap(), "\u{2}from here");
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_with_the_reason_in_one_line() {
    let mut server = server(HELLO).await;
    let port = server.address.port();
    let running = Running::new(ProxyRules::new(AllowList::parse(["*"]).unwrap())).await;
    let reason = format!(
        "127.0.0.1:{port} is not on the allow-list: it would have to name 127.0.0.1:{port}"
    );

    for request in [
        format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n"),
        format!("CONNECT 127.1:{port} HTTP/1.1\r\n\r\n"),
        format!("GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: example.org\r\n\r\n"),
        format!("GET http://2130706433:{port}/ HTTP/1.1\r\nHost: example.org\r\n\r\n"),
    ] {
        let answer = running.say(&request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 403 {reason}\r\n")),
            "{answer}"
        );
        assert!(answer.ends_with(&format!("\r\n\r\n{reason}\n")), "{answer}");
    }
    let refused = running
        .say(&format!(
            "GET http://me:secret@127.0.0.1:{port}/ HTTP/1.1\r\n\r\n"
        ))
        .await;
    assert!(
        refused.starts_with("HTTP/1.1 4") && !refused.contains("secret"),
        "{refused}"
    );

    assert!(server.heard.try_recv().is_err());
    let usage = running.proxy.usage();
    assert_eq!(usage.bytes, 0);
    assert!(usage.uses.iter().all(|entry| !entry.allowed), "{usage:?}");
}

#[tokio::test]
async fn what_is_no_request_to_a_proxy_is_refused() {
    let server = server(HELLO).await;
    let running = Running::allowing(server.address).await;
    let long = "x".repeat(20_000);

    for (request, status) in [
        (
            "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_owned(),
            "400",
        ),
        (
            format!("GET https://{}/ HTTP/1.1\r\n\r\n", server.address),
            "400",
        ),
        ("GET ftp://example.org/ HTTP/1.1\r\n\r\n".into(), "400"),
        ("CONNECT 127.0.0.1 HTTP/1.1\r\n\r\n".into(), "400"),
        ("rubbish\r\n\r\n".into(), "400"),
        (
            format!(
                "GET http://{}/ HTTP/1.1\r\nX: {long}\r\n\r\n",
                server.address
            ),
            "431",
        ),
    ] {
        let answer = running.say(&request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_a_bad_gateway() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let running = Running::allowing(gone).await;

    for request in [
        format!("CONNECT {gone} HTTP/1.1\r\n\r\n"),
        format!("GET http://{gone}/ HTTP/1.1\r\n\r\n"),
    ] {
        let answer = running.say(&request).await;
        assert!(
            answer.starts_with("HTTP/1.1 502 127.0.0.1 cannot be reached: "),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn the_quota_cuts_off_what_is_over_it_and_refuses_the_rest() {
    let server = server(HELLO).await;
    let address = server.address;
    let mut rules = rules_for(address);
    rules.byte_quota = 60;
    let running = Running::new(rules).await;
    let mut stream = running.connect().await;

    stream
        .write_all(format!("CONNECT {address} HTTP/1.1\r\n\r\nten bytes.").as_bytes())
        .await
        .unwrap();
    let answer = rest_of(&mut stream).await;
    let refused = running
        .say(&format!("GET http://{address}/ HTTP/1.1\r\n\r\n"))
        .await;

    let (_, through) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(through, &HELLO[..50]);
    assert!(
        refused.starts_with("HTTP/1.1 403 the byte quota of this run is used up\r\n"),
        "{refused}"
    );
    assert_eq!(running.proxy.usage().bytes, 60);
}

#[tokio::test]
async fn a_silent_connection_is_closed_and_an_endless_one_too() {
    let quiet = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = quiet.local_addr().unwrap();
    for (idle, total) in [
        (Duration::from_millis(100), PATIENCE * 9),
        (PATIENCE * 9, Duration::from_millis(100)),
    ] {
        let mut rules = rules_for(address);
        (rules.idle, rules.total) = (idle, total);
        let running = Running::new(rules).await;

        let answer = running
            .say(&format!("CONNECT {address} HTTP/1.1\r\n\r\n"))
            .await;

        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[tokio::test]
async fn connections_over_the_bound_wait_for_their_turn() {
    let quiet = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = quiet.local_addr().unwrap();
    let mut rules = rules_for(address);
    rules.connections = 1;
    let running = Running::new(rules).await;
    let request = format!("CONNECT {address} HTTP/1.1\r\n\r\n");
    let mut first = running.connect().await;
    first.write_all(request.as_bytes()).await.unwrap();
    let (held, _) = quiet.accept().await.unwrap();
    let mut second = running.connect().await;
    second.write_all(request.as_bytes()).await.unwrap();

    let early = timeout(Duration::from_millis(200), quiet.accept()).await;
    drop((held, first));
    let later = timeout(PATIENCE, quiet.accept()).await;

    assert!(early.is_err(), "the second did not wait");
    assert!(later.is_ok(), "the second never came");
}

#[tokio::test]
async fn dropping_the_proxy_ends_its_tunnels() {
    let quiet = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = quiet.local_addr().unwrap();
    let running = Running::allowing(address).await;
    let mut stream = running.connect().await;
    stream
        .write_all(format!("CONNECT {address} HTTP/1.1\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let (mut far, _) = quiet.accept().await.unwrap();

    drop(running);

    assert_eq!(
        timeout(PATIENCE, far.read(&mut [0; 8]))
            .await
            .unwrap()
            .unwrap_or(0),
        0
    );
}
