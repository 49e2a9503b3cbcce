//! The definition as a whole.

use std::collections::{HashMap, HashSet};

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use super::{detail, hostdev, printable, refuse, topology};
use crate::domain::Domain;
use crate::domain::device::address::{Address, DriveAddress};
use crate::domain::device::filesystem::FsDriverType;
use crate::domain::device::hostdev::HostDevSource;
use crate::domain::device::storage::NetProtocol;
use crate::domain::features::IoApic;
use crate::domain::os::{Firmware, FirmwareFeatureName, LoaderType};
use crate::domain::owners::Owners;
use crate::domain::parse::{unsupported, xml_error};
use crate::domain::seclabel::SecLabelType;
use crate::scaled::KiB;

/// Checks what concerns more than one device, and everything that is none.
///
/// # Errors
/// libvirt's, for the first rule that is broken.
pub fn definition(domain: &Domain) -> Result<()> {
    let rules: [fn(&Domain) -> Result<()>; 15] = [
        appid,
        disk_names,
        hostdev::together,
        drive_addresses,
        aliases,
        iommu,
        hugepages,
        boot,
        cputune,
        videos,
        blkio,
        idmap,
        topology::numa,
        filesystems,
        iothreads,
    ];
    rules.iter().try_for_each(|rule| rule(domain))?;
    seclabels(domain)?;
    sysinfo(domain)
}

fn appid(domain: &Domain) -> Result<()> {
    let Some(appid) = domain.resource.as_ref().and_then(|r| r.appid.as_ref()) else { return Ok(()) };
    if !printable(appid) {
        return Err(xml_error("Fibre Channel 'appid' is not a printable string"));
    }
    match appid.len() {
        1..=128 => Ok(()),
        _ => Err(Error::new(
            ErrorDomain::DOMAIN,
            ErrorCode::INVALID_ARG,
            "Fibre Channel 'appid' string length must be between [1, 128]",
        )),
    }
}

fn disk_names(domain: &Domain) -> Result<()> {
    let disks = &domain.devices.disks;
    let mut seen = HashMap::new();
    for disk in disks {
        let source = disk.source.path().or_else(|| disk.source.network().and_then(image));
        let source = source.unwrap_or("<null>");
        if let Some(first) = seen.insert(disk.dst(), source) {
            return Err(xml_error(format!(
                "target '{}' duplicated for disk sources '{first}' and '{source}'",
                disk.dst()
            )));
        }
    }
    Ok(())
}

/// An image's name inside its pool or volume.
fn image(network: &crate::domain::device::storage::NetworkSource) -> Option<&str> {
    let name = network.name.as_deref()?;
    match network.protocol {
        Some(NetProtocol::Rbd | NetProtocol::Gluster) => {
            name.split_once('/').map(|(_, image)| image).or(Some(name))
        }
        _ => Some(name),
    }
}

fn drive_addresses(domain: &Domain) -> Result<()> {
    let drive = |address: &Option<Address>| match address {
        Some(Address::Drive(drive)) => Some(*drive),
        _ => None,
    };
    let mut seen = HashMap::new();
    for disk in &domain.devices.disks {
        let Some(address) = drive(&disk.info.address) else { continue };
        if let Some(first) = seen.insert((disk.bus(), address), disk.dst()) {
            let DriveAddress { controller, bus, target, unit } = address;
            return Err(unsupported(format!(
                "Found duplicate drive address for disk with target name '{first}' controller='{controller}' bus='{bus}' target='{target}' unit='{unit}'"
            )));
        }
    }
    let scsi = domain.devices.hostdevs.iter().filter(|host| matches!(host.source, HostDevSource::Scsi(_)));
    let addresses: Vec<DriveAddress> = scsi.filter_map(|host| drive(&host.info.address)).collect();
    let last: HashMap<DriveAddress, usize> = addresses.iter().copied().zip(0..).collect();
    for (i, address) in addresses.into_iter().enumerate() {
        if last.get(&address).is_some_and(|last| *last > i) {
            let DriveAddress { controller, bus, target, unit } = address;
            return Err(unsupported(format!(
                "SCSI host address controller='{bus}' bus='{controller}' target='{target}' unit='{unit}' in use by another SCSI host device"
            )));
        }
    }
    Ok(())
}

fn aliases(domain: &Domain) -> Result<()> {
    let mut seen = HashSet::new();
    let mut twice = None;
    // the first console is the first serial port, under the same alias
    let console = domain.devices.consoles.first().and_then(|c| c.info.alias.clone());
    let serial = domain.devices.serials.first().and_then(|s| s.info.alias.clone());
    let shared = console.filter(|c| Some(c) == serial.as_ref());
    domain.devices.each_info(|_, info| {
        if let Some(alias) = info.alias.as_ref().filter(|_| info.has_user_alias())
            && Some(alias) != shared.as_ref()
            && !seen.insert(alias.clone())
        {
            twice.get_or_insert(alias.clone());
        }
    });
    match twice {
        Some(alias) => Err(unsupported(format!("non unique alias detected: {alias}"))),
        None => Ok(()),
    }
}

