//! Before bubblewrap: lets go of what the node has, and becomes bubblewrap.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, parent_id};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};

use super::{Takes, arguments, descriptors, doing, folders, raw_stdin};
use crate::Wall;
use crate::message::{Outer, STAGE, read_frame};

/// Comes back only with an error.
pub(super) fn run(takes: Takes) -> io::Result<Infallible> {
    let outer: Outer = read_frame(&mut raw_stdin()?).map_err(doing("reading the job"))?;
    takes.check(&outer.walls)?;
    if outer.walls.has(Wall::ClosedDescriptors) {
        descriptors::close_inherited().map_err(doing("closing descriptors"))?;
    }
    let mut sources = Sources {
        workspace: outer.workspace.clone(),
        folders: outer
            .folders
            .iter()
            .map(|folder| folder.source.clone())
            .collect(),
        stage: outer.stage_program.clone(),
    };
    if let Some(id) = outer.run_as {
        sources = within_reach(sources).map_err(doing("binding the workspace"))?;
        become_user(id).map_err(doing("changing the user"))?;
    }
    folders::check_rights(&outer.folders, &sources.folders)?;
    // Changing the user would have cleared it. The node's thread that started us lives as long as
    // the run does; if it died before this line, nobody would stop the program.
    if outer.walls.has(Wall::NodeLife) {
        set_pdeathsig(Signal::SIGKILL).map_err(doing("binding to the node's life"))?;
    }
    if parent_id() != outer.parent {
        return Err(io::Error::other("the node is gone"));
    }

    let arguments = arguments::for_bwrap(&outer, &sources);
    let list = in_memory(&arguments).map_err(doing("passing arguments"))?;
    #[expect(clippy::disallowed_methods, reason = "this is what the sandbox is for")]
    let mut command = Command::new(&outer.bwrap);
    if outer.walls.has(Wall::HiddenArguments) {
        // Their paths stay out of the process list, and out of /proc/1/cmdline inside.
        command.arg("--args").arg(list.as_raw_fd().to_string());
    } else {
        command.args(&arguments);
    }
    if outer.walls.has(Wall::ClearedEnvironment) {
        command.env_clear();
    }
    let error = command
        .arg("--")
        .arg(STAGE)
        .args(&outer.stage_args)
        .arg("inner")
        .exec();
    Err(doing("starting bubblewrap")(error))
}

/// The host's paths that bubblewrap binds.
pub(super) struct Sources {
    pub workspace: Option<PathBuf>,
    pub folders: Vec<PathBuf>,
    pub stage: PathBuf,
}

/// What `mount` takes where it needs no source, kind or options.
const NONE: Option<&str> = None;

/// Binds workspace, folders and program file where the user we are about to become can reach them.
///
/// The node's data folder is root's alone, so the path to a workspace in it is closed to that user,
/// and an open descriptor does not help: bubblewrap resolves it to the path. Here the mounts are
/// this process's own, so that `/tmp` can be covered without anyone seeing it.
fn within_reach(sources: Sources) -> nix::Result<Sources> {
    match unshare(CloneFlags::CLONE_NEWNS) {
        Ok(()) => {}
        // Root without the right to mount, as in a plain container: the paths must do as they are.
        Err(Errno::EPERM) => return Ok(sources),
        Err(error) => return Err(error),
    }
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_SLAVE, NONE)?;
    // Opened before `/tmp` is covered, because they may well lie in it.
    let open_path = |path: &Path| open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty());
    let workspace = sources.workspace.as_deref().map(open_path).transpose()?;
    let folders: Vec<_> = sources
        .folders
        .iter()
        .map(|folder| open_path(folder))
        .collect::<Result<_, _>>()?;
    let stage = open_path(&sources.stage)?;
    let covered = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(
        Some("tmpfs"),
        "/tmp",
        Some("tmpfs"),
        covered,
        Some("mode=0755,size=64k"),
    )?;

    let bind = |from: &dyn AsRawFd, to: &Path| {
        let from = format!("/proc/self/fd/{}", from.as_raw_fd());
        mount(Some(from.as_str()), to, NONE, MsFlags::MS_BIND, NONE)
    };
    let near = Sources {
        folders: (0..folders.len())
            .map(|at| PathBuf::from(format!("/tmp/folder-{at}")))
            .collect(),
        workspace: workspace.is_some().then(|| PathBuf::from("/tmp/workspace")),
        stage: PathBuf::from("/tmp/stage"),
    };
    let workspace = workspace.iter().zip(&near.workspace);
    for (from, to) in workspace.chain(folders.iter().zip(&near.folders)) {
        nix::unistd::mkdir(to, Mode::from_bits_truncate(0o755))?;
        bind(from, to)?;
    }
    open(
        &near.stage,
        OFlag::O_CREAT | OFlag::O_WRONLY,
        Mode::from_bits_truncate(0o755),
    )?;
    bind(&stage, &near.stage)?;
    Ok(near)
}

/// Gives up root for good; the kernel drops all capabilities with it.
fn become_user(id: u32) -> nix::Result<()> {
    setgroups(&[])?;
    let group = Gid::from_raw(id);
    setresgid(group, group, group)?;
    let user = Uid::from_raw(id);
    setresuid(user, user, user)
}

/// Returns a file in memory with the arguments as bubblewrap's `--args` wants them.
fn in_memory(arguments: &[OsString]) -> io::Result<File> {
    // Not close-on-exec: bubblewrap reads it, and the stage inside closes what may be left of it.
    let mut list = File::from(memfd_create("arguments", MFdFlags::empty())?);
    for argument in arguments {
        list.write_all(argument.as_bytes())?;
        list.write_all(&[0])?;
    }
    list.rewind()?;
    debug_assert!(list.as_fd().as_raw_fd() > 2);
    Ok(list)
}
