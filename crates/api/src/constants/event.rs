//! Constants of `libvirt-event.h`.

use crate::macros::constants;

constants! {
    virEventHandleType: i32 {
        VIR_EVENT_HANDLE_ERROR = 4,
        VIR_EVENT_HANDLE_HANGUP = 8,
        VIR_EVENT_HANDLE_READABLE = 1,
        VIR_EVENT_HANDLE_WRITABLE = 2,
    }
}
