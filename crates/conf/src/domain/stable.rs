//! What a guest sees of its definition. While something of a guest lives on (its process, its memory in a file, a
//! snapshot), another definition may take the place of its own only if the guest cannot tell them apart.
//!
//! Each device's and element's file says what of it counts, in the order in which differences are told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

use virtus_base::Result;

use super::features::Features;
use super::parse::unsupported;
use super::{Devices, Domain};

/// Something of a definition that the guest sees.
pub trait Stable {
    /// Refuses a `target` that the guest could tell from this.
    ///
    /// # Errors
    /// `CONFIG_UNSUPPORTED` with the first difference.
    fn check_stable(&self, target: &Self) -> Result<()>;
}

/// A value that may be absent, and what is told then.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Or<T>(pub(crate) Option<T>, pub(crate) &'static str);

impl<T: Display> Display for Or<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str(self.1),
        }
    }
}

/// A text that may be absent, as libvirt tells it.
pub(crate) fn text(value: &Option<String>) -> Or<&str> {
    Or(value.as_deref(), "<null>")
}

/// A switch that may be absent, as libvirt tells it.
pub(crate) fn switch<T>(value: Option<T>) -> Or<T> {
    Or(value, "default")
}

/// Refuses a target's value that is not the source's. `{to}` and `{from}` stand for them in the text.
macro_rules! told {
    ($from:expr, $to:expr, |$x:ident| $see:expr, $text:literal) => {{
        let from = {
            let $x = $from;
            $see
        };
        let to = {
            let $x = $to;
            $see
        };
        if from != to {
            return Err($crate::domain::parse::unsupported(format!($text, from = from, to = to)));
        }
    }};
}

/// The same with a text that does not tell the values.
macro_rules! equal {
    ($from:expr, $to:expr, |$x:ident| $see:expr, $text:literal) => {{
        let from = {
            let $x = $from;
            $see
        };
        let to = {
            let $x = $to;
            $see
        };
        if from != to {
            return Err($crate::domain::parse::unsupported($text));
        }
    }};
}

pub(crate) use {equal, told};

/// Compares devices of a kind, of which there must be as many.
fn each<T: Stable>(from: &[T], to: &[T], what: &str) -> Result<()> {
    if from.len() != to.len() {
        let (from, to) = (from.len(), to.len());
        return Err(unsupported(format!("Target domain {what} count {to} does not match source {from}")));
    }
    from.iter().zip(to).try_for_each(|(from, to)| from.check_stable(to))
}

/// The same for kinds of which there is one at most, where the text tells no numbers.
fn single<T: Stable>(from: &[T], to: &[T], what: &str) -> Result<()> {
    if from.len() != to.len() {
        return Err(unsupported(format!("Target domain {what} device count does not match source")));
    }
    from.iter().zip(to).try_for_each(|(from, to)| from.check_stable(to))
}

impl Stable for Devices {
    fn check_stable(&self, to: &Self) -> Result<()> {
        each(&self.disks, &to.disks, "disk")?;
        each(&self.controllers, &to.controllers, "controller")?;
        each(&self.filesystems, &to.filesystems, "filesystem")?;
        each(&self.interfaces, &to.interfaces, "net card")?;
        each(&self.inputs, &to.inputs, "input device")?;
        each(&self.sounds, &to.sounds, "sound card")?;
        each(&self.videos, &to.videos, "video card")?;
        each(&self.hostdevs, &to.hostdevs, "host device")?;
        each(&self.smartcards, &to.smartcards, "smartcard")?;
        each(&self.serials, &to.serials, "serial port")?;
        each(&self.parallels, &to.parallels, "parallel port")?;
        each(&self.channels, &to.channels, "channel")?;
        each(&self.consoles, &to.consoles, "console")?;
        each(&self.hubs, &to.hubs, "hub device")?;
        each(&self.redirdevs, &to.redirdevs, "redirected devices")?;
        each(&self.redirfilters, &to.redirfilters, "USB redirection filter")?;
        each(&self.watchdogs, &to.watchdogs, "watchdog device")?;
        each(&self.memballoons, &to.memballoons, "memory balloon")?;
        each(&self.rngs, &to.rngs, "RNG device")?;
        each(&self.panics, &to.panics, "panic device")?;
        each(&self.shmems, &to.shmems, "shared memory device")?;
        each(&self.tpms, &to.tpms, "TPM device")?;
        each(&self.memories, &to.memories, "memory device")?;
        single(&self.iommus, &to.iommus, "IOMMU")?;
        single(&self.vsocks, &to.vsocks, "vsock")?;
        single(&self.pstores, &to.pstores, "pstore")
    }
}

