//! What the program is called: the name decides which commands there are and how it talks.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persona {
    Virtus,
    /// `virtus admin`
    VirtusAdmin,
    /// As libvirt's virsh, without what that does not have.
    Virsh,
    /// As libvirt's virt-admin.
    VirtAdmin,
}

impl Persona {
    /// By the name the program was started with.
    pub(crate) fn of(program: &str) -> Self {
        match program {
            "virsh" => Persona::Virsh,
            "virt-admin" => Persona::VirtAdmin,
            _ => Persona::Virtus,
        }
    }

    /// The name under which history and environment variables are kept.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Persona::Virtus => "virtus",
            Persona::VirtusAdmin => "virtus-admin",
            Persona::Virsh => "virsh",
            Persona::VirtAdmin => "virt-admin",
        }
    }

    /// Administrates daemons.
    pub(crate) fn is_admin(self) -> bool {
        matches!(self, Persona::VirtusAdmin | Persona::VirtAdmin)
    }

    /// Has what libvirt's programs do not have.
    pub(crate) fn is_extended(self) -> bool {
        matches!(self, Persona::Virtus | Persona::VirtusAdmin)
    }

    /// What the program's variables of the environment begin with: `VIRSH_DEBUG`, `VIRTUS_DEBUG`.
    pub(crate) fn prefix(self) -> String {
        self.name().to_ascii_uppercase().replace('-', "_")
    }

    /// A variable of the environment that belongs to the program.
    pub(crate) fn environment(self, what: &str) -> Option<String> {
        std::env::var(format!("{}_{what}", self.prefix())).ok().filter(|v| !v.is_empty())
    }
}
