//! A run with a proxy: what gets through it, and that nothing gets around it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use hearth_sandbox::network::{AllowList, NetworkUse, ProxyRules};
use hearth_sandbox::{End, Job, Network, Program};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::ground::{Ground, text};

/// A server of the host on loopback. It answers every request alike and passes on its first line.
struct Server {
    address: SocketAddr,
    heard: Receiver<String>,
}

impl Server {
    fn new(body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, heard) = channel();
        // It ends with the first request after the test.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = vec![0; 8192];
                let length = stream.read(&mut request).unwrap_or(0);
                request.truncate(length);
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                let _ = stream
                    .write_all(head.as_bytes())
                    .and_then(|()| stream.write_all(body.as_bytes()));
                let first = text(&request).lines().next().unwrap_or_default().to_owned();
                if tell.send(first).is_err() {
                    return;
                }
            }
        });
        Self { address, heard }
    }

    fn all_heard(&self) -> Vec<String> {
        self.heard.try_iter().collect()
    }
}

fn with_proxy(mut job: Job, allow: &[String]) -> Job {
    let rules = ProxyRules::new(AllowList::parse(allow).unwrap());
    job.network = Network::Proxy(rules);
    job
}

#[tokio::test(flavor = "multi_thread")]
async fn urllib_reaches_what_is_allowed_and_nothing_else() {
    let ground = Ground::new().await;
    let server = Server::new("hello");
    let other = Server::new("secret");
    let (address, other_address) = (server.address, other.address);
    let code = format!(
        "import urllib.error, urllib.request\n\
         print(urllib.request.urlopen('http://{address}/urllib').read())\n\
         try: urllib.request.urlopen('http://{other_address}/')\n\
         except urllib.error.HTTPError as error: print(error.code, error.read().decode().strip())\n\
         try: urllib.request.urlopen('https://{other_address}/')\n\
         except urllib.error.URLError as error: print(error)\n"
    );
    let job = with_proxy(ground.python_job(&code), &[address.to_string()]);

    let outcome = ground.run(job).await;

    let stdout = text(&outcome.stdout);
    let lines: Vec<&str> = stdout.lines().collect();
    let reason =
        format!("{other_address} is not on the allow-list: it would have to name {other_address}");
    assert_eq!(lines[0], "b'hello'", "{stdout} {}", text(&outcome.stderr));
    assert_eq!(lines[1], format!("403 {reason}"));
    assert!(
        lines[2].contains(&format!("Tunnel connection failed: 403 {reason}")),
        "{stdout}"
    );
    assert_eq!(server.all_heard(), ["GET /urllib HTTP/1.1"]);
    assert_eq!(other.all_heard(), Vec::<String>::new());
    let uses: Vec<(u16, bool, u64)> = outcome
        .network
        .uses
        .iter()
        .map(
            |NetworkUse {
                 port,
                 allowed,
                 requests,
                 ..
             }| (*port, *allowed, *requests),
        )
        .collect();
    assert_eq!(
        uses,
        [(address.port(), true, 1), (other_address.port(), false, 2)]
    );
    assert!(outcome.network.bytes > 100, "{:?}", outcome.network);
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_reaches_what_is_allowed_and_nothing_else() {
    if !Path::new("/usr/bin/curl").exists() {
        eprintln!("SKIPPED: there is no curl on this machine");
        return;
    }
    let ground = Ground::new().await;
    let server = Server::new("hello");
    let other = Server::new("secret");
    let script = format!(
        "curl -sS http://{0}/plain; curl -sS --proxytunnel http://{0}/tunnel\n\
         curl -sS --proxytunnel http://{1}/ || echo refused",
        server.address, other.address
    );
    let argv = ["sh", "-c", &script].map(str::to_owned).to_vec();
    let job = with_proxy(
        ground.job(Program::Command { argv }),
        &[server.address.to_string()],
    );

    let outcome = ground.run(job).await;

    assert_eq!(
        text(&outcome.stdout),
        "hellohellorefused",
        "{}",
        text(&outcome.stderr)
    );
    assert_eq!(
        server.all_heard(),
        ["GET /plain HTTP/1.1", "GET /tunnel HTTP/1.1"]
    );
    assert_eq!(other.all_heard(), Vec::<String>::new());
}

/// TLS from end to end, between Python inside and a server that the proxy knows nothing of but its
/// address.
#[tokio::test(flavor = "multi_thread")]
async fn tls_goes_through_the_proxy_unopened() {
    let ground = Ground::new().await;
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = tokio_rustls::rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let mut stream = acceptor.accept(stream).await.unwrap();
        let _ = stream.read(&mut [0; 8192]).await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsealed";
        stream.write_all(answer).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let mut job = ground.python_job(&format!(
        "import ssl, sys, urllib.request\n\
         context = ssl.create_default_context(cadata=sys.stdin.read())\n\
         print(urllib.request.urlopen('https://localhost:{port}/', context=context).read())\n"
    ));
    job.stdin = Some(made.cert.pem().into_bytes());

    let outcome = ground
        .run(with_proxy(job, &[format!("localhost:{port}")]))
        .await;

    assert_eq!(
        text(&outcome.stdout),
        "b'sealed'",
        "{}",
        text(&outcome.stderr)
    );
    serving.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_around_the_proxy() {
    let ground = Ground::new().await;
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (tcp_port, udp_port) = (
        tcp.local_addr().unwrap().port(),
        udp.local_addr().unwrap().port(),
    );
    let path = ground.folder.path().join("socket");
    let by_path = UnixListener::bind(&path).unwrap();
    let code = format!(
        "import glob, os, socket\n\
         def attempt(name, act):\n\
         \ttry: act(); print('DONE', name)\n\
         \texcept OSError: pass\n\
         def connect(family, kind, address):\n\
         \ts = socket.socket(family, kind)\n\
         \ts.settimeout(1)\n\
         \ts.connect(address)\n\
         \ts.send(b'x')\n\
         for host in '127.0.0.1', '127.0.0.2', '::1':\n\
         \tfamily = socket.AF_INET6 if ':' in host else socket.AF_INET\n\
         \tattempt(host, lambda: connect(family, socket.SOCK_STREAM, (host, {tcp_port})))\n\
         \tattempt(host, lambda: connect(family, socket.SOCK_DGRAM, (host, {udp_port})))\n\
         \tattempt('raw', lambda: socket.socket(family, socket.SOCK_RAW, 1))\n\
         \tfor protocol in 132, 262, 33, 136:\n\
         \t\tattempt(protocol, lambda: socket.socket(family, socket.SOCK_STREAM, protocol))\n\
         \tattempt('flags', lambda: socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC))\n\
         for family in range(64):\n\
         \tif family not in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6):\n\
         \t\tfor kind in 1, 2, 3: attempt(family, lambda: socket.socket(family, kind))\n\
         attempt('pair', lambda: socket.socketpair(socket.AF_INET))\n\
         attempt('path', lambda: connect(socket.AF_UNIX, 1, {path:?}))\n\
         attempt('name', lambda: socket.getaddrinfo('hearth.invalid', 80))\n\
         attempt('bind', lambda: socket.socket().bind(('127.0.0.1', 0)))\n\
         print(sorted(os.listdir('/proc/self/fd')), len(glob.glob('/proc/[0-9]*')))\n\
         print(sorted(name for name in os.environ if 'proxy' in name.lower()), len(os.environ))\n\
         print(sorted(os.listdir('/etc')), os.listdir('/etc/ssl'))\n"
    );
    let job = with_proxy(ground.python_job(&code), &["*".into()]);

    let outcome = ground.run(job).await;

    let stdout = text(&outcome.stdout);
    let lines: Vec<&str> = stdout.lines().collect();
    // The last descriptor is the listing itself.
    assert_eq!(
        lines[0],
        "['0', '1', '2', '3'] 2",
        "{stdout} {}",
        text(&outcome.stderr)
    );
    assert_eq!(
        lines[1],
        "['HTTPS_PROXY', 'HTTP_PROXY', 'http_proxy', 'https_proxy'] 9"
    );
    assert_eq!(lines[2], "['alternatives', 'ld.so.cache', 'ssl'] ['certs']");
    tcp.set_nonblocking(true).unwrap();
    assert_eq!(tcp.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    udp.set_nonblocking(true).unwrap();
    assert_eq!(
        udp.recv(&mut [0; 8]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    by_path.set_nonblocking(true).unwrap();
    assert_eq!(by_path.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(outcome.network.uses, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_host_trusts_is_trusted_inside() {
    let ground = Ground::new().await;
    let host = std::fs::read_dir("/etc/ssl/certs").map_or(0, |entries| {
        let names = entries.map(|entry| entry.unwrap().file_name());
        names
            .filter(|name| name.to_string_lossy().ends_with(".pem"))
            .count()
    });
    let code = "import glob\n\
                certificates = [open(path).read() for path in glob.glob('/etc/ssl/certs/*.pem')]\n\
                print(len(certificates), all('BEGIN CERTIFICATE' in one for one in certificates))\n";
    let job = with_proxy(ground.python_job(code), &["*".into()]);

    let outcome = ground.run(job).await;

    assert_eq!(
        text(&outcome.stdout),
        format!("{host} True"),
        "{}",
        text(&outcome.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_over_its_quota_is_cut_off() {
    let ground = Ground::new().await;
    let server = Server::new(Box::leak("x".repeat(100_000).into_boxed_str()));
    let address = server.address;
    let code = format!(
        "import urllib.request\n\
         try: print(len(urllib.request.urlopen('http://{address}/').read()))\n\
         except Exception as error: print(type(error).__name__)\n\
         try: urllib.request.urlopen('http://{address}/')\n\
         except Exception as error: print(error)\n"
    );
    let mut rules = ProxyRules::new(AllowList::parse([address.to_string()]).unwrap());
    rules.byte_quota = 50_000;
    let mut job = ground.python_job(&code);
    job.network = Network::Proxy(rules);

    let outcome = ground.run(job).await;

    assert_eq!(
        text(&outcome.stdout),
        "IncompleteRead\nHTTP Error 403: the byte quota of this run is used up",
        "{}",
        text(&outcome.stderr)
    );
    assert_eq!(outcome.network.bytes, 50_000);
}

/// Connections by the hundred, from several processes, to a server that never answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_connections_is_held_and_ends_with_the_run() {
    let ground = Ground::new().await;
    let quiet = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = quiet.local_addr().unwrap();
    let code = format!(
        "import os, socket, time\n\
         port = int(os.environ['http_proxy'].rsplit(':', 1)[1])\n\
         for _ in range(4): os.fork()\n\
         held = []\n\
         for _ in range(200):\n\
         \ts = socket.socket()\n\
         \ts.setblocking(False)\n\
         \ts.connect_ex(('127.0.0.1', port))\n\
         \theld.append(s)\n\
         for s in held:\n\
         \ttry: s.send(b'CONNECT {address} HTTP/1.1\\r\\n\\r\\n' + b'x' * 100000)\n\
         \texcept OSError: pass\n\
         time.sleep(60)\n"
    );
    let mut job = with_proxy(ground.python_job(&code), &[address.to_string()]);
    job.limits.time = Duration::from_secs(3);

    let outcome = ground.run(job).await;

    assert!(
        matches!(outcome.end, End::OverLimit(_) | End::TimedOut),
        "{:?}",
        outcome.end
    );
    quiet.set_nonblocking(true).unwrap();
    let mut reached = 0;
    while let Ok((mut stream, _)) = quiet.accept() {
        reached += 1;
        stream.set_nonblocking(false).unwrap();
        // Comes to an end, because nobody holds the other side any more.
        let _ = stream.read_to_end(&mut vec![]);
    }
    // Those at once, and those that took their places while the run was being ended.
    assert!(reached <= 40, "{reached}");
}
