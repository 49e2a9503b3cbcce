//! Constants of `libvirt-nwfilter.h`.

use crate::macros::constants;

constants! {
    virNWFilterBindingCreateFlags: u32 {
        VIR_NWFILTER_BINDING_CREATE_VALIDATE = 1,
    }
    virNWFilterDefineFlags: u32 {
        VIR_NWFILTER_DEFINE_VALIDATE = 1,
    }
}
