//! Which libvirt this is as good as.

use crate::persona::Persona;
use crate::shell::{Shell, out};

/// The release of libvirt whose behaviour this is, in libvirt's way of counting.
pub(crate) const LIBVIRT: u64 = 11_003_000;

/// `11.3.0` for 11003000.
pub(crate) fn dotted(version: u64) -> String {
    format!("{}.{}.{}", version / 1_000_000, version / 1000 % 1000, version % 1000)
}

pub(crate) fn show(shell: &mut Shell, long: bool) {
    let libvirt = dotted(LIBVIRT);
    match (shell.persona, long) {
        (Persona::Virsh | Persona::VirtAdmin, false) => out!(shell, "{libvirt}\n"),
        (Persona::Virtus | Persona::VirtusAdmin, false) => out!(shell, "{}\n", env!("CARGO_PKG_VERSION")),
        (Persona::Virtus | Persona::VirtusAdmin, true) => {
            out!(shell, "virtus {}, as libvirt {libvirt}\n", env!("CARGO_PKG_VERSION"));
        }
        (Persona::VirtAdmin, true) => {
            out!(shell, "Virt-admin command line tool of libvirt {libvirt}\n");
            out!(shell, "See web site at https://libvirt.org/\n\n");
            out!(shell, "Compiled with support for: Daemon Debug Readline\n");
        }
        (Persona::Virsh, true) => {
            out!(shell, "Virsh command line tool of libvirt {libvirt}\n");
            out!(shell, "See web site at https://libvirt.org/\n\n");
            out!(shell, "Compiled with support for:\n");
            // what the daemons that can be talked to may have, as Debian's virsh names it
            out!(shell, " Hypervisors: QEMU/KVM LXC LibXL OpenVZ VMware VirtualBox ESX Test\n");
            out!(shell, " Networking: Remote Network Bridging Interface udev Nwfilter\n");
            out!(
                shell,
                " Storage: Dir Disk Filesystem SCSI Multipath iSCSI iSCSI-direct LVM RBD Gluster ZFS\n"
            );
            out!(shell, " Miscellaneous: Daemon Nodedev AppArmor SELinux Secrets Debug DTrace Readline\n");
        }
    }
}
