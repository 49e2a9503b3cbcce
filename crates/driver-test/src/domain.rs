//! A domain of the host in memory.

use virtus_api::constants::*;
use virtus_api::{DomainEvent, DomainRef, Event};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::checkpoint::Checkpoint;
use virtus_conf::domain::device::Interface;
use virtus_conf::domain::device::video::VideoType;
use virtus_conf::domain::os::OsType;
use virtus_conf::domain::{self as conf, LifecycleAction, ParseOptions, post_parse, validate};
use virtus_conf::moment::Tree;
use virtus_conf::snapshot::Snapshot;
use virtus_xml::Element;

use crate::error::generic;
use crate::{error, internal};

/// The time a guest's clock shows until somebody sets it.
const GUEST_TIME: i64 = 627_319_920;
/// How many network interfaces a domain can have names for.
const MOST_INTERFACES: usize = 1024;

/// An I/O thread's polling, as statistics tell it.
#[derive(Clone, Debug)]
pub(crate) struct IoThread {
    pub(crate) id: u32,
    pub(crate) poll_max_ns: u64,
    pub(crate) poll_grow: u32,
    pub(crate) poll_shrink: u32,
}

/// A domain.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    /// What it is now. It has an id while it runs.
    pub(crate) definition: conf::Domain,
    /// What it is after its end; only while a persistent domain runs.
    pub(crate) next: Option<conf::Domain>,
    pub(crate) persistent: bool,
    pub(crate) autostart: bool,
    pub(crate) managed_save: bool,
    pub(crate) state: i32,
    pub(crate) reason: i32,
    /// Whether its file systems `/` and `/boot` are frozen.
    pub(crate) frozen: [bool; 2],
    pub(crate) seconds: i64,
    pub(crate) nseconds: u32,
    pub(crate) iothreads: Vec<IoThread>,
    pub(crate) snapshots: Tree<Snapshot>,
    pub(crate) checkpoints: Tree<Checkpoint>,
    /// What it was found to have that it had better not have, and what is deprecated of that.
    pub(crate) tainted: Vec<&'static str>,
    pub(crate) deprecated: Vec<String>,
}

/// Which of a domain's definitions a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Affects {
    pub(crate) live: bool,
    pub(crate) config: bool,
}

impl Domain {
    /// A domain that does not run.
    pub(crate) fn new(definition: conf::Domain) -> Self {
        Domain {
            definition,
            next: None,
            persistent: false,
            autostart: false,
            managed_save: false,
            state: VIR_DOMAIN_SHUTOFF,
            reason: VIR_DOMAIN_SHUTOFF_UNKNOWN,
            frozen: [false; 2],
            seconds: GUEST_TIME,
            nseconds: 0,
            iothreads: Vec::new(),
            snapshots: Tree::default(),
            checkpoints: Tree::default(),
            tainted: Vec::new(),
            deprecated: Vec::new(),
        }
    }

    /// How calls name it.
    pub(crate) fn reference(&self) -> DomainRef {
        DomainRef {
            name: self.definition.name.clone(),
            uuid: self.definition.uuid,
            id: self.definition.id.unwrap_or(-1),
        }
    }

    pub(crate) fn is_active(&self) -> bool {
        self.definition.id.is_some()
    }

    /// Refuses what only a running domain can do.
    pub(crate) fn check_active(&self) -> Result<()> {
        if self.is_active() { Ok(()) } else { Err(not_running()) }
    }

    pub(crate) fn set_state(&mut self, state: i32, reason: i32) {
        self.state = state;
        self.reason = reason;
    }

    /// It runs from now on, as number `id`.
    pub(crate) fn start(&mut self, id: i32, reason: i32) {
        self.set_state(VIR_DOMAIN_RUNNING, reason);
        if self.persistent && self.next.is_none() {
            self.next = Some(conf::Domain { id: None, ..self.definition.clone() });
        }
        self.definition.id = Some(id);
        self.managed_save = false;
    }

    /// It runs no more; a persistent one is again what it was defined as.
    pub(crate) fn stop(&mut self, reason: i32) {
        if let Some(next) = self.next.take() {
            self.definition = next;
        }
        self.definition.id = None;
        self.set_state(VIR_DOMAIN_SHUTOFF, reason);
    }

    /// An event of its life.
    pub(crate) fn lifecycle(&self, event: i32, detail: i32) -> Event {
        Event::Domain(self.reference(), DomainEvent::Lifecycle { event, detail })
    }

