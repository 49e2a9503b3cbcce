//! libvirt's RPC protocol as values: bytes in, packets out, and back. No sockets, no clock.

pub mod client;
mod error;
mod frame;
mod header;
pub mod keepalive;
pub mod stream;

pub use error::{decode_error, encode_error};
pub use frame::{Deframer, Frame, FrameError};
pub use header::{Header, Kind, Status};

/// No packet is longer than this many bytes, its length word included (`VIR_NET_MESSAGE_MAX`).
pub const MESSAGE_MAX: usize = 32 << 20;
/// Bytes of a header.
pub const HEADER_LEN: usize = 24;
/// No packet brings more descriptors than this.
pub const FDS_MAX: usize = 32;
/// Data packets of a stream are cut to this many bytes, which every peer takes
/// (`VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX`).
pub const STREAM_CHUNK: usize = 262_120;

/// Appends a whole packet: length, header, descriptor count where the kind has one, and what `body` writes.
pub fn write_packet(out: &mut Vec<u8>, header: &Header, fds: usize, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    header.write(out);
    if header.kind.has_fds() {
        out.extend_from_slice(&u32::try_from(fds).unwrap_or(u32::MAX).to_be_bytes());
    }
    body(out);
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}
