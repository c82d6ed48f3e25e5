//! Which addresses lie on the public internet, and what the others are.
//!
//! The blocks are those of the IANA registries of special-purpose addresses (RFC 6890 and what has
//! been added to them). What is not known to be public is not public.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressClass {
    /// A host anywhere on the internet.
    Public,
    /// No host at all, or this one: `0.0.0.0/8`, `::`.
    Unspecified,
    /// This machine: `127.0.0.0/8`, `::1`.
    Loopback,
    /// A network of somebody's own: `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`, `fc00::/7`.
    Private,
    /// Behind a provider's address translation: `100.64.0.0/10`.
    Shared,
    /// The same wire, where clouds keep their metadata service: `169.254.0.0/16`, `fe80::/10`.
    LinkLocal,
    /// Many hosts at once.
    Multicast,
    /// Examples in documents.
    Documentation,
    /// Measurements between devices.
    Benchmarking,
    /// Another address in disguise, which a gateway would unwrap: mapped, NAT64, 6to4, Teredo.
    Translated,
    /// Kept for protocols or for later.
    Reserved,
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::Shared => "shared by a provider",
            Self::LinkLocal => "link-local",
            Self::Multicast => "multicast",
            Self::Documentation => "for documentation",
            Self::Benchmarking => "for benchmarks",
            Self::Translated => "another address in disguise",
            Self::Reserved => "reserved",
        })
    }
}

/// Returns what an address is for.
pub fn class_of(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(address) => class_of_v4(address),
        IpAddr::V6(address) => class_of_v6(address),
    }
}

fn class_of_v4(address: Ipv4Addr) -> AddressClass {
    let bits = u32::from(address);
    V4.iter()
        .find(|(network, length, _)| is_within_v4(bits, *network, *length))
        .map_or(AddressClass::Public, |(_, _, class)| *class)
}

fn class_of_v6(address: Ipv6Addr) -> AddressClass {
    let bits = u128::from(address);
    V6.iter()
        .find(|(network, length, _)| is_within_v6(bits, *network, *length))
        .map_or(AddressClass::Reserved, |(_, _, class)| *class)
}

fn is_within_v4(bits: u32, network: Ipv4Addr, length: u32) -> bool {
    (bits ^ u32::from(network)) >> (u32::BITS - length) == 0
}

fn is_within_v6(bits: u128, network: Ipv6Addr, length: u32) -> bool {
    (bits ^ u128::from(network)) >> (u128::BITS - length) == 0
}

const fn v4(a: u8, b: u8, c: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, 0)
}

const fn v6(a: u16, b: u16, c: u16, d: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)
}

/// What of IPv4 is not public: network, length, class.
const V4: &[(Ipv4Addr, u32, AddressClass)] = &[
    (v4(0, 0, 0), 8, AddressClass::Unspecified),
    (v4(10, 0, 0), 8, AddressClass::Private),
    (v4(100, 64, 0), 10, AddressClass::Shared),
    (v4(127, 0, 0), 8, AddressClass::Loopback),
    (v4(169, 254, 0), 16, AddressClass::LinkLocal),
    (v4(172, 16, 0), 12, AddressClass::Private),
    (v4(192, 0, 0), 24, AddressClass::Reserved),
    (v4(192, 0, 2), 24, AddressClass::Documentation),
    (v4(192, 88, 99), 24, AddressClass::Translated), // relays of 6to4
    (v4(192, 168, 0), 16, AddressClass::Private),
    (v4(198, 18, 0), 15, AddressClass::Benchmarking),
    (v4(198, 51, 100), 24, AddressClass::Documentation),
    (v4(203, 0, 113), 24, AddressClass::Documentation),
    (v4(224, 0, 0), 4, AddressClass::Multicast),
    (v4(240, 0, 0), 4, AddressClass::Reserved), // broadcast is the last of it
];