    /// What flags of the kind `VIR_DOMAIN_AFFECT_…` mean for it.
    pub(crate) fn affects(&self, flags: u32) -> Result<Affects> {
        let mut affects = Affects {
            live: flags & VIR_DOMAIN_AFFECT_LIVE != 0,
            config: flags & VIR_DOMAIN_AFFECT_CONFIG != 0,
        };
        if !affects.live && !affects.config {
            affects = Affects { live: self.is_active(), config: !self.is_active() };
        }
        if affects.live {
            self.check_active()?;
        }
        if affects.config && !self.persistent {
            return Err(generic(
                ErrorCode::OPERATION_INVALID,
                "transient domains do not have any persistent config",
            ));
        }
        Ok(affects)
    }

    /// The one definition that flags mean; both is too many.
    pub(crate) fn one(&mut self, flags: u32) -> Result<&mut conf::Domain> {
        Ok(match self.one_affected(flags)?.live {
            true => &mut self.definition,
            false => self.config(),
        })
    }

    /// As [`Domain::affects`], for calls that are about one definition.
    pub(crate) fn one_affected(&self, flags: u32) -> Result<Affects> {
        if flags & VIR_DOMAIN_AFFECT_LIVE != 0 && flags & VIR_DOMAIN_AFFECT_CONFIG != 0 {
            let text = "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive";
            return Err(Error::invalid_argument(
                ErrorDomain::DOMAIN,
                "virDomainObjGetOneDefState",
                "flags",
                text.to_owned(),
            ));
        }
        self.affects(flags)
    }

    /// What it is after its end.
    pub(crate) fn config(&mut self) -> &mut conf::Domain {
        self.next.as_mut().unwrap_or(&mut self.definition)
    }

    /// Changes the definitions that are affected, in the reference's order.
    pub(crate) fn each(
        &mut self,
        affects: Affects,
        mut change: impl FnMut(&mut conf::Domain) -> Result<()>,
    ) -> Result<()> {
        if affects.live {
            change(&mut self.definition)?;
        }
        if affects.config {
            change(self.config())?;
        }
        Ok(())
    }

    /// Does what `<on_poweroff>` or `<on_reboot>` says.
    pub(crate) fn act(&mut self, action: LifecycleAction) {
        match action {
            LifecycleAction::Restart | LifecycleAction::RenameRestart => {
                self.set_state(VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
            }
            _ => self.set_state(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_SHUTDOWN),
        }
    }
}

pub(crate) fn not_running() -> Error {
    generic(ErrorCode::OPERATION_INVALID, "domain is not running")
}

/// How documents are read.
pub(crate) const INACTIVE: ParseOptions =
    ParseOptions { inactive: true, skip_validate: false, strict: false };

/// Reads a domain's document as this hypervisor takes it.
pub(crate) fn parse(xml: &str, options: ParseOptions) -> Result<conf::Domain> {
    complete(conf::Domain::parse(xml, &options)?, options)
}

/// Reads a domain's element inside another document.
pub(crate) fn from_element(e: Element<'_>) -> Result<conf::Domain> {
    complete(conf::Domain::from_element(e, &INACTIVE)?, INACTIVE)
}

/// Fills in what the document leaves out, and refuses what cannot be.
pub(crate) fn complete(mut domain: conf::Domain, options: ParseOptions) -> Result<conf::Domain> {
    domain.os.kind.arch.get_or_insert_with(|| "i686".to_owned());
    post_parse::assign_controller_indexes(&mut domain);
    videos(&mut domain);
    post_parse::isa_serial_ports(&mut domain)?;
    post_parse::devices(&mut domain)?;
    post_parse::common(&mut domain)?;
    videos(&mut domain);
    post_parse::added(&mut domain)?;
    post_parse::sync_console(&mut domain);
    if !options.skip_validate {
        validate::domain(&domain)?;
    }
    Ok(domain)
}

/// The hypervisor's default card.
pub(crate) fn videos(domain: &mut conf::Domain) {
    let ppc64 = matches!(domain.os.kind.arch.as_deref(), Some("ppc64" | "ppc64le"));
    let kind = match domain.os.kind.name {
        OsType::Xen | OsType::Linux => VideoType::Xen,
        _ if ppc64 => VideoType::Vga,
        _ => VideoType::Cirrus,
    };
    for video in &mut domain.devices.videos {
        video.model.kind.get_or_insert(kind);
    }
}

/// Gives each network interface without one a name.
pub(crate) fn name_interfaces(domain: &mut conf::Domain) -> Result<()> {
    for place in 0..domain.devices.interfaces.len() {
        let interfaces = &mut domain.devices.interfaces;
        if interfaces.get(place).is_none_or(|net| net.rest.target_dev.is_some()) {
            continue;
        }
        let taken = |name: &String| interfaces.iter().any(|net| net.rest.target_dev.as_ref() == Some(name));
        let name = (0..MOST_INTERFACES).map(|n| format!("testnet{n}")).find(|name| !taken(name));
        let name = name.ok_or_else(|| internal(format!("Exceeded max iface limit {MOST_INTERFACES}")))?;
        if let Some(net) = interfaces.get_mut(place) {
            net.rest.target_dev = Some(name);
        }
    }
    Ok(())
}

/// The interface that `device` names by its name on the host or its MAC address (`virDomainNetFind`).
pub(crate) fn find_interface<'a>(domain: &'a mut conf::Domain, device: &str) -> Result<&'a mut Interface> {
    let mac = virtus_conf::net::MacAddr::parse(device);
    let found = domain.devices.interfaces.iter_mut().find(|net| match &mac {
        Some(mac) => net.mac.as_ref().is_some_and(|own| own.address == *mac),
        None => net.rest.target_dev.as_deref() == Some(device),
    });
    found.ok_or_else(|| generic(ErrorCode::INVALID_ARG, format!("'{device}' is not a known interface")))
}

