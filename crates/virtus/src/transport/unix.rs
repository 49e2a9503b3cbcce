//! A local socket, which can pass descriptors; also the one end of a pair whose other end a program has.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, send, sendmsg,
};

use super::{Transport, not_now};

/// A connected local socket.
#[derive(Debug)]
pub(crate) struct Unix(UnixStream);

impl Unix {
    /// Connects to the socket at `path`.
    pub(crate) fn connect(path: &Path) -> io::Result<Self> {
        Ok(Unix(UnixStream::connect(path)?))
    }
}

impl Transport for Unix {
    fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn read(&self, buffer: &mut [u8], fds: &mut VecDeque<OwnedFd>) -> io::Result<Option<usize>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(32))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let Some(received) = not_now(recvmsg(&self.0, &mut [IoSliceMut::new(buffer)], &mut control, flags))?
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
        not_now(send(&self.0, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT))
    }

    fn send_fd(&self, fd: BorrowedFd<'_>) -> io::Result<bool> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds = [fd];
        control.push(SendAncillaryMessage::ScmRights(&fds));
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        Ok(not_now(sendmsg(&self.0, &[IoSlice::new(&[0])], &mut control, flags))?.is_some())
    }

    fn passes_fds(&self) -> bool {
        true
    }

    fn is_secure(&self) -> bool {
        true
    }
}
