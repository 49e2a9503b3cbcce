//! What interfaces have carried.

use virtus_base::{Error, ErrorCode, ErrorDomain};

/// Counters since an interface came to be, as the host sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct InterfaceStats {
    pub rx_bytes: u64,
    pub rx_packets: u64,
    pub rx_errs: u64,
    pub rx_drop: u64,
    pub tx_bytes: u64,
    pub tx_packets: u64,
    pub tx_errs: u64,
    pub tx_drop: u64,
}

impl InterfaceStats {
    /// The same as the guest behind a tap device sees them: what the host receives the guest has sent.
    #[must_use]
    pub fn seen_by_guest(self) -> InterfaceStats {
        InterfaceStats {
            rx_bytes: self.tx_bytes,
            rx_packets: self.tx_packets,
            rx_errs: self.tx_errs,
            rx_drop: self.tx_drop,
            tx_bytes: self.rx_bytes,
            tx_packets: self.rx_packets,
            tx_errs: self.rx_errs,
            tx_drop: self.rx_drop,
        }
    }
}

/// The counters of one interface.
///
/// # Errors
/// libvirt's "Interface not found".
pub fn stats(name: &str) -> Result<InterfaceStats, Error> {
    let found = all_stats()?.into_iter().find(|(known, _)| known == name);
    found
        .map(|(_, stats)| stats)
        .ok_or_else(|| Error::internal(ErrorDomain::NONE, "/proc/net/dev: Interface not found"))
}

/// The counters of all interfaces, in one read.
///
/// # Errors
/// When the kernel does not tell.
pub fn all_stats() -> Result<Vec<(String, InterfaceStats)>, Error> {
    let text = std::fs::read_to_string("/proc/net/dev").map_err(|e| {
        let text = format!("Could not open /proc/net/dev: {e}");
        Error::new(ErrorDomain::NONE, ErrorCode::INTERNAL_ERROR, text)
    })?;
    Ok(parse(&text))
}

fn parse(text: &str) -> Vec<(String, InterfaceStats)> {
    let lines = text.lines().filter_map(|line| {
        // a name may have a colon in it, the counters have none
        let (name, counters) = line.rsplit_once(':')?;
        let mut numbers = counters.split_ascii_whitespace().map_while(|n| n.parse::<u64>().ok());
        let mut next = || numbers.next();
        let (rx_bytes, rx_packets, rx_errs, rx_drop) = (next()?, next()?, next()?, next()?);
        // fifo, frame, compressed, multicast
        let _ = (next()?, next()?, next()?, next()?);
        let stats = InterfaceStats {
            rx_bytes,
            rx_packets,
            rx_errs,
            rx_drop,
            tx_bytes: next()?,
            tx_packets: next()?,
            tx_errs: next()?,
            tx_drop: next()?,
        };
        Some((name.trim().to_owned(), stats))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_columns_are_told_apart() {
        let text = "Inter-|   Receive  | Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes\n\
                    \u{20}   lo:  1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\neth0:1:9 8 7 6 0 0 0 0 5 4 3 2 0 0 0 0\nbad: 1 2\n";
        let all = parse(text);
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].0.as_str(), all[0].1.rx_drop, all[0].1.tx_bytes), ("lo", 4, 5));
        assert_eq!((all[1].0.as_str(), all[1].1.seen_by_guest().rx_bytes), ("eth0:1", 5));
        assert_eq!(all[0].1.seen_by_guest().seen_by_guest(), all[0].1);
    }

    #[test]
    fn the_loopback_is_there_and_others_are_not() {
        assert!(stats("lo").is_ok());
        assert_eq!(
            stats("no-such-if").unwrap_err().message(),
            "internal error: /proc/net/dev: Interface not found"
        );
    }
}
