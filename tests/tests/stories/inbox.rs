//! The inbox: files that are put into a folder become tasks, each exactly once.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::ensure;
use hearth_tests::database::open;
use hearth_tests::killed::Random;
use hearth_tests::node::{Api, Options, TestNode};
use hearth_tests::skip;
use hearth_tests::small_disk::SmallDisk;
use serde_json::Value;

/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_mins(1);
const FILES: usize = 30;
const ROUNDS: usize = 6;
const ROUNDS_LONG: usize = 60;

fn inbox(node: &TestNode) -> PathBuf {
    node.data_dir().join("inbox")
}

/// How many files lie in a folder, those in folders below it left out.
fn files_in(folder: &Path) -> anyhow::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        count += usize::from(entry?.file_type()?.is_file());
    }
    Ok(count)
}

async fn until(what: &str, is_so: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let deadline = Instant::now() + LIMIT;
    while !is_so()? {
        ensure!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// How many tasks there are of each title.
async fn titles(api: &Api) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut titles = BTreeMap::new();
    for task in api.all("/tasks").await? {
        let title = task["title"].as_str().unwrap_or_default().to_owned();
        *titles.entry(title).or_default() += 1;
    }
    Ok(titles)
}

#[tokio::test]
async fn each_kind_of_file_becomes_the_task_it_asks_for() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let inbox = folder.path().join("inbox");
    // One lies there before the node starts.
    fs::create_dir_all(&inbox)?;
    fs::write(inbox.join("early.txt"), "Early bird")?;
    let options = Options {
        env: vec![("HEARTH_ARTIFACTS_MAX_BYTES".into(), "200000".into())],
        ..Options::default()
    };
    let node = TestNode::start_in(folder.path(), &options)?;
    let api = node.api()?;
    let note = "# Plant roses @garden !high\n\nRed ones.\n";
    fs::write(inbox.join("roses.md"), note)?;
    fs::write(inbox.join("doubt.txt"), "Call Ann after #99")?;
    fs::write(inbox.join("photo.png"), b"\x89PNG")?;
    fs::write(inbox.join("huge.bin"), vec![0; 200_001])?;
    std::os::unix::fs::symlink("/etc/passwd", inbox.join("link.txt"))?;
    let left_alone = [
        "half.crdownload",
        "~$letter.docx",
        ".~lock.letter.odt#",
        "a.txt~",
    ];
    for name in left_alone {
        fs::write(inbox.join(name), "half")?;
    }

    for name in ["early.txt", "roses.md", "doubt.txt", "photo.png"] {
        let done = inbox.join("done").join(name);
        until(name, || Ok(done.is_file())).await?;
    }
    let notices = api
        .wait_for("/notices", LIMIT, |page| {
            page["items"]
                .as_array()
                .is_some_and(|items| items.len() == 3)
        })
        .await?;

    let titles = titles(&api).await?;
    let expected = [
        "Call Ann after #99",
        "Early bird",
        "Look at photo.png",
        "Plant roses",
    ];
    ensure!(titles.keys().eq(expected), "{titles:?}");
    ensure!(titles.values().all(|count| *count == 1), "{titles:?}");
    let said = notices.to_string();
    for part in ["no such task", "huge.bin stays", "link.txt stays"] {
        ensure!(said.contains(part), "{said}");
    }
    for stays in ["huge.bin", "link.txt"].iter().chain(&left_alone) {
        ensure!(inbox.join(stays).symlink_metadata().is_ok(), "{stays}");
    }
    let status = api.get("/status").await?;
    ensure!(status["facilities"]["inbox"]["is_available"] == true);
    Ok(())
}

