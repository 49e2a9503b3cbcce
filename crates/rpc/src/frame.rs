//! Packets out of a stream of bytes that arrives in any pieces.

use virtus_xdr::Reader;

use crate::{FDS_MAX, HEADER_LEN, Header, MESSAGE_MAX};

/// A whole packet.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its header.
    pub header: Header,
    /// How many descriptors came with it.
    pub fds: usize,
    /// What follows the header and the count of descriptors.
    pub body: &'a [u8],
}

/// Why the bytes are no packets: the connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// A packet too short for its header.
    TooShort(usize),
    /// A packet above the limit.
    TooLong(usize),
    /// More descriptors than a packet may bring.
    TooManyFds(usize),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FrameError::TooShort(n) => write!(f, "packet {n} bytes received from client too small"),
            FrameError::TooLong(n) => {
                write!(f, "packet {n} bytes received from client too large, want {MESSAGE_MAX}")
            }
            FrameError::TooManyFds(n) => write!(f, "Too many FDs in packet: {n}, maximum {FDS_MAX}"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Finds packets. Bytes that make no whole packet yet are kept; nothing is allocated on a length's word
/// alone, only for bytes that have come.
#[derive(Debug, Default)]
pub struct Deframer {
    kept: Vec<u8>,
}

impl Deframer {
    /// A deframer that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes wait for the rest of their packet.
    pub fn pending(&self) -> usize {
        self.kept.len()
    }

    /// Takes bytes as they came and calls `each` for every packet they complete, until it says to stop;
    /// bytes of packets after that are kept.
    ///
    /// # Errors
    /// When the bytes cannot be packets.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Frame<'_>) -> std::ops::ControlFlow<()>,
    ) -> Result<(), FrameError> {
        if self.kept.is_empty() {
            // the usual case: whole packets, nothing copied
            let used = consume(bytes, &mut each)?;
            self.kept.extend_from_slice(bytes.get(used..).unwrap_or_default());
        } else {
            self.kept.extend_from_slice(bytes);
            let kept = std::mem::take(&mut self.kept);
            let used = consume(&kept, &mut each)?;
            self.kept = kept;
            self.kept.drain(..used);
        }
        if self.kept.is_empty() && self.kept.capacity() > 4096 {
            self.kept = Vec::new();
        }
        Ok(())
    }
}

fn consume(
    bytes: &[u8],
    each: &mut impl FnMut(Frame<'_>) -> std::ops::ControlFlow<()>,
) -> Result<usize, FrameError> {
    let mut used = 0;
    while let Some((frame, length)) = parse(bytes.get(used..).unwrap_or_default())? {
        used += length;
        if each(frame).is_break() {
            break;
        }
    }
    Ok(used)
}

/// The first packet and how many bytes it takes with the bytes that carry its descriptors.
fn parse(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some((word, _)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*word)).unwrap_or(usize::MAX);
    if length > MESSAGE_MAX {
        return Err(FrameError::TooLong(length));
    }
    if length < 4 + HEADER_LEN {
        return Err(FrameError::TooShort(length));
    }
    let Some(packet) = bytes.get(4..length) else { return Ok(None) };
    let mut reader = Reader::new(packet);
    let Ok(header) = Header::read(&mut reader) else { return Err(FrameError::TooShort(length)) };
    let mut fds = 0;
    if header.kind.has_fds() {
        let count = reader.word().map_err(|_| FrameError::TooShort(length))?;
        fds = usize::try_from(u32::from_be_bytes(count)).unwrap_or(usize::MAX);
        if fds > FDS_MAX {
            return Err(FrameError::TooManyFds(fds));
        }
    }
    if bytes.len() < length + fds {
        return Ok(None);
    }
    Ok(Some((Frame { header, fds, body: reader.rest() }, length + fds)))
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use proptest::prelude::*;

    use super::*;
    use crate::{Kind, Status, write_packet};

    fn header(kind: Kind, serial: u32) -> Header {
        Header { program: 0x2000_8086, version: 1, procedure: 9, kind, serial, status: Status::OK }
    }

    fn packets(bodies: &[(Vec<u8>, usize)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (serial, (body, fds)) in (0..).zip(bodies) {
            let kind = if *fds > 0 { Kind::CALL_WITH_FDS } else { Kind::CALL };
            write_packet(&mut out, &header(kind, serial), *fds, |out| out.extend_from_slice(body));
            out.extend(std::iter::repeat_n(0, *fds));
        }
        out
    }

    proptest! {
        #[test]
        fn packets_survive_any_cutting(
            bodies in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..300), 0..3usize), 1..6),
            cuts in proptest::collection::vec(1..80usize, 1..40),
        ) {
            let bytes = packets(&bodies);
            let mut found = Vec::new();
            let mut deframer = Deframer::new();
            let (mut rest, mut cuts) = (&bytes[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, tail) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                rest = tail;
                deframer.feed(piece, |frame| {
                    found.push((frame.body.to_vec(), frame.fds));
                    ControlFlow::Continue(())
                }).unwrap();
            }
            prop_assert_eq!(found, bodies);
            prop_assert_eq!(deframer.pending(), 0);
        }

        #[test]
        fn garbage_is_refused_or_waited_for(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Deframer::new().feed(&bytes, |_| ControlFlow::Continue(()));
        }
    }

    #[test]
    fn lying_lengths_are_refused_at_once() {
        let refused = |word: u32| Deframer::new().feed(&word.to_be_bytes(), |_| ControlFlow::Continue(()));
        assert_eq!(refused(u32::MAX), Err(FrameError::TooLong(u32::MAX as usize)));
        assert_eq!(refused(27), Err(FrameError::TooShort(27)));
        assert_eq!(refused(MESSAGE_MAX as u32), Ok(()));
        let mut many = packets(&[(vec![], 1)]);
        many[28..32].copy_from_slice(&33u32.to_be_bytes());
        assert_eq!(
            Deframer::new().feed(&many, |_| ControlFlow::Continue(())),
            Err(FrameError::TooManyFds(33))
        );
    }

    #[test]
    fn a_reader_that_stops_loses_nothing() {
        let bytes = packets(&[(vec![1], 0), (vec![2], 0)]);
        let mut deframer = Deframer::new();
        let mut seen = Vec::new();
        deframer
            .feed(&bytes, |f| {
                seen.push(f.body.to_vec());
                ControlFlow::Break(())
            })
            .unwrap();
        deframer
            .feed(&[], |f| {
                seen.push(f.body.to_vec());
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(seen, [vec![1], vec![2]]);
    }
}
