//! Who holds the data folder, and whether it answers.

use std::time::Duration;

use serde_json::Value;

use super::Check;
use crate::client::Client;
use crate::client::locate::own;
use crate::data_dir::{DataDir, Holder};

const NAME: &str = "lock";
/// A node answers this at once; one that hangs does not answer it at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// Returns what was found, and whether anybody holds the folder.
pub(super) async fn check(data: &DataDir) -> (Check, bool) {
    let holder = match Holder::find(data) {
        Ok(Some(holder)) => holder,
        Ok(None) => return (Check::ok(NAME, "no node is running"), false),
        Err(error) => {
            let remedy = "wait a moment, and look again";
            return (Check::warning(NAME, format!("{error:#}"), remedy), true);
        }
    };
    let pid = holder.pid;
    let Some(url) = holder.url else {
        let found = format!("a node or a command with pid {pid} is starting, or at work");
        let remedy = "wait a moment, and look again";
        return (Check::warning(NAME, found, remedy), true);
    };
    let asked = tokio::time::timeout(PATIENCE, ask_version(data)).await;
    let problem = match asked {
        Ok(Ok(version)) if version == env!("CARGO_PKG_VERSION") => {
            let found = format!("a node of this version runs with pid {pid} at {url}");
            return (Check::ok(NAME, found), true);
        }
        Ok(Ok(version)) => {
            let found = format!(
                "the node with pid {pid} at {url} is Hearth {version}, and this program is {}",
                env!("CARGO_PKG_VERSION")
            );
            let remedy = "stop the node and start it again: hearth up";
            return (Check::warning(NAME, found, remedy), true);
        }
        Ok(Err(error)) => format!("{error:#}"),
        Err(_) => format!("it does not answer in {} s", PATIENCE.as_secs()),
    };
    let found = format!("the node with pid {pid} at {url} cannot be asked: {problem}");
    let remedy = format!("stop it with `kill {pid}` and start it again: hearth up");
    (Check::fault(NAME, found, remedy), true)
}

async fn ask_version(data: &DataDir) -> anyhow::Result<String> {
    let Some(target) = own(data)? else {
        anyhow::bail!("it has just stopped");
    };
    let status: Value = Client::new(target)?.get(&["status"], &[]).await?.read()?;
    let version = status["version"].as_str().unwrap_or("of unknown version");
    Ok(version.to_owned())
}
