//! Callbacks as C registers them, with the loop that comes with the library.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::object::{virConnect, virDomain};
use crate::tests::{c, said};
use crate::*;

/// What a callback has seen.
#[derive(Default)]
struct Seen {
    told: AtomicI32,
    last: AtomicI32,
    given_up: AtomicI32,
    id: AtomicI32,
}

impl Seen {
    fn opaque(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// # Safety
    /// It is the one that was given.
    unsafe fn of<'a>(opaque: *mut c_void) -> &'a Seen {
        // SAFETY: as the caller promises
        unsafe { &*opaque.cast::<Seen>() }
    }

    /// Waits until it was given up: another test's thread may be the one that runs the loop.
    fn gone(&self) {
        while self.given_up.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        assert_eq!(self.given_up.load(Ordering::SeqCst), 1);
    }

    /// Runs the loop until so many were told.
    fn until(&self, told: c_int) {
        // the loop is the process's: a round must end also when another test's thread has told what we wait for
        let nothing = (virEventTimeoutCallback(None), virFreeCallback(None));
        // SAFETY: good arguments
        unsafe {
            let timer = virEventAddTimeout(1, nothing.0, null_mut(), nothing.1);
            while self.told.load(Ordering::SeqCst) < told {
                assert_eq!(virEventRunDefaultImpl(), 0);
            }
            assert_eq!(virEventRemoveTimeout(timer), 0);
        }
    }
}

unsafe extern "C" fn life(
    conn: *mut virConnect,
    dom: *mut virDomain,
    event: c_int,
    _: c_int,
    opaque: *mut c_void,
) -> c_int {
    // SAFETY: it is the one that was given; handles are good for the time of the call
    unsafe {
        assert_eq!(virDomainGetConnect(dom), conn);
        let seen = Seen::of(opaque);
        seen.last.store(event, Ordering::SeqCst);
        seen.told.fetch_add(1, Ordering::SeqCst);
    }
    0
}

/// Wants to hear no more once it has heard something.
unsafe extern "C" fn once(
    conn: *mut virConnect,
    dom: *mut virDomain,
    event: c_int,
    detail: c_int,
    opaque: *mut c_void,
) -> c_int {
    // SAFETY: it is the one that was given
    unsafe {
        let seen = Seen::of(opaque);
        assert_eq!(virConnectDomainEventDeregisterAny(conn, seen.id.load(Ordering::SeqCst)), 0);
        // it is not given up while it is called
        assert_eq!(seen.given_up.load(Ordering::SeqCst), 0);
        life(conn, dom, event, detail, opaque)
    }
}

unsafe extern "C" fn give_up(opaque: *mut c_void) {
    // SAFETY: it is the one that was given
    unsafe { Seen::of(opaque) }.given_up.fetch_add(1, Ordering::SeqCst);
}

fn generic(
    function: unsafe extern "C" fn(*mut virConnect, *mut virDomain, c_int, c_int, *mut c_void) -> c_int,
) -> virConnectDomainEventGenericCallback {
    // SAFETY: as C's macro does it; it is called as what it is
    unsafe { std::mem::transmute(function) }
}

/// A host of its own, with a domain.
fn host() -> (*mut virConnect, *mut virDomain) {
    crate::tests::open();
    let path = std::env::temp_dir().join(format!(
        "virtus-capi-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    let xml = "<node><domain type='test'><name>own</name><memory>1024</memory><os><type>hvm</type></os></domain></node>";
    std::fs::write(&path, xml).unwrap();
    let uri = std::ffi::CString::new(format!("test://{}", path.display())).unwrap();
    // SAFETY: good arguments
    unsafe {
        assert_eq!(virEventRegisterDefaultImpl(), 0);
        let conn = virConnectOpen(uri.as_ptr().cast());
        std::fs::remove_file(&path).unwrap();
        assert!(!conn.is_null(), "{:?}", said());
        (conn, virDomainLookupByName(conn, c(c"own")))
    }
}

#[test]
fn events_come_from_the_loop_until_they_are_not_wanted() {
    let (conn, dom) = host();
    let seen = Seen::default();
    let free = virFreeCallback(Some(give_up));
    // SAFETY: good arguments
    unsafe {
        let id = virConnectDomainEventRegisterAny(conn, null_mut(), 0, generic(life), seen.opaque(), free);
        assert_eq!(id, 0);
        let again = virConnectDomainEventRegisterAny(conn, null_mut(), 0, generic(life), seen.opaque(), free);
        assert_eq!(again, -1);
        assert_eq!(said().2, "invalid argument: event callback already tracked");
        assert_eq!(virDomainSuspend(dom), 0);
        seen.until(1);
        assert_eq!(seen.last.load(Ordering::SeqCst), 3);
        assert_eq!(virConnectDomainEventDeregisterAny(conn, id), 0);
        seen.gone();
        assert_eq!(virConnectDomainEventDeregisterAny(conn, id), -1);
        assert_eq!(said().2, "invalid argument: could not find event callback 0 for deletion");
        assert_eq!(virDomainFree(dom), 0);
        assert_eq!(virConnectClose(conn), 0);
    }
}

#[test]
fn a_callback_may_deregister_itself() {
    let (conn, dom) = host();
    let seen = Seen::default();
    let free = virFreeCallback(Some(give_up));
    // SAFETY: good arguments
    unsafe {
        let id = virConnectDomainEventRegisterAny(conn, dom, 0, generic(once), seen.opaque(), free);
        seen.id.store(id, Ordering::SeqCst);
        assert_eq!(virDomainSuspend(dom), 0);
        assert_eq!(virDomainResume(dom), 0);
        seen.until(1);
        seen.gone();
        assert_eq!(seen.told.load(Ordering::SeqCst), 1);
        assert_eq!(virDomainFree(dom), 0);
        assert_eq!(virConnectClose(conn), 0);
    }
}

#[test]
fn who_registers_without_a_number_deregisters_without_one() {
    let (conn, dom) = host();
    let seen = Seen::default();
    let function = virConnectDomainEventCallback(Some(life));
    let free = virFreeCallback(Some(give_up));
    // SAFETY: good arguments
    unsafe {
        assert_eq!(virConnectDomainEventRegister(conn, function, seen.opaque(), free), 0);
        assert_eq!(virConnectDomainEventRegister(conn, function, seen.opaque(), free), -1);
        // a callback keeps its connection
        assert_eq!(virConnectRef(conn), 0);
        assert_eq!(virConnectClose(conn), 1);
        assert_eq!(virDomainDestroy(dom), 0);
        seen.until(1);
        assert_eq!(virConnectDomainEventDeregister(conn, function), 0);
        seen.gone();
        assert_eq!(virDomainFree(dom), 0);
        assert_eq!(virConnectClose(conn), 0);
    }
}

unsafe extern "C" fn tick(timer: c_int, opaque: *mut c_void) {
    // SAFETY: it is the one that was given
    unsafe {
        let seen = Seen::of(opaque);
        if seen.told.fetch_add(1, Ordering::SeqCst) == 1 {
            virEventRemoveTimeout(timer);
        }
    }
}

unsafe extern "C" fn readable(watch: c_int, fd: c_int, events: c_int, opaque: *mut c_void) {
    // SAFETY: it is the one that was given
    unsafe {
        let seen = Seen::of(opaque);
        seen.last.store(events, Ordering::SeqCst);
        seen.told.fetch_add(1, Ordering::SeqCst);
        assert_eq!(libc::read(fd, [0_u8; 8].as_mut_ptr().cast(), 1), 1);
        virEventRemoveHandle(watch);
    }
}

#[test]
fn timers_and_descriptors_are_given_up_after_their_last_call() {
    // SAFETY: good arguments
    unsafe { assert_eq!(virEventRegisterDefaultImpl(), 0) };
    let free = virFreeCallback(Some(give_up));
    let (timer, handle) = (Seen::default(), Seen::default());
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let fd = std::os::fd::AsRawFd::as_raw_fd(&reader);
    // SAFETY: good arguments
    unsafe {
        assert!(virEventAddTimeout(1, virEventTimeoutCallback(Some(tick)), timer.opaque(), free) > 0);
        assert!(virEventAddHandle(fd, 1, virEventHandleCallback(Some(readable)), handle.opaque(), free) > 0);
        timer.until(2);
        assert_eq!(handle.told.load(Ordering::SeqCst), 0);
        rustix::io::write(&writer, b"x").unwrap();
        handle.until(1);
        assert_eq!(handle.last.load(Ordering::SeqCst) & 1, 1);
        while timer.given_up.load(Ordering::SeqCst) + handle.given_up.load(Ordering::SeqCst) < 2 {
            virEventAddTimeout(0, virEventTimeoutCallback(None), null_mut(), virFreeCallback(None));
            virEventRunDefaultImpl();
        }
        assert_eq!(timer.told.load(Ordering::SeqCst), 2);
        assert_eq!(virEventRemoveTimeout(c_int::MAX), -1);
    }
}
