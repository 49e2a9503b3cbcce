//! A domain's log file: what was started, what QEMU said, how it ended.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use virtus_base::Result;

use crate::error::system;

/// A log larger than this, in bytes, is set aside when the domain is started.
const LARGE: u64 = 2 * 1024 * 1024;
/// How many logs that were set aside are kept.
const BACKUPS: u32 = 3;

/// Opens the log for QEMU to write to, after setting aside a large one.
///
/// # Errors
/// When it cannot be opened.
pub fn open(path: &Path) -> Result<File> {
    rotate(path);
    append(path).map_err(|e| system(format_args!("failed to create logfile {}", path.display()), &e))
}

fn append(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn rotate(path: &Path) {
    if !std::fs::metadata(path).is_ok_and(|m| m.len() >= LARGE) {
        return;
    }
    let numbered = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{n}"));
        PathBuf::from(name)
    };
    for n in (0..BACKUPS - 1).rev() {
        // those that are not there yet are missed by nobody
        let _ = std::fs::rename(numbered(n), numbered(n + 1));
    }
    if let Err(e) = std::fs::rename(path, numbered(0)) {
        tracing::warn!("cannot set {} aside: {e}", path.display());
    }
}

/// Notes what is started: versions, then the command in a form a shell understands.
pub fn started(
    log: &mut File,
    qemu_version: &str,
    hostname: &str,
    env: &[(String, String)],
    program: &str,
    args: &[String],
) {
    let kernel = rustix::system::uname();
    let mut text = format!(
        "{}: starting up libvirt version: {}, package: virtus {}, qemu version: {qemu_version}, kernel: {}, hostname: {hostname}\n",
        stamp(),
        crate::LIBVIRT_VERSION_TEXT,
        env!("CARGO_PKG_VERSION"),
        kernel.release().to_string_lossy(),
    );
    for (name, value) in env {
        text.push_str(&format!("{name}={} \\\n", quoted(value)));
    }
    text.push_str(program);
    let mut args = args.iter().peekable();
    while let Some(arg) = args.next() {
        text.push_str(&format!(" \\\n{}", quoted(arg)));
        // an option stands in a line with its value
        if let Some(value) = args.next_if(|v| !v.starts_with('-')) {
            text.push(' ');
            text.push_str(&quoted(value));
        }
    }
    text.push('\n');
    let _ = log.write_all(text.as_bytes());
}

/// Notes a helper that is started beside QEMU: what it is, and its command.
pub fn helper(path: &Path, name: &str, command: &str) {
    if let Ok(mut log) = append(path) {
        let _ = writeln!(log, "{}: Starting external device: {name}\n{command}", stamp());
    }
}

/// Notes that QEMU has ended.
pub fn stopped(path: &Path, reason: &str) {
    if let Ok(mut log) = append(path) {
        let _ = writeln!(log, "{}: shutting down, reason={reason}", stamp());
    }
}

/// What QEMU said after `from`, without our own lines: for errors of a start.
pub fn since(path: &Path, from: u64) -> String {
    use std::io::{Read, Seek, SeekFrom};
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(path)
        && file.seek(SeekFrom::Start(from)).is_ok()
    {
        let _ = file.take(64 * 1024).read_to_end(&mut text);
    }
    let text = String::from_utf8_lossy(&text);
    let lines = text
        .lines()
        .filter(|l| !l.starts_with("char device redirected to ") && !l.contains(": shutting down, reason="));
    lines.collect::<Vec<_>>().join("\n")
}

/// The present time as libvirt's logs have it, e.g. `2026-11-24 11:09:28.003+0000`.
fn stamp() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = civil(i64::try_from(now.as_secs() / 86_400).unwrap_or_default());
    let second = now.as_secs() % 86_400;
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}.{:03}+0000",
        second / 3600,
        second / 60 % 60,
        second % 60,
        now.subsec_millis()
    )
}

/// Year, month and day of a day since 1970-01-01, by the proleptic Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // years begin in March here, so that the leap day is a year's last
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        for (days, date) in
            [(0, (1970, 1, 1)), (11_016, (2000, 2, 29)), (20_781, (2026, 11, 24)), (-1, (1969, 12, 31))]
        {
            assert_eq!(civil(days), date, "{days}");
        }
    }

    #[test]
    fn large_logs_are_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("g.log");
        for n in 0..5u8 {
            std::fs::write(&path, vec![n; LARGE as usize]).unwrap();
            drop(open(&path).unwrap());
            assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        }
        for (n, content) in [(0, 4), (1, 3), (2, 2)] {
            assert_eq!(std::fs::read(dir.path().join(format!("g.log.{n}"))).unwrap()[0], content);
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4);
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("a,b=c:/d"), "a,b=c:/d");
        assert_eq!(quoted("it's {x}"), r"'it'\''s {x}'");
    }
}
