//! The functions that send and receive all.

use std::ffi::{c_int, c_void};

use virtus::constants::VIR_STREAM_RECV_STOP_AT_HOLE;
use virtus::{ErrorCode, Result};

use super::{
    Got, Stream, virStreamSinkFunc, virStreamSinkHoleFunc, virStreamSourceFunc, virStreamSourceHoleFunc,
    virStreamSourceSkipFunc,
};
use crate::arg::Arg;
use crate::call::Call;
use crate::declare::exports;
use crate::handle::Of;

/// How much is handed on at once.
pub(super) const CHUNK: usize = 262_120;

exports! {
    header STREAM, errors STREAMS;

    "0.7.2" fn virStreamSendAll[call](stream: Of<Stream>, handler: virStreamSourceFunc, opaque: *mut c_void) -> ()
        = or_abort(call, &stream, "data sources", || send_all(call, &stream, handler, None, opaque));
    "0.7.2" fn virStreamRecvAll[call](stream: Of<Stream>, handler: virStreamSinkFunc, opaque: *mut c_void) -> ()
        = or_abort(call, &stream, "data sinks", || recv_all(call, &stream, handler, None, opaque));
    "3.4.0" fn virStreamSparseSendAll[call](
        stream: Of<Stream>, handler: virStreamSourceFunc, holeHandler: virStreamSourceHoleFunc,
        skipHandler: virStreamSourceSkipFunc, opaque: *mut c_void
    ) -> () = or_abort(call, &stream, "data sources", || {
        send_all(call, &stream, handler, Some((holeHandler, skipHandler)), opaque)
    });
    "3.4.0" fn virStreamSparseRecvAll[call](
        stream: Of<Stream>, handler: virStreamSinkFunc, holeHandler: virStreamSinkHoleFunc, opaque: *mut c_void
    ) -> () = or_abort(call, &stream, "data sinks", || {
        recv_all(call, &stream, handler, Some(holeHandler), opaque)
    });
}

/// Functions of C's that must be there.
macro_rules! functions {
    ($($type:ident)*) => {$(
        impl Arg for $type {
            type C = $type;

            // SAFETY: what callers keep to is said where the method is declared
            unsafe fn take(c: $type, call: &mut Call, name: &str) -> Result<Self> {
                if c.0.is_none() { Err(call.wrong(name, "must not be NULL")) } else { Ok(c) }
            }
        }
    )*};
}

functions! {
    virStreamSourceFunc
    virStreamSourceHoleFunc
    virStreamSourceSkipFunc
    virStreamSinkFunc
    virStreamSinkHoleFunc
}

/// Does it with a stream that waits, and breaks that off if it fails.
fn or_abort(call: &Call, stream: &Stream, what: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let done = match stream.waits() {
        true => work(),
        false => {
            let text = format!("{what} cannot be used for non-blocking streams");
            Err(call.error(ErrorCode::OPERATION_INVALID, text))
        }
    };
    if done.is_err() {
        let _ = stream.abort();
    }
    done
}

/// Calls a function of C's, of which a negative answer is a failure that `errno` tells the reason of.
fn ask(call: &Call, what: &str, function: impl FnOnce() -> c_int) -> Result<usize> {
    // SAFETY: it is this thread's own
    unsafe { *libc::__errno_location() = 0 };
    usize::try_from(function()).map_err(|_| {
        let why = match std::io::Error::last_os_error() {
            none if none.raw_os_error() == Some(0) => std::io::Error::from_raw_os_error(libc::EIO),
            why => why,
        };
        virtus::Error::system(call.errors, format!("{what} failed"), &why)
    })
}

fn send_all(
    call: &Call,
    stream: &Of<Stream>,
    source: virStreamSourceFunc,
    holes: Option<(virStreamSourceHoleFunc, virStreamSourceSkipFunc)>,
    opaque: *mut c_void,
) -> Result<()> {
    let mut buffer = vec![0_u8; CHUNK];
    // how much of what is next are bytes; without holes nobody says
    let mut section: usize = 0;
    loop {
        if let Some((hole, skip)) = holes.filter(|_| section == 0) {
            let (mut in_data, mut length) = (0, 0_i64);
            ask(call, "send holeHandler", || {
                // SAFETY: C has given it to be called so
                hole.0.map_or(-1, |hole| unsafe {
                    hole(stream.as_c(), &raw mut in_data, &raw mut length, opaque)
                })
            })?;
            if in_data == 0 && length > 0 {
                stream.send_hole(length, 0)?;
                ask(call, "send skipHandler", || {
                    // SAFETY: C has given it to be called so
                    skip.0.map_or(-1, |skip| unsafe { skip(stream.as_c(), length, opaque) })
                })?;
                continue;
            }
            section = usize::try_from(length).unwrap_or_default();
        }
        let want = if holes.is_some() { section.min(CHUNK) } else { CHUNK };
        let got = ask(call, "send handler", || {
            // SAFETY: C has given it to be called so; there is room for as much
            source.0.map_or(-1, |source| unsafe {
                source(stream.as_c(), buffer.as_mut_ptr().cast(), want, opaque)
            })
        })?;
        if got == 0 {
            return Ok(());
        }
        stream.send(buffer.get(..got.min(want)).unwrap_or_default())?;
        section = section.saturating_sub(got);
    }
}

fn recv_all(
    call: &Call,
    stream: &Of<Stream>,
    sink: virStreamSinkFunc,
    holes: Option<virStreamSinkHoleFunc>,
    opaque: *mut c_void,
) -> Result<()> {
    let mut buffer = vec![0_u8; CHUNK];
    let (function, flags) = match holes {
        Some(_) => ("virStreamRecvFlags", VIR_STREAM_RECV_STOP_AT_HOLE),
        None => ("virStreamRecv", 0),
    };
    loop {
        match stream.recv(function, || &mut buffer, flags)? {
            Got::Bytes(0) => return Ok(()),
            Got::Bytes(count) => {
                let mut rest = buffer.get(..count).unwrap_or_default();
                while !rest.is_empty() {
                    let taken = ask(call, "recv handler", || {
                        // SAFETY: C has given it to be called so
                        sink.0.map_or(-1, |sink| unsafe {
                            sink(stream.as_c(), rest.as_ptr().cast(), rest.len(), opaque)
                        })
                    })?;
                    rest = rest.get(taken..).unwrap_or_default();
                }
            }
            Got::Hole => {
                let length = stream.recv_hole(0)?;
                ask(call, "recv holeHandler", || {
                    // SAFETY: C has given it to be called so
                    holes
                        .and_then(|holes| holes.0)
                        .map_or(-1, |holes| unsafe { holes(stream.as_c(), length, opaque) })
                })?;
            }
            Got::Nothing => {}
        }
    }
}
