//! One descriptor that programs can wait on for several, some of which come and go.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};

/// It is readable while one of those in it is what it is watched for, or while it was told to be.
#[derive(Debug)]
pub(crate) struct Watch {
    all: OwnedFd,
    told: OwnedFd,
}

impl Watch {
    pub(crate) fn new() -> io::Result<Self> {
        let all = epoll::create(CreateFlags::CLOEXEC)?;
        let told = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&all, &told, EventData::new_u64(0), EventFlags::IN)?;
        Ok(Watch { all, told })
    }

    /// From now on `fd` is watched, until it is closed or removed.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        Ok(epoll::add(&self.all, fd, EventData::new_u64(0), EventFlags::IN)?)
    }

    /// Has `fd` watched for room to write as well.
    pub(crate) fn for_writing(&self, fd: BorrowedFd<'_>, yes: bool) {
        let flags = if yes { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        // one that is not watched has nobody who waits for it
        let _ = epoll::modify(&self.all, fd, EventData::new_u64(0), flags);
    }

    pub(crate) fn remove(&self, fd: BorrowedFd<'_>) {
        let _ = epoll::delete(&self.all, fd);
    }

    /// Makes it readable until it is taken back.
    pub(crate) fn tell(&self) {
        // it fails only when it is full, and then it is readable anyway
        let _ = rustix::io::write(&self.told, &1_u64.to_ne_bytes());
    }

    pub(crate) fn take_back(&self) {
        let _ = rustix::io::read(&self.told, &mut [0_u8; 8]);
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.all.as_fd()
    }
}
