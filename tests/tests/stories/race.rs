//! Many agents, many tasks: each task is claimed exactly once.

use std::collections::HashSet;

use anyhow::ensure;
use hearth_tests::node::{Options, TestNode};
use hearth_tests::raw_http::RawClient;
use serde_json::Value;

const AGENTS: usize = 64;
const TASKS: usize = 10_000;

#[test]
fn sixty_four_agents_claim_ten_thousand_tasks_each_exactly_once() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let key = node.owner_key()?;
    in_threads(16, |thread| {
        let mut http = RawClient::connect(node.address(), &key)?;
        for number in (thread..TASKS).step_by(16) {
            let body = format!(r#"{{"title":"Task {number}"}}"#);
            let (status, body) = http.send("POST", "/api/v1/tasks", &body)?;
            ensure!(status == 201, "{status}: {}", String::from_utf8_lossy(body));
        }
        Ok(())
    })?;

    let claimed: Vec<Vec<(i64, i64)>> = in_threads(AGENTS, |agent| {
        let mut http = RawClient::connect(node.address(), &key)?;
        let body = format!(r#"{{"agent":"agent-{agent}","lease_seconds":3600}}"#);
        let mut claimed = Vec::new();
        loop {
            let (status, body) = http.send("POST", "/api/v1/tasks/claim", &body)?;
            match status {
                200 => {
                    let task: Value = serde_json::from_slice(body)?;
                    claimed.push((
                        task["number"].as_i64().unwrap_or_default(),
                        task["fence"].as_i64().unwrap_or_default(),
                    ));
                }
                204 => return Ok(claimed),
                // As many writes wait as may; the node says so instead of piling them up.
                503 => (),
                other => anyhow::bail!("{other}: {}", String::from_utf8_lossy(body)),
            }
        }
    })?;

    let all: Vec<(i64, i64)> = claimed.into_iter().flatten().collect();
    let numbers: HashSet<i64> = all.iter().map(|(number, _)| *number).collect();
    ensure!(all.len() == TASKS, "{} claims for {TASKS} tasks", all.len());
    ensure!(numbers.len() == TASKS, "a task was claimed twice");
    ensure!(
        all.iter().all(|(_, fence)| *fence == 1),
        "a fence was handed out twice"
    );
    Ok(())
}

fn in_threads<T: Send>(
    count: usize,
    work: impl Fn(usize) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|thread| {
                let work = &work;
                scope.spawn(move || work(thread))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| anyhow::bail!("a thread panicked"))
            })
            .collect()
    })
}
