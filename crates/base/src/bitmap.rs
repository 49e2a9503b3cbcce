//! Sets of small numbers (CPUs, NUMA nodes), written as libvirt does: `0-3,^2,7`.

/// A set of small numbers. Equality ignores trailing zeros.
#[derive(Clone, Default)]
pub struct Bitmap {
    words: Vec<u64>,
}

/// No bitmap has a bit at or past this one.
pub const MAX_BITS: usize = 1 << 20;

/// No bitmap text may name a bit at or past this one; libvirt's documents know no more CPUs or nodes.
const MAX_TEXT: usize = 1 << 14;

impl Bitmap {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The set `0..count`.
    pub fn filled(count: usize) -> Self {
        (0..count.min(MAX_BITS)).collect()
    }

    /// Adds `bit`; bits at or past [`MAX_BITS`] are not added.
    pub fn set(&mut self, bit: usize) {
        if bit >= MAX_BITS {
            return;
        }
        if self.words.len() <= bit / 64 {
            self.words.resize(bit / 64 + 1, 0);
        }
        if let Some(word) = self.words.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }

    /// Takes `bit` out.
    pub fn clear(&mut self, bit: usize) {
        if let Some(word) = self.words.get_mut(bit / 64) {
            *word &= !(1 << (bit % 64));
        }
    }

    /// Whether `bit` is in the set.
    pub fn contains(&self, bit: usize) -> bool {
        self.words.get(bit / 64).is_some_and(|w| w >> (bit % 64) & 1 == 1)
    }

    /// How many bits are set.
    pub fn len(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// Whether no bit is set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    /// The set bits in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().zip(0..).filter(|(word, _)| **word != 0).flat_map(|(word, i)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then_some(left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(i * 64 + bit)
            })
        })
    }

    /// The highest set bit.
    pub fn last(&self) -> Option<usize> {
        let (i, word) = self.words.iter().enumerate().rfind(|(_, word)| **word != 0)?;
        Some(i * 64 + 63 - word.leading_zeros() as usize)
    }

    /// Reads `0-3,^2,7`; blanks around items are allowed. `None` for anything else, and for the empty text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut set = Bitmap::new();
        let number = |s: &str| -> Option<usize> {
            let s = s.trim();
            (!s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()))
                .then(|| s.parse().ok())?
                .filter(|n| *n < MAX_TEXT)
        };
        // a comma may stand at the end
        let listed = text.trim_end();
        let listed = listed.strip_suffix(',').filter(|rest| !rest.is_empty()).unwrap_or(listed);
        for item in listed.split(',') {
            let item = item.trim();
            if let Some(excluded) = item.strip_prefix('^') {
                set.clear(number(excluded)?);
            } else if let Some((first, last)) = item.split_once('-') {
                let (first, last) = (number(first)?, number(last)?);
                if first > last {
                    return None;
                }
                (first..=last).for_each(|bit| set.set(bit));
            } else {
                set.set(number(item)?);
            }
        }
        Some(set)
    }

    /// The set as little-endian bytes, bit 0 first, exactly `bytes` long (the wire form of a CPU
    /// map); bits past the end are left out.
    pub fn to_bytes(&self, bytes: usize) -> Vec<u8> {
        let mut out: Vec<u8> = self.words.iter().flat_map(|w| w.to_le_bytes()).collect();
        out.resize(bytes, 0);
        out
    }

    /// The set of little-endian bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        bytes
            .iter()
            .enumerate()
            .flat_map(|(i, byte)| (0..8).filter(move |b| byte >> b & 1 == 1).map(move |b| i * 8 + b))
            .collect()
    }
}

impl FromIterator<usize> for Bitmap {
    fn from_iter<I: IntoIterator<Item = usize>>(bits: I) -> Self {
        let mut set = Bitmap::new();
        bits.into_iter().for_each(|bit| set.set(bit));
        set
    }
}

impl PartialEq for Bitmap {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
impl Eq for Bitmap {}

impl std::fmt::Display for Bitmap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bits = self.iter().peekable();
        let mut comma = "";
        while let Some(first) = bits.next() {
            let mut last = first;
            while bits.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            match last - first {
                0 => write!(f, "{comma}{first}")?,
                _ => write!(f, "{comma}{first}-{last}")?,
            }
            comma = ",";
        }
        Ok(())
    }
}

impl std::fmt::Debug for Bitmap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{{{self}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for (text, want) in [
            ("0-3,^2,7", "0-1,3,7"),
            ("5", "5"),
            ("1,2", "1-2"),
            (" 3 - 4 , 9", "3-4,9"),
            ("^0,1,", "1"),
            ("^4", ""),
        ] {
            assert_eq!(Bitmap::parse(text).map(|b| b.to_string()).as_deref(), Some(want));
        }
        for text in ["", ",", "a", "3-1", "1,,2", "1,,", "-1", "99999999999999999999", "1-"] {
            assert_eq!(Bitmap::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn bytes_round_trip() {
        let set = Bitmap::parse("0,9,70").unwrap();
        assert_eq!(Bitmap::from_bytes(&set.to_bytes(9)), set);
        assert_eq!(Bitmap::parse("0,9").unwrap().to_bytes(2)[..2], [1, 2]);
    }
}