/// The place of the disk that `path` names by its target or, unless `exact`, by where its bytes are.
pub(crate) fn find_disk(domain: &conf::Domain, path: &str) -> Option<usize> {
    let disks = &domain.devices.disks;
    let by_source = path.starts_with('/');
    disks.iter().position(|disk| match by_source {
        true => source_path(disk) == Some(path),
        false => disk.dst() == path,
    })
}

/// Where a disk's bytes are.
pub(crate) fn source_path(disk: &conf::device::Disk) -> Option<&str> {
    use conf::device::storage::Location;
    match &disk.source.location {
        Location::File(source) => source.file.as_deref(),
        Location::Block(source) => source.dev.as_deref(),
        Location::Dir(source) => source.dir.as_deref(),
        Location::Network(source) => source.name.as_deref(),
        _ => None,
    }
}

/// There is no such domain.
pub(crate) fn no_domain() -> Error {
    error(ErrorCode::NO_DOMAIN, "")
}

impl Domain {
    pub(crate) fn snapshot_count(&self) -> usize {
        self.snapshots.len()
    }

    pub(crate) fn checkpoint_count(&self) -> usize {
        self.checkpoints.len()
    }

    /// Finds what a host had better not run, and notes it.
    pub(crate) fn find_taints(&mut self) {
        use conf::device::disk::DiskDevice;
        use conf::device::hostdev::HostDevSource;
        use conf::device::storage::Location;
        let devices = &self.definition.devices;
        let raw = |rawio: &Option<virtus_xml::YesNo>| rawio.is_some_and(|yes| yes.is_true());
        let mut taints = Vec::new();
        for disk in &devices.disks {
            if raw(&disk.rawio) {
                taints.push(HIGH_PRIVILEGES);
            }
            let block = matches!(&disk.source.location, Location::Block(block) if block.dev.is_some());
            if disk.device == DiskDevice::Cdrom && block {
                taints.push("use of host cdrom passthrough");
            }
        }
        for hostdev in &devices.hostdevs {
            if let HostDevSource::Scsi(scsi) = &hostdev.source
                && raw(&scsi.rawio)
            {
                taints.push(HIGH_PRIVILEGES);
            }
        }
        if devices.interfaces.iter().any(|net| net.rest.script.is_some()) {
            taints.push("network configuration using opaque shell scripts");
        }
        let deprecated = |cpu: &conf::cpu::Cpu| {
            cpu.model.as_ref().is_some_and(|model| model.name.as_deref() == Some("Deprecated-Test"))
        };
        if self.definition.cpu.as_ref().is_some_and(deprecated) {
            taints.push("deprecated configuration settings");
            self.deprecated.push("CPU model Deprecated-Test".to_owned());
        }
        if self.definition.os.dtb.is_some() {
            taints.push("custom device tree blob used");
        }
        for taint in taints {
            if !self.tainted.contains(&taint) {
                self.tainted.push(taint);
            }
        }
    }
}

const HIGH_PRIVILEGES: &str = "running with undesirable elevated privileges";
