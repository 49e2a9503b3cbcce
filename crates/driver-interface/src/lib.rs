//! The interface driver: what the host's own network interfaces are. It only looks: libvirt's driver that is built on
//! udev changes nothing either, and everything that would is answered as "not supported".

mod look;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use virtus_api::constants::{
    VIR_CONNECT_LIST_INTERFACES_ACTIVE, VIR_CONNECT_LIST_INTERFACES_INACTIVE, VIR_INTERFACE_XML_INACTIVE,
};
use virtus_api::interface::ConnectListAllInterfacesReply;
use virtus_api::{Call, InterfaceRef, Interfaces};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_state::definitions::{blocking, passes};
use virtus_xdr::List;

/// The interface driver. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Driver {
    root: PathBuf,
}

fn flags(flags: u32, supported: u32, function: &str) -> Result<()> {
    Error::check_flags(ErrorDomain::INTERFACE, flags, supported, function)
}

impl Driver {
    /// A driver for the host whose files are below `root` (`/`); `None` where udev does not run, without which
    /// libvirt has no driver either.
    pub fn start(root: &Path) -> Option<Driver> {
        root.join("run/udev/control").exists().then(|| Driver { root: root.to_owned() })
    }

    /// Looks at interfaces beside the runtime, for that waits for the kernel.
    async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let root = self.root.clone();
        blocking(move || work(&root)).await
    }

    /// The names of interfaces that are up, or that are not.
    async fn names(&self, active: bool) -> Result<Vec<String>> {
        self.look(move |root| {
            let mut names = look::all(root);
            // the loopback is neither
            names.retain(|name| name != "lo" && look::is_active(root, name) == active);
            Ok(names)
        })
        .await
    }
}

fn reference(root: &Path, name: String) -> InterfaceRef {
    InterfaceRef { mac: look::mac(root, &name).unwrap_or_default(), name }
}

fn missing(text: String) -> Error {
    Error::new(ErrorDomain::INTERFACE, ErrorCode::NO_INTERFACE, text)
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn first(mut names: Vec<String>, max: i32) -> List<String, 16_384> {
    names.truncate(usize::try_from(max).unwrap_or(0));
    List(names)
}

#[async_trait]
impl Interfaces for Driver {
    async fn connect_num_of_interfaces(&self, _: &Call) -> Result<i32> {
        Ok(count(self.names(true).await?.len()))
    }

    async fn connect_list_interfaces(&self, _: &Call, maxnames: i32) -> Result<List<String, 16_384>> {
        Ok(first(self.names(true).await?, maxnames))
    }

    async fn connect_num_of_defined_interfaces(&self, _: &Call) -> Result<i32> {
        Ok(count(self.names(false).await?.len()))
    }

    async fn connect_list_defined_interfaces(&self, _: &Call, maxnames: i32) -> Result<List<String, 16_384>> {
        Ok(first(self.names(false).await?, maxnames))
    }

    async fn connect_list_all_interfaces(
        &self,
        _: &Call,
        need_results: i32,
        given: u32,
    ) -> Result<ConnectListAllInterfacesReply> {
        const KNOWN: u32 = VIR_CONNECT_LIST_INTERFACES_ACTIVE | VIR_CONNECT_LIST_INTERFACES_INACTIVE;
        flags(given, KNOWN, "udevConnectListAllInterfaces")?;
        let found = self
            .look(move |root| {
                let mut names = look::all(root);
                names.retain(|name| {
                    let active = look::is_active(root, name);
                    let groups = [
                        (VIR_CONNECT_LIST_INTERFACES_ACTIVE, active),
                        (VIR_CONNECT_LIST_INTERFACES_INACTIVE, !active),
                    ];
                    passes(given, &[&groups])
                });
                Ok(names.into_iter().map(|name| reference(root, name)).collect::<Vec<_>>())
            })
            .await?;
        let ret = u32::try_from(found.len()).unwrap_or(u32::MAX);
        let ifaces = if need_results == 0 { Vec::new() } else { found };
        Ok(ConnectListAllInterfacesReply { ifaces: List(ifaces), ret })
    }

    async fn interface_lookup_by_name(&self, _: &Call, name: String) -> Result<InterfaceRef> {
        self.look(move |root| match look::exists(root, &name) {
            true => Ok(reference(root, name)),
            false => Err(missing(format!("couldn't find interface named '{name}'"))),
        })
        .await
    }

    async fn interface_lookup_by_mac_string(&self, _: &Call, mac: String) -> Result<InterfaceRef> {
        self.look(move |root| {
            let mut names = look::all(root);
            names.retain(|name| look::mac(root, name).is_some_and(|found| found == mac));
            match &names[..] {
                [] => Err(missing(format!("couldn't find interface with MAC address '{mac}'"))),
                [name] => Ok(InterfaceRef { name: name.clone(), mac }),
                _ => {
                    let text = format!("the MAC address '{mac}' matches multiple interfaces");
                    Err(Error::new(ErrorDomain::INTERFACE, ErrorCode::MULTIPLE_INTERFACES, text))
                }
            }
        })
        .await
    }

    async fn interface_get_xml_desc(&self, _: &Call, iface: InterfaceRef, given: u32) -> Result<String> {
        flags(given, VIR_INTERFACE_XML_INACTIVE, "udevInterfaceGetXMLDesc")?;
        self.look(move |root| match look::one(root, &iface.name) {
            Some(interface) => Ok(interface.format()),
            None => Err(missing(format!("couldn't find interface named '{}'", iface.name))),
        })
        .await
    }

    async fn interface_is_active(&self, _: &Call, iface: InterfaceRef) -> Result<i32> {
        self.look(move |root| match look::exists(root, &iface.name) {
            true => Ok(i32::from(look::is_active(root, &iface.name))),
            false => Err(missing(format!("couldn't find interface named '{}'", iface.name))),
        })
        .await
    }
}
