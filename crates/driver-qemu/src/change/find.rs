//! Which device of a definition a document means. Each kind is told by what is its own; what a document does not say
//! of a device's place is not asked for.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::chardev::{SocketMode, UnixSource};
use virtus_conf::domain::device::console::ChannelTarget;
use virtus_conf::domain::device::hostdev::HostDevSource;
use virtus_conf::domain::device::input::InputType;
use virtus_conf::domain::device::memory::MemoryModel;
use virtus_conf::domain::device::rng::RngBackend;
use virtus_conf::domain::device::{
    Address, Channel, ChardevSource, Console, Controller, Device, DeviceInfo, Devices, Filesystem, HostDev,
    Input, Interface, Lease, MemoryDevice, Parallel, RedirDev, Rng, Serial, Shmem, Sound, Vsock, Watchdog,
};
use virtus_conf::domain::validate as generic;

/// Tells whether `self`, of a document, means `found`.
trait Means {
    fn means(&self, found: &Self) -> bool;
}

/// Whether the address that `asked` has, if any, is that of `found`.
fn at(asked: &DeviceInfo, found: &DeviceInfo) -> bool {
    asked.address.as_ref().is_none_or(|address| found.address.as_ref() == Some(address))
}

/// Whether the alias that `asked` has, if any, is that of `found`.
fn called(asked: &DeviceInfo, found: &DeviceInfo) -> bool {
    asked.alias.as_ref().is_none_or(|alias| found.alias.as_ref() == Some(alias))
}

/// Whether two character devices have the same host's side.
pub(crate) fn same_source(one: &ChardevSource, other: &ChardevSource) -> bool {
    use ChardevSource as S;
    let path = |source: &ChardevSource| source.path().map(str::to_owned);
    match (one, other) {
        (S::Pty { .. }, S::Pty { .. })
        | (S::Dev { .. }, S::Dev { .. })
        | (S::Pipe { .. }, S::Pipe { .. }) => path(one) == path(other),
        (S::File { source: a }, S::File { source: b }) => (a.append, &a.path) == (b.append, &b.path),
        (S::Unix { source: a }, S::Unix { source: b }) => {
            // a socket the daemon names is always QEMU's
            let serves = |s: &UnixSource| s.path.is_none() || s.mode == Some(SocketMode::Bind);
            (serves(a), &a.path, &a.reconnect) == (serves(b), &b.path, &b.reconnect)
        }
        (S::Tcp(a), S::Tcp(b)) => {
            let key = |end: &virtus_conf::domain::device::chardev::TcpEndpoint| {
                (end.mode, end.host.clone(), end.service.clone(), end.reconnect.clone())
            };
            a.protocol == b.protocol && key(&a.source) == key(&b.source)
        }
        _ => one == other,
    }
}

impl Means for Serial {
    fn means(&self, found: &Self) -> bool {
        same_source(&self.chardev.source, &found.chardev.source)
            && self.target.kind == found.target.kind
            && self.target.port == found.target.port
    }
}

impl Means for Parallel {
    fn means(&self, found: &Self) -> bool {
        same_source(&self.chardev.source, &found.chardev.source) && self.port == found.port
    }
}

impl Means for Console {
    fn means(&self, found: &Self) -> bool {
        same_source(&self.chardev.source, &found.chardev.source) && self.port == found.port
    }
}

impl Means for Channel {
    fn means(&self, found: &Self) -> bool {
        use ChannelTarget as T;
        let target = match (&self.target, &found.target) {
            (T::Virtio { name: a, .. }, T::Virtio { name: b, .. }) => a == b,
            (a, b) => a == b,
        };
        target && same_source(&self.chardev.source, &found.chardev.source)
    }
}

impl Means for Sound {
    fn means(&self, found: &Self) -> bool {
        self.model == found.model
            && self.codecs == found.codecs
            && self.multichannel == found.multichannel
            && self.streams == found.streams
            && at(&self.info, &found.info)
    }
}

