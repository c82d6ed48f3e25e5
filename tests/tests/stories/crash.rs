//! A run of ten steps, killed at every write of its journal: it ends the same, and nothing that must
//! not be done twice is.
//!
//! The node is killed right before each flush of the database's log (the write has happened and
//! nobody was told) and right before each first write after one (what was done since is not written
//! down). The owner answers as a person would, who looks whether the act happened.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hearth_tests::faults::{Faults, Loaded};
use hearth_tests::node::{Api, Options, TestNode};
use hearth_tests::skip;
use serde_json::{Value, json};

/// How long a whole life of the run may take on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);
/// How many lives are lived at once: they wait more than they work.
const AT_ONCE: usize = 4;
const SEED: &str = "seed";

/// The plan of the README: ten steps, two of them at once, one that appends to a file of the run's
/// folder, an act outside the sandbox that the owner must approve and that leaves a line each time it
/// is made, a question.
fn plan() -> anyhow::Result<Value> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme)?;
    let (_, plan) = readme
        .split_once("cat > plan.json <<'END'\n")
        .context("the README has no plan")?;
    let (plan, _) = plan.split_once("\nEND\n").context("the plan has no end")?;
    Ok(serde_json::from_str(plan)?)
}

/// One life of the run, in a folder of its own.
struct Life {
    folder: tempfile::TempDir,
}

