//! What the driver answers.

use std::sync::Arc;

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::nodedev::ConnectListAllNodeDevicesReply;
use virtus_api::{Call, NodeDeviceRef, NodeDevices};
use virtus_base::error::Fields;
use virtus_base::{Error, ErrorCode, ErrorDomain, ErrorLevel, Result};
use virtus_conf::nodedev::host::{Capability, Kind, Wanted};
use virtus_state::definitions::{blocking, passes};
use virtus_xdr::List;

use crate::create::{OTHER, unsupported};
use crate::{Driver, Known, mdevctl, scan};

/// All bits that ask for kinds.
const KINDS: u32 = (1 << Kind::ALL.len()) - 1;
const STATES: u32 = VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE
    | VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE
    | VIR_CONNECT_LIST_NODE_DEVICES_PERSISTENT
    | VIR_CONNECT_LIST_NODE_DEVICES_TRANSIENT;

fn flags(flags: u32, supported: u32, function: &str) -> Result<()> {
    Error::check_flags(ErrorDomain::NODEDEV, flags, supported, function)
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NODEDEV, ErrorCode::OPERATION_INVALID, text)
}

fn reference(name: impl Into<String>) -> NodeDeviceRef {
    NodeDeviceRef { name: name.into() }
}

impl Driver {
    /// The names of devices, running or defined, that have a capability of this name.
    async fn named(&self, capability: Option<&str>) -> Vec<String> {
        let wanted = |known: &Known| {
            capability.is_none_or(|name| known.device.kinds().iter().any(|kind| kind.as_str() == name))
        };
        let devices = self.devices().await;
        devices.values().filter(|k| wanted(k)).map(|k| k.device.name.clone()).collect()
    }

    /// A mediated device's UUID; any other device is refused with this.
    fn uuid(known: &Known, refusal: Error) -> Result<String> {
        match &known.device.capability {
            Capability::Mdev(mdev) => Ok(mdev.uuid.map(|uuid| uuid.to_string()).unwrap_or_default()),
            _ => Err(refusal),
        }
    }

