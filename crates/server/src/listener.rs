//! A socket that clients connect to.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;

use crate::server::Server;

/// A listening local socket and the server behind it.
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
    server: Arc<Server>,
    read_only: bool,
}

impl Listener {
    /// A listening socket whose clients may do everything, or only look.
    pub fn new(fd: OwnedFd, server: Arc<Server>, read_only: bool) -> Self {
        Listener { fd, server, read_only }
    }

    /// Takes connections for ever.
    ///
    /// # Errors
    /// When the socket cannot be waited for.
    pub async fn run(self) -> std::io::Result<()> {
        let listener = std::os::unix::net::UnixListener::from(self.fd);
        listener.set_nonblocking(true)?;
        let listener = UnixListener::from_std(listener)?;
        loop {
            // a server that is full leaves connections in the kernel's queue, as libvirt does
            while !self.server.has_room() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            match listener.accept().await.and_then(|(stream, _)| stream.into_std()) {
                Ok(client) => self.server.accept(client.into(), self.read_only),
                Err(e) => {
                    // out of descriptors or memory: those connected go on, new ones wait
                    tracing::error!("cannot accept a connection: {e}");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }
}
