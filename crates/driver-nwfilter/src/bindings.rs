//! Bindings: which interfaces are filtered by what, in memory, on disk and in the kernel.
//!
//! The kernel's lock is held from looking at what there is to the end of a change, so changes come one after the
//! other; readers look at the map of bindings, which is never locked for longer than a look.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::nwfilter::{Binding, Filter};
use virtus_state::definitions::with_header;
use virtus_state::file::{self, Durability};

use crate::Shared;
use crate::expand::{Lookup, reaches};
use crate::kernel::{Kernel, Wanted};
use crate::learn::{Learners, leases};
use crate::plan::{Plan, plan, told};

/// A binding and what was found out for it.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    /// The binding, as it is told.
    pub(crate) binding: Binding,
    /// As it was asked for.
    asked: Binding,
    /// Addresses its guest was seen with.
    pub(crate) seen: Vec<Ipv4Addr>,
}

/// All bindings.
#[derive(Debug)]
pub(crate) struct Bindings {
    directory: PathBuf,
    pub(crate) leases_file: PathBuf,
    all: RwLock<BTreeMap<String, Arc<Bound>>>,
    kernel: Mutex<Kernel>,
    pub(crate) learners: Learners,
    pub(crate) leases: Mutex<leases::Leases>,
}

/// What each interface is to come to.
type Plans = Vec<(Arc<Bound>, Option<Plan>)>;

impl Bindings {
    /// The bindings whose files are in `run`'s directory for them; none is made sure of yet.
    pub(crate) fn open(run: &std::path::Path, kernel: Kernel) -> Bindings {
        let directory = run.join("nwfilter-binding");
        let leases_file = run.join("network/nwfilter.leases");
        let known = leases::read(&leases_file, leases::now());
        let mut all = BTreeMap::new();
        for (name, path) in file::list(&directory, "xml").unwrap_or_default() {
            let text = std::fs::read_to_string(&path)
                .map_err(|e| Error::system(ErrorDomain::NWFILTER, "cannot read", &e));
            match text.and_then(|text| Binding::parse_status(&text)) {
                Ok(binding) if binding.port == name && check_port(&binding.port).is_ok() => {
                    let seen = seen_before(&directory, &binding, &known);
                    all.insert(name, Arc::new(Bound { asked: without_seen(&binding, &seen), binding, seen }));
                }
                Ok(binding) => {
                    tracing::error!("{}: it is of '{}'; it is passed over", path.display(), binding.port);
                }
                Err(e) => file::set_aside(&path, None, &e),
            }
        }
        Bindings {
            directory,
            leases_file,
            all: RwLock::new(all),
            kernel: Mutex::new(kernel),
            learners: Learners::default(),
            leases: Mutex::new(known),
        }
    }

    /// The binding of an interface.
    pub(crate) fn get(&self, port: &str) -> Option<Arc<Bound>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).get(port).cloned()
    }

    /// All bindings, by interface.
    pub(crate) fn list(&self) -> Vec<Arc<Bound>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Begins a change; nobody else changes bindings, or what they are made of, meanwhile.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Kernel> {
        self.kernel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a binding as it is now; one that was known and is not any more has been unbound meanwhile.
    fn note(&self, bound: &Arc<Bound>, new: bool) -> bool {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let noted = new || all.contains_key(&bound.binding.port);
        if noted {
            all.insert(bound.binding.port.clone(), Arc::clone(bound));
        }
        noted
    }

    fn remove(&self, port: &str) -> Option<Arc<Bound>> {
        self.all.write().unwrap_or_else(PoisonError::into_inner).remove(port)
    }

    fn path(&self, port: &str) -> PathBuf {
        self.directory.join(format!("{port}.xml"))
    }

    fn save(&self, bound: &Bound) -> Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        let Binding { port, .. } = &bound.binding;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory);
        made.map_err(|e| {
            let what = format!("cannot create config directory '{}'", self.directory.display());
            Error::system(ErrorDomain::NWFILTER, what, &e)
        })?;
        let text = with_header(&format!("nwfilter-binding-create {port}"), &bound.binding.format_status());
        let path = self.path(port);
        file::write(&path, text.as_bytes(), 0o600, Durability::Process).map_err(|e| {
            let what = format!("cannot write config file '{}'", path.display());
            Error::system(ErrorDomain::NWFILTER, what, &e)
        })
    }

    fn forget(&self, port: &str) {
        for path in [self.path(port), seen_file(&self.directory, port)] {
            if let Err(e) = file::remove(&path, Durability::Process) {
                tracing::warn!("cannot remove {}: {e}", path.display());
            }
        }
    }

    /// Notes an address for the next daemon. Leases have their own file.
    pub(crate) fn note_seen(&self, port: &str, address: Ipv4Addr) {
        let path = seen_file(&self.directory, port);
        if let Err(e) = file::write(&path, address.to_string().as_bytes(), 0o600, Durability::Process) {
            tracing::warn!("cannot write {}: {e}", path.display());
        }
    }
}

