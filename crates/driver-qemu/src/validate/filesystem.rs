//! Directories of the host that the guest mounts.

use virtus_base::Result;
use virtus_conf::domain::device::Filesystem;
use virtus_conf::domain::device::filesystem::{AccessMode, FsDriverType, FsType};
use virtus_conf::domain::memory::{MemoryAccess, MemorySource};

use super::{Checks, unsupported};

impl Checks<'_> {
    pub(super) fn filesystems(&self, fs: &Filesystem) -> Result<()> {
        if fs.kind != FsType::Mount {
            return Err(unsupported("only supports mount filesystem type"));
        }
        let options = &fs.options;
        let mapped = options.accessmode == Some(AccessMode::Mapped);
        if (options.fmode.is_some() || options.dmode.is_some()) && !mapped {
            return Err(unsupported("fmode and dmode must be used with accessmode=mapped"));
        }
        let passthrough = matches!(options.accessmode, None | Some(AccessMode::Passthrough));
        match fs.driver.kind {
            None | Some(FsDriverType::Path) => Ok(()),
            Some(FsDriverType::Handle) if !passthrough => {
                Err(unsupported("only supports passthrough accessmode"))
            }
            Some(FsDriverType::Handle) => Ok(()),
            Some(FsDriverType::Loop | FsDriverType::Nbd | FsDriverType::Ploop) => {
                Err(unsupported("Filesystem driver type not supported"))
            }
            Some(FsDriverType::Mtp) => {
                if !passthrough {
                    return Err(unsupported("mtp only supports passthrough accessmode"));
                }
                self.need("usb-mtp", "mtp is not supported with this QEMU binary")
            }
            Some(FsDriverType::Virtiofs) => self.virtiofs(fs, passthrough),
        }
    }

    fn virtiofs(&self, fs: &Filesystem, passthrough: bool) -> Result<()> {
        let options = &fs.options;
        if !passthrough {
            return Err(unsupported("virtiofs only supports passthrough accessmode"));
        }
        if fs.driver.wrpolicy.is_some() {
            return Err(unsupported("virtiofs does not support wrpolicy"));
        }
        if options.model.is_some() {
            return Err(unsupported("virtiofs does not support model"));
        }
        if fs.driver.format.is_some() {
            return Err(unsupported("virtiofs does not support format"));
        }
        if options.multidevs.is_some() {
            return Err(unsupported("virtiofs does not support multidevs"));
        }
        self.need("vhost-user-fs", "virtiofs is not supported with this QEMU binary")?;
        self.shared_memory("virtiofs")
    }

    /// Another process can map the guest's memory only if it is shared.
    pub(super) fn shared_memory(&self, what: &str) -> Result<()> {
        let backing = self.domain.memory_backing.as_ref();
        let whole = backing.is_some_and(|backing| {
            backing.access == Some(MemoryAccess::Shared) || backing.source == Some(MemorySource::Memfd)
        });
        let numa = self.domain.cpu.as_ref().and_then(|cpu| cpu.numa.as_ref());
        let cells = numa.map_or(&[][..], |numa| numa.cells.as_slice());
        let shared = match cells {
            [] => whole,
            cells => cells.iter().all(|cell| match cell.mem_access {
                None => whole,
                Some(access) => access == MemoryAccess::Shared,
            }),
        };
        if shared { Ok(()) } else { Err(unsupported(format!("'{what}' requires shared memory"))) }
    }
}