#[tokio::test]
async fn killed_at_any_moment_every_file_is_one_task() -> anyhow::Result<()> {
    let rounds = if skip::is_long() { ROUNDS_LONG } else { ROUNDS };
    let mut random = Random(0x1B0C);
    let folder = tempfile::tempdir()?;
    let mut cut_off = 0;
    for round in 0..rounds {
        let mut node = TestNode::start_in(folder.path(), &Options::default())?;
        let inbox = inbox(&node);
        for number in 0..FILES {
            let name = format!("{round:03}-{number:02}");
            if number % 3 == 0 {
                fs::write(inbox.join(format!("{name}.bin")), name.as_bytes())?;
            } else {
                fs::write(inbox.join(format!("{name}.txt")), format!("Note {name}"))?;
            }
        }
        // A file settles first: most kills come while files are taken.
        let rest = Duration::from_millis(250) + random.part_of(Duration::from_millis(700));
        std::thread::park_timeout(rest);
        node.kill()?;
        let left = files_in(&inbox)?;
        cut_off += usize::from((1..FILES).contains(&left));

        let mut node = TestNode::start_in(folder.path(), &Options::default())?;
        until("files are left", || Ok(files_in(&inbox)? == 0)).await?;

        let titles = titles(&node.api()?).await?;
        let context = || format!("round {round}, {left} left, killed after {rest:?}: {titles:?}");
        ensure!(titles.len() == FILES * (round + 1), "{}", context());
        ensure!(titles.values().all(|count| *count == 1), "{}", context());
        let done = files_in(&inbox.join("done"))?;
        ensure!(done == FILES * (round + 1), "{done} done, {}", context());
        ensure!(node.stop()? == Some(0), "{}", node.log());
    }
    let conn = open(&folder.path().join("hearth.db"))?;
    let sql = "SELECT count(*) FROM artifacts WHERE task_id IS NULL";
    let orphans: usize = conn.query_row(sql, [], |row| row.get(0))?;
    ensure!(orphans == 0, "{orphans} artifacts without a task");
    eprintln!("{rounds} kills, {cut_off} in the midst of taking, every file once");
    Ok(())
}

/// Writes a file a piece at a time; returns the longest pause in between.
fn write_slowly(path: &Path, pieces: usize) -> anyhow::Result<Duration> {
    let mut file = fs::File::create(path)?;
    let (mut longest, mut last) = (Duration::ZERO, Instant::now());
    for piece in 0..pieces {
        writeln!(file, "Line {piece}")?;
        longest = longest.max(last.elapsed());
        last = Instant::now();
        std::thread::park_timeout(Duration::from_millis(20));
    }
    Ok(longest.max(last.elapsed()))
}

#[tokio::test]
async fn a_file_that_is_being_written_appears_once_it_is_whole() -> anyhow::Result<()> {
    const PIECES: usize = 60;
    let node = TestNode::start(&Options::default())?;
    let (api, inbox) = (node.api()?, inbox(&node));
    // Where the machine is so busy that the writer itself paused for long, it says nothing.
    for attempt in 0..20 {
        let name = format!("slow-{attempt}.txt");
        let path = inbox.join(&name);
        let longest = tokio::task::spawn_blocking(move || write_slowly(&path, PIECES)).await??;
        let done = inbox.join("done").join(&name);
        until("it was not taken", || Ok(done.is_file())).await?;
        if longest > Duration::from_millis(200) {
            continue;
        }
        let last = format!("Line {}", PIECES - 1);
        let tasks = api.all("/tasks").await?;
        let is_whole = |task: &&Value| {
            let description = task["description"].as_str();
            description.is_some_and(|text| text.ends_with(&last))
        };
        ensure!(tasks.iter().filter(is_whole).count() >= 1, "{tasks:?}");
        ensure!(attempt > 0 || tasks.len() == 1, "{tasks:?}");
        return Ok(());
    }
    skip::skip(
        "a_file_that_is_being_written_appears_once_it_is_whole",
        "the machine is too busy to write steadily",
    );
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_open_or_empty_waits_however_long_and_keeps_nobody_waiting()
-> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let (api, inbox) = (node.api()?, inbox(&node));
    let mut open = fs::File::create(inbox.join("a-open.txt"))?;
    write!(open, "Half a li")?;
    fs::write(inbox.join("b-empty.txt"), "")?;

    // Each waits for as long as a file must be quiet.
    for number in 0..2 {
        let name = format!("c-{number}.txt");
        fs::write(inbox.join(&name), "Call Ann")?;
        let done = inbox.join("done").join(&name);
        until(&name, || Ok(done.is_file())).await?;
    }
    ensure!(titles(&api).await?.keys().eq(["Call Ann"]));
    ensure!(inbox.join("a-open.txt").is_file() && inbox.join("b-empty.txt").is_file());

    write!(open, "ne")?;
    drop(open);
    fs::write(inbox.join("b-empty.txt"), "No longer empty")?;
    for name in ["a-open.txt", "b-empty.txt"] {
        let done = inbox.join("done").join(name);
        until(name, || Ok(done.is_file())).await?;
    }
    let titles = titles(&api).await?;
    let expected = ["Call Ann", "Half a line", "No longer empty"];
    ensure!(titles.keys().eq(expected), "{titles:?}");
    Ok(())
}

