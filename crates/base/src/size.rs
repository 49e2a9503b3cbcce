//! Sizes with units, as libvirt's XML has them.

/// The number of bytes one `unit` stands for: `b`, `bytes`, `KiB`, `K`, `k`, `KB` … `EB`, in any case.
/// The bare letters and the `iB` forms are powers of 1024, the `B` forms powers of 1000.
pub fn unit(name: &str) -> Option<u64> {
    let name = name.to_ascii_lowercase();
    if matches!(name.as_str(), "b" | "byte" | "bytes") {
        return Some(1);
    }
    let (letter, base) = match name.get(1..)? {
        "" | "ib" => (name.get(..1)?, 1024u64),
        "b" => (name.get(..1)?, 1000),
        _ => return None,
    };
    let power = match letter {
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        "e" => 6,
        _ => return None,
    };
    base.checked_pow(power)
}

/// Why a size cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeError {
    /// The unit is none.
    UnknownUnit,
    /// The product does not fit, or is above the limit.
    Overflow,
}

/// `value` units in bytes, at most `limit`.
pub fn scale(value: u64, unit_name: &str, limit: u64) -> Result<u64, SizeError> {
    let factor = unit(unit_name).ok_or(SizeError::UnknownUnit)?;
    value.checked_mul(factor).filter(|bytes| *bytes <= limit).ok_or(SizeError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_libvirts() {
        for (name, want) in [
            ("bytes", 1),
            ("KB", 1000),
            ("k", 1024),
            ("KiB", 1024),
            ("M", 1 << 20),
            ("mb", 1_000_000),
            ("EiB", 1 << 60),
        ] {
            assert_eq!(unit(name), Some(want), "{name}");
        }
        for name in ["", "KiBi", "x", "ki", "é"] {
            assert_eq!(unit(name), None, "{name}");
        }
        assert_eq!(scale(16, "EiB", u64::MAX), Err(SizeError::Overflow));
    }
}