impl Means for HostDev {
    fn means(&self, found: &Self) -> bool {
        match (&self.source, &found.source) {
            (HostDevSource::Usb(a), HostDevSource::Usb(b)) => {
                let place = |usb: &virtus_conf::domain::device::hostdev::UsbHost| {
                    let address = usb.address.as_ref()?;
                    Some((address.bus.filter(|bus| *bus > 0)?, address.device.filter(|device| *device > 0)?))
                };
                match place(a) {
                    Some(asked) => place(b) == Some(asked),
                    None => (a.vendor, a.product) == (b.vendor, b.product),
                }
            }
            (a, b) => generic::same_host_device(a, b),
        }
    }
}

impl Means for Lease {
    fn means(&self, found: &Self) -> bool {
        self.key == found.key && self.lockspace == found.lockspace
    }
}

impl Means for Controller {
    fn means(&self, found: &Self) -> bool {
        self.kind.tag() == found.kind.tag() && self.index.is_some() && self.index == found.index
    }
}

impl Means for Filesystem {
    fn means(&self, found: &Self) -> bool {
        (self.target.is_none() || self.target == found.target)
            && at(&self.info, &found.info)
            && called(&self.info, &found.info)
    }
}

impl Means for Rng {
    fn means(&self, found: &Self) -> bool {
        let backend = match (&self.backend, &found.backend) {
            (RngBackend::Egd(a), RngBackend::Egd(b)) => same_source(&a.source, &b.source),
            (a, b) => a == b,
        };
        backend && self.model == found.model && self.rate == found.rate && at(&self.info, &found.info)
    }
}

impl Means for MemoryDevice {
    fn means(&self, found: &Self) -> bool {
        let (a, b) = (&self.target, &found.target);
        let same = at(&self.info, &found.info)
            && called(&self.info, &found.info)
            && self.model == found.model
            && (a.node, a.size) == (b.node, b.size);
        let source = (&self.source.nodemask, self.source.pagesize);
        let found_source = (&found.source.nodemask, found.source.pagesize);
        same && match self.model {
            MemoryModel::Dimm => source == found_source,
            MemoryModel::VirtioMem => {
                source == found_source
                    && (a.block, a.requested, a.address) == (b.block, b.requested, b.address)
            }
            MemoryModel::Nvdimm => self.source.path == found.source.path,
            MemoryModel::VirtioPmem => self.source.path == found.source.path && a.address == b.address,
            MemoryModel::SgxEpc => self.source.nodemask == found.source.nodemask,
        }
    }
}

impl Means for RedirDev {
    fn means(&self, found: &Self) -> bool {
        self.bus == found.bus
            && same_source(&self.chardev.source, &found.chardev.source)
            && at(&self.info, &found.info)
            && called(&self.info, &found.info)
    }
}

impl Means for Shmem {
    fn means(&self, found: &Self) -> bool {
        (&self.name, self.size, self.model, self.role, &self.server, &self.msi)
            == (&found.name, found.size, found.model, found.role, &found.server, &found.msi)
            && at(&self.info, &found.info)
    }
}

impl Means for Watchdog {
    fn means(&self, found: &Self) -> bool {
        self.model == found.model
            && self.action == found.action
            && at(&self.info, &found.info)
            && called(&self.info, &found.info)
    }
}

impl Means for Input {
    fn means(&self, found: &Self) -> bool {
        self.kind == found.kind
            && self.bus == found.bus
            && (self.kind != InputType::Passthrough || self.source.evdev == found.source.evdev)
            && at(&self.info, &found.info)
    }
}

impl Means for Vsock {
    fn means(&self, found: &Self) -> bool {
        let auto = |vsock: &Vsock| vsock.cid_auto.is_some_and(|auto| auto.is_true());
        self.model == found.model && auto(self) == auto(found) && at(&self.info, &found.info)
    }
}