fn iommu(domain: &Domain) -> Result<()> {
    let Some(iommu) = domain.devices.iommus.first() else { return Ok(()) };
    let on = |s: Option<virtus_xml::OnOff>| s.is_some_and(|s| s.is_true());
    let split = domain.features.as_ref().is_some_and(|f| f.ioapic == Some(IoApic::Qemu));
    let (intremap, eim) = (on(iommu.driver.intremap), on(iommu.driver.eim));
    refuse(&[
        (intremap && !split, "IOMMU interrupt remapping requires split I/O APIC (ioapic driver='qemu')"),
        (eim && !intremap, "IOMMU eim requires interrupt remapping to be enabled"),
    ])
}

fn hugepages(domain: &Domain) -> Result<()> {
    let Some(huge) = domain.memory_backing.as_ref().and_then(|m| m.hugepages.as_ref()) else {
        return Ok(());
    };
    let cells = domain.cpu.as_ref().and_then(|c| c.numa.as_ref()).map_or(0, |n| n.cells.len());
    let mut owners = Owners::default();
    let mut master: Option<KiB> = None;
    for (i, page) in huge.pages.iter().enumerate() {
        match &page.nodeset {
            Some(nodes) if nodes.is_empty() => {}
            Some(nodes) => {
                if let Some(other) = owners.first(nodes).and_then(|other| huge.pages.get(other)) {
                    return Err(detail(format!(
                        "nodeset attribute of hugepages of sizes {} and {} intersect",
                        page.size.0, other.size.0
                    )));
                }
                owners.add(nodes, i);
            }
            None => {
                if let Some(other) = master.replace(page.size) {
                    return Err(detail(format!(
                        "two master hugepages detected: {} and {}",
                        page.size.0, other.0
                    )));
                }
            }
        }
        let beyond = page.nodeset.iter().flat_map(|n| n.iter()).find(|n| *n >= cells.max(1));
        if let Some(node) = beyond {
            return Err(detail(format!("hugepages: node {node} not found")));
        }
    }
    Ok(())
}

/// What boots: firmware, its variables, kernel and menu.
///
/// # Errors
/// `XML_DETAIL` for settings that exclude each other.
pub fn boot(domain: &Domain) -> Result<()> {
    let os = &domain.os;
    let features = os.firmware_features.as_ref().map(|f| f.features.as_slice()).unwrap_or_default();
    if let Some(firmware) = os.firmware {
        let state = |name| features.iter().find(|f| f.name == name).map(|f| f.enabled.is_true());
        let (keys, secure) =
            (state(FirmwareFeatureName::EnrolledKeys), state(FirmwareFeatureName::SecureBoot));
        if keys == Some(true) && secure == Some(false) {
            return Err(detail(
                "firmware feature 'enrolled-keys' cannot be enabled when firmware feature 'secure-boot' is disabled",
            ));
        }
        if firmware != Firmware::Efi && os.nvram.is_some() {
            return Err(detail(format!("firmware type '{firmware}' does not support nvram")));
        }
    } else {
        if !features.is_empty() {
            return Err(detail(
                "cannot use feature-based firmware autoselection when firmware autoselection is disabled",
            ));
        }
        let loader = os.loader.as_ref().and_then(|l| l.path.as_ref());
        if loader.is_none() && (os.loader.is_some() || os.nvram.is_some()) {
            return Err(detail("no loader path specified and firmware auto selection disabled"));
        }
    }
    if let Some(loader) = &os.loader {
        let rom = os.firmware.is_none() && loader.loader_type != Some(LoaderType::Pflash);
        if rom && loader.stateless.is_some_and(|s| !s.is_true()) {
            return Err(detail("Only pflash loader type permits NVRAM"));
        }
    }
    if let (Some(loader), Some(nvram)) = (&os.loader, &os.nvram)
        && loader.stateless.is_some_and(|s| s.is_true())
    {
        return Err(detail(match nvram.template {
            Some(_) => "NVRAM template is not permitted when loader is stateless",
            None => "NVRAM is not permitted when loader is stateless",
        }));
    }
    let timeout = os.bootmenu.as_ref().and_then(|menu| menu.timeout);
    refuse(&[(
        timeout.is_some_and(|timeout| timeout > crate::domain::os::MENU_TIMEOUT),
        "invalid value for boot menu timeout, must be in range [0,65535]",
    )])?;
    let delay = os.bios_reboot_timeout.is_some_and(|t| !(-1..=65535).contains(&t));
    refuse(&[(delay, "invalid value for rebootTimeout, must be in range [-1,65535]")])
}

