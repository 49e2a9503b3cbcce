//! What the program is called: the name decides which commands there are and how it talks.

use crate::command::{Catalogue, VIRSH, VIRTUS};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persona {
    Virtus,
    /// As libvirt's virsh, without what that does not have.
    Virsh,
}

impl Persona {
    /// By the name the program was started with.
    pub(crate) fn of(program: &str) -> Self {
        match program {
            "virsh" => Persona::Virsh,
            _ => Persona::Virtus,
        }
    }

    pub(crate) fn catalogue(self) -> &'static Catalogue {
        match self {
            Persona::Virtus => &VIRTUS,
            Persona::Virsh => &VIRSH,
        }
    }

    /// The name under which history and environment variables are kept.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Persona::Virtus => "virtus",
            Persona::Virsh => "virsh",
        }
    }

    /// A variable of the environment that belongs to the program: `VIRSH_DEBUG`, `VIRTUS_DEBUG`.
    pub(crate) fn environment(self, what: &str) -> Option<String> {
        std::env::var(format!("{}_{what}", self.name().to_ascii_uppercase())).ok().filter(|v| !v.is_empty())
    }
}
