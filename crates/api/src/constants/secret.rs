//! Constants of `libvirt-secret.h`.

use crate::macros::constants;

constants! {
    virConnectListAllSecretsFlags: u32 {
        VIR_CONNECT_LIST_SECRETS_EPHEMERAL = 1,
        VIR_CONNECT_LIST_SECRETS_NO_EPHEMERAL = 2,
        VIR_CONNECT_LIST_SECRETS_NO_PRIVATE = 8,
        VIR_CONNECT_LIST_SECRETS_PRIVATE = 4,
    }
    virSecretDefineFlags: u32 {
        VIR_SECRET_DEFINE_VALIDATE = 1,
    }
    virSecretEventLifecycleType: i32 {
        VIR_SECRET_EVENT_DEFINED = 0,
        VIR_SECRET_EVENT_LAST = 2,
        VIR_SECRET_EVENT_UNDEFINED = 1,
    }
    virSecretEventID: i32 {
        VIR_SECRET_EVENT_ID_LAST = 2,
        VIR_SECRET_EVENT_ID_LIFECYCLE = 0,
        VIR_SECRET_EVENT_ID_VALUE_CHANGED = 1,
    }
    virSecretUsageType: i32 {
        VIR_SECRET_USAGE_TYPE_CEPH = 2,
        VIR_SECRET_USAGE_TYPE_ISCSI = 3,
        VIR_SECRET_USAGE_TYPE_LAST = 6,
        VIR_SECRET_USAGE_TYPE_NONE = 0,
        VIR_SECRET_USAGE_TYPE_TLS = 4,
        VIR_SECRET_USAGE_TYPE_VOLUME = 1,
        VIR_SECRET_USAGE_TYPE_VTPM = 5,
    }
}
