//! Outputs: `1:file:/var/log/x`, `3:syslog:libvirtd`, `3:journald`, `4:stderr`.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Priority;

/// How a line is written to standard error and files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// As libvirt writes it.
    #[default]
    Text,
    /// An object a line.
    Json,
}

/// A line of the log.
pub(super) struct Line<'a> {
    pub(super) priority: Priority,
    pub(super) target: &'a str,
    pub(super) line: u32,
    pub(super) message: String,
}

#[derive(Debug)]
enum Place {
    Stderr,
    File { path: String, file: File },
    Syslog { ident: String, socket: UnixDatagram },
    Journald { socket: UnixDatagram },
}

#[derive(Debug)]
struct Output {
    least: Priority,
    place: Place,
}

/// Where lines go. Without any, they go to standard error.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    outputs: Vec<Output>,
    pub(crate) format: Format,
}

impl Outputs {
    /// Reads outputs with blanks between, and opens them.
    pub(crate) fn parse(text: &str, format: Format) -> Result<Self, String> {
        let outputs = text.split_ascii_whitespace().map(open).collect::<Result<_, _>>()?;
        Ok(Outputs { outputs, format })
    }

    /// How many there are; standard error counts where nothing else does.
    pub(crate) fn len(&self) -> usize {
        self.outputs.len().max(1)
    }

    pub(super) fn write(&self, line: &Line<'_>) {
        let text = || match self.format {
            Format::Text => line.text(),
            Format::Json => line.json(),
        };
        if self.outputs.is_empty() {
            // a log that cannot be written has nowhere to say so
            let _ = std::io::stderr().write_all(text().as_bytes());
        }
        for output in self.outputs.iter().filter(|o| line.priority >= o.least) {
            let _ = match &output.place {
                Place::Stderr => std::io::stderr().write_all(text().as_bytes()),
                Place::File { file, .. } => (&*file).write_all(text().as_bytes()),
                Place::Syslog { ident, socket } => {
                    let message =
                        format!("<{}>{ident}[{}]: {}", line.syslog(), std::process::id(), line.message);
                    socket.send(message.as_bytes()).map(|_| ())
                }
                Place::Journald { socket } => socket.send(&line.journal()).map(|_| ()),
            };
        }
    }
}

fn open(text: &str) -> Result<Output, String> {
    let mut parts = text.splitn(3, ':');
    let (priority, kind, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let least = Priority::parse(priority)
        .ok_or_else(|| format!("Invalid log priority '{priority}' for log output '{text}'"))?;
    let kind = kind.ok_or_else(|| format!("Malformed format for log output '{text}'"))?;
    let connect = |path: &str| {
        let socket = UnixDatagram::unbound().and_then(|socket| socket.connect(path).map(|()| socket));
        socket.map_err(|e| format!("cannot reach {path}: {e}"))
    };
    let place = match (kind, rest) {
        ("stderr", None) => Place::Stderr,
        ("file", Some(path)) if path.starts_with('/') => Place::File {
            path: path.to_owned(),
            file: OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .map_err(|e| format!("failed to open {path}: {e}"))?,
        },
        ("file", Some(_)) => return Err(format!("Path to log file must be absolute in log output '{text}'")),
        ("syslog", Some(ident)) if !ident.is_empty() => {
            Place::Syslog { ident: ident.to_owned(), socket: connect("/dev/log")? }
        }
        ("journald", None) => Place::Journald { socket: connect("/run/systemd/journal/socket")? },
        ("stderr" | "journald" | "file" | "syslog", _) => {
            return Err(format!("Malformed format for log output '{text}'"));
        }
        (other, _) => return Err(format!("Invalid log destination '{other}' for log output '{text}'")),
    };
    Ok(Output { least, place })
}

impl std::fmt::Display for Outputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.outputs.is_empty() {
            return f.write_str("1:stderr");
        }
        let each: Vec<_> = self
            .outputs
            .iter()
            .map(|o| match &o.place {
                Place::Stderr => format!("{}:stderr", o.least.0),
                Place::File { path, .. } => format!("{}:file:{path}", o.least.0),
                Place::Syslog { ident, .. } => format!("{}:syslog:{ident}", o.least.0),
                Place::Journald { .. } => format!("{}:journald", o.least.0),
            })
            .collect();
        f.write_str(&each.join(" "))
    }
}

impl Line<'_> {
    fn text(&self) -> String {
        format!(
            "{}: {}: {} : {}:{} : {}\n",
            timestamp(SystemTime::now()),
            rustix::thread::gettid().as_raw_nonzero(),
            self.priority.name(),
            self.target,
            self.line,
            self.message
        )
    }

    fn json(&self) -> String {
        let object = serde_json::json!({
            "time": timestamp(SystemTime::now()),
            "priority": self.priority.name(),
            "target": self.target,
            "line": self.line,
            "message": self.message,
        });
        format!("{object}\n")
    }

    fn syslog(&self) -> u8 {
        const DAEMON: u8 = 3 << 3;
        DAEMON
            | match self.priority.0 {
                1 => 7,
                2 => 6,
                3 => 4,
                _ => 3,
            }
    }

    /// The journal's own form: a value that holds an end of line is preceded by its length.
    fn journal(&self) -> Vec<u8> {
        let mut out = format!(
            "PRIORITY={}\nSYSLOG_FACILITY=3\nCODE_FUNC={}\nCODE_LINE={}\nLIBVIRT_SOURCE=util.error\n",
            self.syslog() & 7,
            self.target,
            self.line
        )
        .into_bytes();
        out.extend_from_slice(b"MESSAGE\n");
        out.extend_from_slice(&(self.message.len() as u64).to_le_bytes());
        out.extend_from_slice(self.message.as_bytes());
        out.push(b'\n');
        out
    }
}

/// `2026-11-24 11:20:36.123+0000`.
fn timestamp(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let seconds = since.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!(
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{:03}+0000",
        since.subsec_millis()
    )
}

/// The day so many days after the first of January 1970, counted in years that begin in March.
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_libvirt_writes_them() {
        let at = |seconds: u64| timestamp(UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 7));
        assert_eq!(at(0), "1970-01-01 00:00:00.007+0000");
        assert_eq!(at(1_709_164_800), "2024-02-29 00:00:00.007+0000");
        assert_eq!(at(4_102_444_799), "2099-12-31 23:59:59.007+0000");
    }

    #[test]
    fn outputs_come_back_as_they_were_given() {
        assert_eq!(Outputs::parse("3:stderr", Format::Text).unwrap().to_string(), "3:stderr");
        let wrong = |text| Outputs::parse(text, Format::Text).unwrap_err();
        assert_eq!(wrong("9:x"), "Invalid log priority '9' for log output '9:x'");
        assert_eq!(wrong("1:file:x"), "Path to log file must be absolute in log output '1:file:x'");
        assert_eq!(wrong("1:cloud"), "Invalid log destination 'cloud' for log output '1:cloud'");
        assert_eq!(wrong("1"), "Malformed format for log output '1'");
    }
}
