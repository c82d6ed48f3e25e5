//! Servers that search, played by one on loopback.

use hearth_sandbox::network::SystemResolver;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::*;

/// Answers each request with the same, and keeps what it heard.
struct Server {
    base: Url,
    heard: tokio::sync::mpsc::Receiver<String>,
    _until_dropped: AbortOnDropHandle<()>,
}

async fn server(answer: String) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let (tell, heard) = tokio::sync::mpsc::channel(16);
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 8192];
            let length = stream.read(&mut request).await.unwrap();
            request.truncate(length);
            let answer = format!("HTTP/1.1 {answer}");
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            let request = String::from_utf8_lossy(&request).into_owned();
            tell.send(request).await.unwrap();
        }
    });
    Server {
        base: base.parse().unwrap(),
        heard,
        _until_dropped: AbortOnDropHandle::new(serving),
    }
}

fn status(status: &str, body: &str) -> String {
    format!(
        "{status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn found_by(search: impl Search, query: &str, count: usize) -> Result<Vec<Hit>, String> {
    let web = Web::new(Arc::new(SystemResolver)).unwrap();
    let searching = Searching::with(search);
    let (_, found) = searching.ask(&web, query, count).await.unwrap();
    found.map_err(|error| error.to_string())
}

fn hit(title: &str, url: &str, snippet: &str) -> Hit {
    Hit {
        title: title.into(),
        url: url.into(),
        snippet: snippet.into(),
    }
}

const OTTERS: &str = "https://example.org/otters";

#[tokio::test]
async fn searxng_is_asked_for_json() {
    let body = serde_json::json!({
        "query": "otters",
        "number_of_results": 0,
        "results": [
            {"url": OTTERS, "title": " Sea\notters ", "content": "They sleep", "engine": "x"},
            {"url": "https://example.org/b", "title": null, "content": null},
            {"url": "javascript:alert(1)", "title": "not a page"},
            {"title": "nowhere"},
        ],
        "answers": [], "infoboxes": [],
    });
    let mut server = server(status("200 OK", &body.to_string())).await;
    let base = server.base.join("searx?theme=x").unwrap();

    let found = found_by(Searxng::at(base), "sea otters & more", 5).await;

    let expected = [
        hit("Sea otters", OTTERS, "They sleep"),
        hit("", "https://example.org/b", ""),
    ];
    assert_eq!(found.unwrap(), expected);
    let heard = server.heard.recv().await.unwrap();
    let line = "GET /searx/search?q=sea+otters+%26+more&format=json HTTP/1.1\r\n";
    assert!(heard.starts_with(line), "{heard}");
}

#[tokio::test]
async fn a_searxng_that_gives_no_json_says_how_to_mend_that() {
    let server = server(status("403 Forbidden", "<html>")).await;

    let refused = found_by(Searxng::at(server.base.clone()), "x", 5).await;

    let refused = refused.unwrap_err();
    assert!(
        refused.contains("403") && refused.contains("search.formats"),
        "{refused}"
    );
}

#[tokio::test]
async fn brave_gets_its_key_in_a_header_and_nowhere_else() {
    let body = serde_json::json!({
        "type": "search",
        "web": {"type": "search", "results": [
            {"title": "Otters", "url": OTTERS, "description": "They <strong>sleep</strong>", "age": "1d"},
        ]},
    });
    let mut server = server(status("200 OK", &body.to_string())).await;
    let brave = Brave::at(server.base.clone(), Key::new("secret-1"));
    assert!(!format!("{brave:?}{:?}", brave.ask("x", 3)).contains("secret-1"));

    let found = found_by(brave, "otters", 3).await;

    assert_eq!(found.unwrap(), [hit("Otters", OTTERS, "They sleep")]);
    let heard = server.heard.recv().await.unwrap();
    let line = "GET /res/v1/web/search?q=otters&count=3 HTTP/1.1\r\n";
    assert!(heard.starts_with(line), "{heard}");
    assert!(
        heard.contains("x-subscription-token: secret-1\r\n"),
        "{heard}"
    );
}

#[tokio::test]
async fn brave_that_finds_nothing_leaves_the_list_out() {
    let server = server(status("200 OK", r#"{"type": "search"}"#)).await;
    let brave = Brave::at(server.base.clone(), Key::new("k"));

    assert_eq!(found_by(brave, "x", 3).await, Ok(vec![]));
}

#[tokio::test]
async fn tavily_is_posted_to() {
    let body = serde_json::json!({
        "query": "otters", "response_time": 1.2,
        "results": [{"title": "Otters", "url": OTTERS, "content": "They sleep", "score": 0.9}],
    });
    let mut server = server(status("200 OK", &body.to_string())).await;
    let tavily = Tavily::at(server.base.clone(), Key::new("secret-2"));

    let found = found_by(tavily, "otters", 3).await;

    assert_eq!(found.unwrap(), [hit("Otters", OTTERS, "They sleep")]);
    let heard = server.heard.recv().await.unwrap();
    assert!(heard.starts_with("POST /search HTTP/1.1\r\n"), "{heard}");
    assert!(
        heard.contains("authorization: Bearer secret-2\r\n"),
        "{heard}"
    );
    assert!(
        heard.contains("content-type: application/json\r\n"),
        "{heard}"
    );
    let (_, sent) = heard.split_once("\r\n\r\n").unwrap();
    let sent: serde_json::Value = serde_json::from_str(sent).unwrap();
    assert_eq!(
        (&sent["query"], &sent["max_results"]),
        (&"otters".into(), &3.into())
    );
}

#[tokio::test]
async fn what_a_server_refuses_is_told_without_the_key() {
    for (answer, told) in [
        (status("401 Unauthorized", "{}"), "does not take the key"),
        (
            "429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n".into(),
            "asked too often; it says to wait 7 s",
        ),
        (status("500 Oops", "{}"), "answered 500"),
        (status("200 OK", "<html>"), "something else than results"),
        (
            "302 Found\r\nLocation: http://127.0.0.1:1/steal\r\nContent-Length: 0\r\n\r\n".into(),
            "more than 0 redirects",
        ),
    ] {
        let server = server(answer).await;
        let tavily = Tavily::at(server.base.clone(), Key::new("secret-3"));

        let refused = found_by(tavily, "private words", 3).await.unwrap_err();

        assert!(refused.contains(told), "{refused}\n  not: {told}");
        assert!(
            !refused.contains("secret-3") && !refused.contains("private"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn results_are_bounded() {
    let result = serde_json::json!({
        "title": "t".repeat(10_000), "url": OTTERS, "content": "c".repeat(10_000),
    });
    let far = serde_json::json!({
        "title": "far", "url": format!("https://example.org/{}", "x".repeat(5000)), "content": "",
    });
    let mut results = vec![result; 30];
    results.push(far);
    let body = serde_json::json!({ "results": results });
    let server = server(status("200 OK", &body.to_string())).await;

    let found = found_by(Searxng::at(server.base.clone()), "x", 10)
        .await
        .unwrap();

    assert_eq!(found.len(), 10);
    assert!(
        found
            .iter()
            .all(|hit| hit.title.len() <= 300 && hit.snippet.len() == SNIPPET_MAX)
    );
}

#[tokio::test]
async fn a_server_of_ones_own_is_reached_by_its_exact_address_alone() {
    let server = server(status("200 OK", r#"{"results": []}"#)).await;
    let port = server.base.port().unwrap();
    let local: Url = format!("http://localhost:{port}/").parse().unwrap();

    let searching = Searching::with(Searxng::at(local.clone()));

    assert_eq!(searching.host(), Some(format!("localhost:{port}")));
    assert_eq!(found_by(Searxng::at(local), "x", 1).await, Ok(vec![]));
    let none = Searching::with(Searxng::at("ftp://example.org/".parse().unwrap()));
    assert_eq!(none.host(), None);
    assert!(none.problem().unwrap().contains("must begin with http"));
}

#[test]
fn the_addresses_of_the_services_are_addresses() {
    let brave = Searching::with(Brave::new(Key::new("k")).unwrap());
    let tavily = Searching::with(Tavily::new(Key::new("k")).unwrap());

    assert_eq!(brave.host().as_deref(), Some("api.search.brave.com"));
    assert_eq!(tavily.host().as_deref(), Some("api.tavily.com"));
    assert_eq!(Searching::default().host(), None);
}
