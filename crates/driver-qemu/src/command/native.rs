//! `virConnectDomainXMLToNative`: the command line a definition would be started with, on paper.

use virtus_base::Result;
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::DeviceInfo;
use virtus_conf::domain::device::graphics::Graphics;
use virtus_conf::domain::device::hostdev::{HostDevSource, UsbHost};
use virtus_conf::domain::device::interface::{EthernetSource, InterfaceRest, InterfaceSource};

use super::guest::{Context, Secret, internal};
use super::line::CommandLine;
use super::{build, prepare};
use crate::address::{self, AddressFacts, alias};
use crate::device::storage::{NeededSecret, needed_secrets};
use crate::emulator::Emulator;

/// The first descriptor that stands for what nobody opened.
const FIRST_FD: i32 = 22;

/// The text of the command line of a definition (which it uses up: interfaces become taps). `look_up` finds a secret;
/// encrypted with a key that nobody keeps, one text is as good as another.
///
/// # Errors
/// As [`prepare`] and [`build`].
pub fn to_native(
    domain: &mut Domain,
    emulator: &dyn Emulator,
    context: &Context,
    look_up: &dyn Fn(&NeededSecret) -> Result<Secret>,
) -> Result<String> {
    Ok(line(domain, emulator, context, look_up)?.shell())
}

/// What a start opens before it writes the command line, and so does libvirt when it writes one on paper.
fn opened(domain: &Domain) -> Result<()> {
    let unknown = |usb: &UsbHost| usb.address.as_ref().and_then(|address| address.device).is_none();
    if domain
        .devices
        .hostdevs
        .iter()
        .any(|dev| matches!(&dev.source, HostDevSource::Usb(usb) if unknown(usb)))
    {
        return Err(internal("USB host device is missing bus/device information"));
    }
    Ok(())
}

pub(super) fn line(
    domain: &mut Domain,
    emulator: &dyn Emulator,
    context: &Context,
    look_up: &dyn Fn(&NeededSecret) -> Result<Secret>,
) -> Result<CommandLine> {
    let mut context = context.clone();
    for net in &mut domain.devices.interfaces {
        net.source = InterfaceSource::Ethernet(EthernetSource { ips: Vec::new(), routes: Vec::new() });
        net.rest = InterfaceRest { model: net.rest.model.take(), ..InterfaceRest::default() };
        net.info = DeviceInfo::default();
    }
    address::assign(domain, AddressFacts::of(emulator))?;
    for graphics in &mut domain.devices.graphics {
        match graphics {
            Graphics::Vnc(vnc) => {
                let ports = &mut vnc.server.ports;
                if ports.autoport {
                    ports.port.get_or_insert(5900);
                }
                if ports.websocket == Some(-1) {
                    ports.websocket = Some(5700);
                }
            }
            Graphics::Spice(spice) => {
                spice.ports.port = spice.ports.port.filter(|port| *port > 0).or(Some(5901));
            }
            _ => {}
        }
    }
    opened(domain)?;
    alias::assign(domain);
    prepare(domain, emulator, &context)?;
    for (net, fd) in domain.devices.interfaces.iter().zip(FIRST_FD..) {
        context.tap_fds.insert(net.info.alias.clone().unwrap_or_default(), vec![fd]);
    }
    for (vsock, fd) in domain.devices.vsocks.iter().zip(FIRST_FD..) {
        context.device_fds.insert(vsock.info.alias.clone().unwrap_or_default(), fd);
    }
    for needed in needed_secrets(domain, &context.settings) {
        let secret = look_up(&needed)?;
        context.secrets.insert(needed.id, secret);
    }
    build(domain, emulator, &context)
}
