//! Requests to the kernel's routing tables and links (rtnetlink).

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, socket_with};

/// An answer's buffer, in bytes; the kernel never sends a larger piece.
const BUFFER: usize = 64 * 1024;
/// The length of `struct nlmsghdr`.
const HEADER: usize = 16;

/// A request: its kind, the kind's own header and attributes.
#[derive(Clone, Debug)]
pub(super) struct Message(Vec<u8>);

fn padded(length: usize) -> usize {
    length.next_multiple_of(4)
}

impl Message {
    /// A request of this kind (`RTM_…`) with these flags (`NLM_F_…`) and the kind's own header.
    pub(super) fn new(kind: u16, flags: i32, header: &[u8]) -> Message {
        let flags = u16::try_from(flags | libc::NLM_F_REQUEST).unwrap_or_default();
        let mut bytes = vec![0; 4];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend(header);
        bytes.resize(padded(bytes.len()), 0);
        Message(bytes)
    }

    /// Adds an attribute.
    #[must_use]
    pub(super) fn attr(mut self, kind: u16, value: &[u8]) -> Message {
        let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(padded(self.0.len()), 0);
        self
    }

    /// Adds an attribute that is a name.
    #[must_use]
    pub(super) fn text(self, kind: u16, value: &str) -> Message {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.attr(kind, &bytes)
    }

    /// Adds an attribute made of attributes.
    #[must_use]
    pub(super) fn nested(mut self, kind: u16, inside: impl FnOnce(Message) -> Message) -> Message {
        let inner = inside(Message(Vec::new()));
        self = self.attr(kind | u16::try_from(libc::NLA_F_NESTED).unwrap_or_default(), &inner.0);
        self
    }
}

/// One answer to a question for a list.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// What it is (`RTM_…`).
    pub(super) kind: u16,
    body: Vec<u8>,
}

impl Answer {
    /// The kind's own header, `N` bytes of it.
    pub(super) fn header<const N: usize>(&self) -> Option<[u8; N]> {
        self.body.first_chunk().copied()
    }

    /// The attributes after a header of this many bytes.
    pub(super) fn attributes(&self, header: usize) -> Attributes<'_> {
        Attributes(self.body.get(header..).unwrap_or_default())
    }
}

/// Attributes, each with its kind and value.
#[derive(Clone, Debug)]
pub(super) struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    /// The attributes inside an attribute.
    pub(super) fn inside(value: &'a [u8]) -> Attributes<'a> {
        Attributes(value)
    }

    /// The value of the first of this kind.
    pub(super) fn get(&self, kind: u16) -> Option<&'a [u8]> {
        self.clone().find(|(k, _)| *k == kind).map(|(_, value)| value)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);
    fn next(&mut self) -> Option<Self::Item> {
        let (length, rest) = self.0.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_ne_bytes(*length));
        let kind = u16::from_ne_bytes(*rest.first_chunk::<2>()?);
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(padded(length)..).unwrap_or_default();
        // the two highest bits say how the value is made
        Some((kind & 0x3fff, value))
    }
}

/// A name in an attribute.
pub(super) fn name(value: &[u8]) -> String {
    let end = value.iter().position(|b| *b == 0).unwrap_or(value.len());
    String::from_utf8_lossy(value.get(..end).unwrap_or_default()).into_owned()
}

/// A number in an attribute.
pub(super) fn number(value: &[u8]) -> Option<u32> {
    value.first_chunk().map(|b| u32::from_ne_bytes(*b))
}

fn open() -> io::Result<OwnedFd> {
    // protocol 0 is the routing one
    Ok(socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?)
}

fn send(socket: &OwnedFd, message: Message) -> io::Result<()> {
    let mut bytes = message.0;
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    if let Some(place) = bytes.first_chunk_mut() {
        *place = length.to_ne_bytes();
    }
    rustix::net::send(socket, &bytes, SendFlags::empty())?;
    Ok(())
}

/// Has the kernel do something.
pub(super) fn request(message: Message) -> io::Result<()> {
    let socket = open()?;
    send(&socket, message)?;
    answers(&socket).map(drop)
}

/// Asks the kernel for a list.
pub(super) fn dump(message: Message) -> io::Result<Vec<Answer>> {
    let socket = open()?;
    send(&socket, message)?;
    answers(&socket)
}

/// What the kernel answers up to the end of a list or a request's acknowledgement.
fn answers(socket: &OwnedFd) -> io::Result<Vec<Answer>> {
    let mut found = Vec::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let (received, _) = rustix::net::recv(socket, &mut buffer[..], RecvFlags::empty())?;
        let mut rest = buffer.get(..received).unwrap_or_default();
        while let Some((header, _)) = rest.split_first_chunk::<HEADER>() {
            let [l0, l1, l2, l3, k0, k1, ..] = *header;
            let length = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).unwrap_or(0);
            let kind = u16::from_ne_bytes([k0, k1]);
            let Some(body) = rest.get(HEADER..length) else {
                return Err(io::ErrorKind::InvalidData.into());
            };
            match i32::from(kind) {
                libc::NLMSG_DONE => return Ok(found),
                libc::NLMSG_ERROR => {
                    let code = body.first_chunk().map_or(-libc::EIO, |b| i32::from_ne_bytes(*b));
                    return match code {
                        0 => Ok(found),
                        code => Err(io::Error::from_raw_os_error(-code)),
                    };
                }
                _ => found.push(Answer { kind, body: body.to_vec() }),
            }
            rest = rest.get(padded(length)..).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_nest_and_are_found_again() {
        let message = Message::new(16, 0, &[9; 3])
            .text(3, "eth0")
            .nested(18, |m| m.text(1, "bridge").attr(2, &7u32.to_ne_bytes()));
        let answer = Answer { kind: 16, body: message.0.get(HEADER..).unwrap().to_vec() };
        assert_eq!(answer.header::<3>(), Some([9; 3]));
        let all = answer.attributes(4);
        assert_eq!(all.get(3).map(name).as_deref(), Some("eth0"));
        let inner = Attributes::inside(all.get(18).unwrap());
        assert_eq!(inner.get(1).map(name).as_deref(), Some("bridge"));
        assert_eq!(inner.get(2).and_then(number), Some(7));
    }

    #[test]
    fn broken_attributes_end_the_list() {
        for bytes in [&[9, 0, 1, 0][..], &[0, 0, 0, 0], &[3], &[2, 0, 0, 0, 1]] {
            assert_eq!(Attributes::inside(bytes).count(), 0, "{bytes:?}");
        }
    }
}
