//! Finds out whether the sandbox works here, by using it.

use std::fs;
use std::future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::run::Known;
use crate::{Config, Job, Limits, Program, Sandbox, SandboxError, Unavailable, Workspace};

/// Prints the version; fails where it is too old, or where a wall is missing.
const CHECK: &str = r#"
import os, socket, sys
assert sys.version_info >= (3, 9), "too old"
status = open("/proc/self/status").read()
assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status, "seccomp is missing"
assert os.getuid() == 1000 and list(os.environ).count("HOME") == 1, "wrong user"
try:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM)
except PermissionError:
    print("%d.%d.%d" % sys.version_info[:3])
"#;

const INSTALL_BWRAP: &str = "run: apt-get install bubblewrap (or dnf, pacman, apk; 0.8.0 or newer)";
const INSTALL_PYTHON: &str = "run: apt-get install python3 (3.9 or newer)";

impl Sandbox {
    /// Returns a sandbox after a program was really run in it.
    ///
    /// # Errors
    /// Says what is missing and how to mend it. Nothing may then be run: there is no weaker way.
    pub async fn probe(config: Config) -> Result<Self, Unavailable> {
        check_files(&config)?;
        let site_packages = site_packages();
        let known = |python_version| Known {
            config: config.clone(),
            site_packages: site_packages.clone(),
            python_version,
        };
        let candidate = Self {
            known: Arc::new(known(String::new())),
        };
        let mut job = Job::new(Program::Python { code: CHECK.into() }, Workspace::Scratch);
        job.limits = Limits {
            time: Duration::from_secs(20),
            ..Limits::default()
        };
        let outcome = candidate
            .run(job, future::pending())
            .await
            .map_err(|error| explain(&error))?;
        let version = String::from_utf8_lossy(&outcome.stdout).trim().to_owned();
        if outcome.is_success() && !version.is_empty() {
            return Ok(Self {
                known: Arc::new(known(version)),
            });
        }
        let said = String::from_utf8_lossy(&outcome.stderr);
        let said = said.trim().lines().last().unwrap_or("it said nothing");
        Err(Unavailable {
            reason: format!("a trial run of {} failed: {said}", config.python.display()),
            remedy: INSTALL_PYTHON.into(),
        })
    }
}

fn check_files(config: &Config) -> Result<(), Unavailable> {
    let missing = |path: &Path, remedy: &str| Unavailable {
        reason: format!("{} is missing", path.display()),
        remedy: remedy.into(),
    };
    if !config.bwrap.is_file() {
        return Err(missing(&config.bwrap, INSTALL_BWRAP));
    }
    let Ok(python) = config.python.canonicalize() else {
        return Err(missing(&config.python, INSTALL_PYTHON));
    };
    if !python.starts_with("/usr") || !config.python.starts_with("/usr") {
        return Err(Unavailable {
            reason: format!("{} is not below /usr", python.display()),
            remedy: INSTALL_PYTHON.into(),
        });
    }
    if !config.stage.program.is_absolute() || !config.stage.program.is_file() {
        return Err(missing(
            &config.stage.program,
            "start the node by its full path",
        ));
    }
    if config.run_as == 0 {
        return Err(Unavailable {
            reason: "the sandbox's user must not be root".into(),
            remedy: "choose another user id".into(),
        });
    }
    if !Path::new("/proc/thread-self/children").exists() {
        return Err(Unavailable {
            reason: "the kernel does not list a process's children".into(),
            remedy: "use a kernel with CONFIG_PROC_CHILDREN, as every distribution's is".into(),
        });
    }
    Ok(())
}

/// Settings of the kernel that forbid user namespaces: file, forbidding value, remedy.
const FORBIDDING: &[(&str, &str, &str)] = &[
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "run: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (and keep it in \
         /etc/sysctl.d), or install an AppArmor profile that allows bwrap user namespaces",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "run: sysctl -w user.max_user_namespaces=10000 (and keep it in /etc/sysctl.d)",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "run: sysctl -w kernel.unprivileged_userns_clone=1 (and keep it in /etc/sysctl.d)",
    ),
];

fn explain(error: &SandboxError) -> Unavailable {
    let reason = match error {
        SandboxError::SetUp { detail } => detail.clone(),
        SandboxError::Process { source } => format!("{error}: {source}"),
        SandboxError::Workspace { .. }
        | SandboxError::Folder { .. }
        | SandboxError::Invalid { .. } => error.to_string(),
    };
    let forbidding = FORBIDDING.iter().find(|(file, value, _)| {
        fs::read_to_string(file).is_ok_and(|setting| setting.trim() == *value)
    });
    let remedy = if reason.contains("Unknown option") {
        INSTALL_BWRAP
    } else if reason.contains("landlock") {
        "boot with landlock in the kernel's lsm= list"
    } else if reason.contains(crate::message::STAGE) {
        "make the node's program file readable and executable for every user"
    } else if let Some((_, _, remedy)) = forbidding {
        remedy
    } else {
        "allow user namespaces; in a container: --security-opt seccomp=unconfined \
         --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
    };
    Unavailable {
        reason,
        remedy: remedy.into(),
    }
}

/// Returns the folders of installed packages of every Python below `/usr`.
fn site_packages() -> Vec<PathBuf> {
    let is_python = |path: &Path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("python3"))
    };
    [
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/usr/local/lib64",
    ]
    .into_iter()
    .filter_map(|folder| fs::read_dir(folder).ok())
    .flatten()
    .filter_map(|entry| Some(entry.ok()?.path()))
    .filter(|path| is_python(path))
    .flat_map(|path| [path.join("dist-packages"), path.join("site-packages")])
    .filter(|path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()))
    .collect()
}
