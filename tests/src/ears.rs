//! A node that hears: by a recogniser that knows a few sentences, so that no model is wanted.

use std::fs;
use std::path::Path;
use std::time::Duration;

use reqwest::multipart::{Form, Part};

use crate::node::{Options, TestNode};
use crate::skip::skip;
use crate::sound::is_there;

/// What is understood.
const GRAMMAR: &str = "#JSGF V1.0;\ngrammar orders;\npublic <order> = \
    add water the roses | what is blocked | call the bank tomorrow | feed the hungry cat | \
    please paint the garden fence | please count the honey jars | \
    the gardener takes number ( three | four ) tomorrow morning | \
    add water the roses i've added number one water the roses;\n";

/// How long a recording may take on a busy machine.
const ANSWERED_WITHIN: Duration = Duration::from_mins(1);

/// The settings of a node that hears by a recogniser with a few sentences, whose grammar is written to a
/// folder; none, said loudly, where that is not installed.
///
/// # Errors
/// The grammar cannot be written.
pub fn hearing(test: &str, folder: &Path) -> anyhow::Result<Option<Vec<(String, String)>>> {
    if !is_there(test, "espeak-ng", "espeak-ng") {
        return Ok(None);
    }
    let names = ["pocketsphinx", "pocketsphinx_continuous"];
    let path = std::env::split_paths(&search_path()).collect::<Vec<_>>();
    let is_here = |name: &&str| path.iter().any(|folder| folder.join(name).is_file());
    if !names.iter().any(is_here) {
        skip(
            test,
            "pocketsphinx is not installed (apt install pocketsphinx pocketsphinx-en-us)",
        );
        return Ok(None);
    }
    let grammar = folder.join("orders.gram");
    fs::write(&grammar, GRAMMAR)?;
    Ok(Some(vec![
        ("HEARTH_VOICE_TRANSCRIBER".into(), "pocketsphinx".into()),
        ("HEARTH_VOICE_GRAMMAR".into(), grammar.display().to_string()),
        ("HEARTH_VOICE_SPEAKER".into(), "espeak".into()),
    ]))
}

/// A node with such ears, and with more settings.
///
/// # Errors
/// It does not start.
pub fn listening_node(
    test: &str,
    folder: &Path,
    more: Vec<(String, String)>,
) -> anyhow::Result<Option<TestNode>> {
    let Some(mut env) = hearing(test, folder)? else {
        return Ok(None);
    };
    env.extend(more);
    let options = Options {
        env,
        ..Options::default()
    };
    TestNode::start_in(folder, &options).map(Some)
}

#[expect(clippy::disallowed_methods, reason = "where programs are looked for")]
fn search_path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

/// Sends a form with a recording and these further parts; returns the status and the answer.
///
/// # Errors
/// No answer comes.
pub async fn send(
    node: &TestNode,
    path: &str,
    bytes: Vec<u8>,
    parts: &[(&str, &str)],
) -> anyhow::Result<(u16, String)> {
    let mut form = Form::new();
    for (name, text) in parts {
        form = form.text((*name).to_owned(), (*text).to_owned());
    }
    let form = form.part("file", Part::bytes(bytes).file_name("x.wav"));
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(ANSWERED_WITHIN)
        .build()?;
    let request = client.post(format!("{}{path}", node.base_url()));
    let answer = request
        .bearer_auth(node.owner_key()?)
        .multipart(form)
        .send()
        .await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}
