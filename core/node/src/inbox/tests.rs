//! Files in a real folder, over a real store.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::time::SystemTime;

use bytes::Bytes;
use hearth_app::tasks::{TaskFilter, TaskRef};
use hearth_app::voice::{Speech, Transcript, Voice, VoiceError, VoiceFuture, Wanted};
use hearth_domain::task::Task;
use hearth_store::{Store, idempotency};

use super::*;
use crate::system::{SystemClock, UuidSource};

const ARTIFACT_MAX: u64 = 200_000;

struct TestInbox {
    inbox: Inbox,
    app: App,
    store: Store,
    /// Removed with the test.
    _dir: tempfile::TempDir,
}

impl TestInbox {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ids = Arc::new(UuidSource);
        let config = hearth_store::Config {
            path: dir.path().join("hearth.db"),
        };
        let store = Store::open(&config, ids.clone()).unwrap();
        let config = hearth_app::Config {
            artifacts_dir: dir.path().join("artifacts"),
            artifact_max_bytes: ARTIFACT_MAX,
            offline_after: Duration::from_mins(1),
            remind_before: Duration::ZERO,
            budgets: hearth_app::money::DefaultLimits::default(),
            day: hearth_domain::day_times::DayTimes::default(),
        };
        let app = App::new(store.clone(), Arc::new(SystemClock::default()), ids, config).unwrap();
        let mut inbox = Inbox::new(app.clone(), dir.path().join("inbox"));
        inbox.quiet = Duration::ZERO;
        inbox.folder.ensure().unwrap();
        Self {
            inbox,
            app,
            store,
            _dir: dir,
        }
    }

    fn put(&self, name: impl AsRef<OsStr>, bytes: impl AsRef<[u8]>) {
        fs::write(self.inbox.folder.file(name.as_ref()), bytes).unwrap();
    }

    fn waits(&self, name: &str) -> bool {
        let path = self.inbox.folder.file(OsStr::new(name));
        path.symlink_metadata().is_ok()
    }

    fn is_done(&self, name: &str) -> bool {
        self.inbox.folder.done().join(name).exists()
    }

    async fn look(&mut self) -> Look {
        self.inbox.look().await.unwrap()
    }

    /// What the status says after a look: whether it works, the reason, the remedy.
    async fn status(&mut self) -> (bool, String, String) {
        let looked = self.inbox.look().await;
        self.inbox.tell(looked);
        let told = self.app.facilities().inbox.clone();
        (told.is_available, told.reason_in_detail(), told.remedy)
    }

    /// Every task, in the order in which they were made.
    async fn tasks(&self) -> Vec<Task> {
        let filter = TaskFilter::default();
        let page = self.app.list_tasks(filter, None, None, 500).await.unwrap();
        let mut tasks: Vec<Task> = page.items.into_iter().map(|view| view.task).collect();
        tasks.sort_by_key(|task| task.number);
        tasks
    }

    async fn notices(&self) -> Vec<String> {
        let page = self.app.list_notices(&Actor::Owner, None, 500).await;
        let items = page.unwrap().items;
        items.into_iter().map(|notice| notice.text).collect()
    }
}

#[tokio::test]
async fn a_note_becomes_the_task_that_its_first_line_says() {
    let mut test = TestInbox::new();
    let text = "# Plant roses @garden !high #outdoor\n\nRed ones.\n";
    test.put("a.md", text);

    test.look().await;

    let tasks = test.tasks().await;
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].title.as_str(), "Plant roses");
    assert_eq!(tasks[0].description, "Red ones.");
    assert_eq!(tasks[0].priority.as_str(), "high");
    assert!(tasks[0].project_id.is_some());
    // Whoever or whatever put it there.
    assert!(tasks[0].trust.untrusted && !tasks[0].trust.private);
    assert!(test.is_done("a.md") && !test.waits("a.md"));
    assert!(test.notices().await.is_empty());
}

