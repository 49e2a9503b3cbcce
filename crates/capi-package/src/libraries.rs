//! The four libraries.

use virtus_capi::declare::{Export, Library as Code};

/// A library.
#[derive(Clone, Copy, Debug)]
pub struct Library {
    /// Its name without ending.
    pub name: &'static str,
    /// What it is, in a line.
    pub description: &'static str,
    /// Which functions it has.
    pub code: Code,
}

/// All of them: the one that does it first, those that lead to it after.
pub const ALL: &[Library] = &[
    Library { name: "libvirt", description: "Virtual machines and what they need", code: Code::Libvirt },
    Library { name: "libvirt-qemu", description: "What only QEMU has", code: Code::Qemu },
    Library { name: "libvirt-lxc", description: "What only containers have", code: Code::Lxc },
    Library { name: "libvirt-admin", description: "The administration of daemons", code: Code::Admin },
];

impl Library {
    /// Whether it only leads to the functions of `libvirt.so.0`.
    pub fn is_stub(&self) -> bool {
        self.code != Code::Libvirt
    }

    /// Its functions and variables.
    pub fn exports(&self) -> impl Iterator<Item = &'static Export> + use<> {
        let code = self.code;
        virtus_capi::exports().filter(move |export| export.header.library == code)
    }
}
