//! What is in volumes, to and from files: `vol-upload` and `vol-download`.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileTypeExt;

use rustix::fs::{SeekFrom as Place, seek};
use virtus::calls::Remote;
use virtus::constants::{VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM, VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM};
use virtus::{Piece, Stream};

use super::{IN_POOL, VOL, volume};
use crate::command::{Command, Opt};
use crate::grammar::{Arguments, Wrapping};
use crate::shell::{Failure, OrSay, Outcome, Shell, fail};

const THE_FILE: Opt = Opt::text("file", "the file").positional().required().file();
const OFFSET: Opt = Opt::number("offset", "where in the volume to begin").also_positional();
const LENGTH: Opt = Opt::number("length", "how many bytes").also_positional();
const SPARSE: Opt = Opt::flag("sparse", "leave out what is nothing but zeros");

/// How much is moved at once.
const CHUNK: usize = 256 * 1024;

/// Where to begin, and how much to move at most; 0 stands for all.
fn range(arguments: &Arguments) -> Outcome<(u64, u64)> {
    let offset = arguments.number::<u64>("offset")?.unwrap_or(0);
    let length = arguments.number::<Wrapping<u64>>("length")?.map_or(0, |length| length.0);
    Ok((offset, length))
}

pub(super) static UPLOAD: Command = Command {
    name: "vol-upload",
    summary: "write a file into a volume",
    options: &[VOL, THE_FILE, IN_POOL, OFFSET, LENGTH, SPARSE],
    run: upload,
    ..Command::PLAIN
};

fn upload(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (offset, length) = range(arguments)?;
    let (volume, name) = (volume(shell, arguments)?, arguments.needed("vol")?);
    let path = arguments.needed("file")?;
    let Ok(mut file) = File::open(path) else { fail!("cannot read {path}") };
    let sparse = arguments.has("sparse");
    let flags = if sparse { VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM } else { 0 };
    let request = Remote::storage_vol_upload(volume, offset, length, flags);
    let ((), mut stream) =
        shell.connection()?.open_stream(request).or_say(format_args!("cannot upload to volume {name}"))?;
    let is_block = file.metadata().is_ok_and(|data| data.file_type().is_block_device());
    let sent = match sparse && !is_block {
        true => send_sparse(&mut file, &mut stream),
        false => send(&mut file, &mut stream, u64::MAX),
    };
    sent.or_say(format_args!("cannot send data to volume {name}"))?;
    stream.finish().or_say(format_args!("cannot close volume {name}"))
}

/// Why a file cannot be read or written.
fn system(error: &std::io::Error) -> Failure {
    virtus::Error::system(virtus::ErrorDomain::STREAMS, "", error).into()
}

/// Sends at most `length` bytes of a file.
fn send(file: &mut File, stream: &mut Stream, mut length: u64) -> Outcome {
    let mut buffer = vec![0; CHUNK];
    while length > 0 {
        let want = usize::try_from(length).unwrap_or(CHUNK).min(CHUNK);
        let Some(part) = buffer.get_mut(..want) else { break };
        let got = file.read(part).map_err(|error| system(&error))?;
        if got == 0 {
            break;
        }
        stream.send(part.get(..got).unwrap_or_default())?;
        length -= got as u64;
    }
    Ok(())
}

/// Sends a file, and its holes as such.
fn send_sparse(file: &mut File, stream: &mut Stream) -> Outcome {
    let end = file.metadata().map_err(|error| system(&error))?.len();
    let mut at = 0;
    while at < end {
        // behind the last data there is none
        let data = seek(&*file, Place::Data(at)).unwrap_or(end).min(end);
        if data > at {
            stream.send_hole(data - at)?;
        }
        if data == end {
            break;
        }
        let hole = seek(&*file, Place::Hole(data)).unwrap_or(end).min(end);
        file.seek(SeekFrom::Start(data)).map_err(|error| system(&error))?;
        send(file, stream, hole - data)?;
        at = hole.max(data + 1);
    }
    Ok(())
}

pub(super) static DOWNLOAD: Command = Command {
    name: "vol-download",
    summary: "write what is in a volume into a file",
    options: &[VOL, THE_FILE, IN_POOL, OFFSET, LENGTH, SPARSE],
    run: download,
    ..Command::PLAIN
};

fn download(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (offset, length) = range(arguments)?;
    let (volume, name) = (volume(shell, arguments)?, arguments.needed("vol")?);
    let path = arguments.needed("file")?;
    let flags = if arguments.has("sparse") { VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM } else { 0 };
    let (mut file, made) = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => (file, true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            match OpenOptions::new().write(true).truncate(true).open(path) {
                Ok(file) => (file, false),
                Err(_) => fail!("cannot create {path}"),
            }
        }
        Err(_) => fail!("cannot create {path}"),
    };
    let receive = || -> Outcome {
        let request = Remote::storage_vol_download(volume, offset, length, flags);
        let ((), mut stream) = shell
            .connection()?
            .open_stream(request)
            .or_say(format_args!("cannot download from volume {name}"))?;
        take(&mut stream, &mut file).or_say(format_args!("cannot receive data from volume {name}"))?;
        stream.finish().or_say(format_args!("cannot close volume {name}"))
    };
    let outcome = receive();
    if outcome.is_err() && made {
        let _ = std::fs::remove_file(path);
    }
    outcome
}

/// Writes what comes; holes stay holes where the file can have some.
fn take(stream: &mut Stream, file: &mut File) -> Outcome {
    let is_block = file.metadata().is_ok_and(|data| data.file_type().is_block_device());
    while let Some(piece) = stream.recv_piece()? {
        let written = match piece {
            Piece::Data(bytes) => file.write_all(&bytes),
            Piece::Hole(length) if is_block => {
                std::io::copy(&mut std::io::repeat(0).take(length), file).map(drop)
            }
            Piece::Hole(length) => i64::try_from(length)
                .map_err(std::io::Error::other)
                .and_then(|length| file.seek(SeekFrom::Current(length)))
                .and_then(|end| file.set_len(end)),
        };
        written.map_err(|error| system(&error))?;
    }
    Ok(())
}
