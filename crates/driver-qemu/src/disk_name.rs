//! Names of disks in the guest: `sda`, `vdb`, `hdc1`.

/// The prefixes that names of disks have.
const PREFIXES: &[&str] = &["fd", "hd", "vd", "sd", "xvd", "ubd"];

/// A name's number and partition: `vdb` is 1, `sdaa` 26. `None` for what is no disk's name.
pub(crate) fn parse(name: &str) -> Option<(u32, u32)> {
    let rest = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix))?;
    let letters = rest.bytes().take_while(u8::is_ascii_lowercase).count();
    let (letters, digits) = rest.split_at_checked(letters)?;
    let index = letters
        .bytes()
        .try_fold(0u32, |number, letter| number.checked_mul(26)?.checked_add(u32::from(letter - b'a') + 1))?;
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) || leading_zero {
        return None;
    }
    let partition = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    Some((index.checked_sub(1)?, partition))
}

/// A name's number.
pub(crate) fn index(name: &str) -> Option<u32> {
    parse(name).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn letters_count_like_columns() {
        for (name, want) in [
            ("vda", Some((0, 0))),
            ("hdc", Some((2, 0))),
            ("sdz", Some((25, 0))),
            ("sdaa", Some((26, 0))),
            ("xvdba", Some((52, 0))),
            ("sda7", Some((0, 7))),
            ("sda07", None),
            ("sda7b", None),
            ("vd", None),
            ("nvme0n1", None),
            ("", None),
            ("sdzzzzzzzzzzzz", None),
        ] {
            assert_eq!(parse(name), want, "{name}");
        }
    }
}
