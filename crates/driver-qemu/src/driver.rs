//! The driver: all domains, and what every call needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use virtus_api::{
    Call, DomainEvent, DomainRef, Event, EventSink, FilterBindings, Networks, SecretValues, VolumePlaces,
};
use virtus_base::{Error, ErrorDomain, Result};
use virtus_host::node::Node;
use virtus_host::process::{Credentials, Lender};
use virtus_state::file::{self, Durability};
use virtus_state::gate::{Owner, Wanted};
use virtus_state::{Registry, lock};

use crate::capabilities::Emulators;
use crate::domain::running::{Job, Running};
use crate::domain::status::{Status, with_header};
use crate::domain::{Domain, View};
use crate::error::{internal, no_domain, system};
use crate::layout::Layout;
use crate::ports::Ports;
use crate::settings::Settings;
use crate::tap_names::Names;

/// What a driver is made from.
pub struct Setup {
    /// Where its files are.
    pub layout: Layout,
    /// What its file of settings says.
    pub settings: Arc<Settings>,
    /// What its clients call it, e.g. `qemu:///system`.
    pub uri: String,
    /// The emulators.
    pub emulators: Arc<Emulators>,
    /// The host.
    pub node: Arc<Node>,
    /// Where its events go.
    pub events: Arc<dyn EventSink>,
    /// Who filters guests' packets, on a host where somebody may.
    pub filters: Option<Arc<dyn FilterBindings>>,
    /// The values of secrets that definitions name.
    pub secrets: Arc<dyn SecretValues>,
    /// The volumes of pools that definitions name.
    pub volumes: Arc<dyn VolumePlaces>,
    /// Where guests get ports of virtual networks.
    pub networks: Option<Arc<dyn Networks>>,
    /// Whom QEMU runs as, when the daemon may choose.
    pub user: Option<Credentials>,
    /// How long a call waits for a job.
    pub job_wait: Duration,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").field("layout", &self.layout).field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// How many threads storage that does not answer may hold.
const LOOKS: usize = 4;

/// A QEMU driver. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Driver(pub(crate) Arc<Shared>);

/// What calls and tasks share.
#[derive(Debug)]
pub struct Shared {
    pub(crate) setup: Setup,
    pub(crate) registry: Registry<Domain>,
    pub(crate) ports: Ports,
    pub(crate) taps: Names,
    /// How guests' users come to images that are somebody else's.
    pub(crate) lender: Lender,
    /// How many looks at stored images may be under way: one at storage that does not answer never ends.
    pub(crate) looks: Arc<Semaphore>,
    /// Where tasks live that outlive the call that began them.
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) hostname: String,
    last_id: AtomicI32,
    /// How many definitions were read since memory was last given back.
    read: AtomicU32,
}

