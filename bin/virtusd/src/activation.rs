//! What a service manager hands over and wants to hear, without a library of its.

use std::os::fd::{FromRawFd, OwnedFd};

use crate::sockets::{Kind, Socket};

/// The first descriptor a service manager hands over.
const FIRST_FD: i32 = 3;

/// The listening sockets the service manager opened for us (`LISTEN_FDS`).
#[allow(unsafe_code)]
pub(crate) fn inherited() -> std::io::Result<Vec<Socket>> {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u32>().ok());
    let ours = number("LISTEN_PID") == Some(std::process::id());
    let count = number("LISTEN_FDS").filter(|_| ours).unwrap_or(0);
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut sockets = Vec::new();
    for i in 0..i32::try_from(count).unwrap_or(0) {
        // SAFETY: the service manager left these descriptors open for this process, and nothing else here
        // knows of them.
        let fd = unsafe { OwnedFd::from_raw_fd(FIRST_FD + i) };
        rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)?;
        let name = names.split(':').nth(usize::try_from(i).unwrap_or(usize::MAX)).unwrap_or_default();
        let path = rustix::net::getsockname(&fd).ok().map(|a| format!("{a:?}")).unwrap_or_default();
        let says = |word: &str| name.contains(word) || path.contains(word);
        let kind = match (says("-ro"), says("-admin")) {
            (_, true) => Kind::Admin,
            (true, false) => Kind::ReadOnly,
            (false, false) => Kind::ReadWrite,
        };
        sockets.push(Socket { fd, path: None, kind });
    }
    Ok(sockets)
}

/// Tells the service manager how we are, where there is one (`NOTIFY_SOCKET`).
pub(crate) fn notify(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let Ok(socket) = std::os::unix::net::UnixDatagram::unbound() else { return };
    let name = path.as_encoded_bytes();
    let sent = match name.strip_prefix(b"@") {
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            std::os::unix::net::SocketAddr::from_abstract_name(name)
                .and_then(|address| socket.send_to_addr(state.as_bytes(), &address))
        }
        None => socket.send_to(state.as_bytes(), &path),
    };
    if let Err(e) = sent {
        tracing::debug!("cannot notify the service manager: {e}");
    }
}

/// Goes to the background: away from the terminal, with a session of its own.
#[allow(unsafe_code)]
pub(crate) fn detach() -> std::io::Result<()> {
    // SAFETY: there is one thread so far, so the child is a whole process.
    match unsafe { libc::fork() } {
        -1 => Err(std::io::Error::last_os_error()),
        0 => {
            rustix::process::setsid()?;
            let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
            rustix::stdio::dup2_stdin(&null)?;
            rustix::stdio::dup2_stdout(&null)?;
            rustix::stdio::dup2_stderr(&null)?;
            Ok(())
        }
        _ => std::process::exit(0),
    }
}
