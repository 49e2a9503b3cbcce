//! A connected socket: local, over TCP, or one end of a pair whose other end a program has.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType, recvmsg, send, sendmsg, shutdown,
    socketpair,
};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use super::{Transport, not_now};

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
    local: bool,
}

impl Socket {
    /// Connects to the local socket at `path`.
    pub(crate) fn connect_local(path: &Path) -> io::Result<Self> {
        Ok(Socket { fd: UnixStream::connect(path)?.into(), local: true })
    }

    /// Connects to a host by TCP.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` when the name has no address, or none of its addresses answers.
    pub(crate) fn connect_tcp(host: &str, port: u16) -> Result<Self> {
        let addresses = (host, port).to_socket_addrs().map_err(|e| {
            let text = e.to_string();
            let reason = text.rsplit(": ").next().unwrap_or_default();
            let text = format!("Unable to resolve address '{host}' service '{port}': {reason}");
            Error::new(ErrorDomain::RPC, ErrorCode::SYSTEM_ERROR, text)
        })?;
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match TcpStream::connect(address).and_then(|stream| stream.set_nodelay(true).map(|()| stream)) {
                Ok(stream) => return Ok(Socket { fd: stream.into(), local: false }),
                Err(e) => last = e,
            }
        }
        let what = format!("unable to connect to server at '{host}:{port}'");
        Err(Error::system(ErrorDomain::RPC, what, &last))
    }

    /// A pair of sockets: ours, and what a program gets as its input and output.
    pub(crate) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        Ok((Socket { fd: ours, local: false }, theirs))
    }

    /// Nothing more is said.
    pub(crate) fn shutdown(&self) {
        // one that is closed already needs nothing
        let _ = shutdown(&self.fd, Shutdown::Both);
    }
}

impl Transport for Socket {
    fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn read(&self, buffer: &mut [u8], fds: &mut VecDeque<OwnedFd>) -> io::Result<Option<usize>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(32))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let Some(received) = not_now(recvmsg(&self.fd, &mut [IoSliceMut::new(buffer)], &mut control, flags))?
        else {
            return Ok(None);
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                fds.extend(received);
            }
        }
        Ok(Some(received.bytes))
    }

    fn write(&self, bytes: &[u8]) -> io::Result<Option<usize>> {
        not_now(send(&self.fd, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT))
    }

    fn send_fd(&self, fd: BorrowedFd<'_>) -> io::Result<bool> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds = [fd];
        control.push(SendAncillaryMessage::ScmRights(&fds));
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        Ok(not_now(sendmsg(&self.fd, &[IoSlice::new(&[0])], &mut control, flags))?.is_some())
    }

    fn passes_fds(&self) -> bool {
        self.local
    }

    fn is_secure(&self) -> bool {
        self.local
    }
}
