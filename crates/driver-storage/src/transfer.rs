//! A volume's bytes as streams: `virStorageVolUpload`, `virStorageVolDownload`.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use async_trait::async_trait;
use rustix::fs::{SeekFrom, seek};
use virtus_api::{Piece, StreamReader, StreamWriter};
use virtus_base::{Error, ErrorDomain, Result};
use virtus_state::definitions::blocking;

use crate::contents::Use;
use crate::probe;

/// How much goes over the wire at once, in bytes.
const PIECE: usize = 256 * 1024;

fn failed(what: &str, e: &io::Error) -> Error {
    Error::system(ErrorDomain::STREAMS, what, e)
}

fn signed(length: u64) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Which part of a file is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    /// Where it begins, in bytes.
    pub(crate) offset: u64,
    /// How long it is, in bytes; 0 for all that follows.
    pub(crate) length: u64,
    /// Whether holes are told of rather than sent as zeros.
    pub(crate) sparse: bool,
}

/// Sends a part of a volume.
pub(crate) struct Download {
    file: Arc<File>,
    at: u64,
    end: u64,
    sparse: bool,
    _in_use: Use,
}

impl Download {
    pub(crate) fn open(in_use: Use, range: Range) -> Result<Self> {
        let path = &in_use.volume.target.path;
        let file = File::open(path).map_err(|e| {
            Error::system(ErrorDomain::STORAGE, format_args!("Unable to open file '{path}'"), &e)
        })?;
        let length = seek(file.as_fd(), SeekFrom::End(0)).map_err(|e| {
            Error::system(ErrorDomain::STORAGE, format_args!("Unable to seek to end of '{path}'"), &e.into())
        })?;
        let end = match range.length {
            0 => length,
            wanted => range.offset.saturating_add(wanted).min(length),
        };
        Ok(Download { file: Arc::new(file), at: range.offset, end, sparse: range.sparse, _in_use: in_use })
    }
}

/// The piece that begins at `at`: of `end` bytes in all, nothing behind.
fn piece(file: &File, at: u64, end: u64, sparse: bool) -> io::Result<Piece> {
    if at >= end {
        return Ok(Piece::End);
    }
    let mut stop = end;
    if sparse {
        match seek(file.as_fd(), SeekFrom::Data(at)) {
            Ok(data) if data > at => return Ok(Piece::Hole(signed(data.min(end) - at))),
            Ok(_) => stop = seek(file.as_fd(), SeekFrom::Hole(at)).unwrap_or(end).clamp(at, end),
            Err(rustix::io::Errno::NXIO) => return Ok(Piece::Hole(signed(end - at))),
            // a file system that does not tell
            Err(_) => {}
        }
    }
    let room = usize::try_from(stop - at).unwrap_or(PIECE).min(PIECE);
    let mut bytes = vec![0; room];
    let read = file.read_at(&mut bytes, at)?;
    bytes.truncate(read);
    Ok(if read == 0 { Piece::End } else { Piece::Data(bytes) })
}

#[async_trait]
impl StreamReader for Download {
    async fn read(&mut self) -> Result<Piece> {
        let (file, at, end, sparse) = (self.file.clone(), self.at, self.end, self.sparse);
        let next = blocking(move || {
            piece(&file, at, end, sparse).map_err(|e| failed("Unable to read from storage volume", &e))
        })
        .await?;
        let moved = match &next {
            Piece::Data(bytes) => u64::try_from(bytes.len()).unwrap_or(0),
            Piece::Hole(length) => u64::try_from(*length).unwrap_or(0),
            Piece::End => 0,
        };
        self.at = self.at.saturating_add(moved);
        Ok(next)
    }
}

/// Takes a part of a volume.
pub(crate) struct Upload {
    file: Arc<File>,
    at: u64,
    /// Where it has to end; none for anywhere.
    end: Option<u64>,
    in_use: Use,
    done: Box<dyn FnOnce() + Send + Sync>,
}

impl Upload {
    /// Opens the volume; `done` runs when all is written.
    pub(crate) fn open(in_use: Use, range: Range, done: Box<dyn FnOnce() + Send + Sync>) -> Result<Self> {
        let path = &in_use.volume.target.path;
        let file = File::options().write(true).open(path).map_err(|e| {
            Error::system(ErrorDomain::STORAGE, format_args!("Unable to open file '{path}'"), &e)
        })?;
        let end = (range.length > 0).then(|| range.offset.saturating_add(range.length));
        Ok(Upload { file: Arc::new(file), at: range.offset, end, in_use, done })
    }

    /// Where so many bytes more end.
    fn advance(&self, length: u64) -> Result<u64> {
        let full = || failed("cannot write to stream", &io::Error::from_raw_os_error(28));
        let next = self.at.checked_add(length).ok_or_else(full)?;
        match self.end {
            Some(end) if next > end => Err(full()),
            _ => Ok(next),
        }
    }
}

/// Has a file go on with nothing: what was there from `at` on is gone, as libvirt has it.
fn hole(file: &File, at: u64, length: u64) -> io::Result<()> {
    file.set_len(at)?;
    file.set_len(at.saturating_add(length))
}

#[async_trait]
impl StreamWriter for Upload {
    async fn write(&mut self, piece: Piece) -> Result<()> {
        let (file, at) = (self.file.clone(), self.at);
        let failed = |e: io::Error| failed("Unable to write to storage volume", &e);
        match piece {
            Piece::End => {}
            Piece::Data(bytes) => {
                let next = self.advance(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
                blocking(move || file.write_all_at(&bytes, at).map_err(failed)).await?;
                self.at = next;
            }
            Piece::Hole(length) => {
                let length = u64::try_from(length).unwrap_or(0);
                let next = self.advance(length)?;
                blocking(move || hole(&file, at, length).map_err(failed)).await?;
                self.at = next;
            }
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        let (file, volume) = (self.file.clone(), self.in_use.volume.clone());
        let now = blocking(move || {
            file.sync_data().map_err(|e| failed("cannot sync data to storage volume", &e))?;
            probe::again(&volume)
        })
        .await?;
        self.in_use.update(now);
        std::mem::replace(&mut self.done, Box::new(|| ()))();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_told_of() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(4 << 20).unwrap();
        file.write_all_at(b"x", 2 << 20).unwrap();
        let Piece::Hole(length) = piece(&file, 0, 4 << 20, true).unwrap() else { panic!("no hole") };
        assert_eq!(length, 2 << 20);
        assert!(matches!(piece(&file, 2 << 20, 4 << 20, true).unwrap(), Piece::Data(_)));
        assert!(matches!(piece(&file, 3 << 20, 4 << 20, true).unwrap(), Piece::Hole(_)));
        assert!(matches!(piece(&file, 0, 4 << 20, false).unwrap(), Piece::Data(d) if d.len() == PIECE));
        assert_eq!(piece(&file, 4 << 20, 4 << 20, true).unwrap(), Piece::End);
        hole(&file, 2 << 20, 1 << 20).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 3 << 20);
        assert!(matches!(piece(&file, 2 << 20, 3 << 20, true).unwrap(), Piece::Hole(_)));
    }
}