#[tokio::test]
async fn a_line_in_doubt_stays_as_it_is_and_is_told() {
    let mut test = TestInbox::new();
    let text = "Call Ann after #99\nSoon.";
    test.put("call.txt", text);
    test.put("long.txt", format!("{}\nThe rest.", "x".repeat(600)));

    test.look().await;

    let tasks = test.tasks().await;
    assert_eq!(tasks[0].title.as_str(), "Call Ann after #99");
    assert_eq!(tasks[0].description, text);
    assert_eq!(tasks[1].title.as_str().chars().count(), 500);
    assert!(tasks[1].description.ends_with("x\nThe rest."));
    assert!(tasks.iter().all(|task| task.trust.untrusted));
    let notices = test.notices().await;
    assert_eq!(notices.len(), 2);
    assert!(notices[1].contains("there is no such task"), "{notices:?}");
}

#[tokio::test]
async fn anything_else_becomes_a_task_to_look_at_it() {
    let mut test = TestInbox::new();
    let odd: [&[u8]; 4] = [
        "🦀 !high due friday #1.png".as_bytes(),
        b"not\xffutf8",
        b"two\nlines.pdf",
        &[b'y'; 255],
    ];
    for name in odd {
        test.put(OsStr::from_bytes(name), b"\x89PNG\r\n");
    }
    test.put("latin1.txt", b"caf\xe9");
    test.put("blank.md", "\n");
    test.put("large.txt", "x".repeat(100_001));

    test.look().await;

    let tasks = test.tasks().await;
    assert_eq!(tasks.len(), 7);
    assert_eq!(fs::read_dir(test.inbox.folder.path()).unwrap().count(), 1);
    assert_eq!(fs::read_dir(test.inbox.folder.done()).unwrap().count(), 7);
    let crab = tasks
        .iter()
        .find(|task| task.title.as_str().contains('🦀'))
        .unwrap();
    assert_eq!(crab.title.as_str(), "Look at 🦀 !high due friday #1.png");
    assert_eq!(crab.due_at, None);
    let artifacts = test
        .app
        .list_artifacts(TaskRef::Id(crab.id), None, 5)
        .await
        .unwrap()
        .items;
    assert_eq!(artifacts.len(), 1);
    assert_eq!(artifacts[0].kind.as_str(), "input");
    assert_eq!(artifacts[0].media_type.as_str(), "image/png");
    assert_eq!(artifacts[0].size_bytes, 6);
}

#[tokio::test]
async fn a_file_that_cannot_be_taken_is_told_once_and_tried_again_when_it_changed() {
    let mut test = TestInbox::new();
    let large = usize::try_from(ARTIFACT_MAX).unwrap() + 1;
    test.put("big.bin", vec![0; large]);
    let link = test.inbox.folder.file(OsStr::new("link.txt"));
    std::os::unix::fs::symlink("/etc/passwd", link).unwrap();
    fs::create_dir(test.inbox.folder.file(OsStr::new("folder"))).unwrap();

    test.look().await;
    test.inbox.refused.clear();
    test.look().await;

    assert!(test.tasks().await.is_empty());
    let notices = test.notices().await;
    assert_eq!(notices.len(), 3, "{notices:?}");
    let is_told = notices.iter().any(|text| text.contains("is larger than"));
    assert!(is_told, "{notices:?}");
    test.put("big.bin", "small now");
    test.look().await;
    assert_eq!(test.tasks().await.len(), 1);
    assert!(test.is_done("big.bin") && test.waits("link.txt") && test.waits("folder"));
}

#[tokio::test]
async fn more_is_taken_when_more_is_allowed() {
    let mut test = TestInbox::new();
    let large = usize::try_from(ARTIFACT_MAX).unwrap() + 1;
    test.put("big.bin", vec![0; large]);
    test.look().await;

    let mut config = (*test.app.config()).clone();
    config.artifact_max_bytes *= 2;
    test.app.configure(config);
    test.look().await;

    assert!(test.is_done("big.bin"));
}