    /// Has mdevctl do something, and looks what came of it.
    async fn mdevctl(&self, args: Vec<String>, word: &'static str) -> Result<()> {
        let shared = Arc::clone(&self.0);
        blocking(move || {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            mdevctl::command(shared.runner.as_ref(), &args, word)?;
            shared.look();
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl NodeDevices for Driver {
    async fn node_num_of_devices(&self, _: &Call, cap: Option<String>, given: u32) -> Result<i32> {
        flags(given, 0, "nodeNumOfDevices")?;
        Ok(i32::try_from(self.named(cap.as_deref()).await.len()).unwrap_or(i32::MAX))
    }

    async fn node_list_devices(
        &self,
        _: &Call,
        cap: Option<String>,
        maxnames: i32,
        given: u32,
    ) -> Result<List<String, 65_536>> {
        flags(given, 0, "nodeListDevices")?;
        let mut names = self.named(cap.as_deref()).await;
        names.truncate(usize::try_from(maxnames).unwrap_or(0));
        Ok(List(names))
    }

    async fn node_device_lookup_by_name(&self, _: &Call, name: String) -> Result<NodeDeviceRef> {
        self.find(&name).await.map(|known| reference(known.device.name))
    }

    async fn node_device_get_xml_desc(&self, _: &Call, name: String, given: u32) -> Result<String> {
        flags(given, VIR_NODE_DEVICE_XML_INACTIVE, "nodeDeviceGetXMLDesc")?;
        let known = self.find(&name).await?;
        if given & VIR_NODE_DEVICE_XML_INACTIVE != 0 {
            return match known.persistent {
                true => Ok(known.device.format()),
                false => Err(invalid(format!("node device '{name}' is not persistent"))),
            };
        }
        if !known.active {
            return Ok(known.device.format());
        }
        let shared = Arc::clone(&self.0);
        // what changes without an event (links, counts) is read anew
        blocking(move || {
            let device = scan::again(&shared.root, &known.device).unwrap_or(known.device);
            Ok(device.format())
        })
        .await
    }

    async fn node_device_get_parent(&self, _: &Call, name: String) -> Result<Option<String>> {
        Ok(self.find(&name).await?.device.parent)
    }

    async fn node_device_num_of_caps(&self, _: &Call, name: String) -> Result<i32> {
        Ok(i32::try_from(self.find(&name).await?.device.kinds().len()).unwrap_or(i32::MAX))
    }

    async fn node_device_list_caps(
        &self,
        _: &Call,
        name: String,
        maxnames: i32,
    ) -> Result<List<String, 65_536>> {
        let kinds = self.find(&name).await?.device.kinds();
        let max = usize::try_from(maxnames).unwrap_or(0);
        Ok(List(kinds.iter().take(max).map(|kind| kind.as_str().to_owned()).collect()))
    }

    async fn connect_list_all_node_devices(
        &self,
        _: &Call,
        need_results: i32,
        given: u32,
    ) -> Result<ConnectListAllNodeDevicesReply> {
        flags(given, KINDS | STATES, "nodeConnectListAllNodeDevices")?;
        let devices = self.devices().await;
        let wanted = |known: &&Known| {
            let kinds = known.device.kinds().iter().fold(0, |all, kind| all | kind.flag());
            let states = passes(
                given,
                &[
                    &[
                        (VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE, known.active),
                        (VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE, !known.active),
                    ],
                    &[
                        (VIR_CONNECT_LIST_NODE_DEVICES_PERSISTENT, known.persistent),
                        (VIR_CONNECT_LIST_NODE_DEVICES_TRANSIENT, !known.persistent),
                    ],
                ],
            );
            states && (given & KINDS == 0 || given & kinds != 0)
        };
        let found: Vec<NodeDeviceRef> =
            devices.values().filter(wanted).map(|known| reference(known.device.name.clone())).collect();
        let ret = u32::try_from(found.len()).unwrap_or(u32::MAX);
        let devices = if need_results == 0 { Vec::new() } else { found };
        Ok(ConnectListAllNodeDevicesReply { devices: List(devices), ret })
    }

    async fn node_device_lookup_scsi_host_by_wwn(
        &self,
        _: &Call,
        wwnn: String,
        wwpn: String,
        given: u32,
    ) -> Result<NodeDeviceRef> {
        flags(given, 0, "nodeDeviceLookupSCSIHostByWWN")?;
        let devices = self.devices().await;
        let is = |known: &&Known| match &known.device.capability {
            Capability::ScsiHost(host) => {
                host.fc_host.as_ref().is_some_and(|[node, port, _]| *node == wwnn && *port == wwpn)
            }
            _ => false,
        };
        match devices.values().find(is) {
            Some(known) => Ok(reference(known.device.name.clone())),
            // libvirt says nothing of it, and that is what clients are told then
            None => {
                let text = "An error occurred, but the cause is unknown";
                Err(Error::from_fields(Fields {
                    code: ErrorCode::INTERNAL_ERROR,
                    domain: ErrorDomain::NONE,
                    message: text.to_owned(),
                    level: ErrorLevel::Error,
                    str1: None,
                    str2: None,
                    str3: None,
                    int1: -1,
                    int2: -1,
                }))
            }
        }
    }

    async fn node_device_create_xml(&self, _: &Call, xml: String, given: u32) -> Result<NodeDeviceRef> {
        flags(given, VIR_NODE_DEVICE_CREATE_XML_VALIDATE, "nodeDeviceCreateXML")?;
        let wanted = Wanted::parse(&xml, given & VIR_NODE_DEVICE_CREATE_XML_VALIDATE != 0)?;
        self.devices().await;
        let shared = Arc::clone(&self.0);
        blocking(move || shared.create(&wanted).map(reference)).await
    }

    async fn node_device_define_xml(&self, _: &Call, xml: String, given: u32) -> Result<NodeDeviceRef> {
        flags(given, VIR_NODE_DEVICE_DEFINE_XML_VALIDATE, "nodeDeviceDefineXML")?;
        let wanted = Wanted::parse(&xml, given & VIR_NODE_DEVICE_DEFINE_XML_VALIDATE != 0)?;
        self.devices().await;
        let shared = Arc::clone(&self.0);
        blocking(move || shared.define(&wanted).map(reference)).await
    }

    async fn node_device_destroy(&self, _: &Call, name: String) -> Result<()> {
        let known = self.find(&name).await?;
        let shared = Arc::clone(&self.0);
        blocking(move || shared.destroy(&known)).await
    }

    async fn node_device_update(&self, _: &Call, name: String, xml: String, given: u32) -> Result<()> {
        const KNOWN: u32 = VIR_NODE_DEVICE_UPDATE_AFFECT_LIVE | VIR_NODE_DEVICE_UPDATE_AFFECT_CONFIG;
        flags(given, KNOWN, "nodeDeviceUpdate")?;
        let known = self.find(&name).await?;
        let wanted = Wanted::parse(&xml, true)?;
        let which = (
            given & VIR_NODE_DEVICE_UPDATE_AFFECT_CONFIG != 0,
            given & VIR_NODE_DEVICE_UPDATE_AFFECT_LIVE != 0,
        );
        let shared = Arc::clone(&self.0);
        blocking(move || shared.update(&known, &wanted, which)).await
    }

    async fn node_device_undefine(&self, _: &Call, name: String, given: u32) -> Result<()> {
        flags(given, 0, "nodeDeviceUndefine")?;
        let known = self.find(&name).await?;
        if !known.persistent {
            return Err(invalid(format!("Node device '{name}' is not defined")));
        }
        let uuid = Driver::uuid(&known, unsupported(OTHER))?;
        self.mdevctl(vec!["undefine".into(), "--uuid".into(), uuid], "undefine").await
    }

    async fn node_device_create(&self, _: &Call, name: String, given: u32) -> Result<()> {
        flags(given, 0, "nodeDeviceCreate")?;
        let known = self.find(&name).await?;
        if known.active {
            return Err(invalid("Device is already active"));
        }
        let uuid = Driver::uuid(&known, unsupported(OTHER))?;
        self.mdevctl(vec!["start".into(), "--uuid".into(), uuid], "create").await
    }

    async fn node_device_get_autostart(&self, _: &Call, name: String) -> Result<i32> {
        Ok(self.find(&name).await?.autostart.into())
    }

    async fn node_device_set_autostart(&self, _: &Call, name: String, autostart: i32) -> Result<()> {
        let known = self.find(&name).await?;
        let refusal = Error::new(ErrorDomain::NODEDEV, ErrorCode::OPERATION_UNSUPPORTED, OTHER);
        let uuid = Driver::uuid(&known, refusal)?;
        if !known.persistent {
            return Err(invalid("cannot set autostart for transient device"));
        }
        let how = if autostart != 0 { "--auto" } else { "--manual" };
        self.mdevctl(vec!["modify".into(), how.into(), "--uuid".into(), uuid], "modify").await
    }

    async fn node_device_is_persistent(&self, _: &Call, name: String) -> Result<i32> {
        Ok(self.find(&name).await?.persistent.into())
    }

    async fn node_device_is_active(&self, _: &Call, name: String) -> Result<i32> {
        Ok(self.find(&name).await?.active.into())
    }
}
