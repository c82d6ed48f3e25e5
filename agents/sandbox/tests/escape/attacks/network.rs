//! Reaching listeners of the host. All of them are on loopback, or have no address at all.

use crate::attack::Attack;
use crate::effect::Effect::Heard;

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new(
        "TCP",
        Heard,
        r"
socket.create_connection(('127.0.0.1', tcp4), 2).send(b'x')
",
    )
    .shell("exec bash -c \"echo x >/dev/tcp/127.0.0.1/$tcp4\""),
    Attack::new(
        "TCP over IPv6",
        Heard,
        r"
socket.create_connection(('::1', tcp6), 2).send(b'x')
",
    )
    .needs("IPv6"),
    Attack::new(
        "UDP",
        Heard,
        r"
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', udp4))
",
    )
    .shell("exec bash -c \"echo x >/dev/udp/127.0.0.1/$udp4\""),
    Attack::new(
        "UDP over IPv6",
        Heard,
        r"
socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b'x', ('::1', udp6))
",
    )
    .needs("IPv6"),
    Attack::new(
        "a name asked of a name server",
        Heard,
        r"
name = b''.join(bytes([len(part)]) + part for part in (b'stolen', b'hearth', b'invalid', b''))
question = bytes.fromhex('474701000001000000000000') + name + bytes.fromhex('00010001')
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(question, ('127.0.0.1', udp4))
",
    ),
    Attack::new(
        "a socket by its path",
        Heard,
        r"
for path in host + '/socket', '../socket':
    attempt(lambda: socket.socket(socket.AF_UNIX).connect(path))
",
    ),
    Attack::new(
        "a socket by a name without a path",
        Heard,
        r"
socket.socket(socket.AF_UNIX).connect('\0' + abstract)
",
    ),
    Attack::new(
        "a datagram to a name without a path",
        Heard,
        r"
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', '\0' + abstract + '-datagram')
",
    ),
];
