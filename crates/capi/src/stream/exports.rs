//! The functions that send and receive once.

use std::ffi::{c_int, c_uint, c_void};

use virtus::Result;

use super::all::CHUNK;
use super::{Got, Stream, virStreamEventCallback};
use crate::arg::{Arg, In, Out};
use crate::call::Call;
use crate::connect::Connect;
use crate::ctype::Char;
use crate::declare::exports;
use crate::error::Opaque;
use crate::event::{Callback, virFreeCallback};
use crate::handle::{Held, Of};
use crate::ret::{Ret, gone};

exports! {
    header STREAM, errors STREAMS;

    "0.7.2" fn virStreamNew[call](conn: Of<Connect>, flags: c_uint) -> Held<Stream>
        = Ok(Held::new(Stream::new(conn.hold().ok_or_else(|| gone(call))?, flags)));
    "0.7.2" fn virStreamRef(stream: Of<Stream>) -> () = stream.add();
    "0.7.2" fn virStreamFree(stream: Of<Stream>) -> () = stream.free();
    "0.7.2" fn virStreamSend[call](stream: Of<Stream>, data: Bytes, nbytes: usize) -> c_int = {
        // SAFETY: the caller has so many
        stream.send(unsafe { data.values(nbytes, call)? })?;
        Ok(c_int::try_from(nbytes).unwrap_or(c_int::MAX))
    };
    "3.4.0" fn virStreamSendHole(stream: Of<Stream>, length: i64, flags: c_uint) -> ()
        = stream.send_hole(length, flags);
    "0.7.2" fn virStreamRecv[call](stream: Of<Stream>, data: Out<Char>, nbytes: usize) -> Got
        // SAFETY: the API says that there is room for so many
        = stream.recv(call.function, || unsafe { room(&data, nbytes) }, 0);
    "3.4.0" fn virStreamRecvFlags[call](stream: Of<Stream>, data: Out<Char>, nbytes: usize, flags: c_uint) -> Got
        // SAFETY: the API says that there is room for so many
        = stream.recv(call.function, || unsafe { room(&data, nbytes) }, flags);
    "3.4.0" fn virStreamRecvHole(stream: Of<Stream>, length: Out<i64>, flags: c_uint) -> ()
        = Ok(length.put(stream.recv_hole(flags)?));
    "0.7.2" fn virStreamFinish(stream: Of<Stream>) -> () = stream.finish();
    "0.7.2" fn virStreamAbort(stream: Of<Stream>) -> () = stream.abort();

    "0.7.2" fn virStreamEventAddCallback(
        stream: Of<Stream>, events: c_int, cb: virStreamEventCallback, opaque: *mut c_void, ff: virFreeCallback
    ) -> () = Stream::add_watcher(&stream, events, Callback { function: cb, opaque: Opaque(opaque), free: ff });
    "0.7.2" fn virStreamEventUpdateCallback(stream: Of<Stream>, events: c_int) -> () = stream.update_watcher(events);
    "0.7.2" fn virStreamEventRemoveCallback(stream: Of<Stream>) -> () = stream.remove_watcher();
}

impl Arg for virStreamEventCallback {
    type C = virStreamEventCallback;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self, _: &mut Call, _: &str) -> Result<Self> {
        Ok(c)
    }
}

impl Ret for Got {
    type C = c_int;
    const FAILURE: c_int = -1;
    fn give(self, _: &Call) -> Result<c_int> {
        Ok(match self {
            Got::Bytes(count) => c_int::try_from(count).unwrap_or(c_int::MAX),
            Got::Nothing => -2,
            Got::Hole => -3,
        })
    }
}

/// Bytes that must be there.
#[derive(Debug)]
pub(crate) struct Bytes(In<Char>);

impl Arg for Bytes {
    type C = *const Char;

    // SAFETY: what callers keep to is said where the method is declared
    unsafe fn take(c: Self::C, call: &mut Call, name: &str) -> Result<Self> {
        if c.is_null() {
            return Err(call.wrong(name, "must not be NULL"));
        }
        // SAFETY: as the caller promises
        unsafe { In::take(c, call, name).map(Bytes) }
    }
}

impl Bytes {
    /// # Safety
    /// They are so many.
    unsafe fn values(&self, count: usize, call: &Call) -> Result<&[u8]> {
        // SAFETY: as the caller promises
        let chars = unsafe { self.0.values(count, call, "data")? };
        // SAFETY: a character is a byte
        Ok(unsafe { std::slice::from_raw_parts(chars.as_ptr().cast(), chars.len()) })
    }
}

/// Room for so many bytes, made of zeros: the caller may not have written any yet.
///
/// # Safety
/// There is room for so many, which nobody else touches.
unsafe fn room<'a>(data: &Out<Char>, size: usize) -> &'a mut [u8] {
    // no more than one piece of a stream comes at once
    let size = size.min(CHUNK);
    let start = data.many().as_ptr().cast::<u8>();
    // SAFETY: as the caller promises
    unsafe {
        start.write_bytes(0, size);
        std::slice::from_raw_parts_mut(start, size)
    }
}