/// What of IPv6 is known, the narrower block first; all else is reserved.
const V6: &[(Ipv6Addr, u32, AddressClass)] = &[
    (Ipv6Addr::UNSPECIFIED, 128, AddressClass::Unspecified),
    (Ipv6Addr::LOCALHOST, 128, AddressClass::Loopback),
    // An IPv4 address at the end: compatible, mapped, and for translators.
    (v6(0, 0, 0, 0), 80, AddressClass::Translated),
    (v6(0x64, 0xff9b, 0, 0), 96, AddressClass::Translated),
    (v6(0x64, 0xff9b, 1, 0), 48, AddressClass::Translated),
    (v6(0x2001, 0, 0, 0), 32, AddressClass::Translated), // Teredo
    (v6(0x2001, 2, 0, 0), 48, AddressClass::Benchmarking),
    (v6(0x2001, 0, 0, 0), 23, AddressClass::Reserved),
    (v6(0x2001, 0xdb8, 0, 0), 32, AddressClass::Documentation),
    (v6(0x2002, 0, 0, 0), 16, AddressClass::Translated), // 6to4
    (v6(0x3fff, 0, 0, 0), 20, AddressClass::Documentation),
    (v6(0xfc00, 0, 0, 0), 7, AddressClass::Private),
    (v6(0xfe80, 0, 0, 0), 10, AddressClass::LinkLocal),
    (v6(0xfec0, 0, 0, 0), 10, AddressClass::Private), // site-local, as it was once called
    (v6(0xff00, 0, 0, 0), 8, AddressClass::Multicast),
    (v6(0x2000, 0, 0, 0), 3, AddressClass::Public),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::AddressClass::{
        Benchmarking, Documentation, LinkLocal, Loopback, Multicast, Private, Public, Reserved,
        Shared, Translated, Unspecified,
    };
    use super::*;

    #[test]
    fn the_edges_of_every_block_are_what_the_registries_say() {
        for (first, last, class) in [
            ("0.0.0.0", "0.255.255.255", Unspecified),
            ("1.0.0.0", "9.255.255.255", Public),
            ("10.0.0.0", "10.255.255.255", Private),
            ("11.0.0.0", "100.63.255.255", Public),
            ("100.64.0.0", "100.127.255.255", Shared),
            ("100.128.0.0", "126.255.255.255", Public),
            ("127.0.0.0", "127.255.255.255", Loopback),
            ("128.0.0.0", "169.253.255.255", Public),
            ("169.254.0.0", "169.254.255.255", LinkLocal),
            ("172.15.255.255", "172.15.255.255", Public),
            ("172.16.0.0", "172.31.255.255", Private),
            ("172.32.0.0", "191.255.255.255", Public),
            ("192.0.0.0", "192.0.0.255", Reserved),
            ("192.0.2.0", "192.0.2.255", Documentation),
            ("192.0.3.0", "192.88.98.255", Public),
            ("192.88.99.0", "192.88.99.255", Translated),
            ("192.167.255.255", "192.167.255.255", Public),
            ("192.168.0.0", "192.168.255.255", Private),
            ("192.169.0.0", "198.17.255.255", Public),
            ("198.18.0.0", "198.19.255.255", Benchmarking),
            ("198.51.100.0", "198.51.100.255", Documentation),
            ("203.0.113.0", "203.0.113.255", Documentation),
            ("203.0.114.0", "223.255.255.255", Public),
            ("224.0.0.0", "239.255.255.255", Multicast),
            ("240.0.0.0", "255.255.255.255", Reserved),
            ("::", "::", Unspecified),
            ("::1", "::1", Loopback),
            ("::2", "::ffff:ffff:ffff", Translated),
            ("64:ff9b::", "64:ff9b::ffff:ffff", Translated),
            (
                "64:ff9b:1::",
                "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
                Translated,
            ),
            ("100::", "100:0:0:1:ffff:ffff:ffff:ffff", Reserved),
            ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", Translated),
            ("2001:1::", "2001:1:ffff:ffff:ffff:ffff:ffff:ffff", Reserved),
            (
                "2001:2::",
                "2001:2:0:ffff:ffff:ffff:ffff:ffff",
                Benchmarking,
            ),
            (
                "2001:10::",
                "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
                Reserved,
            ),
            (
                "2001:200::",
                "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
                Public,
            ),
            (
                "2001:db8::",
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                Documentation,
            ),
            (
                "2001:db9::",
                "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Public,
            ),
            (
                "2002::",
                "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Translated,
            ),
            ("2003::", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Public),
            (
                "3fff::",
                "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
                Documentation,
            ),
            (
                "5f00::",
                "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Reserved,
            ),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Private),
            (
                "fe80::",
                "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                LinkLocal,
            ),
            ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Private),
            (
                "ff00::",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Multicast,
            ),
        ] {
            for address in [first, last] {
                assert_eq!(class_of(address.parse().unwrap()), class, "{address}");
            }
        }
    }

    proptest! {
        /// A second opinion, from what the standard library knows of each address.
        #[test]
        fn nothing_that_std_calls_special_is_public(bits: u32) {
            let address = Ipv4Addr::from(bits);
            let special = address.is_unspecified() || address.is_loopback() || address.is_private()
                || address.is_link_local() || address.is_multicast() || address.is_broadcast()
                || address.is_documentation();

            prop_assert!(!special || class_of(address.into()) != Public);
        }

        #[test]
        fn an_ipv4_address_inside_an_ipv6_one_is_never_public(bits: u32, rest: u64) {
            let bits = u128::from(bits);
            let six_to_four = 0x2002_u128 << 112 | bits << 80 | u128::from(rest);
            let nat64 = 0x64_ff9b_u128 << 96 | bits;
            let mapped = 0xffff_u128 << 32 | bits;
            let teredo = 0x2001_0000_u128 << 96 | u128::from(rest) << 32 | bits;

            for inside in [bits, mapped, nat64, six_to_four, teredo] {
                prop_assert_ne!(class_of(Ipv6Addr::from(inside).into()), Public);
            }
        }

        #[test]
        fn only_global_unicast_is_public(bits: u128) {
            let address = Ipv6Addr::from(bits);

            if class_of(address.into()) == Public {
                prop_assert_eq!(bits >> 125, 1);
            }
        }
    }
}