impl Life {
    fn new() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("hearth-crash-").tempdir()?;
        fs::create_dir(folder.path().join("data"))?;
        Ok(Self { folder })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.data().join("hearth.db-wal")
    }

    fn start(&self, loaded: Option<&Loaded>) -> anyhow::Result<TestNode> {
        let home = self.folder.path().display().to_string();
        let mut env = vec![("HOME".to_owned(), home)];
        env.extend(loaded.into_iter().flat_map(|loaded| loaded.env.clone()));
        let options = Options {
            agents: true,
            env,
            ..Options::default()
        };
        TestNode::start_in(&self.data(), &options)
    }

    fn acts(&self) -> usize {
        let sent = fs::read_to_string(self.folder.path().join("outbox.txt"));
        sent.map_or(0, |text| text.lines().count())
    }

    fn has_folders(&self) -> anyhow::Result<bool> {
        let mut folders = fs::read_dir(self.data().join("workspaces"))?;
        Ok(folders.next().is_some())
    }

    /// Lives until the task has ended, through one death at most. Returns the task and the journal.
    async fn live(&self, loaded: &Loaded) -> anyhow::Result<End> {
        let mut node = self.start(Some(loaded))?;
        let task = json!({"title": "Ten steps", "max_attempts": 10, "context": {"plan": plan()?}});
        let number = node.api()?.post("/tasks", task).await?["number"].clone();
        loaded.switch_on()?;
        let deadline = Instant::now() + LIMIT;
        let mut deaths = 0;
        loop {
            ensure!(Instant::now() < deadline, "it does not end: {}", node.log());
            match self.look_after(&node.api()?, &number).await {
                // Folders of runs that are over are removed in a moment.
                Ok(Some(_)) if self.has_folders()? => (),
                Ok(Some(task)) => {
                    loaded.switch_off()?;
                    let steps = steps_of(&node.api()?).await?;
                    let code = node.stop()?;
                    ensure!(code == Some(0), "it ended with {code:?}: {}", node.log());
                    return Ok(End {
                        task,
                        steps,
                        deaths,
                    });
                }
                Ok(None) => (),
                // The connection may break before the process is seen to have ended.
                Err(_) if node.ends_within(Duration::from_secs(5)) => {
                    deaths += 1;
                    ensure!(deaths == 1, "it died again: {}", node.log());
                    drop(node);
                    node = self.start(None)?;
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Does what the owner has to do; returns the task once it has ended.
    async fn look_after(&self, api: &Api, number: &Value) -> anyhow::Result<Option<Value>> {
        let task = api.get(&format!("/tasks/{number}")).await?;
        match task["status"].as_str() {
            Some("completed") => return Ok(Some(task)),
            Some("blocked") => (),
            _ => return Ok(None),
        }
        let reason = task["blocked_reason"].as_str().unwrap_or_default();
        let answer = if reason.starts_with("Did it arrive?") {
            "yes"
        } else if reason.starts_with("May I") {
            "approve"
        } else if reason.contains("was cut off") && reason.contains("send") {
            // The person looks whether it happened.
            if self.acts() > 0 {
                "it was done"
            } else {
                "repeat it"
            }
        } else if reason.contains("was cut off") {
            "repeat it"
        } else {
            bail!("blocked: {reason}");
        };
        let path = format!("/tasks/{number}/answer");
        let answered = api
            .send("POST", &path, Some(&json!({ "answer": answer })))
            .await?;
        // Somebody else, the death before it, may have seen the same.
        ensure!(
            answered.status == 200 || answered.status == 409,
            "{}",
            answered.body
        );
        Ok(None)
    }
}

async fn steps_of(api: &Api) -> anyhow::Result<Vec<Value>> {
    let runs = api.all("/runs").await?;
    ensure!(runs.len() == 1, "{} runs", runs.len());
    ensure!(runs[0]["status"] == "completed", "{}", runs[0]);
    api.all(&format!("/runs/{}/steps", runs[0]["number"])).await
}

/// How a life ended.
struct End {
    task: Value,
    steps: Vec<Value>,
    deaths: usize,
}

impl End {
    /// What must be the same, whatever happened on the way.
    fn check(&self, life: &Life) -> anyhow::Result<()> {
        let task = &self.task;
        ensure!(
            task["result"] == json!({"words": 3, "arrived": "yes"}),
            "{}",
            task["result"]
        );
        // One letter, and in it one line: neither the act nor the step before it was made twice.
        let sent = fs::read_to_string(life.folder.path().join("outbox.txt"))?;
        ensure!(sent == "3 things: BEANS TWINE BEANS\n", "{sent}");
        ensure!(task["assigned_to"] == SEED);
        let live = |step: &&Value| step["discarded_at"].is_null();
        for place in 1..=10 {
            let attempts: Vec<&Value> = self
                .steps
                .iter()
                .filter(|step| step["place"] == place)
                .collect();
            let done = attempts
                .iter()
                .filter(|step| live(step) && step["status"] == "done")
                .count();
            ensure!(done == 1, "step {place} is done {done} times: {attempts:?}");
            let open = ["waiting", "intended", "acted"];
            let unsettled = attempts
                .iter()
                .filter(|step| live(step))
                .find(|step| open.contains(&step["status"].as_str().unwrap_or_default()));
            ensure!(unsettled.is_none(), "{unsettled:?}");
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_killed_at_every_write_of_its_journal_ends_the_same() -> anyhow::Result<()> {
    const NAME: &str = "a_run_killed_at_every_write_of_its_journal_ends_the_same";
    let Some(faults) = Faults::compile()? else {
        skip::skip(NAME, "there is no C compiler, or no Linux");
        return Ok(());
    };
    let whole = Life::new()?;
    let counted = faults.load(&[&whole.log()], None)?.with_switch();
    let end = whole.live(&counted).await?;
    end.check(&whole)?;
    let counts = counted.counts()?;
    let points: Vec<(&'static str, u64)> = ["sync", "resume"]
        .into_iter()
        .flat_map(|kind| (1..=counts.get(kind).copied().unwrap_or(0)).map(move |nth| (kind, nth)))
        .collect();
    ensure!(
        points.len() > 60,
        "only {} writes: {counts:?}",
        points.len()
    );

    let mut lives = Vec::new();
    for (kind, nth) in &points {
        let life = Life::new()?;
        let loaded = faults.load_kill(&[&life.log()], kind, *nth)?.with_switch();
        lives.push((life, loaded, *kind, *nth));
    }
    let died = AtomicU64::new(0);
    let lives = futures_util::stream::iter(lives.into_iter().map(|(life, loaded, kind, nth)| {
        let died = &died;
        async move {
            let lived = async {
                let end = life.live(&loaded).await?;
                end.check(&life)?;
                anyhow::Ok(end)
            };
            let end = lived
                .await
                .with_context(|| format!("killed at {kind} {nth}"))?;
            died.fetch_add(u64::try_from(end.deaths)?, Ordering::Relaxed);
            anyhow::Ok(())
        }
    }));
    let ends: Vec<anyhow::Result<()>> =
        futures_util::StreamExt::collect(futures_util::StreamExt::buffer_unordered(lives, AT_ONCE))
            .await;
    let failed: Vec<String> = ends
        .into_iter()
        .filter_map(|end| end.err().map(|error| format!("{error:#}")))
        .collect();
    eprintln!(
        "crash matrix: {} points, {} deaths, {} ended otherwise",
        points.len(),
        died.load(Ordering::Relaxed),
        failed.len()
    );
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    until_no_orphans().await
}

/// Waits until nothing is left of sandboxes whose nodes are gone: those have the first process of the
/// machine for a parent.
pub(crate) async fn until_no_orphans() -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let orphans = orphans();
        if orphans.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "processes are left: {orphans:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn orphans() -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| {
            let stat = fs::read_to_string(process.path().join("stat")).ok()?;
            let (_, rest) = stat.rsplit_once(") ")?;
            let parent = rest.split(' ').nth(1)?;
            let args = fs::read(process.path().join("cmdline")).ok()?;
            let args = String::from_utf8_lossy(&args).replace('\0', " ");
            (parent == "1" && args.contains("sandbox-stage")).then_some(args)
        })
        .collect()
}
