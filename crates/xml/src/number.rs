//! Numbers as `strtoul` reads them, which is how libvirt does.

/// A number before it is fitted to its type: sign and magnitude. Leading blanks and a sign are allowed;
/// `base` 0 takes `0x…` and `0…` as hexadecimal and octal. `None` for anything else.
pub(crate) fn parse(text: &str, base: u32) -> Option<(bool, u64)> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (base, digits) = match (base, hex) {
        (0 | 16, Some(rest)) => (16, rest),
        (0, None) if digits.len() > 1 && digits.starts_with('0') => (8, digits),
        (0, None) => (10, digits),
        (base, _) => (base, digits),
    };
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    u64::from_str_radix(digits, base).ok().map(|n| (negative, n))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn bases_and_signs_are_strtouls() {
        for (text, base, want) in [
            ("10", 10, Some((false, 10))),
            (" +7", 10, Some((false, 7))),
            ("-7", 10, Some((true, 7))),
            ("0x1f", 0, Some((false, 31))),
            ("0x1f", 16, Some((false, 31))),
            ("1f", 16, Some((false, 31))),
            ("017", 0, Some((false, 15))),
            ("0", 0, Some((false, 0))),
            ("0x1f", 10, None),
            ("7 ", 10, None),
            ("", 10, None),
            ("--1", 10, None),
            ("-+1", 10, None),
            ("99999999999999999999", 10, None),
        ] {
            assert_eq!(parse(text, base), want, "{text:?} in base {base}");
        }
    }
}
