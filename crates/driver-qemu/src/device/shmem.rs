//! Memory shared with other guests.

use virtus_base::Result;
use virtus_conf::domain::device::shmem::{ShmemModel, ShmemRole, ShmemServer};
use virtus_conf::domain::device::{Address, Shmem};

use super::chardev;
use super::part::Part;
use crate::command::build::Build;
use crate::command::guest::{Guest, unsupported};
use crate::command::line::escape;
use crate::command::props::Props;

/// All shared memories.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for shmem in &guest.domain.devices.shmems {
        let props = props(&guest, shmem)?;
        if shmem.model == ShmemModel::IvshmemPlain {
            build.line.json("object", &memory(&guest, shmem));
        }
        build.device(props);
        if let Some(server) = &shmem.server {
            let id = chardev::id(&guest.alias(&shmem.info));
            let path = server_path(shmem, server);
            let text = match guest.context.chardev_fds.get(&id) {
                Some(fd) => format!("socket,id={id},fd={fd}"),
                None => format!("socket,id={id},path={}", escape(&path)),
            };
            build.line.option("chardev", text);
        }
    }
    Ok(())
}

fn server_path(shmem: &Shmem, server: &ShmemServer) -> String {
    server.path.clone().unwrap_or_else(|| format!("/var/lib/libvirt/shmem-{}-sock", shmem.name))
}

/// What a shared memory is made of.
///
/// # Errors
/// As [`props`].
pub(super) fn parts(guest: &Guest<'_>, shmem: &Shmem) -> Result<Vec<Part>> {
    let backend = match &shmem.server {
        Some(server) => Part::Chardev(
            chardev::id(&guest.alias(&shmem.info)),
            chardev::monitor::connection(guest, &server_path(shmem, server), None),
        ),
        None => Part::Object(memory(guest, shmem)),
    };
    Ok(vec![backend, Part::Device(props(guest, shmem)?)])
}

/// The memory of the plain variant.
pub fn memory(guest: &Guest<'_>, shmem: &Shmem) -> Props {
    Props::object("memory-backend-file", format!("shmmem-{}", guest.alias(&shmem.info)))
        .with("mem-path", format!("/dev/shm/{}", shmem.name))
        // 4 MiB when nothing is said
        .with("size", shmem.size.map_or(4 << 20, |size| size.0))
        .with("share", true)
}

/// The device.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for the variant QEMU no longer has.
pub fn props(guest: &Guest<'_>, shmem: &Shmem) -> Result<Props> {
    let alias = guest.alias(&shmem.info);
    if !matches!(shmem.info.address, Some(Address::Pci(_))) {
        return Err(unsupported("only 'pci' addresses are supported for the shared memory device"));
    }
    let props = match shmem.model {
        ShmemModel::Ivshmem => {
            return Err(unsupported("shmem model 'ivshmem' is not supported by this QEMU binary"));
        }
        ShmemModel::IvshmemPlain => Props::device("ivshmem-plain")
            .with("id", alias.clone())
            .with("memdev", format!("shmmem-{alias}"))
            .maybe("master", shmem.role.map(|role| if role == ShmemRole::Master { "on" } else { "off" })),
        ShmemModel::IvshmemDoorbell => {
            let msi = shmem.msi.clone().unwrap_or_default();
            Props::device("ivshmem-doorbell")
                .with("id", alias.clone())
                .with("chardev", chardev::id(&alias))
                .maybe("master", shmem.role.map(|role| if role == ShmemRole::Master { "on" } else { "off" }))
                .maybe("vectors", msi.vectors.filter(|vectors| *vectors > 0))
                .switch("ioeventfd", msi.ioeventfd)
        }
    };
    Ok(props.join(guest.address(&shmem.info)?))
}
