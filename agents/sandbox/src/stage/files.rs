//! Landlock: what the program may do with the files that it can see.

use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, NetPort, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::folders::seen_at;
use crate::message::{Granted, WORKSPACE};

/// The newest rules we know the meaning of; an older kernel holds those of them that it knows.
const RULES: ABI = ABI::V9;

/// Gives up every right to files but a few, and all use of the network but to connect to the proxy.
///
/// Most of this bubblewrap's mounts have taken away already. What it adds: no pipes, sockets or
/// devices in the workspace, where a reader on the host could hang on them; nothing in `/proc` is
/// writable; and processes outside, bubblewrap's own included, can be neither read nor signalled.
pub(super) fn restrict(folders: &[Granted], proxy_port: Option<u16>) -> io::Result<()> {
    match restricted(folders, proxy_port) {
        Ok(RulesetStatus::NotEnforced) => Err(io::Error::other(
            "the kernel has no landlock (CONFIG_SECURITY_LANDLOCK, lsm=)",
        )),
        Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced) => Ok(()),
        Err(error) => Err(io::Error::other(format!("landlock: {error}"))),
    }
}

fn restricted(folders: &[Granted], proxy_port: Option<u16>) -> Result<RulesetStatus, RulesetError> {
    let all = AccessFs::from_all(RULES);
    let look = AccessFs::ReadFile | AccessFs::ReadDir;
    let special: BitFlags<AccessFs> = AccessFs::MakeFifo
        | AccessFs::MakeSock
        | AccessFs::MakeChar
        | AccessFs::MakeBlock
        | AccessFs::ResolveUnix;
    let devices = look | AccessFs::WriteFile | AccessFs::IoctlDev;
    let within = |writable| {
        let folders = folders
            .iter()
            .filter(move |folder| folder.writable == writable);
        folders.map(seen_at)
    };
    let to_proxy = proxy_port.map(|port| NetPort::new(port, AccessNet::ConnectTcp));
    let status = Ruleset::default()
        .handle_access(all)?
        .handle_access(AccessNet::from_all(RULES))?
        .scope(Scope::from_all(RULES))?
        .create()?
        .add_rules(path_beneath_rules(["/"], AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(["/usr"], look | AccessFs::Execute))?
        .add_rules(path_beneath_rules(["/etc", "/proc"], look))?
        .add_rules(path_beneath_rules(["/dev"], devices))?
        .add_rules(path_beneath_rules(["/tmp", "/dev/shm"], all))?
        .add_rules(path_beneath_rules([WORKSPACE], all & !special))?
        .add_rules(path_beneath_rules(within(false), look | AccessFs::Execute))?
        .add_rules(path_beneath_rules(within(true), all & !special))?
        .add_rules(to_proxy.map(Ok::<_, RulesetError>))?
        .restrict_self()?;
    Ok(status.ruleset)
}