#[tokio::test]
async fn a_file_that_was_committed_and_not_moved_is_moved_without_another_task() {
    let mut test = TestInbox::new();
    test.put("a.txt", "Call Ann");
    test.put("b.bin", [0, 1]);
    for name in ["a.txt", "b.bin"].map(OsStr::new) {
        let stamp = test.inbox.folder.stamp(name).unwrap();
        test.inbox.make_task(name, stamp).await.unwrap();
    }
    assert_eq!(test.tasks().await.len(), 2);

    test.look().await;

    assert_eq!(test.tasks().await.len(), 2);
    assert!(test.is_done("a.txt") && test.is_done("b.bin"));
}

#[tokio::test]
async fn the_same_file_put_in_again_is_another_task() {
    let mut test = TestInbox::new();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    for _ in 0..2 {
        test.put("a.txt", "Water the plants");
        let path = test.inbox.folder.file(OsStr::new("a.txt"));
        let file = fs::File::options().append(true).open(path).unwrap();
        file.set_modified(at).unwrap();
        drop(file);
        test.look().await;
    }

    assert_eq!(test.tasks().await.len(), 2);
    assert!(test.is_done("a.txt") && test.is_done("a-2.txt"));
}

#[tokio::test]
async fn a_file_that_is_being_written_is_left_alone() {
    let mut test = TestInbox::new();
    test.put("a.txt", "Call");
    let name = OsStr::new("a.txt");
    let before = test.inbox.folder.stamp(name).unwrap();
    test.put("a.txt", "Call Ann");

    let taken = test.inbox.take(name, before).await;

    assert!(matches!(taken, Err(Failure::Changed)), "{taken:?}");
    assert!(test.tasks().await.is_empty());
}

#[tokio::test]
async fn a_folder_that_was_removed_is_made_anew() {
    let mut test = TestInbox::new();
    test.look().await;
    fs::remove_dir_all(test.inbox.folder.path()).unwrap();

    test.look().await;
    test.put("a.txt", "Call Ann");
    // Returns only where the folder that was made is watched.
    test.inbox.wake.notified().await;
    test.look().await;

    assert!(test.is_done("a.txt"));
}

#[tokio::test]
async fn a_file_that_cannot_be_moved_is_one_task_and_moves_when_it_can_whatever_its_rights() {
    let mut test = TestInbox::new();
    test.put("a.txt", "Call Ann");
    let name = OsStr::new("a.txt");
    for mode in [0o600, 0o640] {
        // There is no `done` while it happens.
        fs::remove_dir(test.inbox.folder.done()).unwrap();
        let stamp = test.inbox.folder.stamp(name).unwrap();
        let cut_off = test.inbox.take(name, stamp).await;
        assert!(matches!(cut_off, Err(Failure::Later(_))), "{cut_off:?}");
        // Whoever mends it may well change the file's rights, too.
        let path = test.inbox.folder.file(name);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        fs::create_dir(test.inbox.folder.done()).unwrap();
    }

    test.look().await;

    assert_eq!(test.tasks().await.len(), 1);
    assert!(test.is_done("a.txt"));
}

#[tokio::test]
async fn a_file_that_was_moved_and_not_forgotten_is_another_task_when_it_is_put_back() {
    let mut test = TestInbox::new();
    let name = OsStr::new("a.txt");
    test.put("a.txt", "Water the plants");
    // As far as a node gets that is killed between the move and the forgetting.
    let stamp = test.inbox.folder.stamp(name).unwrap();
    test.inbox.take(name, stamp).await.unwrap();
    test.inbox.moves = Moves::default();

    let done = test.inbox.folder.done().join(name);
    fs::rename(done, test.inbox.folder.file(name)).unwrap();
    let back = test.inbox.folder.stamp(name).unwrap();
    assert!(back.is_same_content(&stamp), "the same file, unchanged");
    test.look().await;

    assert_eq!(test.tasks().await.len(), 2);
    assert!(test.is_done("a.txt"));
}

