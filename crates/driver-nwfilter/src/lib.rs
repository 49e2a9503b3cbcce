//! The packet filter driver: definitions of filters, which interfaces they are bound to, and their rules in the kernel.
//!
//! A filter comes to the rules of an interface in steps, each a pure function: its references and the values of its
//! variables are resolved (`expand`, `variables`), rules become lines of nftables (`compile`), and these a change of
//! the table (`kernel`). `plan` decides what a binding comes to, `bindings` carries that out, `learn` finds out
//! addresses that nobody told.

mod bindings;
mod calls;
mod compile;
mod expand;
mod kernel;
mod learn;
mod plan;
mod standard;
mod variables;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use virtus_api::{FilterBindings, FilteredPort, NwfilterRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::net::MacAddr;
use virtus_conf::nwfilter::{Binding, Filter, FilterRef, Parameter};
use virtus_host::program::Runner;
use virtus_state::definitions::{Definitions, Entry, Files};

use crate::bindings::Bindings;
use crate::kernel::Kernel;

/// The packet filter driver. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Driver(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    filters: Definitions<Definition>,
    bindings: Bindings,
    /// Where tasks live that outlive the call that began them.
    runtime: tokio::runtime::Handle,
}

#[derive(Debug)]
struct Definition(Arc<Filter>);

impl virtus_state::Definition for Definition {
    fn uuid(&self) -> Uuid {
        self.0.uuid
    }
    fn name(&self) -> String {
        self.0.name.clone()
    }
    fn from_file(text: &str) -> Result<Self> {
        Filter::parse(text, false).map(|filter| Definition(Arc::new(filter)))
    }
    fn to_file(&self) -> Option<String> {
        Some(self.0.format())
    }
}

impl Driver {
    /// A driver that keeps definitions in `directory` and what is bound below `run`, and reads what is there. The
    /// standard filters are defined where there was no such directory. Rules in the kernel are made sure of in the
    /// background. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the directory cannot be made or read, or a filter that came without a UUID cannot be written.
    pub fn start(directory: PathBuf, run: &Path, runner: Arc<dyn Runner>) -> Result<Driver> {
        let fresh = !directory.exists();
        let files = Files {
            directory,
            errors: ErrorDomain::NWFILTER,
            command: Some("nwfilter-edit"),
            autostart: false,
        };
        let filters = Definitions::<Definition>::open(files)?;
        if fresh {
            for filter in standard::filters() {
                filters.edit().define(Definition(Arc::new(filter?)))?;
            }
        }
        // what is shipped has no UUID: the one it got is kept from now on
        for entry in filters.list().iter().filter(|entry| !entry.definition().0.uuid_given) {
            let filter = Filter { uuid_given: true, ..(*entry.definition().0).clone() };
            filters.edit().define(Definition(Arc::new(filter)))?;
        }
        let shared = Arc::new(Shared {
            filters,
            bindings: Bindings::open(run, Kernel::new(runner)),
            runtime: tokio::runtime::Handle::current(),
        });
        let work = Arc::clone(&shared);
        drop(shared.runtime.spawn_blocking(move || work.reconcile()));
        Ok(Driver(shared))
    }
}

impl Shared {
    fn find(&self, filter: &NwfilterRef) -> Result<Arc<Entry<Definition>>> {
        self.filters.by_uuid(&filter.uuid).ok_or_else(|| {
            missing(format!("no nwfilter with matching uuid '{}' ({})", filter.uuid, filter.name))
        })
    }

    fn define(self: &Arc<Self>, filter: Filter) -> Result<NwfilterRef> {
        let mut kernel = self.bindings.lock();
        let edit = self.filters.edit();
        if let Some(old) = self.filters.by_uuid(&filter.uuid).map(|entry| entry.definition())
            && old.0.name != filter.name
        {
            let name = &old.0.name;
            return Err(failed(format!(
                "filter with same UUID but different name ('{name}') already exists"
            )));
        }
        let old = self.filters.by_name(&filter.name).map(|entry| Arc::clone(&entry.definition().0));
        if let Some(old) = old.as_ref().filter(|old| old.uuid != filter.uuid) {
            let (name, uuid) = (&filter.name, old.uuid);
            return Err(failed(format!("filter '{name}' already exists with uuid {uuid}")));
        }
        let lookup = |name: &str| self.filters.by_name(name).map(|e| Arc::clone(&e.definition().0));
        if expand::reaches(filter.references(), &filter.name, &lookup) {
            return Err(failed("filter would introduce a loop"));
        }
        let (reference, filter) = (reference(&filter), Arc::new(filter));
        // nobody is filtered by one that says the same
        let same = old.as_ref().is_some_and(|old| old.entries == filter.entries && old.chain == filter.chain);
        if !same || old.as_ref().is_some_and(|old| old.priority != filter.priority) {
            self.swap(&mut kernel, &filter)?;
        }
        if let Err(e) = edit.define(Definition(Arc::clone(&filter))) {
            if let Some(old) = old {
                // what failed first is the one to tell
                let _ = self.swap(&mut kernel, &old);
            }
            return Err(e);
        }
        Ok(reference)
    }

    fn undefine(&self, filter: &NwfilterRef) -> Result<()> {
        let _kernel = self.bindings.lock();
        let edit = self.filters.edit();
        let entry = self.find(filter)?;
        if !self.users(&entry.definition().0.name).is_empty() {
            let text = "nwfilter is in use";
            return Err(Error::new(ErrorDomain::NWFILTER, ErrorCode::OPERATION_INVALID, text));
        }
        edit.undefine(&entry)
    }
}

impl FilterBindings for Driver {
    fn bind(&self, port: &FilteredPort, again: bool) -> Result<()> {
        let mut parameters: Vec<Parameter> = port
            .parameters
            .iter()
            .map(|(name, value)| Parameter { name: name.clone(), value: value.clone() })
            .collect();
        // as in a document: the values of a variable stand together
        parameters.sort_by(|a, b| a.name.cmp(&b.name));
        let binding = Binding {
            owner: port.owner.clone(),
            owner_uuid: port.owner_uuid,
            port: port.interface.clone(),
            link: port.link.clone(),
            mac: MacAddr(port.mac),
            filter: FilterRef { filter: port.filter.clone(), parameters },
        };
        self.0.bind(binding, again).map(drop)
    }

    fn unbind(&self, interface: &str) {
        self.0.unbind(interface);
    }
}

fn reference(filter: &Filter) -> NwfilterRef {
    NwfilterRef { name: filter.name.clone(), uuid: filter.uuid }
}

fn missing(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NWFILTER, ErrorCode::NO_NWFILTER, text)
}

fn failed(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NWFILTER, ErrorCode::OPERATION_FAILED, text)
}

#[cfg(test)]
mod tests;
