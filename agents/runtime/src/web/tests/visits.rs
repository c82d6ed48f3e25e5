//! Visits: turns, what a host asks of programs, and pages that mean no good.

use super::*;

fn page(media_type: &str, body: &str) -> String {
    format!(
        "200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn nothing() -> String {
    "404 Not Found\r\nContent-Length: 0\r\n\r\n".into()
}

async fn visit(server: &Server, path: &str) -> Result<Fetched, FetchError> {
    visit_with(&web(), server, path).await
}

async fn visit_with(web: &Web, server: &Server, path: &str) -> Result<Fetched, FetchError> {
    let host = server.address.to_string();
    let mut fetch = fetch(&server.url(path), &[&host]);
    fetch.max_redirects = 10;
    web.visit(&host, fetch).await
}

/// The paths that were asked for so far.
fn heard(server: &mut Server) -> Vec<String> {
    let mut paths = Vec::new();
    while let Ok(request) = server.heard.try_recv() {
        let path = request.split(' ').nth(1).unwrap_or_default();
        paths.push(path.to_owned());
    }
    paths
}

#[tokio::test]
async fn what_a_host_asks_is_asked_first_and_once() {
    let mut server = Server::plain(|path| match path {
        "/robots.txt" => page("text/plain", "User-agent: *\nDisallow: /private"),
        "/there" => to("/private/x"),
        _ => page("text/plain", "hello"),
    })
    .await;
    let web = web();

    let open = visit_with(&web, &server, "/open").await.unwrap();
    let closed = visit_with(&web, &server, "/private/x").await.unwrap_err();
    let led = visit_with(&web, &server, "/there").await.unwrap_err();

    assert_eq!(open.body, b"hello");
    for refused in [closed, led] {
        assert_eq!(
            refused.to_string(),
            "127.0.0.1 asks programs not to read this page (robots.txt); a person may"
        );
        assert!(!refused.is_transient());
    }
    assert_eq!(heard(&mut server), ["/robots.txt", "/open", "/there"]);
}

#[tokio::test]
async fn a_host_that_asks_nothing_lets_everything_be_read() {
    // There is none, it is elsewhere, it leads in a circle, it is something else.
    let hosts: [fn(&str) -> String; 4] = [
        |path| match path {
            "/robots.txt" => nothing(),
            _ => ok("hello"),
        },
        |path| match path {
            "/robots.txt" => to("https://elsewhere.example/robots.txt"),
            _ => ok("hello"),
        },
        |path| match path {
            "/robots.txt" => to("/robots.txt"),
            _ => ok("hello"),
        },
        |path| match path {
            "/robots.txt" => page("text/html", "<html>welcome: guest"),
            _ => ok("hello"),
        },
    ];
    for host in hosts {
        let server = Server::plain(host).await;
        assert_eq!(visit(&server, "/").await.unwrap().body, b"hello");
    }
}

#[tokio::test]
async fn where_nobody_knows_what_a_host_asks_it_is_not_read() {
    let mut server = Server::plain(|path| match path {
        "/robots.txt" => "503 Unavailable\r\nContent-Length: 0\r\n\r\n".into(),
        _ => ok("hello"),
    })
    .await;

    let error = visit(&server, "/").await.unwrap_err();

    let said = error.to_string();
    assert!(
        said.contains("answered 503") && said.contains("robots.txt"),
        "{said}"
    );
    assert!(error.is_transient());
    assert_eq!(heard(&mut server), ["/robots.txt"]);
}

#[tokio::test]
async fn redirects_without_end_are_given_up_after_ten() {
    let mut server = Server::plain(|path| match path {
        "/robots.txt" => nothing(),
        path => {
            let step: u32 = path.trim_start_matches('/').parse().unwrap();
            to(&format!("/{}", step + 1))
        }
    })
    .await;

    let error = visit(&server, "/1").await.unwrap_err();

    assert!(error.to_string().starts_with("more than 10 redirects"));
    assert_eq!(
        heard(&mut server).len(),
        12,
        "robots.txt, the page and ten more"
    );
}

#[tokio::test]
async fn a_private_address_is_not_visited_nor_asked() {
    let mut server = Server::plain(|_| ok("secret")).await;
    let port = server.address.port();
    for url in [
        format!("http://inside.example.org:{port}/"),
        format!("http://localhost:{port}/"),
    ] {
        let allow = format!("inside.example.org:{port}");
        let refused = web().visit(&allow, fetch(&url, &[&allow])).await;
        assert!(
            matches!(refused, Err(FetchError::Refused(_))),
            "{refused:?}"
        );
    }

    assert_eq!(heard(&mut server), [""; 0]);
}

#[tokio::test]
async fn the_second_page_of_a_host_comes_a_second_later() {
    let server = Server::plain(|_| ok("")).await;
    let web = web();
    let began = std::time::Instant::now();

    visit_with(&web, &server, "/1").await.unwrap();
    visit_with(&web, &server, "/2").await.unwrap();

    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_page_without_end_is_cut_and_a_slow_one_given_up() {
    let server = Server::plain(|path| match path {
        "/robots.txt" => nothing(),
        _ => page("text/html", &"<p>more</p>".repeat(10_000)),
    })
    .await;
    let host = server.address.to_string();
    let mut limited = fetch(&server.url("/"), &[&host]);
    limited.byte_limit = 1000;
    let fetched = web().visit(&host, limited).await.unwrap();
    assert_eq!((fetched.body.len(), fetched.truncated), (1000, true));

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = silent.local_addr().unwrap().to_string();
    let mut limited = fetch(&format!("http://{host}/"), &[&host]);
    limited.time_limit = Duration::from_millis(100);
    let error = web().visit(&host, limited).await.unwrap_err();
    assert!(matches!(error, FetchError::TimedOut { .. }), "{error}");
}