impl std::ops::Deref for Driver {
    type Target = Arc<Shared>;
    fn deref(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl Shared {
    /// A driver that knows no domain yet. Needs a tokio runtime.
    pub(crate) fn new(setup: Setup) -> Shared {
        Shared {
            setup,
            registry: Registry::default(),
            ports: Ports::default(),
            taps: Names::default(),
            lender: Lender::default(),
            looks: Arc::new(Semaphore::new(LOOKS)),
            runtime: tokio::runtime::Handle::current(),
            hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            last_id: AtomicI32::new(0),
            read: AtomicU32::new(0),
        }
    }

    /// The domain a call is about.
    ///
    /// # Errors
    /// `NO_DOMAIN`.
    pub(crate) fn find(&self, dom: &DomainRef) -> Result<Arc<Domain>> {
        self.registry.by_uuid(&dom.uuid).ok_or_else(|| no_domain(&dom.uuid, &dom.name))
    }

    /// The domain a call is about, and what is known of it.
    ///
    /// # Errors
    /// `NO_DOMAIN`.
    pub(crate) fn look(&self, dom: &DomainRef) -> Result<Arc<View>> {
        Ok(self.find(dom)?.view())
    }

    /// Waits for a job on a domain.
    ///
    /// # Errors
    /// `OPERATION_TIMEOUT`, naming who holds it.
    pub(crate) async fn job(&self, call: &Call, domain: &Arc<Domain>, wanted: Wanted) -> Result<Job> {
        let owner =
            Owner { api: dispatch_name(call.function), pid: call.caller.identity.process.map(|p| p.0) };
        let name = &domain.view().name;
        let guard = domain.gate.begin(wanted, owner, self.setup.job_wait, name).await?;
        Ok(Job::new(Arc::clone(domain), guard))
    }

    /// Changes a domain's view: written to its status file if it runs, then published, then told by the events
    /// that `change` returns.
    pub(crate) fn change(&self, domain: &Arc<Domain>, change: impl FnOnce(&mut View) -> Vec<DomainEvent>) {
        let before = domain.view().id;
        let mut events = Vec::new();
        domain.update(|view| events = change(view), |view| self.persist(domain, view), |_| ());
        let after = domain.view().id;
        if before != after {
            self.registry.set_id(domain, before, after);
        }
        for event in events {
            self.tell(domain, event);
        }
    }

    /// Writes the status file of a running domain.
    fn persist(&self, domain: &Arc<Domain>, view: &View) {
        let (Some(running), Some(live)) = (domain.running.load_full(), &view.live) else { return };
        if let Err(e) = self.write_status(&running, view, live.model.clone()) {
            tracing::error!("cannot write the status of domain '{}': {e}", view.name);
        }
    }

    /// Writes a status file.
    pub(crate) fn write_status(
        &self,
        running: &Running,
        view: &View,
        mut model: virtus_conf::domain::Domain,
    ) -> Result<()> {
        model.id = Some(running.id);
        let status = Status {
            state: view.state,
            pid: running.process.pid(),
            start_time: Some(running.process.start_time()),
            monitor: running.lib_dir.join("monitor.sock"),
            vcpus: running.vcpus(),
            capabilities: running.capabilities.to_vec(),
            lib_dir: running.lib_dir.clone(),
            channel_dir: running.channel_dir.clone(),
            job: running.is_starting().then(|| "start".to_owned()),
            fake_reboot: running.fake_reboot.load(Ordering::Relaxed),
            last_image: running.last_image.load(Ordering::Relaxed),
            agent_timeout: running.agent_timeout.load(Ordering::Relaxed),
            original_cpu: running.original_cpu().cloned(),
            domain: model,
        };
        let path = self.setup.layout.status(&view.name);
        let text = with_header(&format!("edit {}", view.name), &status.format());
        file::write(&path, text.as_bytes(), 0o600, Durability::Process)
            .map_err(|e| system(format_args!("cannot write config file '{}'", path.display()), &e))
    }

    /// Tells everybody.
    pub(crate) fn tell(&self, domain: &Domain, event: DomainEvent) {
        self.setup.events.publish(Event::Domain(domain.reference(), event));
    }

    /// Tells everybody of a domain that has another name or number by now.
    pub(crate) fn tell_as(&self, dom: DomainRef, event: DomainEvent) {
        self.setup.events.publish(Event::Domain(dom, event));
    }

    /// Runs `work` to its end, even if the caller goes away meanwhile.
    pub(crate) async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let done = self.runtime.spawn(work).await;
        done.unwrap_or_else(|e| Err(internal(format!("the call's task ended: {e}"))))
    }

    /// Runs `work`, which waits for the disk or another program, where it holds up nobody.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let done = self.runtime.spawn_blocking(work).await;
        done.unwrap_or_else(|e| Err(internal(format!("the call's task ended: {e}"))))
    }

    /// Notes that a definition was read. That takes many times the memory of what is kept of it, in between
    /// which the allocator does not find together again; so after many of them it is told to.
    pub(crate) fn note_read(&self) {
        const MANY: u32 = 250;
        if self.read.fetch_add(1, Ordering::Relaxed) % MANY == MANY - 1 {
            // nobody waits for its result
            drop(self.runtime.spawn_blocking(virtus_host::allocator::trim));
        }
    }

    /// A number for a domain that is started.
    pub(crate) fn next_id(&self) -> i32 {
        self.last_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1)
    }

    /// A number that is taken already.
    pub(crate) fn seen_id(&self, id: i32) {
        self.last_id.fetch_max(id, Ordering::Relaxed);
    }

    /// Refuses flags outside `supported`.
    pub(crate) fn flags(flags: u32, supported: u32, function: &str) -> Result<()> {
        Error::check_flags(ErrorDomain::QEMU, flags, supported, function)
    }
}

/// libvirt's name of the daemon's side of a call, e.g. `remoteDispatchDomainSuspend`. Made once for each.
fn dispatch_name(function: &'static str) -> &'static str {
    use std::collections::HashMap;
    use std::sync::Mutex;
    static NAMES: Mutex<Option<HashMap<&'static str, &'static str>>> = Mutex::new(None);
    let mut names = lock(&NAMES);
    names.get_or_insert_default().entry(function).or_insert_with(|| {
        let plain = function.strip_prefix("vir").unwrap_or(function);
        // as many as there are procedures, and each only once
        Box::leak(format!("remoteDispatch{plain}").into_boxed_str())
    })
}
