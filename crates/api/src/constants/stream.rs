//! Constants of `libvirt-stream.h`.

use crate::macros::constants;

constants! {
    virStreamEventType: i32 {
        VIR_STREAM_EVENT_ERROR = 4,
        VIR_STREAM_EVENT_HANGUP = 8,
        VIR_STREAM_EVENT_READABLE = 1,
        VIR_STREAM_EVENT_WRITABLE = 2,
    }
    virStreamFlags: u32 {
        VIR_STREAM_NONBLOCK = 1,
    }
    virStreamRecvFlagsValues: u32 {
        VIR_STREAM_RECV_STOP_AT_HOLE = 1,
    }
}
