//! Making and removing devices: mediated ones, and virtual ports of fibre channel adapters.

use std::path::Path;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::nodedev::host::{Capability, Mdev, NodeDevice, ParentHba, Wanted, WantedKind, Wwns};

use crate::mdevctl::{self, Action};
use crate::scan::mdev_name;
use crate::{Devices, Known, Shared};

fn internal(text: impl Into<String>) -> Error {
    Error::internal(ErrorDomain::NODEDEV, text)
}

pub(crate) fn unsupported(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NODEDEV, ErrorCode::CONFIG_UNSUPPORTED, text)
}

/// What is said of devices that cannot be made, removed or changed.
pub(crate) const OTHER: &str = "Unsupported device type";

impl Shared {
    /// Makes a device and says what it is called.
    ///
    /// # Errors
    /// libvirt's.
    pub(crate) fn create(&self, wanted: &Wanted) -> Result<String> {
        match &wanted.kind {
            WantedKind::Other => Err(unsupported(OTHER)),
            WantedKind::Mdev(mdev) => self.mdev(Action::Start, wanted, mdev),
            WantedKind::ScsiHost(names) => {
                let names = names.as_ref().ok_or_else(|| internal("Device is not a fibre channel HBA"))?;
                let devices = self.devices.load_full();
                let host = parent_host(&devices, wanted.parent.as_deref(), &wanted.hba)?;
                self.vport(host, "vport_create", names)?;
                self.look();
                let made = self.devices.load_full();
                let is = |known: &&Known| match &known.device.capability {
                    Capability::ScsiHost(host) => host.fc_host.as_ref().is_some_and(|[node, port, _]| {
                        Some(node) == names.wwnn.as_ref() && Some(port) == names.wwpn.as_ref()
                    }),
                    _ => false,
                };
                let found = made.values().find(is).map(|known| known.device.name.clone());
                let text = "no node device for new vHBA was found";
                found.ok_or_else(|| Error::new(ErrorDomain::NODEDEV, ErrorCode::NO_NODE_DEVICE, text))
            }
        }
    }

    /// Defines a device and says what it is called.
    ///
    /// # Errors
    /// libvirt's.
    pub(crate) fn define(&self, wanted: &Wanted) -> Result<String> {
        match &wanted.kind {
            WantedKind::Mdev(mdev) => self.mdev(Action::Define, wanted, mdev),
            _ => Err(unsupported(OTHER)),
        }
    }

    fn mdev(&self, action: Action, wanted: &Wanted, mdev: &Mdev) -> Result<String> {
        let address = self.address(wanted)?;
        let defined = |uuid: &Uuid| mdev_name(&uuid.to_string(), Some(&address));
        let known = mdev.uuid.as_ref().and_then(|uuid| self.devices.load().get(&defined(uuid)).cloned());
        let uuid = match (action, mdev.uuid, known) {
            (Action::Define, Some(uuid), Some(known)) if known.persistent => {
                mdevctl::modify(self.runner.as_ref(), &address, uuid, mdev, (true, false))?;
                uuid
            }
            _ => mdevctl::make(self.runner.as_ref(), action, &address, mdev)?,
        };
        self.look();
        Ok(defined(&uuid))
    }

    /// How mdevctl calls the device a mediated one is to be on.
    fn address(&self, wanted: &Wanted) -> Result<String> {
        let parent = wanted.parent.as_deref().ok_or_else(|| unsupported("missing parent device"))?;
        let devices = self.devices.load_full();
        let known =
            devices.get(parent).ok_or_else(|| unsupported(format!("invalid parent device '{parent}'")))?;
        mdevctl::address(&known.device).ok_or_else(|| {
            let text = format!("Unable to find address for parent device '{parent}'");
            Error::new(ErrorDomain::NODEDEV, ErrorCode::PARSE_FAILED, text)
        })
    }

    /// Changes a device: as it is defined, as it runs, or both; neither is as it is now.
    ///
    /// # Errors
    /// libvirt's.
    pub(crate) fn update(&self, known: &Known, wanted: &Wanted, (defined, live): (bool, bool)) -> Result<()> {
        let address = match &wanted.kind {
            WantedKind::Mdev(_) => Some(self.address(wanted)?),
            _ => None,
        };
        let (Some(address), WantedKind::Mdev(next), Capability::Mdev(now)) =
            (address, &wanted.kind, &known.device.capability)
        else {
            return Err(unsupported(OTHER));
        };
        let name = &known.device.name;
        let other = |what: &str, current: &str| {
            unsupported(format!(
                "Cannot update device '{name}', {what} mismatch (current {what} '{current}')"
            ))
        };
        let Some(uuid) = now.uuid else { return Err(unsupported(OTHER)) };
        if next.uuid.is_some_and(|next| next != uuid) {
            return Err(other("uuid", &uuid.to_string()));
        }
        if next.kind != now.kind {
            return Err(other("type", &now.kind));
        }
        if now.parent.as_ref().is_some_and(|now| *now != address) {
            return Err(other("parent address", now.parent.as_deref().unwrap_or_default()));
        }
        let (defined, live) = if defined || live { (defined, live) } else { (!known.active, known.active) };
        if live && !known.active {
            return Err(inactive(name));
        }
        if defined && !known.persistent {
            let text = format!("Node device '{name}' is not defined");
            return Err(Error::new(ErrorDomain::NODEDEV, ErrorCode::OPERATION_INVALID, text));
        }
        mdevctl::modify(self.runner.as_ref(), &address, uuid, next, (defined, live))?;
        self.look();
        Ok(())
    }