/// Where the device is that `asked` means, in the list of its kind. `mac` says whether an interface's document names
/// its MAC address: otherwise reading has made one up.
///
/// # Errors
/// `DEVICE_MISSING` and `OPERATION_FAILED` for interfaces only, which are told by what they have.
pub(crate) fn find(devices: &Devices, asked: &Device, mac: bool) -> Result<Option<usize>> {
    fn first<T: Means>(list: &[T], asked: &T) -> Option<usize> {
        list.iter().position(|found| asked.means(found))
    }
    Ok(match asked {
        Device::Disk(disk) => devices.disks.iter().position(|found| found.dst() == disk.dst()),
        Device::Interface(net) => return interface(&devices.interfaces, net, mac).map(Some),
        Device::Graphics(graphics) => {
            let kind = std::mem::discriminant(&**graphics);
            devices.graphics.iter().position(|found| std::mem::discriminant(found) == kind)
        }
        Device::Iommu(_) => (!devices.iommus.is_empty()).then_some(0),
        Device::Controller(x) => first(&devices.controllers, x),
        Device::Lease(x) => first(&devices.leases, x),
        Device::Filesystem(x) => first(&devices.filesystems, x),
        Device::Serial(x) => first(&devices.serials, x),
        Device::Parallel(x) => first(&devices.parallels, x),
        Device::Console(x) => first(&devices.consoles, x),
        Device::Channel(x) => first(&devices.channels, x),
        Device::Input(x) => first(&devices.inputs, x),
        Device::Sound(x) => first(&devices.sounds, x),
        Device::HostDev(x) => first(&devices.hostdevs, x),
        Device::RedirDev(x) => first(&devices.redirdevs, x),
        Device::Watchdog(x) => first(&devices.watchdogs, x),
        Device::Rng(x) => first(&devices.rngs, x),
        Device::Shmem(x) => first(&devices.shmems, x),
        Device::Memory(x) => first(&devices.memories, x),
        Device::Vsock(x) => first(&devices.vsocks, x),
        Device::Smartcard(_)
        | Device::Tpm(_)
        | Device::Audio(_)
        | Device::Video(_)
        | Device::RedirFilter(_)
        | Device::Hub(_)
        | Device::MemBalloon(_)
        | Device::Nvram(_)
        | Device::Panic(_)
        | Device::Crypto(_)
        | Device::Pstore(_) => None,
    })
}

/// The memory device of the place and alias that `asked` has: the one whose size may be changed.
pub(crate) fn memory(devices: &Devices, asked: &MemoryDevice) -> Option<usize> {
    let list = &devices.memories;
    list.iter().position(|found| found.info.address == asked.info.address && called(&asked.info, &found.info))
}

/// The device of an alias.
///
/// # Errors
/// `INTERNAL_ERROR` when there is none.
pub(crate) fn by_alias(devices: &Devices, alias: &str) -> Result<Device> {
    let found = devices.find_alias(alias).and_then(|(kind, at)| devices.get(kind, at));
    found.ok_or_else(|| Error::internal(ErrorDomain::DOMAIN, format!("no device found with alias {alias}")))
}

