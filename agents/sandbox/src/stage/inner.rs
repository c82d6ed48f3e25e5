//! Inside bubblewrap: raises the inner walls, then becomes the program.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use nix::sys::stat::{Mode, umask};
use nix::unistd::dup2_stdin;

use super::syscalls::Sockets;
use super::{
    Takes, descriptors, doing, files, folders, listener, raw_stdin, rlimits, say, script, syscalls,
    terminal,
};
use crate::Wall;
use crate::message::{Inner, KEY_VARIABLE, READY, read_frame};
use crate::pass;

/// Never comes back where the program can be started.
pub(super) fn run(takes: Takes) -> io::Result<ExitCode> {
    let mut control = raw_stdin()?;
    let mut given = pass::receive(&control)
        .map_err(doing("receiving descriptors"))?
        .into_iter();
    let inner: Inner = read_frame(&mut control).map_err(doing("reading the job"))?;
    takes.check(&inner.walls)?;
    let walls = &inner.walls;
    drop(control);
    let stdin = given.next().ok_or(io::ErrorKind::InvalidData)?;
    dup2_stdin(stdin).map_err(doing("taking the input"))?;
    let channel = given.next();
    if walls.has(Wall::ClosedDescriptors) {
        descriptors::close_inherited_on_exec().map_err(doing("closing descriptors"))?;
    }
    let proxy_port = channel
        .as_ref()
        .filter(|_| inner.network)
        .map(listener::hand_out)
        .transpose()
        .map_err(doing("opening the way to the proxy"))?;
    if let Some(code) = &inner.script {
        match (&inner.host, &channel) {
            (Some(names), Some(channel)) => script::write_with_host(code, names, channel),
            _ => script::write(code),
        }
        .map_err(doing("writing the script"))?;
    }
    let Some((program, args)) = inner.argv.split_first() else {
        return Err(io::Error::other("no program named"));
    };
    folders::check_identity(&inner.folders)?;
    umask(Mode::S_IWGRP | Mode::S_IWOTH);

    // The order matters: each of these may need what the next one takes away.
    if inner.terminal {
        terminal::take().map_err(doing("taking the terminal"))?;
    }
    rlimits::set(&inner.limits, walls).map_err(doing("setting limits"))?;
    if walls.has(Wall::Landlock) {
        files::restrict(&inner.folders, proxy_port)?;
    }
    if walls.has(Wall::Seccomp) {
        syscalls::restrict(Sockets {
            unix: inner.folders.is_empty(),
            tcp: proxy_port.is_some(),
        })?;
    }

    io::stderr().write_all(READY)?;
    if inner.terminal {
        terminal::take_errors()?;
    }
    #[expect(clippy::disallowed_methods, reason = "this is what the sandbox is for")]
    let error = Command::new(program)
        .args(args)
        .envs(proxy_port.into_iter().flat_map(proxy_variables))
        .envs(inner.idempotency_key.map(|key| (KEY_VARIABLE, key)))
        .exec();
    // From here on this is what a shell would do with a command that it cannot start.
    say(&format!("{program}: {error}\n"));
    Ok(ExitCode::from(if error.kind() == io::ErrorKind::NotFound {
        127
    } else {
        126
    }))
}

/// Returns the variables by which programs know their proxy. Which spelling they read differs.
fn proxy_variables(port: u16) -> impl Iterator<Item = (&'static str, String)> {
    ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"]
        .into_iter()
        .map(move |name| (name, format!("http://127.0.0.1:{port}")))
}
