//! The text that `sandbox-exec` is given: everything is denied but what is named.

use std::path::Path;

use crate::SandboxError;

/// What programs of the system are made of; nothing in it is the person's.
const SYSTEM: &[&str] = &[
    "/bin",
    "/sbin",
    "/usr",
    "/System",
    "/Library/Apple",
    "/Library/Developer/CommandLineTools",
    "/private/var/db/dyld",
    "/private/var/db/timezone",
];

/// Devices that belong to nobody.
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

/// The folders of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folders<'a> {
    /// Where it works; it may write there.
    pub workspace: &'a Path,
    /// Where its script is and its passing files are; it may write there too.
    pub own: &'a Path,
}

/// Returns the profile of a run. There is no network in it, no other process, no service of the
/// system and no second process: what can start nothing leaves nothing behind.
///
/// # Errors
/// A path that is no text, or has a character in it that could end its quotation.
pub(crate) fn profile(folders: Folders<'_>) -> Result<String, SandboxError> {
    let subpaths = |paths: &[&str]| list("subpath", paths);
    let writable = [quotable(folders.workspace)?, quotable(folders.own)?];
    let (system, writable) = (subpaths(SYSTEM), subpaths(&writable));
    let devices = list("literal", DEVICES);
    Ok(format!(
        "(version 1)\n\
         (deny default)\n\
         (deny network*)\n\
         (deny process-fork)\n\
         (allow process-exec* {system})\n\
         (allow file-map-executable {system})\n\
         (allow file-read* (literal \"/\") {system} {devices} {writable})\n\
         (allow file-read-metadata (literal \"/private\") (literal \"/private/var\"))\n\
         (allow file-write* {writable})\n\
         (allow file-write-data {devices})\n\
         (deny file-write-setugid)\n\
         (deny file-write-create (vnode-type FIFO) (vnode-type SOCKET)\n\
         \x20(vnode-type BLOCK-DEVICE) (vnode-type CHARACTER-DEVICE))\n\
         (allow signal (target self))\n\
         (allow process-info* (target self))\n\
         (allow sysctl-read)\n"
    ))
}

fn list(kind: &str, paths: &[&str]) -> String {
    let paths = paths.iter().map(|path| format!("({kind} \"{path}\")"));
    paths.collect::<Vec<_>>().join(" ")
}

fn quotable(path: &Path) -> Result<&str, SandboxError> {
    let is_plain = |c: char| !c.is_control() && !['"', '\\'].contains(&c);
    path.to_str()
        .filter(|path| path.starts_with('/') && path.chars().all(is_plain))
        .ok_or(SandboxError::Invalid {
            reason: "the workspace's path has a quotation mark, a backslash or a control character \
                     in it; use another folder",
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(workspace: &str) -> Result<String, SandboxError> {
        profile(Folders {
            workspace: Path::new(workspace),
            own: Path::new("/private/tmp/hearth-run"),
        })
    }

    #[test]
    fn everything_is_denied_and_only_the_run_s_folders_are_writable() {
        let text = of("/Users/ada/work space").unwrap();

        assert!(text.starts_with("(version 1)\n(deny default)\n(deny network*)\n"));
        let writable: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("(allow file-write*"))
            .collect();
        assert_eq!(
            writable,
            [
                "(allow file-write* (subpath \"/Users/ada/work space\") (subpath \"/private/tmp/hearth-run\"))"
            ]
        );
        for never in [
            "(allow network",
            "(allow process-fork",
            "(allow mach",
            "(allow default",
        ] {
            assert!(!text.contains(never), "{never}");
        }
        // Nothing of the person's is named but the workspace.
        assert_eq!(text.matches("/Users").count(), 2);
        let (open, closed) = (text.matches('(').count(), text.matches(')').count());
        assert_eq!(open, closed);
    }

    #[test]
    fn a_path_that_could_add_a_rule_is_refused() {
        for path in ["/a\")(allow network*)(x \"", "/a\\", "/a\nb", "relative"] {
            assert!(
                matches!(of(path), Err(SandboxError::Invalid { .. })),
                "{path:?}"
            );
        }
    }
}
