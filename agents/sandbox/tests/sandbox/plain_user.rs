//! Everything again as a plain user, where these tests were started by root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::ground::stage_program;

/// A user like a person's, who exists on no machine.
const PERSON: u32 = 60_748;

#[test]
fn all_of_this_holds_for_a_plain_user() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: 1 test: started by a plain user, so all the others were this one");
        return;
    }
    // Copies, because the build folder may be closed to that user.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let tests = folder.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &tests).unwrap();
    fs::copy(stage_program(), folder.path().join("hearth-sandbox-stage")).unwrap();

    #[expect(clippy::disallowed_methods, reason = "the same tests as another user")]
    let output = Command::new(tests)
        .arg("--test-threads=2")
        .current_dir("/")
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .uid(PERSON)
        .gid(PERSON)
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
