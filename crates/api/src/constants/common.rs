//! Constants of `libvirt-common.h`.

use crate::macros::{constants, numbers};

constants! {
    virConnectCloseReason: i32 {
        VIR_CONNECT_CLOSE_REASON_CLIENT = 3,
        VIR_CONNECT_CLOSE_REASON_EOF = 1,
        VIR_CONNECT_CLOSE_REASON_ERROR = 0,
        VIR_CONNECT_CLOSE_REASON_KEEPALIVE = 2,
        VIR_CONNECT_CLOSE_REASON_LAST = 4,
    }
    virTypedParameterType: i32 {
        VIR_TYPED_PARAM_BOOLEAN = 6,
        VIR_TYPED_PARAM_DOUBLE = 5,
        VIR_TYPED_PARAM_INT = 1,
        VIR_TYPED_PARAM_LAST = 8,
        VIR_TYPED_PARAM_LLONG = 3,
        VIR_TYPED_PARAM_STRING = 7,
        VIR_TYPED_PARAM_UINT = 2,
        VIR_TYPED_PARAM_ULLONG = 4,
    }
    virTypedParameterFlags: u32 {
        VIR_TYPED_PARAM_STRING_OKAY = 4,
    }
}

numbers! {
    LIBVIR_VERSION_NUMBER: u64 = 11003000,
    VIR_TYPED_PARAM_FIELD_LENGTH: usize = 80,
}