fn cputune(domain: &Domain) -> Result<()> {
    let Some(tune) = &domain.cputune else { return Ok(()) };
    let ranged = |name: &str, value: Option<i128>, min: i128, max: i128| match value {
        Some(value) if value > 0 && !(min..=max).contains(&value) => {
            Err(unsupported(format!("Value of cputune '{name}' must be in range [{min}, {max}]")))
        }
        _ => Ok(()),
    };
    for (name, period) in [
        ("period", tune.period),
        ("global_period", tune.global_period),
        ("emulator_period", tune.emulator_period),
        ("iothread_period", tune.iothread_period),
    ] {
        ranged(name, period.map(i128::from), 1000, 1_000_000)?;
    }
    for (name, quota) in [
        ("quota", tune.quota),
        ("global_quota", tune.global_quota),
        ("emulator_quota", tune.emulator_quota),
        ("iothread_quota", tune.iothread_quota),
    ] {
        ranged(name, quota.map(i128::from), 1000, 17_592_186_044_415)?;
    }
    Ok(())
}

fn videos(domain: &Domain) -> Result<()> {
    let primary = |v: &&crate::domain::device::Video| v.model.primary.is_some_and(|p| p.is_true());
    let count = domain.devices.videos.iter().filter(primary).count();
    refuse(&[(count > 1, "Only one primary video device is supported")])
}

fn blkio(domain: &Domain) -> Result<()> {
    let devices = domain.blkiotune.as_ref().map(|b| b.devices.as_slice()).unwrap_or_default();
    let mut seen = HashSet::new();
    match devices.iter().find(|d| !seen.insert(&d.path)) {
        Some(twice) => Err(unsupported(format!("duplicate blkio device path '{}'", twice.path))),
        None => Ok(()),
    }
}

fn idmap(domain: &Domain) -> Result<()> {
    let Some(map) = &domain.idmap else { return Ok(()) };
    let rootless = |m: &[crate::domain::misc::IdMap]| !m.is_empty() && m.iter().all(|m| m.start != 0);
    refuse(&[
        (map.uid.is_empty() != map.gid.is_empty(), "uid and gid should be mapped both"),
        (rootless(&map.uid) || rootless(&map.gid), "You must map the root user of container"),
    ])
}

fn filesystems(domain: &Domain) -> Result<()> {
    let mut seen = HashSet::new();
    let virtiofs =
        domain.devices.filesystems.iter().filter(|f| f.driver.kind == Some(FsDriverType::Virtiofs));
    match virtiofs.filter_map(|f| f.target.as_ref()).find(|target| !seen.insert(*target)) {
        Some(target) => Err(unsupported(format!("filesystem target '{target}' specified twice"))),
        None => Ok(()),
    }
}

fn iothreads(domain: &Domain) -> Result<()> {
    let pools = domain
        .iothreadids
        .iter()
        .flat_map(|ids| &ids.iothreads)
        .map(|t| (t.thread_pool_min, t.thread_pool_max))
        .chain(domain.defaultiothread.as_ref().map(|d| (d.thread_pool_min, d.thread_pool_max)));
    for (min, max) in pools {
        refuse(&[
            (max == Some(0), "thread_pool_max must be a positive integer"),
            (
                min.unwrap_or(-1) > max.unwrap_or(-1),
                "thread_pool_min must be smaller or equal to thread_pool_max",
            ),
        ])?;
    }
    Ok(())
}

fn seclabels(domain: &Domain) -> Result<()> {
    for label in &domain.seclabels {
        let model = label.model.as_deref();
        let fixed = label.relabel.is_some_and(|r| !r.is_true());
        let dynamic = label.kind.is_none_or(|k| k == SecLabelType::Dynamic);
        refuse(&[(
            dynamic && fixed && model != Some("none"),
            "dynamic label type must use resource relabeling",
        )])?;
    }
    Ok(())
}

fn sysinfo(domain: &Domain) -> Result<()> {
    use crate::domain::sysinfo::SysInfo;
    for info in &domain.sysinfo {
        let SysInfo::Smbios(tables) = info else { continue };
        let uuid = tables.system.as_ref().and_then(|s| s.uuid.as_deref());
        let same = uuid.is_none_or(|u| virtus_base::Uuid::parse(u) == Some(domain.uuid));
        if !same {
            return Err(detail("UUID mismatch between <uuid> and <sysinfo>"));
        }
        let date = tables.bios.as_ref().and_then(|b| b.date.as_deref());
        if date.is_some_and(|d| !bios_date(d)) {
            return Err(detail("Invalid BIOS 'date' format"));
        }
    }
    Ok(())
}

/// `mm/dd/yy` or `mm/dd/yyyy`.
fn bios_date(text: &str) -> bool {
    let mut parts = text.split('/');
    let mut number = |range: std::ops::RangeInclusive<u32>, digits: std::ops::RangeInclusive<usize>| {
        parts.next().is_some_and(|p| {
            digits.contains(&p.len())
                && p.bytes().all(|b| b.is_ascii_digit())
                && p.parse().is_ok_and(|n| range.contains(&n))
        })
    };
    let plain = number(1..=12, 1..=2) && number(1..=31, 1..=2);
    let Some(year) = text.rsplit('/').next() else { return false };
    plain
        && (year.len() == 2 || (year.len() == 4 && year >= "1900"))
        && number(0..=9999, 2..=4)
        && parts.next().is_none()
}
