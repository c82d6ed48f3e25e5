//! The inbox on a disk that fails: every file is one task in the end, and none is lost.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, ensure};
use hearth_tests::data_folder::check_contents;
use hearth_tests::database::{check_sound, open};
use hearth_tests::faults::{Fault, Faults, KINDS, Loaded};
use hearth_tests::killed::{Random, seed_or};
use hearth_tests::node::{Options, TestNode};
use hearth_tests::skip;
use nix::errno::Errno;

/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(1);
/// How long a fault that comes late may take to come.
const FAULT_LIMIT: Duration = Duration::from_secs(2);
const FILES: usize = 8;
const ROUNDS_LONG: usize = 12;

/// Puts a file in that was last written to long ago.
fn put(inbox: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let draft = inbox.join(format!(".{name}"));
    fs::write(&draft, text)?;
    let file = fs::File::options().append(true).open(&draft)?;
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000))?;
    drop(file);
    Ok(fs::rename(draft, inbox.join(name))?)
}

fn put_some(inbox: &Path, round: usize) -> anyhow::Result<()> {
    for number in 0..FILES {
        let name = format!("{round:03}-{number:02}");
        if number % 2 == 0 {
            put(inbox, &format!("{name}.bin"), &name)?;
        } else {
            put(inbox, &format!("{name}.txt"), &format!("Note {name}"))?;
        }
    }
    Ok(())
}

fn files_in(folder: &Path) -> anyhow::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        count += usize::from(entry?.file_type()?.is_file());
    }
    Ok(count)
}

