//! Who listens on the host: on loopback, at a path, and by a name without one.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixDatagram, UnixListener};
use std::path::Path;

/// Who listens on the host. IPv6 may be missing.
pub(crate) struct Listeners {
    tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
    by_path: UnixListener,
    by_name: UnixListener,
    datagrams: UnixDatagram,
}

impl Listeners {
    /// Listens at a path and by a name, and on loopback.
    pub(crate) fn new(path: &Path, name: &str) -> Self {
        let abstract_name = |name: &str| UnixAddress::from_abstract_name(name).unwrap();
        let addresses = ["127.0.0.1:0", "[::1]:0"];
        let listeners = Self {
            tcp: addresses
                .iter()
                .filter_map(|address| TcpListener::bind(address).ok())
                .collect(),
            udp: addresses
                .iter()
                .filter_map(|address| UdpSocket::bind(address).ok())
                .collect(),
            by_path: UnixListener::bind(path).unwrap(),
            by_name: UnixListener::bind_addr(&abstract_name(name)).unwrap(),
            datagrams: UnixDatagram::bind_addr(&abstract_name(&format!("{name}-datagram")))
                .unwrap(),
        };
        for listener in &listeners.tcp {
            listener.set_nonblocking(true).unwrap();
        }
        for socket in &listeners.udp {
            socket.set_nonblocking(true).unwrap();
        }
        listeners.by_path.set_nonblocking(true).unwrap();
        listeners.by_name.set_nonblocking(true).unwrap();
        listeners.datagrams.set_nonblocking(true).unwrap();
        listeners
    }

    /// Returns the ports of TCP and of UDP, each over IPv4 and IPv6; 0 where there is none.
    pub(crate) fn ports(&self) -> [u16; 4] {
        let port = |address: Option<SocketAddr>| address.map_or(0, |address| address.port());
        let tcp = |index: usize| port(self.tcp.get(index).and_then(|it| it.local_addr().ok()));
        let udp = |index: usize| port(self.udp.get(index).and_then(|it| it.local_addr().ok()));
        [tcp(0), tcp(1), udp(0), udp(1)]
    }

    /// Returns who has heard of an attack.
    pub(crate) fn heard(&self) -> Option<&'static str> {
        let mut byte = [0];
        if self.tcp.iter().any(|listener| listener.accept().is_ok()) {
            return Some("TCP");
        }
        if self.udp.iter().any(|socket| socket.recv(&mut byte).is_ok()) {
            return Some("UDP");
        }
        let is_reached = self.by_path.accept().is_ok()
            || self.by_name.accept().is_ok()
            || self.datagrams.recv(&mut byte).is_ok();
        is_reached.then_some("a socket")
    }
}
