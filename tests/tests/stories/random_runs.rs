//! Runs under whatever may happen to them, from a seed: plans of all sorts, steps that fail, a node
//! that is killed, tasks that are taken away, answers at odd moments. Whatever it was: every attempt
//! has one outcome, no act happens more often than it was allowed, every run ends or waits for a
//! person, and no process is left.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hearth_tests::killed::{Random, seed_or};
use hearth_tests::node::{Api, Options, TestNode};
use hearth_tests::skip;
use serde_json::{Value, json};

/// How long a busy machine may take for a round.
const LIMIT: Duration = Duration::from_mins(3);
const TASKS: usize = 6;
/// How many things happen before all is only answered.
const EVENTS: usize = 60;
const ROUNDS: u64 = 2;
const ROUNDS_LONG: u64 = 30;

/// One data folder, its node, and what its owner has allowed so far.
struct Ground {
    data: PathBuf,
    acts: PathBuf,
    node: TestNode,
    kills: usize,
    /// How often an act was allowed, by what it writes: once with each approval, and once with each
    /// word that it be repeated.
    allowed: BTreeMap<String, usize>,
}

impl Ground {
    fn new(folder: &Path) -> anyhow::Result<Self> {
        let data = folder.join("data");
        fs::create_dir(&data)?;
        let node = start(&data)?;
        Ok(Self {
            acts: folder.join("acts"),
            data,
            node,
            kills: 0,
            allowed: BTreeMap::new(),
        })
    }

    fn api(&self) -> anyhow::Result<Api> {
        self.node.api()
    }

    fn acted(&self, token: &str) -> usize {
        let acts = fs::read_to_string(&self.acts).unwrap_or_default();
        acts.lines().filter(|line| *line == token).count()
    }

    fn kill(&mut self) -> anyhow::Result<()> {
        self.node.kill()?;
        self.kills += 1;
        self.node = start(&self.data)?;
        Ok(())
    }

    /// Answers what a task waits for; returns whether it waited for an answer.
    async fn answer(&mut self, random: &mut Random, task: &Value) -> anyhow::Result<bool> {
        let number = &task["number"];
        let api = self.api()?;
        let pending = api.all("/approvals?status=pending").await?;
        let mut of_task = pending.iter().filter(|one| one["task_number"] == *number);
        if let Some(approval) = of_task.next() {
            let decision = if random.below(5) == 0 {
                "deny"
            } else {
                "approve"
            };
            let path = format!("/approvals/{}", approval["number"]);
            let body = json!({ "decision": decision });
            let answered = api.send("POST", &path, Some(&body)).await?;
            ensure!([200, 409].contains(&answered.status), "{}", answered.body);
            if answered.status == 200 && decision == "approve" {
                // The same harmless call many times in a row is asked too.
                if let Some(token) = approval["args"]["argv"][3].as_str() {
                    *self.allowed.entry(token.to_owned()).or_default() += 1;
                }
            }
            return Ok(true);
        }
        let reason = task["blocked_reason"].as_str().unwrap_or_default();
        let answer = if reason.contains("was cut off") {
            let token = format!("{number}-{}", place_of(reason).context("no step")?);
            // A person looks whether it happened, and says so.
            let allowed = self.allowed.entry(token.clone()).or_default();
            let acts = fs::read_to_string(&self.acts).unwrap_or_default();
            if acts.lines().filter(|line| **line == token).count() >= *allowed {
                "it was done"
            } else {
                // What was allowed has not happened yet, so nothing more is allowed.
                "repeat it"
            }
        } else if reason.starts_with("Which") {
            "this"
        } else {
            return Ok(false);
        };
        let path = format!("/tasks/{number}/answer");
        let answered = api
            .send("POST", &path, Some(&json!({ "answer": answer })))
            .await?;
        ensure!([200, 409].contains(&answered.status), "{}", answered.body);
        Ok(true)
    }
}

/// Reads the step out of "Step 3, ..."
fn place_of(reason: &str) -> Option<&str> {
    reason.strip_prefix("Step ")?.split(',').next()
}

fn start(data: &Path) -> anyhow::Result<TestNode> {
    let options = Options {
        agents: true,
        env: vec![("HEARTH_AGENTS_PARALLEL".into(), "4".into())],
        ..Options::default()
    };
    TestNode::start_in(data, &options)
}

