//! Runs a program that turns text into something, within limits.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::SpeechError;

/// How long a program may take for one sentence. It takes some hundredths of a second.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// What is kept of its complaints.
const COMPLAINT_LIMIT: u64 = 500;

/// Where a program is in a search path such as the PATH of the environment. None if it is nowhere.
pub fn find_program(name: &str, search_path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(search_path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// What the program writes for a text, at most `limit` bytes of it. It gets an empty environment, because it
/// needs none and the node's holds secrets. Dropped, it kills the program.
pub(super) async fn run(
    voice: &'static str,
    program: &Path,
    arguments: &[&str],
    text: &str,
    limit: u64,
) -> Result<Vec<u8>, SpeechError> {
    let failed = |reason: String| SpeechError::Failed { voice, reason };
    #[expect(
        clippy::disallowed_methods,
        reason = "a program that speaks, linked nowhere"
    )]
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => SpeechError::Missing(missing(program)),
            _ => failed(format!("{} does not start ({error})", program.display())),
        })?;
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        unreachable!("all three were piped");
    };
    let work = async {
        let write = async {
            // A program that does not read to the end says why itself.
            let _ = stdin.write_all(text.as_bytes()).await;
            drop(stdin);
        };
        let ((), output, complaint) = tokio::join!(
            write,
            read(stdout, limit + 1),
            read(stderr, COMPLAINT_LIMIT)
        );
        let output = output.map_err(|error| failed(error.to_string()))?;
        if output.len() as u64 > limit {
            return Err(failed(
                "it made more sound than one sentence has".to_owned(),
            ));
        }
        let status = child
            .wait()
            .await
            .map_err(|error| failed(error.to_string()))?;
        if !status.success() {
            let complaint = complaint.unwrap_or_default();
            let complaint = String::from_utf8_lossy(&complaint);
            let line = complaint.lines().next().unwrap_or_default();
            return Err(failed(format!("{status} {line}")));
        }
        Ok(output)
    };
    tokio::time::timeout(TIME_LIMIT, work)
        .await
        .map_err(|_| failed("it took longer than 20 seconds".to_owned()))?
}

async fn read(from: impl AsyncRead + Unpin, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

fn missing(program: &Path) -> String {
    format!(
        "{} is not installed, and without it nothing is spoken; on Debian: apt install espeak-ng",
        program.display()
    )
}
