//! Network interfaces.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::YesNo;

use super::{no_virtio, refuse};
use crate::domain::device::Interface;
use crate::domain::device::interface::{BackendType, InterfaceSource, PortRange, TeamingType};
use crate::domain::parse::unsupported;

pub(super) fn interface(interface: &Interface) -> Result<()> {
    let (rest, kind) = (&interface.rest, interface.source.tag());
    if rest.target_managed == Some(YesNo::No) && !matches!(interface.source, InterfaceSource::Ethernet(_)) {
        return Err(unsupported(format!(
            "unmanaged target dev is not supported on interfaces of type '{kind}'"
        )));
    }
    if let Some(teaming) = &rest.teaming {
        match (teaming.kind, &teaming.persistent) {
            (TeamingType::Transient, None) => {
                return Err(unsupported(
                    "teaming persistent attribute must be set if teaming type is 'transient'",
                ));
            }
            (TeamingType::Persistent, Some(_)) => {
                return Err(unsupported(
                    "teaming persistent attribute not allowed if teaming type is 'persistent'",
                ));
            }
            _ => {}
        }
    }
    let mac = interface.mac.as_ref().map(|m| m.address.to_string()).unwrap_or_default();
    if rest.isolated == Some(YesNo::Yes) {
        let refused = |why: String| {
            Err(unsupported(format!(
                "interface {mac} - <port isolated='yes'/> is not supported for network interfaces with {why}"
            )))
        };
        if !matches!(interface.source, InterfaceSource::Network(_) | InterfaceSource::Bridge(_)) {
            return refused(format!("type='{kind}'"));
        }
        if let Some(port) = rest.virtualport.as_ref().and_then(|v| v.kind) {
            return refused(format!("virtualport type='{port}'"));
        }
    }
    let model = interface.model().unwrap_or("virtio");
    if model.bytes().any(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))) {
        let text = "Model name contains invalid characters";
        return Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::INVALID_ARG, text));
    }
    if !model.starts_with("virtio") {
        no_virtio(&rest.driver.virtio)?;
    }
    let user = matches!(interface.source, InterfaceSource::User(_) | InterfaceSource::VhostUser(_));
    let passt = rest.backend.kind == Some(BackendType::Passt);
    let odd = |range: &PortRange| {
        range.start == 0 && (range.end.is_some() || range.to.is_some() || range.exclude.is_some())
    };
    refuse(&[
        (
            passt && !user,
            "The 'passt' backend can only be used with interface type='user' or type='vhostuser'",
        ),
        (
            !(rest.port_forwards.is_empty() || passt && user),
            "The <portForward> element can only be used with the 'passt' backend of interface type='user' or type='vhostuser'",
        ),
        (
            rest.port_forwards.iter().flat_map(|forward| &forward.ranges).any(odd),
            "The 'range' of a 'portForward' requires 'start' attribute if 'end', 'to', or 'exclude' is specified",
        ),
    ])
}
