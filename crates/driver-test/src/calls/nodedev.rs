//! The host's devices, and virtual adapters for Fibre Channel.

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::nodedev::ConnectListAllNodeDevicesReply;
use virtus_api::{Call, Event, NodeDeviceEvent, NodeDeviceRef, NodeDevices};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::nodedev::host::Wanted;
use virtus_conf::nodedev::{Capability, NodeDevice};
use virtus_xdr::List;

use crate::state::State;
use crate::{Driver, count, error, flags, internal};

/// The adapter that new ones are copies of, and what such a copy is called.
const TEMPLATE: &str = "scsi_host11";
const VPORT: &str = "scsi_host12";
/// What the names of new adapters begin with: the number of nobody in particular.
const NEW: &str = "5100000";

/// Flags of listings that stand for kinds of devices.
const KINDS: [(u32, &str); 20] = [
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_SYSTEM, "system"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV, "pci"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_DEV, "usb_device"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_INTERFACE, "usb"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET, "net"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_HOST, "scsi_host"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_TARGET, "scsi_target"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI, "scsi"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_STORAGE, "storage"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_FC_HOST, "fc_host"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPORTS, "vports"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_GENERIC, "scsi_generic"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_DRM, "drm"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES, "mdev_types"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV, "mdev"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_CCW_DEV, "ccw"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_CSS_DEV, "css"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_VDPA, "vdpa"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_CARD, "ap_card"),
    (VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_QUEUE, "ap_queue"),
];

/// Whether a device is of a kind; an adapter is also what it can do.
fn is(device: &NodeDevice, kind: &str) -> bool {
    let can = device.scsi_hosts().any(|host| match kind {
        "fc_host" => host.fc_host.is_some(),
        "vports" => host.vports.is_some(),
        _ => false,
    });
    can || device.capabilities.iter().any(|capability| capability.kind() == kind)
}

fn lifecycle(name: &str, event: i32) -> Event {
    Event::NodeDevice(
        NodeDeviceRef { name: name.to_owned() },
        NodeDeviceEvent::Lifecycle { event, detail: 0 },
    )
}

/// An error of the generic code for devices.
fn failed(text: String) -> Error {
    Error::internal(ErrorDomain::NODEDEV, text)
}

impl State {
    /// Whether a device is of the host, not made for a pool or a client.
    fn is_of_host(&self, device: &NodeDevice) -> bool {
        !(self.has_vport && device.name == VPORT)
    }

    fn device(&self, name: &str) -> Result<&NodeDevice> {
        let found = self.devices.iter().find(|device| device.name == name);
        found.ok_or_else(|| {
            error(ErrorCode::NO_NODE_DEVICE, format!("no node device with matching name '{name}'"))
        })
    }

    /// Makes a virtual adapter of these names.
    pub(super) fn create_vport(
        &mut self,
        wwnn: &str,
        wwpn: &str,
        events: &mut Vec<Event>,
    ) -> Result<NodeDeviceRef> {
        let template = self.devices.iter().find(|device| device.name == TEMPLATE);
        // the reference says nothing at all here
        let mut device =
            template.cloned().ok_or_else(|| Error::new(ErrorDomain::NONE, ErrorCode::INTERNAL_ERROR, ""))?;
        device.name = VPORT.to_owned();
        for capability in &mut device.capabilities {
            let Capability::ScsiHost(host) = capability else { continue };
            match &mut host.fc_host {
                Some(fc) => {
                    fc.wwnn = Some(wwnn.to_owned());
                    fc.wwpn = Some(wwpn.to_owned());
                }
                None => {
                    host.host = host.host.map(|host| host.saturating_add(1));
                    host.unique_id = host.unique_id.map(|id| id.saturating_add(1));
                }
            }
        }
        self.devices.retain(|device| device.name != VPORT);
        self.devices.push(device);
        self.has_vport = true;
        events.push(lifecycle(VPORT, VIR_NODE_DEVICE_EVENT_CREATED));
        Ok(NodeDeviceRef { name: VPORT.to_owned() })
    }

    /// Takes the virtual adapter of a pool away.
    pub(super) fn destroy_vport(&mut self, events: &mut Vec<Event>) -> Result<()> {
        self.device(VPORT)?;
        self.devices.retain(|device| device.name != VPORT);
        self.has_vport = false;
        events.push(lifecycle(VPORT, VIR_NODE_DEVICE_EVENT_DELETED));
        Ok(())
    }

    /// Finds the adapter that a new one is to hang on.
    fn check_parent(&self, device: &NodeDevice) -> Result<()> {
        let parent = &device.parent;
        let capable = |host: &NodeDevice| host.scsi_hosts().any(|host| host.vports.is_some());
        let fc = |host: &NodeDevice, wanted: &dyn Fn(&virtus_conf::nodedev::FcHost) -> bool| {
            host.scsi_hosts().any(|host| host.fc_host.as_ref().is_some_and(wanted))
        };
        if let Some(name) = &parent.name {
            let found = self.devices.iter().find(|other| other.name == *name);
            let found =
                found.ok_or_else(|| failed(format!("Could not find parent device for '{}'", device.name)))?;
            return match capable(found) {
                true => Ok(()),
                false => Err(failed(format!("Parent device {name} is not capable of vport operations"))),
            };
        }
        let found = if parent.wwnn.is_some() {
            self.devices
                .iter()
                .any(|host| capable(host) && fc(host, &|fc| fc.wwnn == parent.wwnn && fc.wwpn == parent.wwpn))
        } else if parent.fabric_wwn.is_some() {
            self.devices
                .iter()
                .any(|host| capable(host) && fc(host, &|fc| fc.fabric_wwn == parent.fabric_wwn))
        } else {
            self.devices.iter().any(capable)
        };
        match found {
            true => Ok(()),
            false => Err(failed(format!("Could not find parent device for '{}'", device.name))),
        }
    }
}

