//! What a whole suite has around it, to be stolen or disturbed: see also [`crate::modes`], which
//! gives it a terminal, a key and an environment.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use hearth_sandbox::config::DEFAULT_RUN_AS;
use hearth_sandbox::{Config, Sandbox, Stage, Walls};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// What no program may ever see.
pub(crate) const SECRET: &str = "the-secret-of-the-host-2718281828";

/// Holds a piece of shared memory of a size until its input ends. It goes with the process, whatever
/// happens.
const HOLD_SHARED_MEMORY: &str = "
import ctypes, sys
libc = ctypes.CDLL(None)
part = libc.shmget(0, int(sys.argv[1]), 0o1600)
libc.shmat.restype = ctypes.c_void_p
libc.shmat(part, None, 0)
libc.shmctl(part, 0, None)
print('held', flush=True)
sys.stdin.read()
";

pub(crate) struct Surroundings {
    /// The user that attacks run as, where the suite is root.
    pub run_as: Option<u32>,
    /// What gives the host away, beside its secret.
    pub telltales: Vec<String>,
    /// Whoever disturbs the terminal does so alone.
    pub terminal: Mutex<()>,
    holder: Child,
    _leaked: [File; 2],
}

impl Surroundings {
    pub(crate) fn new() -> Self {
        let size = 2_000_000 + std::process::id();
        Self {
            run_as: nix::unistd::geteuid().is_root().then_some(DEFAULT_RUN_AS),
            telltales: telltales(size),
            terminal: Mutex::new(()),
            holder: hold_shared_memory(size),
            _leaked: leak(),
        }
    }

    /// Returns the sandbox as it is for everybody.
    pub(crate) fn sandbox() -> Sandbox {
        block_on(Sandbox::probe(config(Walls::all()))).unwrap()
    }

    /// Returns what has appeared on the terminal since the last look.
    pub(crate) fn typed() -> Vec<u8> {
        // The standard input is the terminal's other end, and does not block.
        let mut typed = vec![0; 4096];
        let length = std::io::stdin().read(&mut typed).unwrap_or(0);
        typed.truncate(length);
        typed
    }
}

impl Drop for Surroundings {
    fn drop(&mut self) {
        self.holder.stdin = None;
        let _ = self.holder.wait();
    }
}

pub(crate) fn config(walls: Walls) -> Config {
    let program = std::env::current_exe()
        .unwrap()
        .with_file_name("hearth-sandbox-stage");
    Config {
        walls,
        ..Config::new(Stage {
            program,
            args: vec![],
        })
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn telltales(size: u32) -> Vec<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap();
    [
        format!("host={}.", name.trim()),
        format!("shm={size}"),
        "root:x:0:0".into(),
    ]
    .into_iter()
    .chain(
        groups
            .lines()
            .filter(|line| !line.ends_with(":/"))
            .map(str::to_owned),
    )
    .collect()
}

fn hold_shared_memory(size: u32) -> Child {
    #[expect(clippy::disallowed_methods, reason = "something of the host's")]
    let mut holder = Command::new("/usr/bin/python3")
        .args(["-I", "-c", HOLD_SHARED_MEMORY, &size.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "held\n");
    holder
}

/// Opens descriptors that every program started from here inherits.
fn leak() -> [File; 2] {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(SECRET.as_bytes()).unwrap();
    let folder = File::open("/").unwrap();
    for leaked in [&file, &folder] {
        fcntl(leaked, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    }
    [file, folder]
}
