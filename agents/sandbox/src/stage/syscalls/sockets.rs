//! The sockets of a run that has a proxy.

use std::io;

use libc::c_int;
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::MaskedEq;
use seccompiler::SeccompCondition;

use super::{doing, is, is_not};

/// The part of a socket's kind that is no flag (`SOCK_TYPE_MASK` of the kernel).
const KIND: u64 = 0xf;

/// Returns what is refused, one list of conditions for each way not to be a unix or a TCP socket.
///
/// Of the internet's families only streams are left, and of these only TCP: SCTP and MPTCP are
/// streams too.
pub(super) fn beside_unix_and_tcp() -> io::Result<Vec<Vec<SeccompCondition>>> {
    let number = |value: c_int| u64::from(value.unsigned_abs());
    let internet = [libc::AF_INET, libc::AF_INET6];
    let mut refused = vec![vec![
        is_not(0, number(libc::AF_UNIX))?,
        is_not(0, number(libc::AF_INET))?,
        is_not(0, number(libc::AF_INET6))?,
    ]];
    for family in internet.map(number) {
        for kind in (0..=KIND).filter(|kind| *kind != number(libc::SOCK_STREAM)) {
            let is_kind = SeccompCondition::new(1, Dword, MaskedEq(KIND), kind);
            refused.push(vec![is(0, family)?, is_kind.map_err(doing("seccomp"))?]);
        }
        refused.push(vec![
            is(0, family)?,
            is_not(2, 0)?,
            is_not(2, number(libc::IPPROTO_TCP))?,
        ]);
    }
    Ok(refused)
}
