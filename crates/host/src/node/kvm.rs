//! What /dev/kvm offers.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

const KVM_GET_API_VERSION: libc::c_ulong = 0xae00;
const KVM_CREATE_VM: libc::c_ulong = 0xae01;
const KVM_CHECK_EXTENSION: libc::c_ulong = 0xae03;
const KVM_CREATE_VCPU: libc::c_ulong = 0xae41;
const KVM_GET_TSC_KHZ: libc::c_ulong = 0xaea3;
/// `_IOWR(KVMIO, 0x88, struct kvm_msrs)`, whose size is 8.
const KVM_GET_MSRS: libc::c_ulong = 0xc008_ae88;

const KVM_CAP_NR_VCPUS: libc::c_ulong = 9;
const KVM_CAP_TSC_CONTROL: libc::c_ulong = 60;
const KVM_CAP_MAX_VCPUS: libc::c_ulong = 66;
const KVM_CAP_GET_MSR_FEATURES: libc::c_ulong = 153;

/// The only version of the interface there is.
const API_VERSION: libc::c_int = 12;

/// What KVM can do here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvmFacts {
    /// How many vCPUs a guest may have.
    pub max_vcpus: u32,
    /// How many vCPUs a guest should have at most.
    pub recommended_vcpus: u32,
    /// The time stamp counter, where it could be asked for.
    pub tsc: Option<TscInfo>,
    /// IA32_ARCH_CAPABILITIES as KVM would give it to guests.
    pub arch_capabilities: Option<u64>,
}

/// The host's time stamp counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TscInfo {
    /// Its frequency, in Hz.
    pub frequency: u64,
    /// Whether a guest's may run at another frequency.
    pub scaling: bool,
}

impl KvmFacts {
    /// Asks /dev/kvm; `None` when it is not there or may not be opened.
    pub fn probe() -> Option<KvmFacts> {
        let kvm = File::options().read(true).write(true).open("/dev/kvm").ok()?;
        let kvm = OwnedFd::from(kvm);
        if call(&kvm, KVM_GET_API_VERSION, 0)? != API_VERSION {
            return None;
        }
        let extension = |number| call(&kvm, KVM_CHECK_EXTENSION, number).and_then(|n| u32::try_from(n).ok());
        let recommended_vcpus = extension(KVM_CAP_NR_VCPUS).filter(|n| *n > 0).unwrap_or(4);
        Some(KvmFacts {
            max_vcpus: extension(KVM_CAP_MAX_VCPUS).filter(|n| *n > 0).unwrap_or(recommended_vcpus),
            recommended_vcpus,
            tsc: tsc(&kvm, extension(KVM_CAP_TSC_CONTROL).is_some_and(|n| n > 0)),
            arch_capabilities: extension(KVM_CAP_GET_MSR_FEATURES)
                .filter(|n| *n > 0)
                .and_then(|_| msr(&kvm, 0x10a)),
        })
    }
}

/// An ioctl whose argument is a number; its result unless it failed.
fn call(fd: &OwnedFd, request: libc::c_ulong, argument: libc::c_ulong) -> Option<libc::c_int> {
    // SAFETY: the requests used here take a number and touch no memory of ours.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request, argument) };
    (result >= 0).then_some(result)
}

fn owned(fd: libc::c_int) -> OwnedFd {
    // SAFETY: called only with descriptors KVM has just made, which nothing else owns.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

#[cfg(target_arch = "x86_64")]
fn tsc(kvm: &OwnedFd, scaling: bool) -> Option<TscInfo> {
    let vm = owned(call(kvm, KVM_CREATE_VM, 0)?);
    let vcpu = owned(call(&vm, KVM_CREATE_VCPU, 0)?);
    let khz = u64::try_from(call(&vcpu, KVM_GET_TSC_KHZ, 0)?).ok()?;
    (khz > 0).then(|| TscInfo { frequency: khz.saturating_mul(1000), scaling })
}

#[cfg(not(target_arch = "x86_64"))]
fn tsc(_: &OwnedFd, _: bool) -> Option<TscInfo> {
    None
}

fn msr(kvm: &OwnedFd, index: u32) -> Option<u64> {
    /// `struct kvm_msrs` with room for one entry.
    #[repr(C)]
    struct Msrs {
        count: u32,
        pad: u32,
        index: u32,
        reserved: u32,
        data: u64,
    }
    let mut msrs = Msrs { count: 1, pad: 0, index, reserved: 0, data: 0 };
    // SAFETY: the kernel reads and writes one entry, as `count` says, which the structure has.
    let read = unsafe { libc::ioctl(kvm.as_raw_fd(), KVM_GET_MSRS, &raw mut msrs) };
    (read == 1).then_some(msrs.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kvm_says_something_sensible_or_nothing() {
        if let Some(facts) = KvmFacts::probe() {
            assert!(facts.max_vcpus >= facts.recommended_vcpus);
            assert!(facts.tsc.is_none_or(|tsc| tsc.frequency > 1_000_000));
        }
    }
}
