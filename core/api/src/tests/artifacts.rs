//! Bytes in and out.

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

use super::support::{Answer, TestApi, UPLOAD_MAX};

/// Writes a form of text parts and, last, a file.
fn form(texts: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, text) in texts {
        let part =
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    if let Some((head, bytes)) = file {
        let part = format!("--B\r\nContent-Disposition: form-data; name=\"file\"{head}\r\n\r\n");
        body.extend_from_slice(part.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--B--\r\n");
    body
}

async fn upload(api: &TestApi, body: Vec<u8>) -> Answer {
    api.call("POST", "/api/v1/artifacts")
        .header("content-type", "multipart/form-data; boundary=B")
        .bytes(body)
        .send()
        .await
}

async fn stored(api: &TestApi, body: Value) -> String {
    let artifact = api.post("/api/v1/artifacts", body).await;
    let artifact = artifact.expect(StatusCode::CREATED);
    format!("/api/v1/artifacts/{}", artifact["id"].as_str().unwrap())
}

#[tokio::test]
async fn bytes_come_back_as_they_went_in() {
    let api = TestApi::start().await;
    let bytes: Vec<u8> = (0..=255).collect();
    let body = json!({
        "type": "data", "name": "dir\\b\u{fc}ytes.bin", "content_base64": STANDARD.encode(&bytes),
    });

    let path = stored(&api, body).await;
    let answer = api.call("GET", &format!("{path}/content")).send().await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.bytes, bytes);
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-length", "256"),
        ("accept-ranges", "bytes"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        (
            "content-disposition",
            "attachment; filename=\"b_ytes.bin\"; filename*=UTF-8''b%C3%BCytes.bin",
        ),
        ("cache-control", "private, no-cache"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let sha256 = api.get(&path).await["sha256"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("etag"), format!("\"{sha256}\""));
}

#[tokio::test]
async fn a_part_of_the_bytes_can_be_asked_for() {
    let api = TestApi::start().await;
    let path = stored(&api, json!({"type": "text", "content": "0123456789"})).await;
    let content = format!("{path}/content");
    let range = |range: &str| api.call("GET", &content).header("range", range).send();

    let part = range("bytes=2-4").await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.text(), "234");
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    assert_eq!(part.header("content-length"), "3");
    assert_eq!(range("bytes=-2").await.text(), "89");
    assert_eq!(range("bytes=0-1,3-4").await.text(), "0123456789");

    let outside = range("bytes=10-").await;
    assert_eq!(outside.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(outside.header("content-range"), "bytes */10");
    assert_eq!(outside.problem()["code"], "range_not_satisfiable");

    let head = api.call("HEAD", &content).send().await;
    assert_eq!((head.header("content-length"), head.bytes.len()), ("10", 0));
    let etag = head.header("etag").to_owned();
    let known = api
        .call("GET", &content)
        .header("if-none-match", &etag)
        .send()
        .await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    assert!(known.bytes.is_empty());
    let stale = api
        .call("GET", &content)
        .header("range", "bytes=0-1")
        .header("if-range", "\"old\"");
    assert_eq!(stale.send().await.text(), "0123456789");
    let same = api
        .call("GET", &content)
        .header("range", "bytes=0-1")
        .header("if-range", &etag);
    assert_eq!(same.send().await.text(), "01");
}

#[tokio::test]
async fn empty_bytes_are_bytes_too() {
    let api = TestApi::start().await;
    let path = stored(&api, json!({"type": "text", "content": ""})).await;

    let answer = api.call("GET", &format!("{path}/content")).send().await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-length"), "0");
}

#[tokio::test]
async fn a_form_is_stored_with_what_the_file_says_of_itself() {
    let api = TestApi::start().await;
    api.task("Have it").await;
    let texts = [
        ("type", "notes"),
        ("task_id", "1"),
        ("metadata", r#"{"a":1}"#),
    ];
    let head = "; filename=\"../../etc/notes.md\"\r\nContent-Type: text/markdown";

    let answer = upload(&api, form(&texts, Some((head, b"# Notes")))).await;

    let artifact = answer.expect(StatusCode::CREATED);
    assert_eq!(artifact["name"], "notes.md");
    assert_eq!(artifact["media_type"], "text/markdown");
    assert_eq!(artifact["metadata"], json!({"a": 1}));
    assert_eq!(artifact["size_bytes"], 7);
    let content = format!("{}/content", answer.header("location"));
    let content = api.call("GET", &content).send().await;
    assert_eq!(content.text(), "# Notes");
}

#[tokio::test]
async fn a_bad_form_is_refused_by_the_name_of_its_part() {
    let api = TestApi::start().await;
    let file = Some(("; filename=\"f\"", &b"x"[..]));
    let kind = ("type", "notes");
    let twice = [form(&[kind], file), form(&[], file)];
    let [first, second] = &twice;
    let two_files = [first.strip_suffix(b"--B--\r\n").unwrap(), second].concat();
    let cases = [
        (form(&[], file), "type"),
        (form(&[kind, kind], file), "type"),
        (form(&[kind, ("kind", "x")], file), "kind"),
        (form(&[kind, ("fence", "x")], file), "fence"),
        (form(&[kind, ("task_id", "x")], file), "task_id"),
        (form(&[kind, ("metadata", "[]")], file), "metadata"),
        (
            form(&[kind, ("metadata", &"x".repeat(262_145))], file),
            "metadata",
        ),
        (form(&[kind, ("media_type", "x")], file), "media_type"),
        (form(&[kind, ("agent", "a b")], file), "agent"),
        (form(&[kind, ("name", "..")], file), "name"),
        (form(&[kind], None), "file"),
        (two_files, "file"),
        (b"no form at all".to_vec(), "body"),
        (
            b"--B\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\nno".to_vec(),
            "body",
        ),
    ];
    for (body, field) in cases {
        let answer = upload(&api, body).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{field} {}",
            answer.text()
        );
        assert_eq!(answer.problem()["field"], field);
    }
    let no_boundary = api
        .call("POST", "/api/v1/artifacts")
        .header("content-type", "multipart/form-data")
        .bytes("x")
        .send()
        .await;
    assert_eq!(no_boundary.problem()["field"], "Content-Type");
}

#[tokio::test]
async fn an_artifact_over_the_limit_is_refused() {
    let api = TestApi::start().await;
    let bytes = vec![7; usize::try_from(UPLOAD_MAX).unwrap() + 1];

    let whole = upload(&api, form(&[("type", "x")], Some(("", &bytes)))).await;
    assert_eq!(whole.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(whole.problem()["code"], "too_large");

    let text = "x".repeat(bytes.len());
    let json = api
        .post("/api/v1/artifacts", json!({"type": "x", "content": text}))
        .await;
    assert_eq!(json.status, StatusCode::PAYLOAD_TOO_LARGE);

    let announced = api
        .call("POST", "/api/v1/artifacts")
        .header("content-type", "multipart/form-data; boundary=B")
        .header("content-length", "999999999999")
        .body(Body::empty())
        .send()
        .await;
    assert_eq!(announced.status, StatusCode::PAYLOAD_TOO_LARGE);

    let huge = api
        .call("POST", "/api/v1/artifacts")
        .header("content-type", "application/json")
        .header("content-length", "16777217")
        .body(Body::empty())
        .send()
        .await;
    let detail = huge.problem()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("multipart/form-data"), "{detail}");
}