impl Stable for Domain {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.virt_type, "Target domain virt type {to} does not match source {from}");
        told!(self, to, |d| d.uuid, "Target domain uuid {to} does not match source {from}");
        equal!(self, to, |d| d.genid.is_some(), "Target domain requested genid does not match source");
        let genid = |d: &Domain| d.genid.as_ref().and_then(|genid| genid.uuid).unwrap_or_default();
        told!(self, to, |d| genid(d), "Target domain genid {to} does not match source {from}");
        told!(self, to, |d| &d.name, "Target domain name '{to}' does not match source '{from}'");
        self.check_memory(to)?;
        super::cpu::check_cells(self.cells(), to.cells())?;
        self.check_vcpus(to)?;
        self.os.check_stable(&to.os)?;
        let none = Features::default();
        self.features.as_ref().unwrap_or(&none).check_stable(to.features.as_ref().unwrap_or(&none))?;
        self.clock.check_stable(&to.clock)?;
        self.cpu.check_stable(&to.cpu)?;
        self.sysinfo.check_stable(&to.sysinfo)?;
        self.devices.check_stable(&to.devices)
    }
}

impl Domain {
    fn cells(&self) -> &[super::cpu::NumaCell] {
        let numa = self.cpu.as_ref().and_then(|cpu| cpu.numa.as_ref());
        numa.map(|numa| numa.cells.as_slice()).unwrap_or_default()
    }

    /// What it boots with, in KiB: memory devices come on top.
    fn initial_memory(&self) -> u64 {
        let devices = self.devices.memories.iter().map(|memory| memory.target.size.0);
        self.memory.size.0.saturating_sub(devices.fold(0, u64::saturating_add))
    }

    fn check_memory(&self, to: &Self) -> Result<()> {
        let balloon = |d: &Self| d.current_memory.unwrap_or(d.memory.size).0;
        let max = |d: &Self| d.max_memory.as_ref().map_or((0, 0), |max| (max.size.0, max.slots));
        told!(self, to, |d| d.initial_memory(), "Target domain max memory {to} does not match source {from}");
        told!(self, to, |d| balloon(d), "Target domain current memory {to} does not match source {from}");
        told!(self, to, |d| max(d).0, "Target maximum memory size '{to}' doesn't match source '{from}'");
        told!(
            self,
            to,
            |d| max(d).1,
            "Target domain memory slots count '{to}' doesn't match source '{from}'"
        );
        Ok(())
    }

