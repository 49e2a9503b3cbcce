//! The functions as C calls them.

use std::ffi::{CStr, c_int, c_void};
use std::ptr::{null, null_mut};

use crate::ctype::Char;
use crate::object::{virConnect, virDomain};
use crate::*;

pub(crate) fn c(text: &'static CStr) -> *const Char {
    text.as_ptr().cast()
}

/// A text that the caller frees.
pub(crate) fn take(text: *mut Char) -> String {
    assert!(!text.is_null());
    // SAFETY: it came from a function that gives texts to be freed
    unsafe {
        let copy = CStr::from_ptr(text.cast()).to_str().unwrap().to_owned();
        libc::free(text.cast());
        copy
    }
}

/// What the thread's last error says.
pub(crate) fn said() -> (c_int, c_int, String) {
    // SAFETY: the thread's own
    unsafe {
        let error = virGetLastError();
        assert!(!error.is_null());
        let text = CStr::from_ptr((*error).message.cast()).to_str().unwrap().to_owned();
        ((*error).code, (*error).domain, text)
    }
}

unsafe extern "C" fn quiet(_: *mut c_void, _: *mut virError) {}

/// A connection to the host that is in memory.
pub(crate) fn open() -> *mut virConnect {
    // SAFETY: good arguments
    unsafe {
        virSetErrorFunc(null_mut(), virErrorFunc(Some(quiet)));
        let conn = virConnectOpen(c(c"test:///default"));
        assert!(!conn.is_null());
        conn
    }
}

#[test]
fn wrong_handles_and_arguments_are_refused() {
    let conn = open();
    // SAFETY: what is wrong is what is refused
    unsafe {
        assert!(virDomainGetName(null_mut()).is_null());
        assert_eq!(said(), (7, 6, "invalid domain pointer in virDomainGetName".to_owned()));
        // of another kind, and one that is no handle at all
        assert!(virDomainGetName(conn.cast()).is_null());
        let mut place = 0_u64;
        assert!(virDomainGetName((&raw mut place).cast()).is_null());
        assert!(virDomainLookupByName(conn, null()).is_null());
        assert_eq!(said(), (8, 20, "name in virDomainLookupByName must not be NULL".to_owned()));
        let on_connection = virConnGetLastError(conn);
        assert_eq!((*on_connection).code, 8);
        assert_eq!(virConnectClose(conn), 0);
        assert_eq!(virConnectClose(conn), -1);
        assert_eq!(said(), (6, 0, "invalid connection pointer in virConnectClose".to_owned()));
    }
}

#[test]
fn children_keep_their_connection() {
    let conn = open();
    // SAFETY: good arguments
    unsafe {
        let domain = virDomainLookupByName(conn, c(c"test"));
        assert_eq!(virConnectClose(conn), 1);
        assert_eq!(virDomainGetConnect(domain), conn);
        assert_eq!(CStr::from_ptr(virDomainGetName(domain).cast()), c"test");
        assert!(take(virDomainGetXMLDesc(domain, 0)).contains("<name>test</name>"));
        assert_eq!(virDomainRef(domain), 0);
        assert_eq!(virDomainFree(domain), 0);
        assert_eq!(virDomainFree(domain), 0);
        assert_eq!(virDomainFree(domain), -1);
        assert_eq!(virConnectClose(conn), -1);
    }
}

#[test]
fn lists_end_with_null() {
    let conn = open();
    // SAFETY: good arguments
    unsafe {
        let mut list: *mut *mut virDomain = null_mut();
        let count = virConnectListAllDomains(conn, &raw mut list, 0);
        assert!(count >= 1);
        let count = usize::try_from(count).unwrap();
        assert!((*list.add(count)).is_null());
        for place in 0..count {
            assert_eq!(virDomainFree(*list.add(place)), 0);
        }
        libc::free(list.cast());
        assert_eq!(virConnectListAllDomains(conn, null_mut(), 0), c_int::try_from(count).unwrap());
        assert_eq!(virConnectClose(conn), 0);
    }
}

#[test]
fn a_connection_that_only_looks_changes_nothing() {
    open();
    // SAFETY: good arguments
    unsafe {
        let conn = virConnectOpenReadOnly(c(c"test:///default"));
        let domain = virDomainLookupByName(conn, c(c"test"));
        assert_eq!(virDomainSuspend(domain), -1);
        let text = "operation forbidden: read only access prevents virDomainSuspend";
        assert_eq!(said(), (29, 20, text.to_owned()));
        assert_eq!(virDomainFree(domain), 0);
        assert_eq!(virConnectClose(conn), 0);
    }
}

#[test]
fn the_last_error_is_the_threads_own() {
    open();
    // SAFETY: good arguments
    unsafe {
        virDomainGetName(null_mut());
        let saved = virSaveLastError();
        let other = std::thread::spawn(|| virGetLastError().is_null()).join().unwrap();
        assert!(other);
        virResetLastError();
        assert!(virGetLastError().is_null());
        assert_eq!(CStr::from_ptr(virGetLastErrorMessage().cast()), c"no error");
        assert_eq!((*saved).code, 7);
        virFreeError(saved);
    }
}

#[test]
fn every_function_is_declared_once_and_in_c() {
    let mut names: Vec<_> = exports().map(|export| export.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    let of = |name: &str| exports().find(|export| export.name == name).unwrap();
    let lookup = of("virDomainLookupByName");
    assert_eq!(
        lookup.prototype(),
        "virDomainPtr virDomainLookupByName(virConnectPtr conn, const char *name)"
    );
    assert_eq!(lookup.node(), "LIBVIRT_0.0.3");
    assert_eq!(of("virGetLastError").prototype(), "virErrorPtr virGetLastError(void)");
}
