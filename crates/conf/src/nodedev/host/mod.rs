//! Devices as a host has them, each kind with its own fields, and what a host can be asked to make.
//!
//! The documents of others, which may say anything, are `super::NodeDevice`'s.

mod capability;
mod inside;
mod wanted;

pub use capability::{
    Capability, Hardware, LinkInfo, MdevType, Named, PciAddress, PciDevice, PcieLink, ScsiHost, Storage,
    System,
};
pub use wanted::{Mdev, ParentHba, Wanted, WantedKind, Wwns};

use virtus_xml::{WriteOptions, Writer, keywords};

keywords! {
    /// The kinds of capabilities, in the order of libvirt's numbers.
    pub enum Kind {
        System = "system", Pci = "pci", UsbDevice = "usb_device", UsbInterface = "usb", Net = "net",
        ScsiHost = "scsi_host", ScsiTarget = "scsi_target", Scsi = "scsi", Storage = "storage",
        FcHost = "fc_host", Vports = "vports", ScsiGeneric = "scsi_generic", Drm = "drm",
        MdevTypes = "mdev_types", Mdev = "mdev", Ccw = "ccw", Css = "css", Vdpa = "vdpa", ApCard = "ap_card",
        ApQueue = "ap_queue", ApMatrix = "ap_matrix", Vpd = "vpd", CcwGroup = "ccwgroup",
        CcwGroupMember = "ccwgroup_member",
    }
}

impl Kind {
    /// The bit that asks for it in a listing (`VIR_CONNECT_LIST_NODE_DEVICES_CAP_…`).
    pub fn flag(self) -> u32 {
        1 << (self as u32)
    }
}

/// A device of the host.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeDevice {
    /// Its name.
    pub name: String,
    /// Its place in sysfs.
    pub path: Option<String>,
    /// The file it is used by.
    pub node: Option<String>,
    /// Links to that file.
    pub links: Vec<String>,
    /// The device it is on.
    pub parent: Option<String>,
    /// The kernel's driver for it.
    pub driver: Option<String>,
    /// What it is.
    pub capability: Capability,
}

impl NodeDevice {
    /// All kinds it belongs to, the main one first.
    pub fn kinds(&self) -> Vec<Kind> {
        self.capability.kinds()
    }

    /// The document.
    pub fn format(&self) -> String {
        let mut w = Writer::new(WriteOptions::default());
        w.start("device");
        w.element_text("name", &self.name);
        if let Some(path) = &self.path {
            w.element_text("path", path);
        }
        for (kind, path) in self.node.iter().map(|n| ("dev", n)).chain(self.links.iter().map(|l| ("link", l)))
        {
            w.start("devnode");
            w.attr("type", kind);
            w.text(path);
            w.end();
        }
        if let Some(parent) = &self.parent {
            w.element_text("parent", parent);
        }
        if let Some(driver) = &self.driver {
            w.start("driver");
            w.element_text("name", driver);
            w.end();
        }
        w.start("capability");
        w.attr("type", self.capability.kind().as_str());
        self.capability.write(&mut w);
        w.end();
        w.end();
        w.finish()
    }
}
