//! Numbers and texts out of a header, or nothing.

/// The first bytes of a file.
#[derive(Clone, Copy)]
pub(super) struct Header<'a>(pub(super) &'a [u8]);

impl<'a> Header<'a> {
    pub(super) fn bytes(self, offset: u64, length: u64) -> Option<&'a [u8]> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        self.0.get(start..end)
    }

    fn array<const N: usize>(self, offset: u64) -> Option<[u8; N]> {
        self.bytes(offset, N as u64)?.try_into().ok()
    }

    pub(super) fn has(self, offset: u64, text: &[u8]) -> bool {
        self.bytes(offset, text.len() as u64) == Some(text)
    }

    pub(super) fn be16(self, offset: u64) -> Option<u16> {
        self.array(offset).map(u16::from_be_bytes)
    }

    pub(super) fn be32(self, offset: u64) -> Option<u32> {
        self.array(offset).map(u32::from_be_bytes)
    }

    pub(super) fn be64(self, offset: u64) -> Option<u64> {
        self.array(offset).map(u64::from_be_bytes)
    }

    pub(super) fn le32(self, offset: u64) -> Option<u32> {
        self.array(offset).map(u32::from_le_bytes)
    }

    pub(super) fn le64(self, offset: u64) -> Option<u64> {
        self.array(offset).map(u64::from_le_bytes)
    }

    /// A text up to its first zero byte; none when it is empty.
    pub(super) fn text(self, offset: u64, length: u64) -> Option<String> {
        let bytes = self.bytes(offset, length)?;
        let bytes = bytes.split(|b| *b == 0).next().unwrap_or_default();
        (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned())
    }
}
