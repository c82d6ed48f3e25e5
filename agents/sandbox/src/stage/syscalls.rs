//! Seccomp: the kernel's doors that no generated program needs.
//!
//! Three filters, of which the strictest answer counts: one for numbers, one that refuses
//! (`EPERM`), one that makes believe the kernel is older (`ENOSYS`), so that the C library uses a
//! call whose arguments can be looked at.

use std::collections::BTreeMap;
use std::io;

use libc::{c_long, c_ulong};
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule, apply_filter,
    sock_filter,
};

use super::doing;

mod refused;
mod sockets;

pub(super) use sockets::Sockets;

/// The last system call whose meaning was considered here, `set_mempolicy_home_node` of Linux 5.17;
/// later ones have the same number on every architecture.
const LAST_KNOWN: u32 = 450;

/// Installs the filters; they bind this process and all that it becomes or starts.
pub(super) fn restrict(sockets: Sockets) -> io::Result<()> {
    let eperm = compiled(refused_rules(sockets)?, libc::EPERM)?;
    let enosys = compiled(
        refused::UNKNOWN
            .iter()
            .map(|call| (*call, vec![]))
            .collect(),
        libc::ENOSYS,
    )?;
    for program in [only_known_numbers(), eperm, enosys] {
        apply_filter(&program).map_err(doing("seccomp"))?;
    }
    Ok(())
}

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

fn compiled(rules: Rules, errno: i32) -> io::Result<BpfProgram> {
    let arch = std::env::consts::ARCH
        .try_into()
        .map_err(doing("seccomp"))?;
    let answer = SeccompAction::Errno(errno.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)
        .and_then(TryInto::try_into)
        .map_err(doing("seccomp"))
}

/// Makes every number above [`LAST_KNOWN`] unknown: calls that are yet to come, and on x86-64 the
/// second set of numbers (x32), with which a list of refused numbers could be walked around.
fn only_known_numbers() -> BpfProgram {
    const NUMBER: u32 = 0; // offset of `nr` in `struct seccomp_data`
    let load = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, NUMBER);
    let above = (libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K, 1, LAST_KNOWN);
    let allow = (libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW);
    let unknown = (
        libc::BPF_RET | libc::BPF_K,
        0,
        libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs(),
    );
    [load, above, allow, unknown]
        .into_iter()
        .map(|(code, jt, k)| sock_filter {
            code: u16::try_from(code).unwrap_or_default(),
            jt,
            jf: 0,
            k,
        })
        .collect()
}

fn refused_rules(sockets: Sockets) -> io::Result<Rules> {
    let mut rules: Rules = refused::ALWAYS.iter().map(|call| (*call, vec![])).collect();
    let mut refuse = |call: c_long, conditions: Vec<SeccompCondition>| {
        let rule = SeccompRule::new(conditions).map_err(doing("seccomp"))?;
        rules.entry(call).or_default().push(rule);
        io::Result::Ok(())
    };
    // Only the lower half of each argument is compared, because the kernel reads no more of it.
    for namespace in refused::NAMESPACES {
        refuse(
            libc::SYS_clone,
            vec![has(0, namespace.cast_unsigned().into())?],
        )?;
    }
    for (call, conditions) in sockets::refused(sockets)? {
        refuse(call, conditions)?;
    }
    for request in refused::TERMINAL_REQUESTS {
        refuse(libc::SYS_ioctl, vec![is(1, *request)?])?;
    }
    // A file that runs as its owner would outlive the sandbox, and its owner may be a person.
    for bit in [libc::S_ISUID, libc::S_ISGID].map(u64::from) {
        for (call, mode) in refused::MODES {
            refuse(*call, vec![has(*mode, bit)?])?;
        }
        for (call, flags, mode) in refused::CREATING {
            for creates in [libc::O_CREAT, TMPFILE].map(|flag| u64::from(flag.unsigned_abs())) {
                refuse(*call, vec![has(*flags, creates)?, has(*mode, bit)?])?;
            }
        }
    }
    Ok(rules)
}

/// `O_TMPFILE` without the `O_DIRECTORY` that is part of libc's constant.
const TMPFILE: i32 = libc::O_TMPFILE & !libc::O_DIRECTORY;

fn has(argument: u8, bits: u64) -> io::Result<SeccompCondition> {
    SeccompCondition::new(argument, Dword, MaskedEq(bits), bits).map_err(doing("seccomp"))
}

fn is(argument: u8, value: c_ulong) -> io::Result<SeccompCondition> {
    SeccompCondition::new(argument, Dword, Eq, value).map_err(doing("seccomp"))
}

fn is_not(argument: u8, value: u64) -> io::Result<SeccompCondition> {
    SeccompCondition::new(argument, Dword, Ne, value).map_err(doing("seccomp"))
}
