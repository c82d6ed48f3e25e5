//! Which sockets a run may make, by what else it was granted.

use std::io;

use libc::{c_int, c_long};
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::MaskedEq;
use seccompiler::SeccompCondition;

use super::{doing, is, is_not};

/// The part of a socket's kind that is no flag (`SOCK_TYPE_MASK` of the kernel).
const KIND: c_int = 0xf;

/// The sockets of a run.
#[derive(Debug, Clone, Copy)]
pub(in crate::stage) struct Sockets {
    /// Unix sockets with an address. Where a folder of the host is seen, something of the host may
    /// listen in it, and a mount for reading does not keep anybody from connecting. Connected pairs
    /// are always left.
    pub unix: bool,
    /// TCP, for a proxy.
    pub tcp: bool,
}

/// Returns the calls that are refused, each with the conditions under which it is.
pub(super) fn refused(sockets: Sockets) -> io::Result<Vec<(c_long, Vec<SeccompCondition>)>> {
    let mut list = vec![];
    let unix = sockets.unix.then_some(libc::AF_UNIX);
    let internet = [libc::AF_INET, libc::AF_INET6].into_iter();
    let internet = internet.filter(|_| sockets.tcp);
    // Of numbers below zero there is no family, so that something is left to compare with.
    let families = unix.into_iter().chain(internet.clone()).chain([-1]);
    let others = families.map(|family| is_not(0, number(family)));
    list.push((libc::SYS_socket, others.collect::<io::Result<_>>()?));
    for family in internet {
        // Streams only, and of these only TCP: SCTP and MPTCP are streams too.
        for kind in (0..=KIND).filter(|kind| *kind != libc::SOCK_STREAM) {
            list.push((
                libc::SYS_socket,
                vec![is(0, number(family))?, is_kind(kind)?],
            ));
        }
        let tcp = number(libc::IPPROTO_TCP);
        let conditions = vec![is(0, number(family))?, is_not(2, 0)?, is_not(2, tcp)?];
        list.push((libc::SYS_socket, conditions));
    }
    list.push((
        libc::SYS_socketpair,
        vec![is_not(0, number(libc::AF_UNIX))?],
    ));
    if !sockets.unix {
        // One half of such a pair can be turned to another address.
        let is_bound = |kind: &c_int| ![libc::SOCK_STREAM, libc::SOCK_SEQPACKET].contains(kind);
        for kind in (0..=KIND).filter(is_bound) {
            list.push((libc::SYS_socketpair, vec![is_kind(kind)?]));
        }
    }
    Ok(list)
}

fn number(value: c_int) -> u64 {
    value.cast_unsigned().into()
}

fn is_kind(kind: c_int) -> io::Result<SeccompCondition> {
    let masked = MaskedEq(number(KIND));
    SeccompCondition::new(1, Dword, masked, number(kind)).map_err(doing("seccomp"))
}
