//! Each finding comes with what mends it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

struct Folder {
    _dir: tempfile::TempDir,
    data: DataDir,
}

fn folder() -> Folder {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDir::at(dir.path());
    data.create().unwrap();
    Folder { _dir: dir, data }
}

fn check(check: &Check, state: State, expected: &str) {
    let text = format!("{}; {}", check.found, check.remedy.as_deref().unwrap_or(""));
    assert_eq!(check.state, state, "{text}");
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_folder_that_others_see_into_is_a_fault() {
    let folder = folder();
    check(&folder::rights_and_room(&folder.data), State::Ok, "room");

    let root = folder.data.root();
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();

    check(
        &folder::rights_and_room(&folder.data),
        State::Fault,
        &format!("chmod 700 {}", root.display()),
    );
}

#[test]
fn a_folder_that_is_not_there_is_a_warning() {
    let data = DataDir::at("/nowhere/at/all");

    check(&folder::rights_and_room(&data), State::Warning, "hearth up");
    let checks = database::check(&data, Depth::Sizes);
    check(&checks[0], State::Warning, "hearth up");
}

#[test]
fn a_key_that_others_can_read_is_a_fault() {
    let folder = folder();
    check(&folder::owner_key(&folder.data), State::Ok, "none");
    folder.data.write_owner_key("hearth_key").unwrap();
    check(&folder::owner_key(&folder.data), State::Ok, "alone");
    let path = folder.data.owner_key_file();

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();

    check(&folder::owner_key(&folder.data), State::Fault, "chmod 600");
}

#[test]
fn what_cut_off_commands_left_is_told_unless_somebody_is_at_work() {
    let folder = folder();
    check(&folder::leftovers(&folder.data, false), State::Ok, "none");
    fs::create_dir(folder.data.restore_staging()).unwrap();
    fs::write(folder.data.root().join("hearth.db.schema-1"), "").unwrap();

    let alone = folder::leftovers(&folder.data, false);
    let beside_a_node = folder::leftovers(&folder.data, true);

    check(&alone, State::Warning, "left restore.staging; rm -r ");
    check(&beside_a_node, State::Ok, "kept: hearth.db.schema-1");
}

#[test]
fn files_that_wait_in_the_inbox_are_counted() {
    let folder = folder();
    fs::remove_dir_all(folder.data.inbox()).unwrap();
    check(&folder::inbox(&folder.data), State::Ok, "there is none");
    folder.data.create().unwrap();
    for name in ["letter.txt", ".hidden", "half.part"] {
        fs::write(folder.data.inbox().join(name), "").unwrap();
    }

    check(&folder::inbox(&folder.data), State::Ok, "1 file waiting");
}

#[test]
fn what_is_no_database_is_a_fault() {
    let folder = folder();
    fs::write(folder.data.database(), "my shopping list").unwrap();

    let checks = database::check(&folder.data, Depth::Sizes);

    check(&checks[0], State::Fault, "hearth restore FILE");
}

#[test]
fn a_zone_that_is_not_known_is_a_warning() {
    let folder = folder();

    check(
        &database::clock(&folder.data, None),
        State::Warning,
        "hearth config set time_zone",
    );
    let known = database::clock(&folder.data, Some(TimeZone::UTC));
    check(&known, State::Ok, "in UTC");
}