/// A plan of two to eight steps. An act outside writes its token, `TASK-STEP`, which is its name.
fn plan(random: &mut Random, task: usize, acts: &Path) -> Value {
    let count = 2 + random.below(7);
    let step = |place: u64, random: &mut Random| {
        let mut step = match random.below(8) {
            0 => json!({"tool": "write_file", "args": {"path": "a.txt", "content": "a"}}),
            1 | 2 => {
                json!({"tool": "python", "args": {"code": "import time; time.sleep(0.05); open('log', 'a').write('x')"}})
            }
            3 => {
                json!({"tool": "python", "optional": true, "args": {"code": "raise SystemExit(1)"}})
            }
            4 => json!({"tool": "python", "retry": {"times": 3}, "args": {"code":
                "import os, sys\nn = len(os.listdir('.'))\nopen(f'try-{n}', 'w')\nsys.exit(n < 3)"}}),
            5 => {
                json!({"tool": "ask_owner", "args": {"question": "Which?", "options": ["this", "that"]}})
            }
            6 | 7 => json!({"tool": "run_command", "args": {"outside": true, "argv": [
                "sh", "-c", format!("sleep 0.0{}; echo \"$0\" >> '{}'", random.below(9), acts.display()), format!("{task}-{place}")]}}),
            _ => Value::Null,
        };
        if random.below(3) == 0 && place > 1 {
            step["after"] = json!([format!("step-{}", 1 + random.below(place - 1))]);
        }
        step
    };
    (1..=count).map(|place| step(place, random)).collect()
}

async fn round(seed: u64) -> anyhow::Result<(usize, usize)> {
    let random = &mut Random(seed);
    let folder = tempfile::Builder::new()
        .prefix("hearth-random-")
        .tempdir()?;
    let mut ground = Ground::new(folder.path())?;
    for task in 1..=TASKS {
        let plan = plan(random, task, &ground.acts);
        let task = json!({"title": "Anything", "max_attempts": 20, "context": {"plan": plan}});
        ground.api()?.post("/tasks", task).await?;
    }
    for _ in 0..EVENTS {
        tokio::time::sleep(Duration::from_millis(random.below(40))).await;
        let number = 1 + random.below(TASKS as u64);
        let path = format!("/tasks/{number}");
        match random.below(20) {
            0 | 1 => ground.kill()?,
            2 => {
                // Taken away, and given anew.
                for verb in ["cancel", "reopen"] {
                    let path = format!("{path}/{verb}");
                    let answered = ground.api()?.send("POST", &path, Some(&json!({}))).await?;
                    ensure!([200, 409].contains(&answered.status), "{}", answered.body);
                }
            }
            _ => {
                let task = ground.api()?.get(&path).await?;
                if task["status"] == "blocked" {
                    ground.answer(random, &task).await?;
                }
            }
        }
    }
    settle(&mut ground, random).await?;
    check(&ground).await?;
    ensure!(ground.node.stop()? == Some(0), "{}", ground.node.log());
    Ok((ground.kills, ground.allowed.values().sum()))
}

/// Only answers, until every task has ended or waits with a story.
async fn settle(ground: &mut Ground, random: &mut Random) -> anyhow::Result<()> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let mut is_settled = true;
        for task in ground.api()?.all("/tasks").await? {
            match task["status"].as_str() {
                Some("completed" | "cancelled") => (),
                Some("blocked") => is_settled &= !ground.answer(random, &task).await?,
                _ => is_settled = false,
            }
        }
        if is_settled {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("it does not end: {}", ground.node.log());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn check(ground: &Ground) -> anyhow::Result<()> {
    let api = ground.api()?;
    for (token, allowed) in &ground.allowed {
        let acted = ground.acted(token);
        ensure!(
            acted <= *allowed,
            "{token}: {acted} acts, {allowed} allowed"
        );
    }
    let acts = fs::read_to_string(&ground.acts).unwrap_or_default();
    let unasked = acts
        .lines()
        .find(|line| !ground.allowed.contains_key(*line));
    ensure!(unasked.is_none(), "{unasked:?} was never allowed");
    for run in api.all("/runs").await? {
        let path = format!("/tasks/{}", run["task_number"]);
        let task = api.get(&path).await?;
        let status = run["status"].as_str().unwrap_or_default();
        let fits = match status {
            "completed" | "cancelled" => !run["ended_at"].is_null(),
            "failed" | "waiting" => task["status"] == "blocked",
            _ => false,
        };
        ensure!(fits, "{run} with {task}");
        let steps = api.all(&format!("/runs/{}/steps", run["number"])).await?;
        let mut places: BTreeMap<u64, usize> = BTreeMap::new();
        for step in steps.iter().filter(|step| step["discarded_at"].is_null()) {
            let is_open = ["intended", "acted", "waiting"]
                .contains(&step["status"].as_str().unwrap_or_default());
            ensure!(!is_open, "{step} of {run}");
            if step["status"] == "done" {
                *places
                    .entry(step["place"].as_u64().unwrap_or_default())
                    .or_default() += 1;
            }
        }
        ensure!(places.values().all(|count| *count == 1), "{steps:?}");
    }
    Ok(())
}

#[tokio::test]
async fn whatever_happens_an_act_happens_once_and_every_run_ends_or_waits() -> anyhow::Result<()> {
    let own = seed_or(0x52_554e53);
    let rounds = if skip::is_long() { ROUNDS_LONG } else { ROUNDS };
    for round_number in 0..rounds {
        let seed = own.wrapping_add(round_number);
        let (kills, allowed) = round(seed)
            .await
            .with_context(|| format!("HEARTH_SEED={seed:x}"))?;
        eprintln!("seed {seed:x}: {kills} kills, {allowed} acts allowed");
    }
    crate::crash::until_no_orphans().await
}
