//! Reaching listeners on the host's loopback, the only addresses that any test here names.

use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};

use crate::ground::{Ground, text};

#[tokio::test]
async fn no_packet_reaches_a_listener_on_the_host() {
    let ground = Ground::new().await;
    let tcp: Vec<_> = ["127.0.0.1:0", "[::1]:0"]
        .into_iter()
        .filter_map(|a| TcpListener::bind(a).ok())
        .collect();
    let udp: Vec<_> = ["127.0.0.1:0", "[::1]:0"]
        .into_iter()
        .filter_map(|a| UdpSocket::bind(a).ok())
        .collect();
    assert!(!tcp.is_empty() && !udp.is_empty());
    let ports = |addresses: Vec<std::net::SocketAddr>| {
        addresses
            .iter()
            .map(std::net::SocketAddr::port)
            .collect::<Vec<_>>()
    };
    let tcp_ports = ports(tcp.iter().map(|l| l.local_addr().unwrap()).collect());
    let udp_ports = ports(udp.iter().map(|l| l.local_addr().unwrap()).collect());
    let code = format!(
        "import socket\n\
         for family, host in (socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1'):\n\
         \tfor kind, ports in (socket.SOCK_STREAM, {tcp_ports:?}), (socket.SOCK_DGRAM, {udp_ports:?}), (socket.SOCK_RAW, [1]):\n\
         \t\tfor port in ports:\n\
         \t\t\ttry:\n\
         \t\t\t\ts = socket.socket(family, kind)\n\
         \t\t\t\ts.settimeout(1)\n\
         \t\t\t\ts.connect((host, port))\n\
         \t\t\t\ts.send(b'x')\n\
         \t\t\t\tprint('sent', kind, port)\n\
         \t\t\texcept OSError: pass\n\
         for family in range(64):\n\
         \tfor kind in 1, 2, 3:\n\
         \t\ttry:\n\
         \t\t\tsocket.socket(family, kind)\n\
         \t\t\tif family != socket.AF_UNIX: print('family', family)\n\
         \t\texcept OSError: pass\n\
         try: socket.getaddrinfo('hearth.invalid', 80); print('resolved')\n\
         except OSError: pass\n\
         print('done')\n"
    );

    let outcome = ground.python(&code).await;

    assert_eq!(text(&outcome.stdout), "done", "{}", text(&outcome.stderr));
    for listener in &tcp {
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    for socket in &udp {
        socket.set_nonblocking(true).unwrap();
        assert_eq!(
            socket.recv(&mut [0; 8]).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
    }
}

#[tokio::test]
async fn no_unix_socket_of_the_host_is_reached() {
    let ground = Ground::new().await;
    let name = format!(
        "hearth-{}-{}",
        std::process::id(),
        ground.folder.path().display()
    );
    let abstract_address = SocketAddr::from_abstract_name(&name).unwrap();
    let stream = UnixListener::bind_addr(&abstract_address).unwrap();
    let datagram_name = format!("{name}-d");
    let datagram_address = SocketAddr::from_abstract_name(&datagram_name).unwrap();
    let datagram = UnixDatagram::bind_addr(&datagram_address).unwrap();
    let path = ground.folder.path().join("socket");
    let by_path = UnixListener::bind(&path).unwrap();
    let code = format!(
        "import socket\n\
         for kind, address in (1, '\\0{name}'), (2, '\\0{datagram_name}'), (1, {path:?}), (1, '../socket'):\n\
         \ttry:\n\
         \t\ts = socket.socket(socket.AF_UNIX, kind)\n\
         \t\ts.connect(address)\n\
         \t\ts.send(b'x')\n\
         \t\tprint('sent', address)\n\
         \texcept OSError: pass\n\
         a, b = socket.socketpair()\n\
         a.send(b'pairs work')\n\
         print(b.recv(99).decode())\n"
    );

    let outcome = ground.python(&code).await;

    assert_eq!(
        text(&outcome.stdout),
        "pairs work",
        "{}",
        text(&outcome.stderr)
    );
    for listener in [&stream, &by_path] {
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    datagram.set_nonblocking(true).unwrap();
    assert_eq!(
        datagram.recv(&mut [0; 8]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
}