#[tokio::test]
async fn keys_that_a_killed_node_left_are_forgotten_when_no_file_waits() {
    let mut test = TestInbox::new();
    let name = OsStr::new("a.txt");
    test.put("a.txt", "Water the plants");
    let stamp = test.inbox.folder.stamp(name).unwrap();
    let (_, key) = test.inbox.make_task(name, stamp).await.unwrap();
    let store = test.store.clone();
    let is_known = move || {
        let found = store.read_now(|tx| idempotency::find(tx, idempotency::INBOX, &key));
        found.unwrap().is_some()
    };
    let aside = test.inbox.folder.path().join(".aside");
    fs::rename(test.inbox.folder.file(name), &aside).unwrap();
    assert!(is_known());

    test.look().await;

    assert!(!is_known());
}

#[tokio::test]
async fn more_than_a_page_of_files_is_taken_in_one_look() {
    let mut test = TestInbox::new();
    for number in 0..BATCH + 10 {
        test.put(format!("{number:04}.txt"), format!("Note {number}"));
    }

    let look = test.look().await;

    assert!(!look.is_unsettled && look.trouble.is_none());
    assert_eq!(test.tasks().await.len(), BATCH + 10);
    assert_eq!(fs::read_dir(test.inbox.folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_that_is_open_for_writing_waits_until_it_is_closed_and_is_told_in_time() {
    let mut test = TestInbox::new();
    let path = test.inbox.folder.file(OsStr::new("a.txt"));
    let mut file = fs::File::create(path).unwrap();
    file.write_all(b"Half a li").unwrap();

    assert_eq!(test.status().await, (true, String::new(), String::new()));
    assert!(test.tasks().await.is_empty());
    test.inbox.told_after = Duration::ZERO;
    let (is_available, reason, remedy) = test.status().await;
    assert!(
        is_available && reason.contains("open for writing"),
        "{reason}"
    );
    assert!(reason.contains("a.txt") && remedy.contains("close it"));

    file.write_all(b"ne").unwrap();
    drop(file);
    assert_eq!(test.status().await, (true, String::new(), String::new()));
    assert_eq!(test.tasks().await[0].title.as_str(), "Half a line");
}

#[tokio::test]
async fn an_empty_file_waits_for_content_and_is_told_in_time() {
    let mut test = TestInbox::new();
    test.put("a.txt", "");
    test.put("b.pdf", "");
    test.put("c.txt", "Call Ann");

    assert_eq!(test.status().await, (true, String::new(), String::new()));
    assert_eq!(test.tasks().await.len(), 1);
    test.inbox.told_after = Duration::ZERO;
    let (is_available, reason, remedy) = test.status().await;
    assert!(is_available && reason.contains("2 files wait"), "{reason}");
    assert!(reason.contains("a.txt") && !remedy.is_empty(), "{reason}");
    assert!(test.waits("a.txt") && test.waits("b.pdf"));

    test.put("a.txt", "Call Bea");
    fs::remove_file(test.inbox.folder.file(OsStr::new("b.pdf"))).unwrap();
    assert_eq!(test.status().await, (true, String::new(), String::new()));
    assert_eq!(test.tasks().await[1].title.as_str(), "Call Bea");
}

#[tokio::test]
async fn files_that_wait_for_somebody_else_do_not_keep_others_waiting() {
    let mut test = TestInbox::new();
    for number in 0..BATCH + 10 {
        test.put(format!("{number:04}"), "");
    }
    test.put("z.txt", "Call Ann");

    test.look().await;

    assert!(test.is_done("z.txt"));
}

#[tokio::test]
async fn a_folder_that_cannot_be_watched_is_told_and_looked_at_all_the_same() {
    let mut test = TestInbox::new();
    let unwatched = Unwatched {
        reason: "no more watches".into(),
        remedy: "sudo sysctl more=1",
    };
    test.put("a.txt", "Call Ann");
    let looked = test.inbox.look().await;
    test.inbox.watch = Err(unwatched);
    test.inbox.tell(looked);

    let told = test.app.facilities().inbox.clone();
    assert!(told.is_available && told.reason.contains("no more watches"));
    assert!(told.reason.contains("every 10 s"), "{told:?}");
    assert_eq!(told.remedy, "sudo sysctl more=1");
    assert!(test.is_done("a.txt"));
    // The next look watches it again.
    assert_eq!(test.status().await, (true, String::new(), String::new()));
}

#[tokio::test]
async fn no_trouble_names_a_path_to_those_who_may_only_read() {
    let mut test = TestInbox::new();
    fs::remove_dir_all(test.inbox.folder.path()).unwrap();
    fs::write(test.inbox.folder.path(), "in the way").unwrap();

    let (is_available, reason, remedy) = test.status().await;

    let path = test.inbox.folder.path().to_str().unwrap();
    assert!(!is_available);
    assert!(reason.contains(path) && remedy.contains(path), "{reason}");
    let told = test.app.facilities().inbox.clone();
    assert!(!told.reason.contains('/'), "{}", told.reason);
}

#[tokio::test]
async fn a_file_that_was_written_to_a_moment_ago_waits() {
    let mut test = TestInbox::new();
    test.inbox.quiet = Duration::from_hours(1);
    test.put("a.txt", "Half a li");

    test.look().await;
    assert!(test.tasks().await.is_empty());
    test.inbox.quiet = Duration::ZERO;
    test.look().await;

    assert_eq!(test.tasks().await.len(), 1);
}

/// Hears the bytes of a recording as text: none at all is silence; `?` finds nothing to hear with, `!` is no
/// recording, and `#` ends whoever hears it.
struct Literal;

impl Voice for Literal {
    fn transcribe(&self, recording: Bytes, _wanted: Wanted) -> VoiceFuture<'_, Transcript> {
        let text = String::from_utf8(recording.to_vec()).unwrap();
        let heard = match text.trim() {
            "?" => Err(VoiceError::NotSetUp("there is no model; fetch one".into())),
            "#" => Err(VoiceError::Failed("the process ended".into())),
            "!" => Err(VoiceError::Refused {
                code: "invalid_audio",
                field: "file",
                problem: "cannot be used: it is broken".into(),
            }),
            said => Ok(Transcript {
                text: said.to_owned(),
                is_silence: said.is_empty(),
                ..Transcript::default()
            }),
        };
        Box::pin(std::future::ready(heard))
    }

    fn speak(&self, _speech: Speech) -> VoiceFuture<'_, Bytes> {
        Box::pin(std::future::ready(Err(VoiceError::NotSetUp("mute".into()))))
    }
}

impl TestInbox {
    fn with_voice() -> Self {
        let test = Self::new();
        test.app.set_voice(Arc::new(Literal));
        test
    }

    /// Looks until a file is taken, as often as the inbox is woken.
    async fn look_until_done(&mut self, name: &str) {
        let wake = Arc::clone(&self.inbox.wake);
        while !self.is_done(name) {
            self.look().await;
            if !self.is_done(name) {
                let woken = wake.notified();
                tokio::time::timeout(Duration::from_secs(30), woken)
                    .await
                    .unwrap();
            }
        }
    }

    async fn artifact_of(&self, task: &Task) -> (String, Vec<u8>) {
        let page = self
            .app
            .list_artifacts(TaskRef::Id(task.id), None, 10)
            .await;
        let items = page.unwrap().items;
        assert_eq!(items.len(), 1, "{items:?}");
        let (_, mut content) = self.app.open_artifact(items[0].id).await.unwrap();
        let mut bytes = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut content, &mut bytes)
            .await
            .unwrap();
        assert!(items[0].labels.untrusted);
        (items[0].media_type.as_str().to_owned(), bytes)
    }
}

