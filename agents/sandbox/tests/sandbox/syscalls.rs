//! Knocking at the kernel's doors.

use libc::c_long;

use crate::ground::{Ground, text};

/// Prints what each call did, arguments all zero but for those given.
async fn attempt(calls: &[(&str, c_long, &[i64])]) -> Vec<String> {
    let ground = Ground::new().await;
    let list: Vec<String> = calls
        .iter()
        .map(|(name, number, args)| format!("({name:?}, {number}, {args:?})"))
        .collect();
    let code = format!(
        "import ctypes, errno, os\n\
         libc = ctypes.CDLL(None, use_errno=True)\n\
         libc.syscall.restype = ctypes.c_long\n\
         for name, number, args in [{}]:\n\
         \targs = [ctypes.c_long(a) for a in (args + [0] * 6)[:6]]\n\
         \tresult = libc.syscall(ctypes.c_long(number), *args)\n\
         \tif result == 0 and name.startswith('clone'): os._exit(0)\n\
         \tprint(name, 'ALLOWED' if result >= 0 else errno.errorcode[ctypes.get_errno()])\n",
        list.join(", ")
    );

    let outcome = ground.python(&code).await;

    let lines: Vec<String> = text(&outcome.stdout).lines().map(str::to_owned).collect();
    assert_eq!(
        lines.len(),
        calls.len(),
        "{lines:?} {}",
        text(&outcome.stderr)
    );
    lines
}

#[tokio::test]
async fn calls_that_no_program_needs_are_refused() {
    const ATTR_SIZE: i64 = 128;
    const SIGCHLD: i64 = libc::SIGCHLD as i64;
    let new_user = i64::from(libc::CLONE_NEWUSER);
    let calls: &[(&str, c_long, &[i64])] = &[
        ("keyctl", libc::SYS_keyctl, &[0, -3]),
        ("add_key", libc::SYS_add_key, &[]),
        ("request_key", libc::SYS_request_key, &[]),
        ("io_uring_setup", libc::SYS_io_uring_setup, &[8]),
        ("io_uring_enter", libc::SYS_io_uring_enter, &[]),
        ("ptrace_traceme", libc::SYS_ptrace, &[]),
        ("ptrace_attach", libc::SYS_ptrace, &[16, 1]),
        ("process_vm_readv", libc::SYS_process_vm_readv, &[1]),
        ("process_vm_writev", libc::SYS_process_vm_writev, &[1]),
        ("pidfd_getfd", libc::SYS_pidfd_getfd, &[0, 0]),
        ("bpf", libc::SYS_bpf, &[0, 0, ATTR_SIZE]),
        ("perf_event_open", libc::SYS_perf_event_open, &[]),
        ("userfaultfd", libc::SYS_userfaultfd, &[1]),
        ("mount", libc::SYS_mount, &[]),
        ("umount2", libc::SYS_umount2, &[]),
        ("pivot_root", libc::SYS_pivot_root, &[]),
        ("chroot", libc::SYS_chroot, &[]),
        ("fsopen", libc::SYS_fsopen, &[]),
        ("open_tree", libc::SYS_open_tree, &[]),
        ("unshare", libc::SYS_unshare, &[new_user]),
        ("unshare_nothing", libc::SYS_unshare, &[]),
        ("setns", libc::SYS_setns, &[]),
        ("clone_user", libc::SYS_clone, &[new_user | SIGCHLD]),
        (
            "clone_net",
            libc::SYS_clone,
            &[i64::from(libc::CLONE_NEWNET) | SIGCHLD],
        ),
        // The kernel looks at the lower half of the flags only.
        (
            "clone_high",
            libc::SYS_clone,
            &[(1 << 40) | new_user | SIGCHLD],
        ),
        ("kexec_load", libc::SYS_kexec_load, &[]),
        ("init_module", libc::SYS_init_module, &[]),
        ("reboot", libc::SYS_reboot, &[]),
        ("memfd_create", libc::SYS_memfd_create, &[]),
        ("shmget", libc::SYS_shmget, &[0, 4096, 0o1600]),
        ("msgget", libc::SYS_msgget, &[0, 0o1600]),
        ("mq_open", libc::SYS_mq_open, &[]),
        ("personality", libc::SYS_personality, &[0x0004_0000]),
        ("name_to_handle_at", libc::SYS_name_to_handle_at, &[]),
        ("open_by_handle_at", libc::SYS_open_by_handle_at, &[]),
        ("tiocsti", libc::SYS_ioctl, &[0, 0x5412]),
        ("tiocsti_high", libc::SYS_ioctl, &[0, (1 << 32) | 0x5412]),
        ("tioclinux", libc::SYS_ioctl, &[0, 0x541c]),
        ("socket_netlink", libc::SYS_socket, &[16, 3]),
        ("socket_vsock", libc::SYS_socket, &[40, 1]),
        ("socket_packet", libc::SYS_socket, &[17, 3]),
        ("socket_alg", libc::SYS_socket, &[38, 5]),
    ];

    for line in attempt(calls).await {
        assert!(line.ends_with(" EPERM"), "{line}");
    }
}

#[tokio::test]
async fn calls_that_cannot_be_looked_into_seem_unknown() {
    let mut calls: Vec<(&str, c_long, &[i64])> = vec![
        ("clone3", libc::SYS_clone3, &[0, 88]),
        ("openat2", libc::SYS_openat2, &[0, 0, 0, 24]),
        ("yet to come", 460, &[]),
        ("far away", 1_000_000, &[]),
    ];
    if cfg!(target_arch = "x86_64") {
        calls.push(("getpid by its second number", 0x4000_0027, &[]));
        calls.push(("unshare by its second number", 0x4000_0110, &[0x1000_0000]));
    }

    for line in attempt(&calls).await {
        assert!(line.ends_with(" ENOSYS"), "{line}");
    }
}

#[tokio::test]
async fn no_tool_gets_a_namespace_or_another_user() {
    let ground = Ground::new().await;
    for argv in [
        &["unshare", "-U", "true"][..],
        &["unshare", "-Urm", "true"],
        &["unshare", "-n", "true"],
        &["bwrap", "--ro-bind", "/", "/", "true"],
        &["setpriv", "--reuid", "0", "true"],
        &["mount", "-t", "tmpfs", "none", "/tmp"],
        &["su", "-c", "true"],
    ] {
        let outcome = ground.command(argv).await;
        assert!(!outcome.is_success(), "{argv:?}");
    }

    let outcome = ground
        .command(&["sh", "-c", "id -u; cat /proc/self/status"])
        .await;

    let status = text(&outcome.stdout);
    assert!(status.starts_with("1000\n"), "{status}");
    for line in [
        "CapEff:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
    ] {
        assert!(status.contains(line), "{status}");
    }
}

#[tokio::test]
async fn sockets_are_of_the_machine_itself_and_pairs_work() {
    let ground = Ground::new().await;
    let outcome = ground
        .python(
            "import socket\n\
             for family in range(64):\n\
             \tfor kind in 1, 2, 3:\n\
             \t\ttry: socket.socket(family, kind)\n\
             \t\texcept OSError: continue\n\
             \t\tprint(family, end=' ')\n\
             a, b = socket.socketpair()\n\
             a.send(b'pairs work')\n\
             print(b.recv(99).decode())\n",
        )
        .await;

    assert_eq!(
        text(&outcome.stdout),
        "1 1 1 pairs work",
        "{}",
        text(&outcome.stderr)
    );
}