/// Where the one interface is that `asked` means.
fn interface(list: &[Interface], asked: &Interface, mac: bool) -> Result<usize> {
    let address = |net: &Interface| net.mac.as_ref().map(|mac| mac.address);
    let place = asked.info.address.as_ref().filter(|a| matches!(a, Address::Pci(_) | Address::Ccw(_)));
    let same_place = |found: &Interface| match (place, &found.info.address) {
        (Some(Address::Pci(a)), Some(Address::Pci(b))) => {
            (a.domain, a.bus, a.slot, a.function) == (b.domain, b.bus, b.slot, b.function)
        }
        (Some(a), b) => Some(a) == b.as_ref(),
        (None, _) => true,
    };
    let same = |found: &Interface| {
        (!mac || address(found) == address(asked))
            && same_place(found)
            && (found.info.alias.is_none() || called(&asked.info, &found.info))
    };
    let mut found = list.iter().enumerate().filter(|(_, net)| same(net)).map(|(i, _)| i);
    let failed = |code, text| Err(Error::new(ErrorDomain::DOMAIN, code, text));
    let mac = asked.mac.as_ref().filter(|_| mac).map(|mac| mac.address.to_string());
    match (found.next(), found.next(), mac) {
        (Some(only), None, _) => Ok(only),
        (Some(_), Some(_), Some(mac)) => {
            failed(ErrorCode::OPERATION_FAILED, format!("multiple devices matching MAC address {mac} found"))
        }
        (Some(_), Some(_), None) => {
            failed(ErrorCode::OPERATION_FAILED, "multiple matching devices found".to_owned())
        }
        (None, _, mac) => {
            let or_none = |text: Option<String>| text.unwrap_or_else(|| "(<null>)".to_owned());
            let address = match place {
                Some(Address::Pci(pci)) => Some(pci.to_string()),
                Some(Address::Ccw(ccw)) => Some(format!(
                    "{:x}.{:x}.{:04x}",
                    ccw.cssid.unwrap_or(0),
                    ccw.ssid.unwrap_or(0),
                    ccw.devno.unwrap_or(0)
                )),
                _ => None,
            };
            let (address, mac, alias) = (or_none(address), or_none(mac), or_none(asked.info.alias.clone()));
            failed(
                ErrorCode::DEVICE_MISSING,
                format!(
                    "no device found at address '{address}' matching MAC address '{mac}' and alias '{alias}'"
                ),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtus_conf::domain::ParseOptions;

    const OPTIONS: ParseOptions = ParseOptions { inactive: true, skip_validate: true, strict: false };

    fn devices(list: &[&str]) -> Devices {
        let mut devices = Devices::default();
        for xml in list {
            devices.push(Device::parse(xml, &OPTIONS).unwrap());
        }
        devices
    }

    fn at(list: &[&str], asked: &str) -> Result<Option<usize>> {
        let asked = Device::parse(asked, &OPTIONS).unwrap();
        find(&devices(list), &asked, true)
    }

    #[test]
    fn what_a_document_leaves_out_is_not_asked_for() {
        let rng = |address: &str| {
            format!("<rng model='virtio'><backend model='random'>/dev/urandom</backend>{address}</rng>")
        };
        let here = rng("<address type='pci' domain='0' bus='1' slot='0' function='0'/>");
        let there = rng("<address type='pci' domain='0' bus='2' slot='0' function='0'/>");
        assert_eq!(at(&[&here], &rng("")).unwrap(), Some(0));
        assert_eq!(at(&[&here, &there], &there).unwrap(), Some(1));
        assert_eq!(at(&[&here], &there).unwrap(), None);
    }

    #[test]
    fn a_socket_that_the_daemon_names_is_the_same_without_its_mode() {
        let channel =
            |source: &str| format!("<channel type='unix'>{source}<target type='virtio' name='a'/></channel>");
        assert_eq!(at(&[&channel("<source mode='bind'/>")], &channel("")).unwrap(), Some(0));
        let connect = channel("<source mode='connect' path='/s'/>");
        assert_eq!(at(&[&channel("<source mode='bind' path='/s'/>")], &connect).unwrap(), None);
    }

    #[test]
    fn interfaces_are_told_by_what_they_have() {
        let net =
            |mac: u8| format!("<interface type='user'><mac address='52:54:00:00:00:{mac:02x}'/></interface>");
        assert_eq!(at(&[&net(1), &net(2)], &net(2)).unwrap(), Some(1));
        assert_eq!(at(&[&net(1)], &net(3)).unwrap_err().code(), ErrorCode::DEVICE_MISSING);
        let twice = at(&[&net(1), &net(1)], &net(1)).unwrap_err();
        assert_eq!(
            twice.message(),
            "operation failed: multiple devices matching MAC address 52:54:00:00:00:01 found"
        );
    }
}