#[tokio::test]
async fn on_a_full_disk_files_wait_and_are_taken_when_there_is_room() -> anyhow::Result<()> {
    let Some(disk) = SmallDisk::mount(8)? else {
        skip::skip(
            "on_a_full_disk_files_wait_and_are_taken_when_there_is_room",
            "a small file system cannot be mounted here; it takes root",
        );
        return Ok(());
    };
    let node = TestNode::start_in(disk.path(), &Options::default())?;
    let (api, inbox) = (node.api()?, inbox(&node));
    // There is room for the file, and none for its copy among the artifacts.
    let draft = inbox.join(".photo.png");
    let filler = disk.fill()?;
    fs::write(&draft, vec![7; 200_000])?;
    fs::rename(&draft, inbox.join("photo.png"))?;

    let full = api
        .wait_for("/status", LIMIT, |status| {
            status["facilities"]["inbox"]["is_available"] == false
        })
        .await?;
    let said = full["facilities"]["inbox"].to_string();
    ensure!(
        said.contains("no room left") && said.contains("df -h"),
        "{said}"
    );
    ensure!(inbox.join("photo.png").is_file());

    fs::remove_file(&filler)?;
    let done = inbox.join("done/photo.png");
    until("it was not taken", || Ok(done.is_file())).await?;
    ensure!(titles(&api).await?.values().sum::<usize>() == 1);
    Ok(())
}

#[tokio::test]
async fn a_folder_that_goes_away_is_made_anew_and_taken_from() -> anyhow::Result<()> {
    let node = TestNode::start(&Options::default())?;
    let inbox = inbox(&node);
    // Before the first look there is nobody to see it go.
    node.api()?
        .wait_for("/status", LIMIT, |status| {
            status["facilities"]["inbox"]["is_available"] == true
        })
        .await?;
    // In one step: the node is quick to make it anew.
    fs::rename(&inbox, node.data_dir().join("old"))?;

    until("it was not made anew", || Ok(inbox.join("done").is_dir())).await?;
    fs::write(inbox.join("a.txt"), "Call Ann")?;
    let done = inbox.join("done/a.txt");
    until("it was not taken", || Ok(done.is_file())).await?;

    ensure!(node.api()?.get("/tasks/1").await?["title"] == "Call Ann");
    Ok(())
}

#[tokio::test]
async fn a_thousand_files_are_taken_in_the_order_of_their_names() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let inbox = folder.path().join("inbox");
    fs::create_dir_all(&inbox)?;
    for number in (0..1000).rev() {
        let path = inbox.join(format!("{number:04}.txt"));
        fs::write(&path, format!("Note {number:04}"))?;
        // However long this takes: none is so fresh that others go before it.
        let file = fs::File::options().append(true).open(path)?;
        file.set_modified(SystemTime::UNIX_EPOCH)?;
    }
    let node = TestNode::start_in(folder.path(), &Options::default())?;

    until("files are left", || Ok(files_in(&inbox)? == 0)).await?;

    let mut tasks = node.api()?.all("/tasks").await?;
    tasks.sort_by_key(|task| task["number"].as_i64());
    let titles = tasks.iter().filter_map(|task| task["title"].as_str());
    let titles: Vec<&str> = titles.collect();
    let expected: Vec<String> = (0..1000).map(|n| format!("Note {n:04}")).collect();
    ensure!(titles == expected, "{titles:?}");
    Ok(())
}