    /// Ends a device that runs.
    ///
    /// # Errors
    /// libvirt's.
    pub(crate) fn destroy(&self, known: &Known) -> Result<()> {
        match &known.device.capability {
            Capability::Mdev(mdev) => {
                if !known.active {
                    return Err(inactive(&known.device.name));
                }
                let uuid = mdev.uuid.map(|uuid| uuid.to_string()).unwrap_or_default();
                mdevctl::command(self.runner.as_ref(), &["stop", "-u", &uuid], "stop")?;
            }
            Capability::ScsiHost(host) => {
                let [wwnn, wwpn, _] =
                    host.fc_host.clone().ok_or_else(|| internal("Device is not a fibre channel HBA"))?;
                let devices = self.devices.load_full();
                let above = parent_host(&devices, known.device.parent.as_deref(), &ParentHba::default())?;
                self.vport(above, "vport_delete", &Wwns { wwnn: Some(wwnn), wwpn: Some(wwpn) })?;
            }
            _ => return Err(unsupported(OTHER)),
        }
        self.look();
        Ok(())
    }

    /// Tells an adapter to make or remove a virtual port.
    fn vport(&self, host: u32, operation: &str, names: &Wwns) -> Result<()> {
        let (Some(wwnn), Some(wwpn)) = (&names.wwnn, &names.wwpn) else {
            return Err(internal("a virtual port needs the names of its node and of itself"));
        };
        let hex = |name: &str| name.len() == 16 && name.bytes().all(|b| b.is_ascii_hexdigit());
        if let Some(odd) = [wwnn, wwpn].into_iter().find(|name| !hex(name)) {
            return Err(internal(format!("malformed wwn: {odd}")));
        }
        let file = |class: &str| {
            self.root.join(Path::new("sys/class").join(class).join(format!("host{host}")).join(operation))
        };
        let path = [file("fc_host"), file("scsi_host")].into_iter().find(|path| path.exists());
        let path = path.ok_or_else(|| {
            internal(format!("vport operation '{operation}' is not supported for host{host}"))
        })?;
        std::fs::write(&path, format!("{wwpn}:{wwnn}")).map_err(|e| {
            let what =
                format!("Write of '{wwpn}:{wwnn}' to '{}' during vport create/delete failed", path.display());
            Error::system(ErrorDomain::NODEDEV, what, &e)
        })
    }
}

pub(crate) fn inactive(name: &str) -> Error {
    let text = format!("Device '{name}' is not active");
    Error::new(ErrorDomain::NODEDEV, ErrorCode::OPERATION_INVALID, text)
}

/// The number of the adapter a virtual port is to be on.
fn parent_host(devices: &Devices, parent: Option<&str>, hba: &ParentHba) -> Result<u32> {
    let missing = || internal("Could not find parent device for 'new device'");
    if let Some(name) = parent {
        let known = devices.get(name).ok_or_else(missing)?;
        return capable(&known.device)
            .ok_or_else(|| internal(format!("Parent device {name} is not capable of vport operations")));
    }
    let named = |device: &NodeDevice| match (&device.capability, hba) {
        (Capability::ScsiHost(host), ParentHba { names: Some((wwnn, wwpn)), .. }) => {
            host.fc_host.as_ref().is_some_and(|[node, port, _]| node == wwnn && port == wwpn)
        }
        (Capability::ScsiHost(host), ParentHba { fabric: Some(wanted), .. }) => {
            host.fc_host.as_ref().is_some_and(|[.., fabric]| fabric == wanted)
        }
        _ => false,
    };
    if hba.names.is_some() || hba.fabric.is_some() {
        let known = devices.values().find(|known| named(&known.device)).ok_or_else(missing)?;
        return capable(&known.device).ok_or_else(missing);
    }
    let any = devices.values().find_map(|known| capable(&known.device));
    any.ok_or_else(|| internal("Could not find any vport capable device"))
}

fn capable(device: &NodeDevice) -> Option<u32> {
    match &device.capability {
        Capability::ScsiHost(host) if host.vports.is_some() => Some(host.host),
        _ => None,
    }
}
