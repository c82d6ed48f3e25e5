//! The data folder and the files in it that are no database.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access};

use super::Check;
use crate::data_dir::DataDir;
use crate::inbox::is_ignored;
use crate::output::text::{count, quoted, size};

const MIB: u64 = 1 << 20;
/// Below this, a day of work may fill the disk.
const ROOM_LOW: u64 = 1024 * MIB;
/// Below this, the next upgrade or backup will not find room.
const ROOM_TOO_LOW: u64 = 100 * MIB;

/// Whether the folder is there, is its owner's alone, and has room.
pub(super) fn rights_and_room(data: &DataDir) -> Check {
    const NAME: &str = "data";
    let root = data.root();
    let shown = root.display();
    if !root.exists() {
        let found = format!("{shown} is not there");
        return Check::warning(NAME, found, "`hearth up` makes it");
    }
    if !root.is_dir() {
        let found = format!("{shown} is no folder");
        return Check::fault(NAME, found, "name another with --data-dir");
    }
    if is_open_to_others(root) {
        let found = format!("others can see into {shown}");
        return Check::fault(NAME, found, format!("chmod 700 {}", quoted(root.display())));
    }
    if access(
        root,
        AccessFlags::R_OK | AccessFlags::W_OK | AccessFlags::X_OK,
    )
    .is_err()
    {
        let found = format!("{shown} cannot be written to");
        return Check::fault(
            NAME,
            found,
            format!("chown -R $USER {}", quoted(root.display())),
        );
    }
    let room = match statvfs(root) {
        Ok(disk) => {
            #[cfg_attr(
                target_os = "linux",
                expect(clippy::useless_conversion, reason = "a smaller number elsewhere")
            )]
            let blocks = u64::from(disk.blocks_available());
            blocks.saturating_mul(disk.fragment_size())
        }
        Err(error) => {
            let found = format!("the room on the disk of {shown} cannot be told: {error}");
            return Check::warning(NAME, found, "look at it with df");
        }
    };
    let found = format!("{shown} has {} of room", size(room));
    let remedy = "make room on that disk";
    match room {
        room if room < ROOM_TOO_LOW => Check::fault(NAME, found, remedy),
        room if room < ROOM_LOW => Check::warning(NAME, found, remedy),
        _ => Check::ok(NAME, format!("{found}, and is its owner's alone")),
    }
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_path: &Path) -> bool {
    false
}

/// Whether the owner's key is its owner's alone.
pub(super) fn owner_key(data: &DataDir) -> Check {
    const NAME: &str = "owner.key";
    let path = data.owner_key_file();
    match data.read_owner_key() {
        Ok(Some(_)) => Check::ok(NAME, "is there, and is its owner's alone"),
        Ok(None) => Check::ok(NAME, "there is none; `hearth up` makes one"),
        Err(_) if is_open_to_others(&path) => Check::fault(
            NAME,
            format!("others can read {}", path.display()),
            format!("chmod 600 {}", quoted(path.display())),
        ),
        Err(error) => Check::fault(
            NAME,
            format!("{error:#}"),
            format!(
                "rm {}; the next start makes a new one",
                quoted(path.display())
            ),
        ),
    }
}

/// Whether files can be taken from the inbox, and how many wait there.
pub(super) fn inbox(data: &DataDir) -> Check {
    const NAME: &str = "inbox";
    let inbox = data.inbox();
    let shown = inbox.display();
    if !inbox.exists() {
        return Check::ok(NAME, "there is none");
    }
    let entries = match fs::read_dir(&inbox) {
        Ok(entries) => entries,
        Err(error) => {
            let found = format!("{shown} cannot be read: {error}");
            return Check::fault(
                NAME,
                found,
                format!("chmod 700 {}", quoted(inbox.display())),
            );
        }
    };
    if access(&inbox, AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
        let found = format!("{shown} cannot be written to, so that files stay in it");
        return Check::fault(
            NAME,
            found,
            format!("chmod 700 {}", quoted(inbox.display())),
        );
    }
    let is_file = |entry: &fs::DirEntry| {
        !is_ignored(&entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_file())
    };
    let waiting = entries.flatten().filter(is_file).count() as u64;
    Check::ok(
        NAME,
        format!("{} waiting in {shown}", count(waiting, "file")),
    )
}

/// What commands that were cut off left, and databases that were kept.
pub(super) fn leftovers(data: &DataDir, is_held: bool) -> Check {
    const NAME: &str = "leftovers";
    let mut left = Vec::new();
    let mut kept = Vec::new();
    for name in names_in(data.root()) {
        match name.as_str() {
            "restore.staging" | "import.staging" | "hearth.db.orphaned-wal" => left.push(name),
            name if name.starts_with("hearth.db.new") || name.contains(".partial") => {
                left.push(name.to_owned());
            }
            name if name.starts_with("hearth.db.schema-")
                || name.starts_with("hearth.db.before-restore-") =>
            {
                kept.push(name.to_owned());
            }
            _ => (),
        }
    }
    // Whoever holds the folder may be at work on these.
    if !left.is_empty() && !is_held {
        let paths: Vec<PathBuf> = left.iter().map(|name| data.root().join(name)).collect();
        let paths: Vec<String> = paths.iter().map(|path| quoted(path.display())).collect();
        return Check::warning(
            NAME,
            format!("a command was cut off, and left {}", left.join(", ")),
            format!("rm -r {}", paths.join(" ")),
        );
    }
    if kept.is_empty() {
        return Check::ok(NAME, "there are none");
    }
    Check::ok(
        NAME,
        format!(
            "older databases are kept: {}; remove them when you do not need them any more",
            kept.join(", ")
        ),
    )
}

/// The names in a folder, in order; none where it cannot be read, which is told elsewhere.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