/// Where the address of a guest is noted that was found out from any packet.
fn seen_file(directory: &std::path::Path, port: &str) -> PathBuf {
    directory.join(format!("{port}.address"))
}

fn seen_before(directory: &std::path::Path, binding: &Binding, known: &leases::Leases) -> Vec<Ipv4Addr> {
    let key = leases::key(binding.owner_uuid, binding.mac);
    if let Some(leases) = known.get(&key) {
        return leases.iter().map(|lease| lease.address).collect();
    }
    let noted = std::fs::read_to_string(seen_file(directory, &binding.port));
    noted.ok().and_then(|text| text.trim().parse().ok()).into_iter().collect()
}

/// A binding without the addresses that were not asked for.
fn without_seen(binding: &Binding, seen: &[Ipv4Addr]) -> Binding {
    let mut asked = binding.clone();
    let ours = |value: &str| seen.iter().any(|address| address.to_string() == value);
    asked.filter.parameters.retain(|p| p.name != "IP" || !ours(&p.value));
    asked
}

/// A name that an interface can have, and a file.
fn check_port(port: &str) -> Result<()> {
    match port {
        "." | ".." => Err(Error::internal(ErrorDomain::NWFILTER, "an interface has no such name")),
        port => virtus_host::nft::interface(port).map(drop),
    }
}

impl Shared {
    fn filter(&self, name: &str) -> Option<Arc<Filter>> {
        self.filters.by_name(name).map(|entry| Arc::clone(&entry.definition().0))
    }

    /// Binds a filter to an interface. One that does not exist is bound as well, and gets no rules.
    ///
    /// # Errors
    /// libvirt's; nothing is changed then.
    pub(crate) fn bind(self: &Arc<Self>, asked: Binding, again: bool) -> Result<Arc<Bound>> {
        check_port(&asked.port)?;
        let bindings = &self.bindings;
        let mut kernel = bindings.lock();
        if let Some(old) = bindings.get(&asked.port) {
            let same = old.asked.owner_uuid == asked.owner_uuid
                && old.asked.mac == asked.mac
                && old.asked.filter.filter == asked.filter.filter;
            match (again, same) {
                (true, true) => return Ok(old),
                // what is left of a guest that is gone
                (true, false) => {}
                (false, _) => {
                    let text = format!("binding '{}' already exists", asked.port);
                    return Err(Error::new(ErrorDomain::NWFILTER, ErrorCode::OPERATION_FAILED, text));
                }
            }
        }
        let seen = self.leased(&asked);
        let bound = Arc::new(Bound { binding: asked.clone(), asked, seen });
        let plans = self.plans(&mut kernel, vec![bound], &|name| self.filter(name))?;
        let (bound, _) = self.carry_out(&mut kernel, plans, true)?.pop().ok_or_else(nothing)?;
        if let Err(e) = bindings.save(&bound) {
            let port = bound.binding.port.clone();
            bindings.remove(&port);
            bindings.learners.stop(&port);
            // what failed first is the one to tell
            let _ = kernel.apply(&[(port, None)]);
            return Err(e);
        }
        Ok(bound)
    }

    /// What these bindings come to now.
    fn plans(&self, kernel: &mut Kernel, all: Vec<Arc<Bound>>, lookup: Lookup<'_>) -> Result<Plans> {
        let mut plans = Vec::with_capacity(all.len());
        for bound in all {
            let plan = match virtus_host::net::exists(&bound.binding.port) {
                true => Some(plan(&bound.asked, &bound.seen, lookup, || kernel.abilities())?),
                false => None,
            };
            plans.push((bound, plan));
        }
        Ok(plans)
    }

    /// Has the kernel take the rules, then notes the bindings as they are now.
    fn carry_out(self: &Arc<Self>, kernel: &mut Kernel, plans: Plans, new: bool) -> Result<Plans> {
        let wanted: Vec<Wanted> = plans
            .iter()
            .map(|(bound, plan)| (bound.binding.port.clone(), plan.as_ref().map(|plan| plan.rules.clone())))
            .collect();
        kernel.apply(&wanted)?;
        let done = |(bound, plan): (Arc<Bound>, Option<Plan>)| {
            let binding = match &plan {
                Some(_) => told(bound.asked.clone(), &bound.seen),
                None => bound.asked.clone(),
            };
            let bound = Arc::new(Bound { binding, ..(*bound).clone() });
            if self.bindings.note(&bound, new) {
                let learns = plan.as_ref().and_then(|plan| plan.learns);
                self.bindings.learners.follow(self, &bound.binding, learns);
            }
            (bound, plan)
        };
        Ok(plans.into_iter().map(done).collect())
    }