#[tokio::test]
async fn what_is_said_in_a_recording_becomes_a_task_and_the_recording_is_kept() {
    let mut test = TestInbox::with_voice();
    test.put("memo.m4a", "Remind me to plant roses @garden !high.");
    test.put("note.txt", "Call Ann");

    test.look_until_done("memo.m4a").await;

    let tasks = test.tasks().await;
    let titles: Vec<&str> = tasks.iter().map(|task| task.title.as_str()).collect();
    // The note did not wait for the recording.
    assert_eq!(titles, ["Call Ann", "Plant roses"]);
    let task = &tasks[1];
    assert_eq!(task.priority.as_str(), "high");
    assert!(task.project_id.is_some() && task.trust.untrusted);
    assert_eq!(
        task.description,
        "Said in memo.m4a: Remind me to plant roses @garden !high."
    );
    let (media_type, bytes) = test.artifact_of(task).await;
    assert_eq!(media_type, "audio/mp4");
    assert_eq!(bytes, b"Remind me to plant roses @garden !high.");
    assert!(test.notices().await.is_empty());
}

#[tokio::test]
async fn what_is_in_doubt_or_long_is_kept_word_for_word() {
    let mut test = TestInbox::with_voice();
    let long = "And then we went on. ".repeat(100);
    test.put("doubt.ogg", "Call Ann after #99");
    test.put("long.ogg", &long);

    test.look_until_done("doubt.ogg").await;
    test.look_until_done("long.ogg").await;

    let tasks = test.tasks().await;
    assert_eq!(tasks[0].title.as_str(), "Call Ann after #99");
    assert!(tasks[1].title.as_str().starts_with("And then we went on."));
    assert!(tasks[1].description.ends_with(long.trim()));
}

