//! The modes that this program starts itself in, and what the test runner sees of them.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use crate::ablation::Extent;
use crate::attack::Layer;
use crate::surroundings::SECRET;
use crate::{ablation, inside, suite};

/// A user like a person's, who exists on no machine.
const PERSON: u32 = 60_748;

/// Gives the process a session with a terminal, whose other end is its standard input, and a keyring
/// with a key, and then becomes the program that is named.
const SURROUND: &str = "
import ctypes, os, sys
libc = ctypes.CDLL(None)
keyctl, add_key = int(sys.argv[1]), int(sys.argv[2])
libc.syscall(keyctl, 1, None)
secret = os.environ['HEARTH_ESCAPE'].encode()
libc.syscall(add_key, b'user', b'hearth-escape', secret, len(secret), -3)
ours, theirs = os.openpty()
os.setsid()
terminal = os.open(os.ttyname(theirs), os.O_RDWR)
os.set_inheritable(terminal, False)
os.dup2(ours, 0)
os.set_blocking(0, False)
os.execv(sys.argv[3], sys.argv[3:])
";

/// What is run in a process of its own.
#[derive(Debug, Clone, Copy)]
struct Mode {
    name: &'static str,
    role: &'static str,
    is_root: bool,
}

const MODES: &[Mode] = &[
    Mode {
        name: "python_cannot_escape_from_root",
        role: "python",
        is_root: true,
    },
    Mode {
        name: "commands_cannot_escape_from_root",
        role: "command",
        is_root: true,
    },
    Mode {
        name: "each_wall_of_root_is_known_for_what_it_stops",
        role: "ablation",
        is_root: true,
    },
    Mode {
        name: "python_cannot_escape_from_a_plain_user",
        role: "python",
        is_root: false,
    },
    Mode {
        name: "commands_cannot_escape_from_a_plain_user",
        role: "command",
        is_root: false,
    },
    Mode {
        name: "each_wall_of_a_plain_user_is_known_for_what_it_stops",
        role: "ablation",
        is_root: false,
    },
];

pub(crate) fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--role", role] => be(role),
        ["--node", workspace, left_off, ..] => {
            inside::be_a_node(
                workspace,
                left_off,
                args.get(3..).unwrap_or_default().to_vec(),
            );
            ExitCode::SUCCESS
        }
        ["--list", ..] => {
            for mode in MODES {
                println!("{}: test", mode.name);
            }
            ExitCode::SUCCESS
        }
        words => run_modes(words),
    }
}

/// Is the process that [`start`] starts.
fn be(role: &str) -> ExitCode {
    // Nobody but the parent is left to end it: it has a session of its own.
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).unwrap();
    let is_good = match role {
        "python" => suite::run(Layer::Python),
        "command" => suite::run(Layer::Command),
        "ablation" => ablation::run(Extent::WhatTheTableSays),
        _ => ablation::run(Extent::Everything),
    };
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs those modes whose name contains one of the words, all where there is none, and reports as
/// the usual harness does.
fn run_modes(words: &[&str]) -> ExitCode {
    let filters: Vec<&&str> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |mode: &&Mode| {
        filters.is_empty() || filters.iter().any(|filter| mode.name.contains(**filter))
    };
    let forgotten = ablation::forgotten();
    assert!(forgotten.is_empty(), "not in the table: {forgotten:?}");
    let programs = Programs::copied();
    let (mut passed, mut failed) = (0, 0);
    println!("\nrunning {} tests", MODES.iter().filter(is_wanted).count());
    for mode in MODES.iter().filter(is_wanted) {
        if mode.is_root && !nix::unistd::geteuid().is_root() {
            skip(mode.name);
            println!("test {} ... ok", mode.name);
            passed += 1;
            continue;
        }
        let start = Instant::now();
        let is_good = programs.start(*mode);
        *(if is_good { &mut passed } else { &mut failed }) += 1;
        let word = if is_good { "ok" } else { "FAILED" };
        println!("test {} ... {word}", mode.name);
        println!("({} s)", start.elapsed().as_secs());
        let _ = std::io::stdout().flush();
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out\n"
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Copies of this program and the stage, because the build folder may be closed to other users.
struct Programs {
    folder: TempDir,
}

impl Programs {
    fn copied() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let programs = Self { folder };
        fs::copy(std::env::current_exe().unwrap(), programs.this()).unwrap();
        let stage = Path::new(env!("CARGO_BIN_EXE_hearth-sandbox-stage"));
        fs::copy(stage, programs.folder.path().join("hearth-sandbox-stage")).unwrap();
        programs
    }

    fn this(&self) -> PathBuf {
        self.folder.path().join("escape")
    }

    fn start(&self, mode: Mode) -> bool {
        let role = match mode.role {
            "ablation" if is_long() => "whole ablation",
            role => role,
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the same program as another user"
        )]
        let mut command = Command::new("/usr/bin/python3");
        command
            .args(["-I", "-c", SURROUND])
            .args([libc::SYS_keyctl, libc::SYS_add_key].map(|number| number.to_string()))
            .arg(self.this())
            .args(["--role", role])
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HEARTH_ESCAPE", SECRET)
            .stdin(Stdio::null());
        if !mode.is_root && nix::unistd::geteuid().is_root() {
            command.uid(PERSON).gid(PERSON);
        }
        command.status().unwrap().success()
    }
}

/// Says that a mode cannot be run here, where `./test` counts such.
fn skip(name: &str) {
    let line = format!("{name}: started by a plain user, who cannot be root\n");
    eprint!("SKIPPED: {line}");
    if let Some(log) = environment("HEARTH_SKIP_LOG") {
        let log = fs::File::options().append(true).open(log);
        log.and_then(|mut log| log.write_all(line.as_bytes()))
            .unwrap();
    }
}

/// Returns whether the long variants are wanted.
fn is_long() -> bool {
    environment("HEARTH_LONG").is_some()
}

fn environment(name: &str) -> Option<std::ffi::OsString> {
    #[expect(clippy::disallowed_methods, reason = "what ./test tells its tests")]
    std::env::var_os(name)
}