    /// The guest of an interface was seen with this address, or its leases have changed.
    pub(crate) fn seen(self: &Arc<Self>, port: &str, found: Option<Ipv4Addr>) -> Result<()> {
        let mut kernel = self.bindings.lock();
        let Some(bound) = self.bindings.get(port) else { return Ok(()) };
        let seen = match found {
            Some(address) => vec![address],
            None => self.leased(&bound.asked),
        };
        let bound = Arc::new(Bound { seen, ..(*bound).clone() });
        let plans = self.plans(&mut kernel, vec![bound], &|name| self.filter(name))?;
        for (bound, _) in self.carry_out(&mut kernel, plans, false)? {
            self.bindings.save(&bound)?;
        }
        Ok(())
    }

    /// Has all interfaces that use a filter filtered by its new definition, under the kernel's lock.
    ///
    /// # Errors
    /// What one of them says to it; all have what they had then.
    pub(crate) fn swap(self: &Arc<Self>, kernel: &mut Kernel, filter: &Arc<Filter>) -> Result<()> {
        let lookup = |name: &str| match name == filter.name {
            true => Some(Arc::clone(filter)),
            false => self.filter(name),
        };
        let users = self.users(&filter.name);
        let plans = self.plans(kernel, users, &lookup)?;
        self.carry_out(kernel, plans, false).map(drop)
    }

    /// The bindings a filter is in use by.
    pub(crate) fn users(&self, filter: &str) -> Vec<Arc<Bound>> {
        let lookup = |name: &str| self.filter(name);
        let uses = |bound: &Arc<Bound>| reaches(std::iter::once(&bound.asked.filter), filter, &lookup);
        self.bindings.list().into_iter().filter(uses).collect()
    }

    /// Ends the filtering of an interface and returns at once, with whether it was filtered; the rules go soon after,
    /// unless it is bound again before that.
    pub(crate) fn unbind(self: &Arc<Self>, port: &str) -> bool {
        self.bindings.learners.stop(port);
        if self.bindings.remove(port).is_none() {
            return false;
        }
        self.bindings.forget(port);
        let shared = Arc::clone(self);
        drop(self.runtime.spawn_blocking(move || {
            if let Err(e) = shared.settle() {
                tracing::error!("rules of interfaces that are gone cannot be removed: {e}");
            }
        }));
        true
    }

    /// Removes the rules of all interfaces that are not bound.
    ///
    /// # Errors
    /// When the kernel cannot be asked or told.
    pub(crate) fn settle(&self) -> Result<()> {
        let mut kernel = self.bindings.lock();
        let mut gone = kernel.interfaces()?;
        gone.retain(|port| self.bindings.get(port).is_none());
        kernel.apply(&gone.into_iter().map(|port| (port, None)).collect::<Vec<Wanted>>())
    }

    /// Makes the kernel have what the bindings say, after a restart. Interfaces whose rules cannot be made keep what
    /// they have.
    pub(crate) fn reconcile(self: &Arc<Self>) {
        if let Err(e) = self.settle() {
            tracing::warn!("packet filters of an earlier run cannot be made sure of: {e}");
        }
        let mut kernel = self.bindings.lock();
        let lookup = |name: &str| self.filter(name);
        let mut plans = Plans::new();
        for bound in self.bindings.list() {
            let name = bound.binding.port.clone();
            match self.plans(&mut kernel, vec![bound], &lookup) {
                Ok(made) => plans.extend(made),
                Err(e) => tracing::error!("{name} keeps the rules it has: {e}"),
            }
        }
        if self.carry_out(&mut kernel, plans.clone(), false).is_ok() {
            return;
        }
        // one of them hinders the others
        for (bound, plan) in plans {
            let name = bound.binding.port.clone();
            if let Err(e) = self.carry_out(&mut kernel, vec![(bound, plan)], false) {
                tracing::error!("{name} keeps the rules it has: {e}");
            }
        }
    }

    /// The addresses a binding's guest has leased.
    fn leased(&self, binding: &Binding) -> Vec<Ipv4Addr> {
        let key = leases::key(binding.owner_uuid, binding.mac);
        self.leases().get(&key).map_or(Vec::new(), |all| all.iter().map(|lease| lease.address).collect())
    }

    pub(crate) fn leases(&self) -> MutexGuard<'_, leases::Leases> {
        self.bindings.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nothing() -> Error {
    Error::internal(ErrorDomain::NWFILTER, "the binding is gone")
}
