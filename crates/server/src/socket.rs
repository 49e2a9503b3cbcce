//! A local stream socket that can pass descriptors.

use std::collections::VecDeque;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// A connected socket in non-blocking mode.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: UnixStream,
}

impl Socket {
    /// Registers the socket with the event loop of this thread.
    pub(crate) fn new(fd: OwnedFd) -> std::io::Result<Self> {
        let stream = std::os::unix::net::UnixStream::from(fd);
        stream.set_nonblocking(true)?;
        Ok(Socket { stream: UnixStream::from_std(stream)? })
    }

    /// Waits until there is something to read.
    pub(crate) async fn readable(&self) -> std::io::Result<()> {
        self.stream.readable().await
    }

    /// Waits until the socket may take more.
    pub(crate) async fn writable(&self) -> std::io::Result<()> {
        self.stream.writable().await
    }

    /// Reads once what a ready socket has, and puts descriptors that came with it behind `fds`. `None` when
    /// there is nothing after all; 0 is the end.
    pub(crate) fn read(
        &self,
        buffer: &mut [u8],
        fds: &mut VecDeque<OwnedFd>,
    ) -> std::io::Result<Option<usize>> {
        let mut read = None;
        let outcome = self.stream.try_io(Interest::READABLE, || {
            let (count, with_fds) = receive(self.stream.as_fd(), buffer, fds)?;
            read = Some(count);
            // a short read has emptied the socket: the next bytes will wake us, no need to ask. One that
            // stopped at a descriptor has not.
            match count == 0 || count == buffer.len() || with_fds {
                true => Ok(()),
                false => Err(std::io::ErrorKind::WouldBlock.into()),
            }
        });
        match outcome {
            Err(e) if e.kind() != std::io::ErrorKind::WouldBlock => Err(e),
            _ => Ok(read),
        }
    }

    /// Writes as much as the socket takes now; `None` when it takes nothing.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> std::io::Result<Option<usize>> {
        would_block(self.stream.try_io(Interest::WRITABLE, || {
            Ok(rustix::net::send(&self.stream, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?)
        }))
    }

    /// Sends one descriptor with its one byte; `false` when the socket is full.
    pub(crate) fn try_send_fd(&self, fd: BorrowedFd<'_>) -> std::io::Result<bool> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds = [fd];
        control.push(SendAncillaryMessage::ScmRights(&fds));
        let sent = self.stream.try_io(Interest::WRITABLE, || {
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            Ok(rustix::net::sendmsg(&self.stream, &[IoSlice::new(&[0])], &mut control, flags)?)
        });
        would_block(sent).map(|sent| sent.is_some())
    }
}

fn would_block<T>(result: std::io::Result<T>) -> std::io::Result<Option<T>> {
    use std::io::ErrorKind::{Interrupted, WouldBlock};
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if matches!(e.kind(), WouldBlock | Interrupted) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Reads once; also says whether descriptors came, which end a read early.
fn receive(
    fd: BorrowedFd<'_>,
    buffer: &mut [u8],
    fds: &mut VecDeque<OwnedFd>,
) -> std::io::Result<(usize, bool)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(32))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received =
        rustix::net::recvmsg(fd, &mut [IoSliceMut::new(buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut more = false;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            more = true;
            fds.extend(received);
        }
    }
    Ok((received.bytes, more))
}
