//! Directories of the host in the guest: 9p, virtiofs, MTP.

use std::fmt::Write as _;

use virtus_base::Result;
use virtus_conf::domain::device::Filesystem;
use virtus_conf::domain::device::filesystem::{AccessMode, FsDriverType, MultiDevs};

use super::part::Part;
use super::{Virtio, chardev};
use crate::command::build::Build;
use crate::command::guest::{Guest, unsupported};
use crate::command::line::escape;
use crate::command::props::Props;

/// The chardev of a virtiofs server.
fn chardev_id(guest: &Guest<'_>, fs: &Filesystem) -> String {
    format!("chr-vu-{}", guest.alias(&fs.info))
}

/// All directories.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for fs in &guest.domain.devices.filesystems {
        match fs.driver.kind {
            Some(FsDriverType::Virtiofs) => {
                let text = chardev::vhost_user(&guest, &chardev_id(&guest, fs), &socket(&guest, fs), None);
                build.line.option("chardev", text);
                build.device(virtiofs(&guest, fs)?);
            }
            Some(FsDriverType::Mtp) => build.device(mtp(&guest, fs)?),
            _ => {
                build.line.option("fsdev", fsdev(&guest, fs)?);
                build.device(props(&guest, fs)?);
            }
        }
    }
    Ok(())
}

/// What a file system that can be plugged in is made of.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for those that are not virtiofs.
pub(super) fn parts(guest: &Guest<'_>, fs: &Filesystem) -> Result<Vec<Part>> {
    if fs.driver.kind != Some(FsDriverType::Virtiofs) {
        return Err(unsupported("only virtiofs filesystems can be hotplugged"));
    }
    let backend = chardev::monitor::connection(guest, &socket(guest, fs), None);
    Ok(vec![Part::Chardev(chardev_id(guest, fs), backend), Part::Device(virtiofs(guest, fs)?)])
}

/// The socket of a virtiofs server.
fn socket(guest: &Guest<'_>, fs: &Filesystem) -> String {
    let alias = guest.alias(&fs.info);
    let helper = || guest.context.helper_sockets.get(&alias).cloned();
    fs.socket.clone().or_else(helper).unwrap_or_else(|| format!("{}/{alias}-fs.sock", guest.context.lib_dir))
}

/// The host's side of 9p.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for what QEMU does not have.
fn fsdev(guest: &Guest<'_>, fs: &Filesystem) -> Result<String> {
    let mut text = match fs.driver.kind {
        None | Some(FsDriverType::Path) => "local".to_owned(),
        Some(FsDriverType::Handle) => "handle".to_owned(),
        Some(kind) => {
            return Err(unsupported(format!("filesystem driver type '{}' is not supported", kind.as_str())));
        }
    };
    if fs.driver.kind != Some(FsDriverType::Handle) {
        let model = match fs.options.accessmode {
            None | Some(AccessMode::Passthrough) => "passthrough",
            Some(AccessMode::Mapped) => "mapped",
            Some(AccessMode::Squash) => "none",
        };
        let _ = write!(text, ",security_model={model}");
        if let Some(multidevs) = fs.options.multidevs.filter(|multidevs| *multidevs != MultiDevs::Default) {
            let _ = write!(text, ",multidevs={}", multidevs.as_str());
        }
        if let Some(mode) = fs.options.fmode.filter(|mode| *mode > 0) {
            let _ = write!(text, ",fmode={mode:04o}");
        }
        if let Some(mode) = fs.options.dmode.filter(|mode| *mode > 0) {
            let _ = write!(text, ",dmode={mode:04o}");
        }
    }
    if let Some(policy) = fs.driver.wrpolicy {
        let _ = write!(text, ",writeout={}", policy.as_str());
    }
    let _ = write!(
        text,
        ",id=fsdev-{},path={}",
        guest.alias(&fs.info),
        escape(fs.source.as_deref().unwrap_or_default())
    );
    if fs.readonly {
        text.push_str(",readonly");
    }
    Ok(text)
}

/// The guest's side of 9p.
///
/// # Errors
/// `INTERNAL_ERROR` for an address that does not fit.
pub fn props(guest: &Guest<'_>, fs: &Filesystem) -> Result<Props> {
    let alias = guest.alias(&fs.info);
    let fsdev = format!("fsdev-{alias}");
    Ok(guest
        .virtio(
            "virtio-9p",
            fs.options.model.map_or(Virtio::Plain, Virtio::from),
            &fs.driver.virtio,
            &fs.info,
        )?
        .with("id", alias)
        .with("fsdev", fsdev)
        .with("mount_tag", fs.target.clone().unwrap_or_default())
        .join(guest.address(&fs.info)?))
}

fn virtiofs(guest: &Guest<'_>, fs: &Filesystem) -> Result<Props> {
    Ok(guest
        .virtio(
            "vhost-user-fs",
            fs.options.model.map_or(Virtio::Plain, Virtio::from),
            &fs.driver.virtio,
            &fs.info,
        )?
        .with("id", guest.alias(&fs.info))
        .with("chardev", chardev_id(guest, fs))
        .maybe("queue-size", fs.driver.queue.filter(|size| *size > 0))
        .with("tag", fs.target.clone().unwrap_or_default())
        .join(guest.bootindex(&fs.info))
        .join(guest.address(&fs.info)?))
}

fn mtp(guest: &Guest<'_>, fs: &Filesystem) -> Result<Props> {
    Ok(Props::device("usb-mtp")
        .with("id", guest.alias(&fs.info))
        .with("rootdir", fs.source.clone().unwrap_or_default())
        .maybe("desc", fs.target.clone())
        .with("readonly", fs.readonly)
        .join(guest.address(&fs.info)?))
}
