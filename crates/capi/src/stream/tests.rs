//! Streams as C uses them.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use crate::ctype::Char;
use crate::object::virStream;
use crate::tests::{c, open, said, take};
use crate::*;

unsafe extern "C" fn count(
    _: *mut virStream,
    data: *const Char,
    nbytes: usize,
    opaque: *mut c_void,
) -> c_int {
    assert!(!data.is_null());
    // SAFETY: it is the counter that was given
    unsafe { *opaque.cast::<usize>() += nbytes };
    c_int::try_from(nbytes).unwrap()
}

unsafe extern "C" fn refuse(_: *mut virStream, _: *const Char, _: usize, _: *mut c_void) -> c_int {
    -1
}

#[test]
fn a_picture_comes_at_once_or_bit_by_bit() {
    let conn = open();
    // SAFETY: good arguments
    unsafe {
        let dom = virDomainLookupByName(conn, c(c"test"));
        let stream = virStreamNew(conn, 0);
        assert_eq!(take(virDomainScreenshot(dom, stream, 0, 0)), "image/png");
        let mut all = 0_usize;
        let counter = (&raw mut all).cast();
        assert_eq!(virStreamRecvAll(stream, virStreamSinkFunc(Some(count)), counter), 0);
        assert_eq!(virStreamFinish(stream), 0);

        assert_eq!(take(virDomainScreenshot(dom, stream, 0, 0)), "image/png");
        let (mut some, mut buffer) = (0, [Char(0); 100]);
        loop {
            match virStreamRecv(stream, buffer.as_mut_ptr(), buffer.len()) {
                0 => break,
                got => some += usize::try_from(got).unwrap(),
            }
        }
        assert_eq!((some, virStreamFinish(stream)), (all, 0));
        assert_eq!(virStreamRecv(stream, buffer.as_mut_ptr(), 1), -1);
        assert_eq!(said(), (9, 7, "operation failed: stream is closed".to_owned()));

        assert_eq!(take(virDomainScreenshot(dom, stream, 0, 0)), "image/png");
        assert_eq!(virStreamRecvAll(stream, virStreamSinkFunc(Some(refuse)), null_mut()), -1);
        assert_eq!(said().2, "recv handler failed: Input/output error");
        assert_eq!((virStreamFree(stream), virStreamFree(stream)), (0, -1));
        assert_eq!((virDomainFree(dom), virConnectClose(conn)), (0, 0));
    }
}

#[test]
fn a_stream_of_another_connection_is_refused() {
    let (conn, other) = (open(), open());
    // SAFETY: good arguments
    unsafe {
        let dom = virDomainLookupByName(conn, c(c"test"));
        let stream = virStreamNew(other, 0);
        assert!(virDomainScreenshot(dom, stream, 0, 0).is_null());
        assert_eq!(said(), (8, 20, "stream must match connection of domain 'test'".to_owned()));
        assert_eq!(virStreamSend(stream, c(c"x"), 1), -1);
        let text = "this function is not supported by the connection driver: virStreamSend";
        assert_eq!(said(), (3, 38, text.to_owned()));
        // it keeps its connection
        assert_eq!((virConnectClose(other), virStreamFree(stream)), (1, 0));
        assert_eq!((virDomainFree(dom), virConnectClose(conn)), (0, 0));
    }
}
