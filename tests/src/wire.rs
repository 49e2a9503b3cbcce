//! A peer that says what it likes on the daemon's socket.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::{Outcome, ensure, world::SOCKET};

const PROGRAM: u32 = 0x2000_8086;

/// A connection with nobody's manners.
#[derive(Debug)]
pub struct Peer(UnixStream);

impl Peer {
    /// Connects and says nothing.
    ///
    /// # Errors
    /// That the daemon does not listen.
    pub fn connect() -> Outcome<Self> {
        let stream = UnixStream::connect(SOCKET)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.set_write_timeout(Some(Duration::from_secs(5)))?;
        Ok(Peer(stream))
    }

    /// Sends bytes as they are, and says whether the other side took them: it may hang up, or not read.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    /// Sends a packet: `head` is program, version, procedure, type, serial, status.
    pub fn packet(&mut self, head: [u32; 6], body: &[u8]) -> bool {
        let length = u32::try_from(28 + body.len()).unwrap_or(u32::MAX);
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend(head.iter().flat_map(|n| n.to_be_bytes()));
        bytes.extend(body);
        self.send(&bytes)
    }

    /// Calls a procedure of the remote program.
    pub fn call(&mut self, procedure: u32, body: &[u8]) -> bool {
        self.packet([PROGRAM, 1, procedure, 0, 1, 0], body)
    }

    /// One packet back: its status (0 well, 1 an error) and body.
    ///
    /// # Errors
    /// That the connection was closed instead.
    pub fn answer(&mut self) -> Outcome<(u32, Vec<u8>)> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        ensure!((28..1 << 26).contains(&length), "a packet of {length} bytes");
        let mut packet = vec![0; length as usize - 4];
        self.0.read_exact(&mut packet)?;
        let status = packet.get(20..24).and_then(|b| b.try_into().ok()).map_or(u32::MAX, u32::from_be_bytes);
        Ok((status, packet.get(24..).unwrap_or_default().to_vec()))
    }

    /// Opens `qemu:///system`, as every client does first.
    ///
    /// # Errors
    /// That it was refused.
    pub fn open(&mut self) -> Outcome {
        let name = b"qemu:///system\0\0";
        let mut body = vec![0, 0, 0, 1, 0, 0, 0, 14];
        body.extend_from_slice(name);
        body.extend_from_slice(&[0; 4]);
        self.call(66, &[]);
        self.answer()?;
        self.call(1, &body);
        let (status, body) = self.answer()?;
        ensure!(status == 0, "open refused: {}", String::from_utf8_lossy(&body));
        Ok(())
    }

    /// Whether the daemon closed the connection (after whatever it still said).
    #[must_use]
    pub fn closed(mut self) -> bool {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(e) => e.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}
