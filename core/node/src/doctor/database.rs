//! The database, the contents that its artifacts have, and the clock that its events were told by.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use hearth_domain::artifact::ContentHash;
use hearth_domain::{Clock, Timestamp};
use hearth_store::contents::{hash, place};
use hearth_store::inspect::{Snapshot, sqlite_version};
use hearth_store::migrate::schema_version;
use hearth_store::{OpenError, StoreError};
use jiff::tz::TimeZone;

use super::{Check, Depth};
use crate::data_dir::DataDir;
use crate::output::text::count;
use crate::system::SystemClock;

const RESTORE: &str = "put a backup in its place: hearth restore FILE";
/// How far clocks are set back in everyday life.
const SET_BACK_MS: i64 = 60_000;
/// How many damaged contents are named.
const NAMED: usize = 3;
/// The year before which this program did not exist, and the one after which it will not.
const YEARS: std::ops::Range<i16> = 2025..2100;

/// Whether the database is sound, and every content there.
pub(super) fn check(data: &DataDir, depth: Depth) -> Vec<Check> {
    const NAME: &str = "database";
    let path = data.database();
    if !path.exists() {
        return vec![Check::warning(
            NAME,
            format!("there is no {}", path.display()),
            "`hearth up` makes one, and `hearth restore FILE` puts a backup there",
        )];
    }
    let snapshot = match Snapshot::open(&path) {
        Ok(snapshot) => snapshot,
        Err(error @ OpenError::NewerSchema { .. }) => {
            return vec![Check::fault(
                NAME,
                error.to_string(),
                "install that version of Hearth",
            )];
        }
        Err(error) => return vec![Check::fault(NAME, told(error), RESTORE)],
    };
    vec![
        soundness(NAME, &snapshot).unwrap_or_else(|error| Check::fault(NAME, told(error), RESTORE)),
        contents(&snapshot, &data.artifacts(), depth),
    ]
}

fn soundness(name: &'static str, snapshot: &Snapshot) -> Result<Check, StoreError> {
    if let Some(fault) = snapshot.find_fault()? {
        return Ok(Check::fault(
            name,
            format!("it is damaged: {}", fault.replace('\n', " ")),
            RESTORE,
        ));
    }
    let counts = snapshot.counts()?;
    let found = format!(
        "schema {}, {}, {}, sound, SQLite {}",
        snapshot.schema(),
        count(counts.tasks, "task"),
        count(counts.events, "event"),
        sqlite_version()
    );
    if snapshot.schema() < schema_version() {
        let found = format!(
            "{found}; this program works with schema {}",
            schema_version()
        );
        let remedy = "hearth migrate, or start the node: hearth up";
        return Ok(Check::warning(name, found, remedy));
    }
    Ok(Check::ok(name, found))
}

fn contents(snapshot: &Snapshot, dir: &Path, depth: Depth) -> Check {
    const NAME: &str = "artifacts";
    let mut total = 0;
    let mut wrong = Vec::new();
    let looked = snapshot.each_content(|hash, size| {
        total += 1;
        let path = place(dir, hash);
        if let Err(problem) = content(&path, (hash, size), depth) {
            wrong.push(format!("{} {problem}", path.display()));
        }
        Ok::<_, StoreError>(())
    });
    if let Err(error) = looked {
        return Check::fault(NAME, told(error), RESTORE);
    }
    let how = match depth {
        Depth::Sizes => "there",
        Depth::Hashes => "there, with the right bytes",
    };
    if wrong.is_empty() {
        return Check::ok(NAME, format!("{}, all {how}", count(total, "content")));
    }
    // Who looks closely wants to know all of them.
    let named = match depth {
        Depth::Sizes => NAMED.min(wrong.len()),
        Depth::Hashes => wrong.len(),
    };
    let mut found = format!(
        "{} of {total} are damaged: {}",
        wrong.len(),
        wrong.get(..named).unwrap_or_default().join(", ")
    );
    if named < wrong.len() {
        found.push_str(", and more; --deep names all");
    }
    Check::fault(
        NAME,
        found,
        "take these files from a backup, which is a tar file, and put them there",
    )
}

/// Looks at one content, as closely as told.
fn content(path: &Path, expected: (ContentHash, u64), depth: Depth) -> Result<(), String> {
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => "is missing".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    let has = path.metadata().map_err(unreadable)?.len();
    if has != expected.1 {
        return Err(format!("has {has} bytes of {}", expected.1));
    }
    if depth == Depth::Sizes {
        return Ok(());
    }
    let found = File::open(path).and_then(hash).map_err(unreadable)?;
    if found == expected {
        Ok(())
    } else {
        Err("does not have the hash that is its name".into())
    }
}

/// Whether the clock can be believed, and where the person is.
pub(super) fn clock(data: &DataDir, zone: Option<TimeZone>) -> Check {
    const NAME: &str = "clock";
    const SET: &str = "set the clock: timedatectl set-ntp true";
    let now = SystemClock::default().now();
    let last = Snapshot::open(&data.database())
        .ok()
        .and_then(|snapshot| snapshot.last_event().ok())
        .and_then(|(_, at)| at);
    if let Some(last) = last
        && last.as_millis() - now.as_millis() > SET_BACK_MS
    {
        let found = format!("it says {now}, and the last event happened at {last}");
        return Check::fault(NAME, found, SET);
    }
    if !is_plausible(now) {
        return Check::fault(NAME, format!("it says {now}"), SET);
    }
    let Some(zone) = zone else {
        return Check::warning(
            NAME,
            format!("it says {now}, and the time zone is not known"),
            "name it: hearth config set time_zone Europe/Berlin",
        );
    };
    let name = zone.iana_name().unwrap_or("a zone without a name");
    Check::ok(NAME, format!("{now}, in {name}"))
}

fn is_plausible(now: Timestamp) -> bool {
    jiff::Timestamp::from_millisecond(now.as_millis())
        .is_ok_and(|now| YEARS.contains(&now.to_zoned(TimeZone::UTC).year()))
}

/// An error with its causes, in one line.
fn told(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}
