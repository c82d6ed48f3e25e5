//! `hearth artifact get`: fetches an artifact's bytes.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;

use crate::cli::words::id;
use crate::client::Client;
use crate::output::stdout_error;

/// Fetches an artifact's bytes.
#[derive(Debug, Args)]
pub struct Get {
    /// Its UUID
    #[arg(value_name = "ID", value_parser = id)]
    artifact: uuid::Uuid,
    /// Where to write them; standard output if it is left out
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a file that exists
    #[arg(long, requires = "output")]
    force: bool,
}

pub(super) async fn run(client: &Client, get: Get) -> anyhow::Result<()> {
    if let Some(path) = get
        .output
        .as_deref()
        .filter(|path| !get.force && path.exists())
    {
        return Err(exists(path));
    }
    let id = get.artifact.to_string();
    let response = client.download(&["artifacts", &id, "content"]).await?;
    match &get.output {
        None => to_stdout(response).await,
        Some(path) if get.force => replace(response, path).await,
        Some(path) => make(response, path).await,
    }
}

async fn to_stdout(response: Response) -> anyhow::Result<()> {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or("unknown");
    let is_text = kind.starts_with("text/") || kind.starts_with("application/json");
    if io::stdout().is_terminal() && !is_text {
        bail!("its type is {kind}, which a terminal cannot show; write it to a file with -o FILE");
    }
    let mut out = io::stdout().lock();
    each_chunk(response, |chunk| out.write_all(chunk).map_err(stdout_error)).await?;
    out.flush().map_err(stdout_error)
}

/// Writes to a file that does not exist yet.
async fn make(response: Response, path: &Path) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let mut file = match std::fs::File::create_new(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists(path)),
        Err(error) => return Err(error).with_context(cannot),
    };
    let written = each_chunk(response, |chunk| file.write_all(chunk).with_context(cannot)).await;
    if written.is_err() {
        // A part of an artifact is worse than none; what went wrong is told either way.
        let _ = std::fs::remove_file(path);
    }
    written
}

/// Puts the bytes in the place of a file once all of them are there.
async fn replace(response: Response, path: &Path) -> anyhow::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.part", std::process::id()));
    let draft = PathBuf::from(draft);
    make(response, &draft).await?;
    std::fs::rename(&draft, path).with_context(|| format!("cannot write {}", path.display()))
}

async fn each_chunk(
    mut response: Response,
    mut write: impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let broken = |_| anyhow!("the node broke off before all bytes came; try again");
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        write(&chunk)?;
    }
    Ok(())
}

fn exists(path: &Path) -> anyhow::Error {
    anyhow!("{} exists; say --force to write over it", path.display())
}
