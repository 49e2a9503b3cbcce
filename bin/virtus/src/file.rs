//! Files that users name.

use std::fs::File;
use std::io::Read;

use virtus::{Error, ErrorDomain};

use crate::shell::Outcome;

/// Files with XML may have so many bytes.
const LIMIT: u64 = 10 << 20;

/// All of a file with XML or another text.
///
/// # Errors
/// It cannot be read, or has more than 10 MiB.
pub(crate) fn read(path: &str) -> Outcome<String> {
    read_at_most(path, LIMIT)
}

/// All of a file with a text of at most so many bytes.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_at_most(path: &str, limit: u64) -> Outcome<String> {
    let bytes = bytes(path, limit)?;
    // a text ends at a NUL, as everywhere in libvirt
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(text).into_owned())
}

/// All of a file of at most so many bytes.
///
/// # Errors
/// As [`read`].
pub(crate) fn bytes(path: &str, limit: u64) -> Outcome<Vec<u8>> {
    let failed = |what: &str, error: &std::io::Error| {
        Error::system(ErrorDomain::NONE, format!("Failed to {what} file '{path}'"), error)
    };
    let file = File::open(path).map_err(|e| failed("open", &e))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|e| failed("read", &e))?;
    if bytes.len() as u64 > limit {
        // EOVERFLOW
        return Err(failed("read", &std::io::Error::from_raw_os_error(75)).into());
    }
    Ok(bytes)
}

/// A path as somebody in another directory, like a daemon, needs it.
pub(crate) fn absolute(path: &str) -> String {
    match path.starts_with('/') {
        true => path.to_owned(),
        false => std::env::current_dir().unwrap_or_default().join(path).to_string_lossy().into_owned(),
    }
}
