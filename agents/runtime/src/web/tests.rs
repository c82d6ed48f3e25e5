use std::io;
use std::net::{IpAddr, SocketAddr};

use hearth_sandbox::network::guard::Answer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

use super::*;

mod visits;

/// Names and their addresses; no question leaves this process.
struct Names;

impl Resolve for Names {
    fn resolve(&self, name: String) -> Answer {
        let address: io::Result<IpAddr> = match name.as_str() {
            "inside.example.org" => Ok([127, 0, 0, 1].into()),
            _ => Err(io::Error::other("no such name")),
        };
        Box::pin(async move { Ok(vec![address?]) })
    }
}

/// A server on loopback that answers by what is asked of it.
struct Server {
    address: SocketAddr,
    heard: mpsc::Receiver<String>,
    _until_dropped: AbortOnDropHandle<()>,
}

impl Server {
    /// `answer` gets the path and returns everything after `HTTP/1.1 `.
    async fn new(tls: Option<TlsAcceptor>, answer: fn(&str) -> String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, heard) = mpsc::channel(64);
        let serving = async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let request = match &tls {
                    Some(acceptor) => match acceptor.accept(stream).await {
                        Ok(stream) => serve(stream, answer).await,
                        Err(error) => Err(error),
                    },
                    None => serve(stream, answer).await,
                };
                tell.send(request.unwrap_or_default()).await.unwrap();
            }
        };
        Self {
            address,
            heard,
            _until_dropped: AbortOnDropHandle::new(tokio::spawn(serving)),
        }
    }

    async fn plain(answer: fn(&str) -> String) -> Self {
        Self::new(None, answer).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn serve(
    mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    answer: fn(&str) -> String,
) -> io::Result<String> {
    let mut request = vec![0; 8192];
    let length = stream.read(&mut request).await?;
    request.truncate(length);
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    stream
        .write_all(format!("HTTP/1.1 {}", answer(path)).as_bytes())
        .await?;
    stream.shutdown().await?;
    Ok(request)
}

fn ok(body: &str) -> String {
    format!(
        "200 OK\r\nContent-Type: text/plain\r\nSet-Cookie: a=b\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn to(location: &str) -> String {
    format!("302 Found\r\nLocation: {location}\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")
}

fn web() -> Web {
    Web::trusting(RootCertStore::empty(), Arc::new(Names)).unwrap()
}

fn fetch(url: &str, allow: &[&str]) -> Fetch {
    Fetch::new(url.to_owned(), AllowList::parse(allow).unwrap())
}

async fn refused(url: &str, allow: &[&str]) -> String {
    web()
        .fetch(fetch(url, allow))
        .await
        .unwrap_err()
        .to_string()
}

#[tokio::test]
async fn a_page_comes_with_what_says_what_it_is_and_asks_without_a_past() {
    let mut server = Server::plain(|_| ok("hello")).await;
    let address = server.address.to_string();

    let fetched = web()
        .fetch(fetch(&server.url("/a?b#c"), &[&address]))
        .await
        .unwrap();

    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = Fetched {
        status: 200,
        headers: vec![
            header("content-type", "text/plain"),
            header("content-length", "5"),
        ],
        body: b"hello".to_vec(),
        truncated: false,
        final_url: server.url("/a?b"),
    };
    assert_eq!(fetched, expected);
    let heard = server.heard.recv().await.unwrap();
    assert!(heard.starts_with("GET /a?b HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains("user-agent: hearth/"), "{heard}");
    for absent in ["cookie", "referer", "authorization", "proxy"] {
        assert!(!heard.to_lowercase().contains(absent), "{heard}");
    }
}

#[tokio::test]
async fn redirects_are_followed_and_looked_at_one_by_one() {
    let mut server = Server::plain(|path| match path {
        "/start" => to("/next"),
        "/next" => to("end?x"),
        "/inside" => to("http://inside.example.org/"),
        "/disguised" => to("http://2130706433:1/"),
        "/user" => to("//me:secret@inside.example.org/"),
        "/file" => to("file:///etc/passwd"),
        "/none" => "302 Found\r\nContent-Length: 0\r\n\r\n".into(),
        "/loop" => to("/loop"),
        _ => ok("end"),
    })
    .await;
    let address = server.address.to_string();
    let allow = [address.as_str(), "*"];

    let fetched = web()
        .fetch(fetch(&server.url("/start"), &allow))
        .await
        .unwrap();

    assert_eq!(
        (fetched.body.as_slice(), fetched.final_url),
        (&b"end"[..], server.url("/end?x"))
    );
    for _ in 0..3 {
        let heard = server.heard.recv().await.unwrap();
        assert!(!heard.to_lowercase().contains("cookie:"), "{heard}");
    }
    for (path, problem) in [
        (
            "/inside",
            "inside.example.org leads to 127.0.0.1, which is loopback",
        ),
        ("/disguised", "127.0.0.1:1 is not on the allow-list"),
        ("/user", "a URL with a user name or password is refused"),
        ("/file", "scheme file is refused"),
        (
            "/none",
            "127.0.0.1 answered with a redirect that says no address",
        ),
        ("/loop", "more than 5 redirects"),
    ] {
        let said = refused(&server.url(path), &allow).await;
        assert!(said.starts_with(problem), "{path}: {said}");
    }
}

#[tokio::test]
async fn what_is_not_allowed_is_not_asked_for() {
    let mut server = Server::plain(|_| ok("secret")).await;
    let port = server.address.port();

    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "localhost",
        "[::ffff:127.0.0.1]",
    ] {
        let said = refused(&format!("http://{host}:{port}/"), &["*"]).await;
        assert!(said.contains("is not on the allow-list"), "{host}: {said}");
    }
    let said = refused(
        &format!("http://inside.example.org:{port}/"),
        &[&format!("*:{port}")],
    )
    .await;
    assert!(said.contains("which is loopback"), "{said}");
    assert!(refused("not a url", &["*"]).await.contains("is no URL"));

    assert!(server.heard.try_recv().is_err());
}

#[tokio::test]
async fn a_server_of_the_owner_s_own_is_reached_by_name() {
    let server = Server::plain(|_| ok("mine")).await;
    let port = server.address.port();
    let url = format!("http://localhost:{port}/");

    let fetched = web()
        .fetch(fetch(&url, &[&format!("localhost:{port}")]))
        .await
        .unwrap();

    assert_eq!(fetched.body, b"mine");
}

#[tokio::test]
async fn a_long_body_is_cut_and_a_slow_one_given_up() {
    let server = Server::plain(|_| ok(&"x".repeat(100_000))).await;
    let address = server.address.to_string();
    let mut limited = fetch(&server.url("/"), &[&address]);
    limited.byte_limit = 1000;
    let fetched = web().fetch(limited).await.unwrap();
    assert_eq!((fetched.body.len(), fetched.truncated), (1000, true));

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let mut limited = fetch(&format!("http://{address}/"), &[&address]);
    limited.time_limit = Duration::from_millis(100);
    let error = web().fetch(limited).await.unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1 took longer than 0.1 s");
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_connection_that_fails_says_so_without_the_address() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let broken = Server::plain(|_| "200 OK\r\nContent-Length: 9\r\n\r\nhalf".into()).await;
    for address in [gone, broken.address] {
        let url = format!("http://{address}/?token=secret");

        let error = web()
            .fetch(fetch(&url, &[&address.to_string()]))
            .await
            .unwrap_err();

        let said = error.to_string();
        assert!(said.starts_with("127.0.0.1 cannot be reached: "), "{said}");
        assert!(!said.contains("secret") && error.is_transient(), "{said}");
    }
}

#[tokio::test]
async fn tls_is_checked_against_whom_the_machine_trusts() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let server = Server::new(Some(Arc::new(server).into()), |_| ok("sealed")).await;
    let port = server.address.port();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let trusting = Web::trusting(roots, Arc::new(Names)).unwrap();
    let allow = [format!("localhost:{port}"), format!("127.0.0.1:{port}")];
    let allow: Vec<&str> = allow.iter().map(String::as_str).collect();
    let by_name = fetch(&format!("https://localhost:{port}/"), &allow);
    let by_address = fetch(&format!("https://127.0.0.1:{port}/"), &allow);

    let fetched = trusting.fetch(by_name.clone()).await.unwrap();
    let unknown = web().fetch(by_name).await.unwrap_err().to_string();
    let other_name = trusting.fetch(by_address).await.unwrap_err().to_string();

    assert_eq!(fetched.body, b"sealed");
    assert!(unknown.contains("certificate"), "{unknown}");
    assert!(other_name.contains("certificate"), "{other_name}");
}

#[test]
fn the_machine_s_certificates_are_read() {
    assert!(Web::new(Arc::new(Names)).is_ok());
}