#[async_trait]
impl NodeDevices for Driver {
    async fn node_num_of_devices(&self, _: &Call, cap: Option<String>, given: u32) -> Result<i32> {
        flags(given, 0, "testNodeNumOfDevices")?;
        let state = self.state();
        let wanted = |device: &&NodeDevice| cap.as_ref().is_none_or(|cap| is(device, cap));
        Ok(count(state.devices.iter().filter(wanted).count()))
    }

    async fn node_list_devices(
        &self,
        _: &Call,
        cap: Option<String>,
        max: i32,
        given: u32,
    ) -> Result<List<String, 65_536>> {
        flags(given, 0, "testNodeListDevices")?;
        let most = usize::try_from(max).unwrap_or(0);
        let state = self.state();
        let wanted = |device: &&NodeDevice| cap.as_ref().is_none_or(|cap| is(device, cap));
        Ok(state.devices.iter().filter(wanted).map(|device| device.name.clone()).take(most).collect())
    }

    async fn connect_list_all_node_devices(
        &self,
        _: &Call,
        need_results: i32,
        filter: u32,
    ) -> Result<ConnectListAllNodeDevicesReply> {
        let all = KINDS.iter().fold(0, |all, (flag, _)| all | flag);
        let rare = VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_MATRIX | VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPD;
        let lasting = [
            (VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE, VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE),
            (VIR_CONNECT_LIST_NODE_DEVICES_PERSISTENT, VIR_CONNECT_LIST_NODE_DEVICES_TRANSIENT),
        ];
        let known = lasting.iter().fold(all | rare, |known, (yes, no)| known | yes | no);
        flags(filter, known, "testConnectListAllNodeDevices")?;
        let state = self.state();
        let wanted = |device: &&NodeDevice| {
            let own = state.is_of_host(device);
            let lasts = |(yes, no): &(u32, u32)| {
                filter & (yes | no) == 0 || filter & if own { *yes } else { *no } != 0
            };
            let kinds = filter & (all | rare);
            let fits = |(flag, kind): &(u32, &str)| kinds & flag != 0 && is(device, kind);
            (kinds == 0 || KINDS.iter().any(fits)) && lasting.iter().all(lasts)
        };
        let found = state.devices.iter().filter(wanted);
        let mut devices: List<_, 65_536> =
            found.map(|device| NodeDeviceRef { name: device.name.clone() }).collect();
        let ret = count(devices.len());
        if need_results == 0 {
            devices = List::default();
        }
        Ok(ConnectListAllNodeDevicesReply { devices, ret })
    }

    async fn node_device_lookup_by_name(&self, _: &Call, name: String) -> Result<NodeDeviceRef> {
        self.state().device(&name)?;
        Ok(NodeDeviceRef { name })
    }

    async fn node_device_get_xml_desc(&self, _: &Call, name: String, given: u32) -> Result<String> {
        flags(given, VIR_NODE_DEVICE_XML_INACTIVE, "testNodeDeviceGetXMLDesc")?;
        Ok(self.state().device(&name)?.format())
    }

    async fn node_device_get_parent(&self, _: &Call, name: String) -> Result<Option<String>> {
        Ok(self.state().device(&name)?.parent.name.clone())
    }

    async fn node_device_is_persistent(&self, _: &Call, name: String) -> Result<i32> {
        let state = self.state();
        Ok(i32::from(state.is_of_host(state.device(&name)?)))
    }

    async fn node_device_is_active(&self, _: &Call, name: String) -> Result<i32> {
        let state = self.state();
        Ok(i32::from(state.is_of_host(state.device(&name)?)))
    }

    async fn node_device_num_of_caps(&self, _: &Call, name: String) -> Result<i32> {
        Ok(count(self.state().device(&name)?.capabilities.len()))
    }

    async fn node_device_list_caps(&self, _: &Call, name: String, max: i32) -> Result<List<String, 65_536>> {
        let most = usize::try_from(max).unwrap_or(0);
        let state = self.state();
        let device = state.device(&name)?;
        Ok(device.capabilities.iter().map(|capability| capability.kind().to_owned()).take(most).collect())
    }

    async fn node_device_create_xml(&self, _: &Call, xml: String, given: u32) -> Result<NodeDeviceRef> {
        flags(given, VIR_NODE_DEVICE_CREATE_XML_VALIDATE, "testNodeDeviceCreateXML")?;
        if given & VIR_NODE_DEVICE_CREATE_XML_VALIDATE != 0 {
            Wanted::parse(&xml, true)?;
        }
        let device = NodeDevice::parse(&xml, Some(NEW))?;
        let (wwnn, wwpn) = device.wwns()?;
        self.change(|state, events| {
            state.check_parent(&device)?;
            state.create_vport(&wwnn, &wwpn, events)
        })
    }

    async fn node_device_destroy(&self, _: &Call, name: String) -> Result<()> {
        self.change(|state, events| {
            let device = state.device(&name)?;
            // what is no adapter stays, and the reference says nothing of it
            if device.wwns().is_err() {
                return Ok(());
            }
            let parent = device.parent.name.clone().unwrap_or_default();
            if !state.devices.iter().any(|other| other.name == parent) {
                return Err(internal(format!("cannot find parent '{parent}' definition")));
            }
            state.devices.retain(|device| device.name != name);
            state.has_vport &= name != VPORT;
            events.push(lifecycle(&name, VIR_NODE_DEVICE_EVENT_DELETED));
            Ok(())
        })
    }
}