#[tokio::test]
async fn silence_becomes_no_task_and_is_told_once_and_kept() {
    let mut test = TestInbox::with_voice();
    test.put("quiet.wav", " ");

    test.look_until_done("quiet.wav").await;
    test.look().await;

    assert!(test.tasks().await.is_empty());
    let notices = test.notices().await;
    assert_eq!(notices.len(), 1);
    assert!(
        notices[0].starts_with("Nobody speaks in quiet.wav"),
        "{notices:?}"
    );
    assert_eq!(
        fs::read(test.inbox.folder.done().join("quiet.wav")).unwrap(),
        b" "
    );
}

#[tokio::test]
async fn a_recording_that_cannot_be_heard_is_a_task_that_says_why() {
    let mut test = TestInbox::with_voice();
    for (name, bytes) in [("a.wav", "?"), ("b.mp3", "!"), ("c.flac", "#")] {
        test.put(name, bytes);
        test.look_until_done(name).await;
    }

    let tasks = test.tasks().await;

    let said: Vec<(&str, &str)> = tasks
        .iter()
        .map(|task| (task.title.as_str(), task.description.as_str()))
        .collect();
    let told = "The recording was not written down: ";
    assert_eq!(
        said,
        [
            (
                "Listen to a.wav",
                format!("{told}there is no model; fetch one.").as_str()
            ),
            (
                "Listen to b.mp3",
                format!("{told}it cannot be used: it is broken.").as_str()
            ),
            (
                "Listen to c.flac",
                format!("{told}the process ended.").as_str()
            ),
        ]
    );
    for task in &tasks {
        assert_eq!(test.artifact_of(task).await.1.len(), 1);
    }
}

#[tokio::test]
async fn a_recording_that_changes_while_it_is_heard_is_heard_again() {
    let mut test = TestInbox::with_voice();
    test.put("memo.wav", "First");
    test.look().await;
    test.put("memo.wav", "Second one");

    test.look_until_done("memo.wav").await;

    let tasks = test.tasks().await;
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].title.as_str(), "Second one");
}
