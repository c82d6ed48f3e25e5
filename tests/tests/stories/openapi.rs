//! The interface against its own description, by a program that we did not write.

use std::process::{Command, Stdio};

use anyhow::ensure;
use hearth_tests::node::{Options, TestNode};
use hearth_tests::skip;

/// Requests per operation; there are some forty operations.
const EXAMPLES: &str = "12";

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "starts schemathesis, whose place ./test tells"
)]
fn schemathesis_finds_no_server_error_and_nothing_undocumented() -> anyhow::Result<()> {
    let name = "schemathesis_finds_no_server_error_and_nothing_undocumented";
    let Some(program) = std::env::var_os("HEARTH_SCHEMATHESIS") else {
        skip::skip(
            name,
            "HEARTH_SCHEMATHESIS names no program; ./test installs it",
        );
        return Ok(());
    };
    let node = TestNode::start(&Options::default())?;

    let output = Command::new(program)
        .arg("run")
        .arg(format!("{}/api/v1/openapi.json", node.base_url()))
        .args(["--header", &format!("Authorization: Bearer {}", node.owner_key()?)])
        .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"])
        .args(["--max-examples", EXAMPLES, "--seed", "1", "--request-timeout", "20", "--workers", "1", "--no-color"])
        // A request here may end the key that all requests show.
        .args(["--exclude-path", "/api/v1/keys/{id}"])
        // One that never ends is no request to be judged by its answer.
        .args(["--exclude-path", "/api/v1/events/stream"])
        // Where there is no model it says so by 503, which is what it is for.
        .args(["--exclude-path", "/api/v1/model/test"])
        // Nor does it hear without a model, or without a microphone.
        .args(["--exclude-path", "/v1/audio/transcriptions"])
        .args(["--exclude-path", "/v1/audio/speech"])
        .args(["--exclude-path", "/api/v1/voice/utterance"])
        .args(["--exclude-path", "/api/v1/voice/ptt"])
        .current_dir(node.data_dir())
        .env("NO_PROXY", "*")
        .stdin(Stdio::null())
        .output()?;

    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "{said}\n{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        node.log()
    );
    ensure!(
        said.contains("generated"),
        "it seems to have tested nothing: {said}"
    );
    ensure!(!node.log().contains("panicked"), "{}", node.log());
    Ok(())
}
