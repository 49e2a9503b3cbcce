//! Sizes for people.

/// A number of bytes in the greatest unit that leaves a number, and the unit.
pub(crate) fn pretty(bytes: u64) -> (f64, &'static str) {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] {
        if value < 1024.0 {
            return (value, unit);
        }
        value /= 1024.0;
    }
    (value, "EiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_grow() {
        assert_eq!(pretty(1023), (1023.0, "B"));
        assert_eq!(pretty(1536), (1.5, "KiB"));
        assert_eq!(pretty(u64::MAX), (16.0, "EiB"));
    }
}
