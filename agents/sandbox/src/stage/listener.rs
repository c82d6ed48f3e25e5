//! The proxy's ear inside the sandbox.

use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd;

use rustix::net::listen;
use rustix::net::sockopt::set_socket_recv_buffer_size;

use crate::pass;

/// How many connections the kernel holds before the proxy takes them, and how much it buffers for
/// each: neither is seen where memory is measured.
const WAITING: i32 = 16;
const BUFFER: usize = 128 * 1024;

/// Opens a listener on the loopback address of the sandbox's own network, hands it to the host, and
/// returns its port.
///
/// A socket belongs to the network in which it was made, whoever holds it. So the host can answer
/// in here, with no relay inside that a program could attack, and no socket in the file system.
pub(super) fn hand_out(channel: impl AsFd) -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listen(&listener, WAITING)?;
    set_socket_recv_buffer_size(&listener, BUFFER)?;
    pass::send(channel, &[listener.as_fd()])?;
    Ok(listener.local_addr()?.port())
}
