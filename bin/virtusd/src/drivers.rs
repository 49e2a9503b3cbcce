//! Which drivers the daemon has.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use virtus_api::constants::VIR_NETWORK_EVENT_STARTED;
use virtus_api::event::NetworkEvent;
use virtus_api::{Drivers, Event, EventSink, FilterBindings};
use virtus_base::{Error, ErrorDomain, Result};
use virtus_driver_qemu::capabilities::Emulators;
use virtus_driver_qemu::layout::Layout;
use virtus_driver_qemu::settings::Settings;
use virtus_driver_qemu::{Driver, Setup};
use virtus_driver_test::Defaults;
use virtus_host::node::Node;
use virtus_host::process::Credentials;
use virtus_server::{EventBus, Target};

use crate::config::Config;
use crate::paths::Paths;

/// Whom QEMU runs as where the daemon may choose: the first of these accounts there is.
const QEMU_USERS: [(&str, &str); 3] =
    [("libvirt-qemu", "libvirt-qemu"), ("libvirt-qemu", "kvm"), ("qemu", "qemu")];

/// Makes anew what somebody may have taken from the host: for a hangup signal.
pub(crate) type Reload = Arc<dyn Fn() + Send + Sync>;

/// The drivers, and what the daemon itself wants of them.
pub(crate) struct Loaded {
    pub(crate) drivers: Drivers,
    pub(crate) reload: Reload,
}

/// Makes the drivers; each tells what happens to `events`.
///
/// # Errors
/// When a driver cannot have its directories.
pub(crate) fn load(paths: &Paths, config: &Config, events: Arc<dyn EventSink>) -> Result<Loaded> {
    let mut layout = match paths.privileged {
        true => Layout::system(),
        false => Layout::session(&paths.config_home, &paths.cache_home, &paths.runtime),
    };
    let settings = Settings::load(&paths.config.join("qemu.conf"), paths.privileged)?;
    if let Some(directory) = &settings.memory_backing_dir {
        layout.memory = Path::new(directory).join("libvirt/qemu");
    }
    let emulators = Emulators::new(
        layout.cache.clone(),
        layout.nvram.display().to_string(),
        paths.privileged,
        tokio::runtime::Handle::current(),
    )
    .without(settings.capability_filters.clone().unwrap_or_default());
    let secret = virtus_driver_secret::Driver::start(paths.config.join("secrets"), events.clone())?;
    let watch = Arc::new(NetworkWatch { events: events.clone(), guests: OnceLock::new() });
    let network = virtus_driver_network::Driver::start(network_setup(paths, watch.clone()))?;
    let storage = virtus_driver_storage::Driver::start(
        paths.config.join("storage"),
        paths.run.join(if paths.privileged { "storage" } else { "storage/run" }),
        events.clone(),
        Arc::new(secret.clone()),
    )?;
    // filters are the host's: a user's own daemon has none
    let nwfilter = match paths.privileged {
        true => Some(virtus_driver_nwfilter::Driver::start(
            paths.config.join("nwfilter"),
            &paths.run,
            Arc::new(virtus_host::program::Host),
        )?),
        false => None,
    };
    let nodedev = virtus_driver_nodedev::Driver::start(
        "/".into(),
        Arc::new(virtus_host::program::Host),
        events.clone(),
    );
    let qemu = Driver::start(Setup {
        uri: if paths.privileged { "qemu:///system" } else { "qemu:///session" }.into(),
        emulators: Arc::new(emulators),
        node: Arc::new(Node::host()?),
        events,
        filters: nwfilter.clone().map(|driver| Arc::new(driver) as Arc<dyn FilterBindings>),
        secrets: Arc::new(secret.clone()),
        volumes: Arc::new(storage.clone()),
        networks: Some(Arc::new(network.clone())),
        user: if paths.privileged { qemu_user(&settings)? } else { None },
        settings: Arc::new(settings),
        job_wait: Duration::from_secs(u64::from(config.job_wait)),
        layout,
    })?;
    // it is the only one who sets it
    let _ = watch.guests.set(qemu.clone());
    let reload = {
        let network = network.clone();
        Arc::new(move || network.reload())
    };
    let drivers = Drivers {
        hypervisor: Some(Arc::new(qemu)),
        secret: Some(Arc::new(secret)),
        network: Some(Arc::new(network)),
        storage: Some(Arc::new(storage)),
        nwfilter: nwfilter.map(|driver| Arc::new(driver) as Arc<_>),
        nodedev: Some(Arc::new(nodedev)),
        interface: virtus_driver_interface::Driver::start("/".as_ref())
            .map(|driver| Arc::new(driver) as Arc<_>),
        ..Drivers::default()
    };
    Ok(Loaded { drivers, reload })
}

/// Passes on what happens to networks, and has guests follow: a network that is started anew has its guests again.
struct NetworkWatch {
    events: Arc<dyn EventSink>,
    guests: OnceLock<Driver>,
}

impl EventSink for NetworkWatch {
    fn publish(&self, event: Event) {
        if let Event::Network(network, NetworkEvent::Lifecycle { event: VIR_NETWORK_EVENT_STARTED, .. }) =
            &event
            && let Some(guests) = self.guests.get()
        {
            guests.network_started(network);
        }
        self.events.publish(event);
    }
}

/// Where the network driver keeps what, and what it works with.
fn network_setup(paths: &Paths, events: Arc<dyn EventSink>) -> virtus_driver_network::Setup {
    let own = paths.run.join("network");
    virtus_driver_network::Setup {
        config: paths.config.join("qemu/networks"),
        state: if paths.privileged { own.clone() } else { own.join("lib") },
        dnsmasq: match paths.privileged {
            true => "/var/lib/libvirt/dnsmasq".into(),
            false => paths.run.join("dnsmasq/lib"),
        },
        privileged: paths.privileged,
        events,
        runner: Arc::new(virtus_host::program::Host),
        // dnsmasq runs the daemon's own program, which knows that it was started by it
        lease_program: std::env::current_exe().unwrap_or_else(|_| "virtusd".into()),
    }
}

/// What a URI names that is not the hypervisor of this host: the test driver's hosts in memory.
pub(crate) fn open(uri: &str) -> Option<Result<Target>> {
    static TESTS: Defaults<EventBus> = Defaults::new();
    let path = uri.strip_prefix("test:")?;
    let path =
        path.strip_prefix("//").map_or(path, |rest| rest.find('/').map_or("", |at| rest.split_at(at).1));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    Some(TESTS.open(path, Arc::default).map(|host| Target {
        drivers: host.0.drivers(),
        events: host.1.clone(),
        keep: host,
    }))
}

/// The account guests run under, with the groups that let it use KVM: that of the settings, which may name only one
/// half of it.
fn qemu_user(settings: &Settings) -> Result<Option<Credentials>> {
    let found = |(user, group): &(&str, &str)| Credentials::lookup(user, group).is_ok();
    let usual = QEMU_USERS.into_iter().find(found);
    let (Some(user), Some(group)) = (
        settings.user.as_deref().or(usual.map(|(user, _)| user)),
        settings.group.as_deref().or(usual.map(|(_, group)| group)),
    ) else {
        return Ok(None);
    };
    Credentials::lookup(user, group).map(Some).map_err(|e| {
        Error::system(
            ErrorDomain::QEMU,
            format!("cannot run guests as user '{user}' and group '{group}'"),
            &e,
        )
    })
}