fn until(what: &str, is_so: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let deadline = Instant::now() + LIMIT;
    while !is_so()? {
        ensure!(Instant::now() < deadline, "{what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    Ok(())
}

/// What the inbox touches: its folder, the contents of artifacts, the database.
fn touched(data: &Path) -> Vec<PathBuf> {
    let names = [
        "inbox",
        "artifacts",
        "hearth.db",
        "hearth.db-wal",
        "hearth.db-shm",
    ];
    names.map(|name| data.join(name)).to_vec()
}

fn start(data: &Path, loaded: &Loaded) -> anyhow::Result<TestNode> {
    let options = Options {
        env: loaded.env.clone(),
        ..Options::default()
    };
    TestNode::start_in(data, &options)
}

/// How many tasks there are of each title.
fn titles(data: &Path) -> anyhow::Result<BTreeMap<String, usize>> {
    let conn = open(&data.join("hearth.db"))?;
    let mut statement = conn.prepare("SELECT title, count(*) FROM tasks GROUP BY title")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One data folder, on which node after node runs.
struct Ground<'a> {
    faults: &'a Faults,
    data: &'a Path,
    /// How many times files were put in.
    rounds: usize,
}

impl Ground<'_> {
    fn load(&self, fault: Option<Fault>) -> anyhow::Result<Loaded> {
        let touched = touched(self.data);
        let touched: Vec<&Path> = touched.iter().map(PathBuf::as_path).collect();
        Ok(self.faults.load(&touched, fault)?.with_switch())
    }

    fn put_some(&mut self) -> anyhow::Result<()> {
        put_some(&self.data.join("inbox"), self.rounds)?;
        self.rounds += 1;
        Ok(())
    }

    fn until_taken(&self) -> anyhow::Result<()> {
        let inbox = self.data.join("inbox");
        until("files are left", || Ok(files_in(&inbox)? == 0))
    }

    /// Counts the calls of each kind from when files are there to when they are taken.
    fn count(&mut self) -> anyhow::Result<BTreeMap<String, u64>> {
        let counted = self.load(None)?;
        let mut node = start(self.data, &counted)?;
        counted.switch_on()?;
        self.put_some()?;
        self.until_taken()?;
        counted.switch_off()?;
        ensure!(node.stop()? == Some(0), "{}", node.log());
        counted.counts()
    }

    /// Has files taken while the disk fails, and either works again in the end or is that of a
    /// machine that was switched off. Returns whether the fault was met.
    fn meet(&mut self, fault: Fault, is_killed: bool) -> anyhow::Result<bool> {
        let loaded = self.load(Some(fault))?;
        let mut node = start(self.data, &loaded)?;
        loaded.switch_on()?;
        self.put_some()?;
        let failed = loaded.wait_for_failure(FAULT_LIMIT);
        if is_killed {
            node.kill()?;
            node = start(self.data, &self.load(None)?)?;
        } else {
            loaded.switch_off()?;
        }
        let context = || format!("{failed:?}");
        self.until_taken().with_context(context)?;
        ensure!(node.stop()? == Some(0), "{failed:?}: it stopped badly");
        self.check().with_context(context)?;
        Ok(failed.is_some())
    }

    /// Every file is one task and lies in `done`, and every content is there.
    fn check(&self) -> anyhow::Result<()> {
        check_sound(&self.data.join("hearth.db"))?;
        let titles = titles(self.data)?;
        ensure!(titles.len() == FILES * self.rounds, "{titles:?}");
        ensure!(titles.values().all(|count| *count == 1), "{titles:?}");
        ensure!(files_in(&self.data.join("inbox/done"))? == FILES * self.rounds);
        ensure!(check_contents(self.data)? == FILES / 2 * self.rounds);
        Ok(())
    }
}

#[test]
fn on_a_failing_disk_every_file_is_one_task_in_the_end() -> anyhow::Result<()> {
    const NAME: &str = "on_a_failing_disk_every_file_is_one_task_in_the_end";
    let Some(faults) = Faults::compile()? else {
        skip::skip(NAME, "there is no C compiler, or no glibc");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let mut ground = Ground {
        faults: &faults,
        data: folder.path(),
        rounds: 0,
    };
    let seed = seed_or(0x11);
    let mut random = Random(seed);
    let counts = ground.count()?;
    let (mut hit, mut killed) = (0, 0);
    for _ in 0..if skip::is_long() { ROUNDS_LONG } else { 1 } {
        for kind in KINDS {
            let count = counts.get(kind).copied().unwrap_or_default();
            if count == 0 {
                continue;
            }
            let fault = Fault::random(&mut random, kind, count);
            let is_killed = random.below(3) == 0;
            let met = ground.meet(fault, is_killed).with_context(|| {
                let log = fs::read_to_string(folder.path().join("node.log"));
                format!(
                    "{fault}, seed {seed:#x}, killed: {is_killed}\n{}",
                    log.unwrap_or_default()
                )
            })?;
            hit += usize::from(met);
            killed += usize::from(is_killed);
        }
    }
    eprintln!("seed {seed:#x}: {hit} faults hit, {killed} kills, every file one task");
    Ok(())
}

#[tokio::test]
async fn a_folder_that_cannot_be_watched_is_told_and_taken_from() -> anyhow::Result<()> {
    const NAME: &str = "a_folder_that_cannot_be_watched_is_told_and_taken_from";
    let Some(faults) = Faults::compile()? else {
        skip::skip(NAME, "there is no C compiler, or no glibc");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let inbox = folder.path().join("inbox");
    let none_left = Fault {
        kind: "watch",
        nth: 1,
        errno: Errno::ENOSPC,
        is_forever: true,
    };
    let node = start(folder.path(), &faults.load(&[&inbox], Some(none_left))?)?;
    let api = node.api()?;

    let status = api
        .wait_for("/status", LIMIT, |status| {
            status["facilities"]["inbox"]["reason"] != ""
        })
        .await?;
    let told = &status["facilities"]["inbox"];
    ensure!(told["is_available"] == true, "{told}");
    let remedy = "sudo sysctl fs.inotify.max_user_watches=524288";
    ensure!(told["remedy"] == remedy, "{told}");
    for command in ["status", "doctor"] {
        let output = node.hearth(&[command])?;
        let said = String::from_utf8(output.stdout)?;
        ensure!(
            said.contains("cannot be watched") && said.contains(remedy),
            "{said}"
        );
    }
    put(&inbox, "a.txt", "Call Ann")?;
    let done = inbox.join("done/a.txt");
    until("it was not taken", || Ok(done.is_file()))?;
    Ok(())
}

#[test]
fn many_files_cost_little_more_than_a_flush_each() -> anyhow::Result<()> {
    const MANY: u64 = 200;
    let Some(faults) = Faults::compile()? else {
        skip::skip(
            "many_files_cost_little_more_than_a_flush_each",
            "there is no C compiler, or no glibc",
        );
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let data = folder.path();
    let inbox = data.join("inbox");
    fs::create_dir_all(&inbox)?;
    for number in 0..MANY {
        put(
            &inbox,
            &format!("{number:04}.txt"),
            &format!("Note {number}"),
        )?;
    }
    let counted = faults.load(&[data], None)?;

    let mut node = start(data, &counted)?;
    until("files are left", || Ok(files_in(&inbox)? == 0))?;
    ensure!(node.stop()? == Some(0), "{}", node.log());

    let flushes = counted.counts()?["sync"];
    eprintln!("{MANY} files, {flushes} flushes");
    // One for the task of each, and what a start, a page of moves and a stop take.
    ensure!(flushes < MANY + 80, "{flushes} flushes");
    Ok(())
}
