//! MAC addresses.

use virtus_xml::Value;

/// A 48-bit link-layer address, written `52:54:00:12:34:56`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// An address under `prefix` whose last three bytes are the given random ones.
    pub fn generated(prefix: [u8; 3], random: [u8; 3]) -> Self {
        let [a, b, c] = prefix;
        let [d, e, f] = random;
        MacAddr([a, b, c, d, e, f])
    }

    /// Reads six hexadecimal numbers of one or two digits with colons between, as libvirt does.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next()?;
            if !(1..=2).contains(&part.len()) || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            *byte = u8::from_str_radix(part, 16).ok()?;
        }
        parts.next().is_none().then_some(MacAddr(bytes))
    }

    /// Whether it is a group address.
    pub fn is_multicast(&self) -> bool {
        let [first, ..] = self.0;
        first & 1 == 1
    }
}

impl std::fmt::Display for MacAddr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl Value for MacAddr {
    fn parse(text: &str, _: u32) -> Option<Self> {
        MacAddr::parse(text)
    }
    fn write(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_libvirt_reads() {
        assert_eq!(
            MacAddr::parse("52:54:0:A:b:ff").map(|m| m.to_string()).as_deref(),
            Some("52:54:00:0a:0b:ff")
        );
        for bad in [
            "",
            "zz",
            "52:54:00:12:34",
            "52:54:00:12:34:56:78",
            "52:54:00:12:34:+6",
            "52-54-00-12-34-56",
            "525:4:0:1:2:3",
        ] {
            assert_eq!(MacAddr::parse(bad), None, "{bad}");
        }
        assert!(MacAddr([1, 0, 0, 0, 0, 1]).is_multicast());
    }
}