    fn check_vcpus(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.vcpu.max, "Target domain vCPU max {to} does not match source {from}");
        let states = |d: &Self| -> BTreeMap<u32, (bool, Option<u32>)> {
            let listed = d.vcpus.iter().flat_map(|list| &list.vcpus);
            listed.map(|vcpu| (vcpu.id, (vcpu.enabled.is_true(), vcpu.order))).collect()
        };
        let (ours, theirs) = (states(self), states(to));
        // of those that are not listed, one is enough to differ
        let (few, many) =
            (self.vcpu.online().min(to.vcpu.online()), self.vcpu.online().max(to.vcpu.online()));
        let unlisted = (few..many).take(ours.len() + theirs.len() + 1);
        let ids: BTreeSet<u32> = ours.keys().chain(theirs.keys()).copied().chain(unlisted).collect();
        for id in ids {
            let of = |d: &Self, states: &BTreeMap<u32, (bool, Option<u32>)>| {
                states.get(&id).copied().unwrap_or((id < d.vcpu.online(), None))
            };
            let (ours, theirs) = (of(self, &ours), of(to, &theirs));
            let differs = "differs between source and destination definitions";
            if ours.0 != theirs.0 {
                return Err(unsupported(format!("State of vCPU '{id}' {differs}")));
            }
            if ours.1 != theirs.1 {
                return Err(unsupported(format!("vcpu enable order of vCPU '{id}' {differs}")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ParseOptions;

    const GUEST: &str = "<domain type='kvm'><name>g</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
        <memory unit='MiB'>512</memory><vcpu current='1'>2</vcpu>
        <os><type arch='x86_64' machine='q35'>hvm</type><smbios mode='host'/></os>
        <features><acpi/><apic eoi='on'/><hyperv><relaxed state='on'/><spinlocks state='on' retries='4096'/></hyperv>
        <smm state='on'><tseg unit='MiB'>16</tseg></smm></features>
        <cpu mode='custom' match='exact'><model>qemu64</model><feature name='svm' policy='disable'/></cpu>
        <clock offset='utc'><timer name='hpet' present='no'/></clock>
        <devices>
        <disk type='file' device='disk'><driver name='qemu' type='raw' queues='2' iommu='on'/><source file='/a'/>
        <target dev='vda' bus='virtio'/><serial>one</serial>
        <address type='pci' domain='0' bus='1' slot='0' function='0'/></disk>
        <controller type='usb' index='0' model='qemu-xhci' ports='8'/>
        <interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>
        <channel type='pty'><target type='virtio' name='org.example'/></channel>
        <video><model type='vga' vram='16384' heads='1'/></video>
        <watchdog model='i6300esb'/><memballoon model='virtio' autodeflate='on'/>
        <rng model='virtio'><backend model='builtin'/></rng></devices></domain>";

    fn parse(xml: &str) -> Domain {
        Domain::parse(xml, &ParseOptions::default()).unwrap()
    }

    #[test]
    fn what_a_guest_cannot_tell_is_free() {
        let guest = parse(GUEST);
        guest.check_stable(&guest).unwrap();
        for (old, new) in [("file='/a'", "file='/b'"), ("unit='MiB'>512", "unit='KiB'>524288")] {
            guest.check_stable(&parse(&GUEST.replacen(old, new, 1))).unwrap();
        }
    }

    #[test]
    fn differences_are_told_as_libvirt_does() {
        let cases = [
            ("type='kvm'", "type='qemu'", "Target domain virt type qemu does not match source kvm"),
            (">g<", ">h<", "Target domain name 'h' does not match source 'g'"),
            (">512<", ">513<", "Target domain max memory 525312 does not match source 524288"),
            (">2</vcpu>", ">3</vcpu>", "Target domain vCPU max 3 does not match source 2"),
            (" current='1'", "", "State of vCPU '1' differs between source and destination definitions"),
            ("'q35'", "'pc'", "Target domain machine type pc does not match source q35"),
            ("<smbios mode='host'/>", "", "Target domain SMBIOS mode none does not match source host"),
            ("<acpi/>", "", "State of feature 'acpi' differs: source: 'on', destination: 'default'"),
            (
                " eoi='on'",
                "",
                "State of feature 'apic' differs: source: 'on,eoi=on', destination: 'on,eoi=default'",
            ),
            ("4096", "4097", "HyperV spinlock retry count differs: source: '4096', destination: '4097'"),
            (">16<", ">8<", "Size of SMM TSEG size differs: source: '16 MiB', destination: '8 MiB'"),
            ("qemu64", "EPYC", "Target CPU model EPYC does not match source qemu64"),
            ("disable", "require", "Target CPU feature policy require does not match source disable"),
            ("present='no'", "", "Target timer presence 'default' does not match source 'no'"),
            ("'vda'", "'vdb'", "Target disk vdb does not match source vda"),
            ("queues='2'", "queues='3'", "Target disk queue count 3 does not match source 2"),
            ("iommu='on'", "", "Target device iommu option 'default' does not match source 'on'"),
            ("one", "two", "Target disk serial two does not match source one"),
            (
                "bus='1'",
                "bus='2'",
                "Target device PCI address 0000:02:00.0 does not match source 0000:01:00.0",
            ),
            ("ports='8'", "", "Target controller ports -1 does not match source 8"),
            (
                "00:01'",
                "00:02'",
                "Target network card mac 52:54:00:00:00:02 does not match source 52:54:00:00:00:01",
            ),
            ("'org.example'", "'other'", "Target channel name other does not match source org.example"),
            ("vram='16384'", "vram='8192'", "Target video card vram 8192 does not match source 16384"),
            (
                "<watchdog model='i6300esb'/>",
                "",
                "Target domain watchdog device count 0 does not match source 1",
            ),
            (
                " autodeflate='on'",
                "",
                "Target balloon autodeflate attribute value 'default' does not match source 'on'",
            ),
        ];
        let guest = parse(GUEST);
        for (old, new, text) in cases {
            assert!(GUEST.contains(old), "{old}");
            let error = guest.check_stable(&parse(&GUEST.replacen(old, new, 1))).unwrap_err();
            assert_eq!(error.message(), format!("unsupported configuration: {text}"), "{old} -> {new}");
        }
    }
}
