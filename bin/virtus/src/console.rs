//! A guest's console on the user's terminal.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use virtus::calls::Remote;
use virtus::constants::VIR_DOMAIN_SHUTOFF;
use virtus::{DomainRef, Error, ErrorCode, ErrorDomain, Piece, Stream};

use crate::shell::{OrSay, Outcome, Shell, extra, fail};
use crate::state;

/// How long the terminal is waited for before signals are looked at.
const PULSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 250_000_000 };

/// Connects the terminal to a device of a domain until the escape character is typed or the device is gone.
///
/// # Errors
/// The domain does not run, there is no terminal, or the daemon's.
pub(crate) fn run(
    shell: &mut Shell,
    domain: &DomainRef,
    device: Option<&str>,
    resume: bool,
    flags: u32,
) -> Outcome {
    let (now, _) = state::of(shell, domain).or_say("Unable to get domain status")?;
    if now == VIR_DOMAIN_SHUTOFF {
        fail!("The domain is not running");
    }
    if !shell.terminal.is_there() {
        fail!("Cannot run interactive console without a controlling TTY");
    }
    let request = Remote::domain_open_console(domain.clone(), device.map(str::to_owned), flags);
    let ((), stream) = shell.connection()?.open_stream(request)?;
    let escape = shell.escape.clone();
    extra!(shell, "Connected to domain '{}'\n", domain.name);
    extra!(shell, "Escape character is {escape}");
    if let Some(letter) = escape.strip_prefix('^') {
        extra!(shell, " (Ctrl + {letter})");
    }
    extra!(shell, "\n");
    shell.flush();
    // the terminal is to be given back whatever ends us
    let ended = Arc::new(AtomicBool::new(false));
    let handlers: Vec<_> = [SIGQUIT, SIGTERM, SIGINT, SIGHUP]
        .into_iter()
        .filter_map(|signal| signal_hook::flag::register(signal, ended.clone()).ok())
        .collect();
    let terminal = shell.terminal.clone();
    let outcome = match terminal.raw() {
        Ok(()) => {
            let resumed = match resume {
                true => shell
                    .call(Remote::domain_resume(domain.clone()))
                    .or_say(format_args!("Failed to resume domain '{}'", domain.name)),
                false => Ok(()),
            };
            resumed.and_then(|()| relay(shell, stream, escape_byte(&escape), &ended))
        }
        Err(error) => Err(crate::shell::Failure::new(format_args!("unable to set tty attributes: {error}"))),
    };
    terminal.restore();
    for handler in handlers {
        signal_hook::low_level::unregister(handler);
    }
    outcome
}

/// The byte that a way of writing it means.
fn escape_byte(escape: &str) -> u8 {
    match escape.as_bytes() {
        [b'^', letter, ..] => letter.to_ascii_uppercase() ^ 0x40,
        [byte, ..] => *byte,
        [] => 0x1d,
    }
}

/// Carries bytes both ways.
fn relay(shell: &mut Shell, stream: Stream, escape: u8, ended: &AtomicBool) -> Outcome {
    let connection = shell.connection()?.clone();
    let mut typed = [0; 1024];
    loop {
        while let Some(piece) = stream.try_recv_piece()? {
            match piece {
                None => return Ok(stream.finish()?),
                Some(Piece::Data(bytes)) => shell.write(&bytes),
                Some(Piece::Hole(_)) => {}
            }
        }
        if ended.load(Ordering::Relaxed) {
            return Ok(stream.abort()?);
        }
        let stdin = io::stdin();
        let mut ready =
            [PollFd::new(&stdin, PollFlags::IN), PollFd::from_borrowed_fd(connection.as_fd(), PollFlags::IN)];
        match poll(&mut ready, Some(&PULSE)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                return Err(
                    Error::system(ErrorDomain::NONE, "cannot wait for the terminal", &error.into()).into()
                );
            }
        }
        if !ready[0].revents().is_empty() {
            let read = rustix::io::read(&stdin, &mut typed);
            match read {
                Ok(0) => {
                    let error = Error::new(ErrorDomain::NONE, ErrorCode::INTERNAL_ERROR, "EOF on stdin");
                    return Err(error.into());
                }
                Ok(count) => {
                    let bytes = typed.get(..count).unwrap_or_default();
                    if bytes.first() == Some(&escape) {
                        return Ok(stream.finish()?);
                    }
                    stream.send(bytes)?;
                }
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                Err(error) => {
                    return Err(
                        Error::system(ErrorDomain::NONE, "cannot read from stdin", &error.into()).into()
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::escape_byte;

    #[test]
    fn carets_mean_control() {
        assert_eq!(escape_byte("^]"), 0x1d);
        assert_eq!(escape_byte("^a"), 1);
        assert_eq!(escape_byte("~"), b'~');
    }
}
