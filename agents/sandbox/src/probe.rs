//! Finds out whether the sandbox works here, by using it.

use std::fs;
use std::future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::run::Known;
use crate::{Config, Sandbox, SandboxError, Survey, Unavailable};

pub(crate) const INSTALL_BWRAP: &str =
    "run: apt-get install bubblewrap (or dnf, pacman, apk; 0.8.0 or newer)";
pub(crate) const LANDLOCK: &str = "boot with landlock in the kernel's lsm= list";
const INSTALL_PYTHON: &str = "run: apt-get install python3 (3.9 or newer)";

impl Sandbox {
    /// Returns a sandbox after a program was really run in it and saw every wall.
    ///
    /// # Errors
    /// Says what is missing and how to mend it. Nothing may then be run: there is no weaker way.
    pub async fn probe(config: Config) -> Result<Self, Unavailable> {
        let survey = Self::survey(&config).await?;
        if let Some((wall, remedy)) = survey.missing() {
            return Err(Unavailable {
                reason: format!("a wall of the sandbox does not stand: {}", wall.name()),
                remedy: remedy.into(),
            });
        }
        let known = Known {
            site_packages: site_packages(),
            python_version: survey.python_version,
            config,
            lifeguard: Arc::default(),
        };
        Ok(Self {
            known: Arc::new(known),
        })
    }

    /// Runs a program in the sandbox that looks around, and returns what it saw.
    ///
    /// # Errors
    /// As [`Self::probe`], where it could not be run at all.
    pub async fn survey(config: &Config) -> Result<Survey, Unavailable> {
        check_files(config)?;
        let known = Known {
            config: config.clone(),
            site_packages: site_packages(),
            python_version: String::new(),
            lifeguard: Arc::default(),
        };
        let candidate = Self {
            known: Arc::new(known),
        };
        let outcome = candidate
            .run(Survey::job(), future::pending())
            .await
            .map_err(|error| explain(&error))?;
        let is_root = nix::unistd::geteuid().is_root();
        let survey = Survey::read(&outcome.stdout, is_root).filter(|_| outcome.is_success());
        survey.ok_or_else(|| {
            let said = String::from_utf8_lossy(&outcome.stderr);
            let said = said.trim().lines().last().unwrap_or("it said nothing");
            Unavailable {
                reason: format!("a trial run of {} failed: {said}", config.python.display()),
                remedy: INSTALL_PYTHON.into(),
            }
        })
    }
}

fn check_files(config: &Config) -> Result<(), Unavailable> {
    if !config.walls.are_whole() {
        return Err(Unavailable {
            reason: "a wall of the sandbox was left off".into(),
            remedy: "leave none off: that is for the sandbox's own tests".into(),
        });
    }
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
        LANDLOCK
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
