//! What kind of machine a definition is for. The rules look at libvirt's names of architecture and machine.

use virtus_conf::domain::Domain;

/// A guest's architecture and machine type, as libvirt names them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine<'a> {
    pub arch: &'a str,
    pub name: &'a str,
}

/// libvirt's name of an architecture that QEMU and firmware's descriptors call by another.
pub(crate) fn libvirt_arch(target: &str) -> &str {
    match target {
        "i386" => "i686",
        "arm" => "armv7l",
        "or32" | "or1k" => "or32",
        other => other,
    }
}

/// The architecture that PCs of the same name as the daemon's have.
pub(crate) const HOST_ARCH: &str = std::env::consts::ARCH;

/// Whether `name` is `family` or one of its versions, e.g. `virt` and `virt-9.2`.
fn versioned(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

impl<'a> Machine<'a> {
    /// The machine of a definition.
    pub(crate) fn of(domain: &'a Domain) -> Self {
        Machine {
            arch: domain.os.kind.arch.as_deref().unwrap_or(HOST_ARCH),
            name: domain.os.kind.machine.as_deref().unwrap_or_default(),
        }
    }

    pub(crate) fn is_x86(self) -> bool {
        matches!(self.arch, "x86_64" | "i686")
    }

    pub(crate) fn is_s390(self) -> bool {
        matches!(self.arch, "s390" | "s390x")
    }

    pub(crate) fn is_ppc64(self) -> bool {
        matches!(self.arch, "ppc64" | "ppc64le")
    }

    pub(crate) fn is_arm(self) -> bool {
        matches!(self.arch, "armv6l" | "armv7l" | "armv7b" | "aarch64")
    }

    pub(crate) fn is_riscv(self) -> bool {
        matches!(self.arch, "riscv32" | "riscv64")
    }

    pub(crate) fn is_mips(self) -> bool {
        matches!(self.arch, "mips" | "mipsel" | "mips64" | "mips64el")
    }

    pub(crate) fn is_q35(self) -> bool {
        self.is_x86() && (versioned(self.name, "q35") || versioned(self.name, "pc-q35"))
    }

    pub(crate) fn is_i440fx(self) -> bool {
        self.is_x86()
            && (self.name == "pc"
                || self.name.starts_with("pc-0.")
                || self.name.starts_with("pc-1.")
                || self.name.starts_with("pc-i440fx-")
                || self.name.starts_with("rhel"))
    }

    pub(crate) fn is_pseries(self) -> bool {
        self.is_ppc64() && versioned(self.name, "pseries")
    }

    pub(crate) fn is_arm_virt(self) -> bool {
        self.is_arm() && versioned(self.name, "virt")
    }

    pub(crate) fn is_riscv_virt(self) -> bool {
        self.is_riscv() && versioned(self.name, "virt")
    }

    pub(crate) fn is_loongarch_virt(self) -> bool {
        self.arch == "loongarch64" && versioned(self.name, "virt")
    }

    pub(crate) fn is_s390_ccw(self) -> bool {
        self.is_s390() && self.name.starts_with("s390-ccw")
    }

    pub(crate) fn is_mips_malta(self) -> bool {
        self.is_mips() && versioned(self.name, "malta")
    }

    /// Whether the board has an IDE controller of its own.
    pub(crate) fn has_builtin_ide(self) -> bool {
        self.is_i440fx()
            || self.is_mips_malta()
            || (self.arch == "sparc64" && self.name == "sun4u")
            || (matches!(self.arch, "ppc" | "ppc64") && self.name == "g3beige")
    }

    /// Whether the board has an NCR53C90 SCSI controller of its own.
    pub(crate) fn has_builtin_esp(self) -> bool {
        (self.arch == "sparc"
            && matches!(
                self.name,
                "SS-5"
                    | "LX"
                    | "SPARCClassic"
                    | "SPARCbook"
                    | "SS-4"
                    | "SS-10"
                    | "SS-20"
                    | "SS-600MP"
                    | "Voyager"
            ))
            || (self.arch == "m68k" && self.name == "q800")
    }

    /// Whether devices may be put on PCI. Only of the boards of three architectures it is known that some have none;
    /// elsewhere a device that needs a bus finds out.
    pub(crate) fn supports_pci(self) -> bool {
        if self.is_arm() {
            self.name == "versatilepb" || self.is_arm_virt()
        } else if self.is_riscv() {
            self.is_riscv_virt()
        } else {
            self.arch != "loongarch64" || self.is_loongarch_virt()
        }
    }

    /// Whether QEMU numbers the board's PCI buses; where it does not, there is one and it is called `pci`.
    pub(crate) fn numbers_pci_buses(self) -> bool {
        self.is_x86()
            || self.is_ppc64()
            || self.arch == "ppc"
            || self.is_s390()
            || self.is_arm_virt()
            || self.is_riscv_virt()
            || self.is_loongarch_virt()
    }

    /// Whether the board has a controller for keyboard and mouse.
    pub(crate) fn has_i8042(self) -> bool {
        self.is_x86() && self.name != "microvm"
    }
}
