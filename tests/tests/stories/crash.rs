//! A run of ten steps, and one that a model leads, killed at every write of its journal: it ends the
//! same, and nothing that must not be done twice is.
//!
//! The node is killed right before each flush of the database's log (the write has happened and
//! nobody was told) and right before each first write after one (what was done since is not written
//! down). The owner answers as a person would, who looks whether the act happened.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hearth_tests::aimock::AiMock;
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
    task: Value,
    /// The step that acts on the world outside.
    act: &'static str,
    env: Vec<(String, String)>,
    check: fn(&End, &Life) -> anyhow::Result<()>,
}

impl Life {
    /// The life of a plan.
    fn planned() -> anyhow::Result<Self> {
        let task = json!({"title": "Ten steps", "max_attempts": 10, "context": {"plan": plan()?}});
        Self::new(task, "send", Vec::new(), End::check_plan)
    }

    fn new(
        task: Value,
        act: &'static str,
        env: Vec<(String, String)>,
        check: fn(&End, &Life) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("hearth-crash-").tempdir()?;
        fs::create_dir(folder.path().join("data"))?;
        Ok(Self {
            folder,
            task,
            act,
            env,
            check,
        })
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
        env.extend(self.env.clone());
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
        let number = node.api()?.post("/tasks", self.task.clone()).await?["number"].clone();
        loaded.switch_on()?;
        let deadline = Instant::now() + LIMIT;
        let mut deaths = 0;
        loop {
            ensure!(Instant::now() < deadline, "it does not end: {}", node.log());
            match self.look(&node.api()?, &number, loaded).await {
                Ok(Some((task, steps, spent))) => {
                    let code = node.stop()?;
                    ensure!(code == Some(0), "it ended with {code:?}: {}", node.log());
                    return Ok(End {
                        task,
                        steps,
                        spent,
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

    /// Does what the owner has to do; returns the task, its journal and what was spent once all of it has
    /// ended. The node may die at its last write, while this is read.
    async fn look(
        &self,
        api: &Api,
        number: &Value,
        loaded: &Loaded,
    ) -> anyhow::Result<Option<(Value, Vec<Value>, Value)>> {
        let Some(task) = self.look_after(api, number).await? else {
            return Ok(None);
        };
        // Folders of runs that are over are removed in a moment.
        if self.has_folders()? {
            return Ok(None);
        }
        loaded.switch_off()?;
        let steps = steps_of(api).await?;
        let spent = api.get("/status").await?["spent_today"].clone();
        Ok(Some((task, steps, spent)))
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
        } else if reason.contains("was cut off") && reason.contains(self.act) {
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
    /// What the node says was spent.
    spent: Value,
    deaths: usize,
}

impl End {
    fn check_plan(&self, life: &Life) -> anyhow::Result<()> {
        self.check(
            life,
            &json!({"words": 3, "arrived": "yes"}),
            "3 things: BEANS TWINE BEANS\n",
            10,
        )
    }

    /// What a model led: beside the rest, no turn that was recorded was asked for again.
    fn check_led(&self, life: &Life) -> anyhow::Result<()> {
        let result = json!({"summary": "The letter is sent.", "arrived": true});
        self.check(life, &result, "three things\n", 0)?;
        let turns: Vec<&Value> = self
            .steps
            .iter()
            .filter(|step| step["tool"] == "model")
            .collect();
        let done = turns.iter().filter(|step| step["status"] == "done").count();
        ensure!(done == TURNS, "{done} turns are done: {turns:?}");
        let asked_again = turns.iter().find(|turn| {
            let is_later = |other: &&&Value| {
                other["place"] == turn["place"]
                    && other["attempt"].as_u64() > turn["attempt"].as_u64()
            };
            turn["status"] == "done" && turns.iter().any(|other| is_later(&other))
        });
        ensure!(asked_again.is_none(), "{asked_again:?}");
        let cut_off = turns.len() - done;
        ensure!(cut_off <= self.deaths, "{cut_off} turns were cut off");
        // Each turn was counted once: by what it used, and one that was cut off by what it may have.
        let tokens = |turn: &&&Value| {
            let usage = &turn["result"]["usage"];
            let count = |kind: &str| usage[kind].as_u64().unwrap_or_default();
            count("input_tokens") + count("output_tokens")
        };
        let used: u64 = turns.iter().map(|turn| tokens(&turn)).sum();
        let spent = self.spent["tokens"].as_u64().context("no tokens")?;
        ensure!(
            used > 0 && self.spent["reserved_usd"] == 0.0,
            "{}",
            self.spent
        );
        let is_counted = if cut_off == 0 {
            spent == used
        } else {
            spent > used
        };
        ensure!(is_counted, "{used} of {cut_off}: {}", self.spent);
        Ok(())
    }

    /// What must be the same, whatever happened on the way; the first `steps` steps are all done.
    fn check(&self, life: &Life, result: &Value, letter: &str, steps: u64) -> anyhow::Result<()> {
        let task = &self.task;
        ensure!(task["result"] == *result, "{}", task["result"]);
        // One letter, and in it one line: neither the act nor the step before it was made twice.
        let sent = fs::read_to_string(life.folder.path().join("outbox.txt"))?;
        ensure!(sent == letter, "{sent}");
        ensure!(task["assigned_to"] == SEED);
        let live = |step: &&Value| step["discarded_at"].is_null();
        for place in 1..=steps {
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
    matrix("crash matrix", &faults, 60, Life::planned).await
}

/// How many turns the script has.
const TURNS: usize = 6;

/// What the model does: a file, a command in the folder that must not be made twice, an act outside
/// that the owner must approve, a question, two calls at once, and the end.
fn script() -> Value {
    let calls = |turn: usize, calls: Value| {
        let calls: Vec<Value> = calls
            .as_array()
            .into_iter()
            .flatten()
            .map(|call| json!({"name": call[0], "arguments": call[1].to_string()}))
            .collect();
        json!({"match": {"turnIndex": turn}, "response": {"toolCalls": calls}})
    };
    json!([
        calls(
            0,
            json!([["write_file", {"path": "draft.txt", "content": "three things\n"}]])
        ),
        calls(
            1,
            json!([["run_command", {"argv": ["sh", "-c", "cat draft.txt >> letter.txt"]}]])
        ),
        calls(
            2,
            json!([["run_command", {
                "argv": ["sh", "-c", "cat letter.txt >> \"$HOME/outbox.txt\""], "outside": true,
            }]])
        ),
        calls(
            3,
            json!([["ask_owner", {"question": "Did it arrive?", "options": ["yes", "no"]}]])
        ),
        calls(
            4,
            json!([
                ["read_file", {"path": "letter.txt"}],
                ["store_artifact", {"type": "letter", "path": "letter.txt"}],
            ])
        ),
        calls(
            5,
            json!([["complete_task", {
                "summary": "The letter is sent.", "result": {"arrived": true},
            }]])
        ),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_a_model_leads_killed_at_every_write_ends_the_same() -> anyhow::Result<()> {
    const NAME: &str = "a_run_that_a_model_leads_killed_at_every_write_ends_the_same";
    let Some(faults) = Faults::compile()? else {
        skip::skip(NAME, "there is no C compiler, or no Linux");
        return Ok(());
    };
    let Some(model) = AiMock::start(NAME, &script())? else {
        return Ok(());
    };
    let env = model.env();
    let life = || {
        let task = json!({"title": "Send the letter", "max_attempts": 10});
        Life::new(task, "turn-3", env.clone(), End::check_led)
    };
    matrix("crash matrix, led by a model", &faults, 40, life).await
}

/// Lives a life once in peace, then once for each point at which it can be killed.
async fn matrix(
    name: &str,
    faults: &Faults,
    points_min: usize,
    new: impl Fn() -> anyhow::Result<Life>,
) -> anyhow::Result<()> {
    let whole = new()?;
    let counted = faults.load(&[&whole.log()], None)?.with_switch();
    let end = whole.live(&counted).await?;
    (whole.check)(&end, &whole)?;
    let counts = counted.counts()?;
    let points: Vec<(&'static str, u64)> = ["sync", "resume"]
        .into_iter()
        .flat_map(|kind| (1..=counts.get(kind).copied().unwrap_or(0)).map(move |nth| (kind, nth)))
        .collect();
    ensure!(
        points.len() > points_min,
        "only {} writes: {counts:?}",
        points.len()
    );

    let mut lives = Vec::new();
    for (kind, nth) in &points {
        let life = new()?;
        let loaded = faults.load_kill(&[&life.log()], kind, *nth)?.with_switch();
        lives.push((life, loaded, *kind, *nth));
    }
    let died = AtomicU64::new(0);
    let lives = futures_util::stream::iter(lives.into_iter().map(|(life, loaded, kind, nth)| {
        let died = &died;
        async move {
            let lived = async {
                let end = life.live(&loaded).await?;
                (life.check)(&end, &life)?;
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
        "{name}: {} points, {} deaths, {} ended otherwise",
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
