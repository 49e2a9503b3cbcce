//! Terminals of guests: the slave sides of pseudo-terminals that QEMU holds.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// An open terminal, raw, for relaying a console. Reads and writes may be under way at once.
#[derive(Debug)]
pub struct Terminal(AsyncFd<OwnedFd>);

impl Terminal {
    /// Opens the terminal at `path` without making it this process' own. Needs a tokio runtime's context.
    ///
    /// # Errors
    /// When it cannot be opened; with `ENOTTY` when it is no terminal.
    pub fn open(path: &Path) -> io::Result<Terminal> {
        // what a path names may have changed since QEMU told it: nothing here may wait on a pipe
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::empty())?;
        let mut attributes = rustix::termios::tcgetattr(&file)?;
        attributes.make_raw();
        rustix::termios::tcsetattr(&file, rustix::termios::OptionalActions::Now, &attributes)?;
        Terminal::adopt(file)
    }

    #[allow(unsafe_code)]
    fn adopt(file: OwnedFd) -> io::Result<Terminal> {
        // SAFETY: an `OwnedFd` stays the same open descriptor until it is dropped.
        let file = unsafe { AsyncFd::register_with_interest(file, Interest::READABLE | Interest::WRITABLE)? };
        Ok(Terminal(file))
    }

    /// Reads what there is, waiting for the first byte; 0 when the other side has closed.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|file| Ok(rustix::io::read(file.get_ref().as_fd(), &mut *buffer)?)) {
                // the kernel's way to say that the master is gone
                Ok(Err(e)) if e.raw_os_error() == Some(libc::EIO) => return Ok(0),
                Ok(Err(e)) if e.kind() == io::ErrorKind::Interrupted => {}
                Ok(result) => return result,
                Err(_would_block) => {}
            }
        }
    }

    /// Writes all of `bytes`, waiting while the guest does not take them.
    ///
    /// # Errors
    /// When the terminal cannot be written; part may have been.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let mut ready = self.0.writable().await?;
            match ready.try_io(|file| Ok(rustix::io::write(file.get_ref().as_fd(), bytes)?)) {
                Ok(Ok(count)) => bytes = bytes.get(count..).unwrap_or_default(),
                Ok(Err(e)) if e.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(e)) => return Err(e),
                Err(_would_block) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    fn pair() -> (OwnedFd, std::path::PathBuf) {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        (master, name.into_string().unwrap().into())
    }

    #[tokio::test]
    async fn bytes_pass_unchanged_in_both_directions() {
        let (master, path) = pair();
        let terminal = Terminal::open(&path).unwrap();
        let text = b"a\x03\r\n\x7f\x00z";
        terminal.write_all(text).await.unwrap();
        let mut buffer = [0; 32];
        let count = rustix::io::read(&master, &mut buffer).unwrap();
        assert_eq!(&buffer[..count], text);
        rustix::io::write(&master, text).unwrap();
        let count = terminal.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..count], text);
        drop(master);
        assert_eq!(terminal.read(&mut buffer).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn only_terminals_are_opened() {
        assert!(Terminal::open(Path::new("/no/such/terminal")).is_err());
        assert_eq!(Terminal::open(Path::new("/dev/null")).unwrap_err().raw_os_error(), Some(libc::ENOTTY));
    }
}
