//! The packet filter driver: definitions of filters.

mod calls;

use std::path::PathBuf;
use std::sync::Arc;

use virtus_api::NwfilterRef;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::nwfilter::Filter;
use virtus_state::definitions::{Definitions, Entry, Files};

/// The packet filter driver. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Driver(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    filters: Definitions<Definition>,
}

#[derive(Debug)]
struct Definition(Filter);

impl virtus_state::Definition for Definition {
    fn uuid(&self) -> Uuid {
        self.0.uuid
    }
    fn name(&self) -> String {
        self.0.name.clone()
    }
    fn from_file(text: &str) -> Result<Self> {
        Filter::parse(text, false).map(Definition)
    }
    fn to_file(&self) -> Option<String> {
        Some(self.0.format())
    }
}

impl Driver {
    /// A driver that keeps its files in `directory`, and reads what is there.
    ///
    /// # Errors
    /// When the directory cannot be made or read, or a filter that came without a UUID cannot be written.
    pub fn start(directory: PathBuf) -> Result<Driver> {
        let files = Files {
            directory,
            errors: ErrorDomain::NWFILTER,
            command: Some("nwfilter-edit"),
            autostart: false,
        };
        let filters = Definitions::<Definition>::open(files)?;
        // what is shipped has no UUID: the one it got is kept from now on
        for entry in filters.list().iter().filter(|entry| !entry.definition().0.uuid_given) {
            let filter = Filter { uuid_given: true, ..entry.definition().0.clone() };
            filters.edit().define(Definition(filter))?;
        }
        Ok(Driver(Arc::new(Shared { filters })))
    }
}

impl Shared {
    fn find(&self, filter: &NwfilterRef) -> Result<Arc<Entry<Definition>>> {
        self.filters.by_uuid(&filter.uuid).ok_or_else(|| {
            missing(format!("no nwfilter with matching uuid '{}' ({})", filter.uuid, filter.name))
        })
    }

    fn define(&self, filter: Filter) -> Result<NwfilterRef> {
        let edit = self.filters.edit();
        if let Some(old) = self.filters.by_uuid(&filter.uuid).map(|entry| entry.definition())
            && old.0.name != filter.name
        {
            let name = &old.0.name;
            return Err(failed(format!(
                "filter with same UUID but different name ('{name}') already exists"
            )));
        }
        if let Some(old) = self.filters.by_name(&filter.name).map(|entry| entry.definition())
            && old.0.uuid != filter.uuid
        {
            let (name, uuid) = (&filter.name, old.0.uuid);
            return Err(failed(format!("filter '{name}' already exists with uuid {uuid}")));
        }
        if self.reaches(&filter) {
            return Err(failed("filter would introduce a loop"));
        }
        let reference = reference(&filter);
        edit.define(Definition(filter))?;
        Ok(reference)
    }

    /// Whether a filter takes itself in, by way of any others. One that is not defined yet leads nowhere.
    fn reaches(&self, filter: &Filter) -> bool {
        let mut seen = std::collections::HashSet::new();
        let mut next: Vec<String> = filter.references().map(|r| r.filter.clone()).collect();
        while let Some(name) = next.pop() {
            if name == filter.name {
                return true;
            }
            if let Some(other) = self.filters.by_name(&name).filter(|_| seen.insert(name)) {
                next.extend(other.definition().0.references().map(|r| r.filter.clone()));
            }
        }
        false
    }

    fn undefine(&self, filter: &NwfilterRef) -> Result<()> {
        let edit = self.filters.edit();
        edit.undefine(&self.find(filter)?)
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
mod tests {
    use super::*;

    #[test]
    fn filters_do_not_go_in_circles() {
        let root = tempfile::tempdir().unwrap();
        let driver = Driver::start(root.path().to_owned()).unwrap().0;
        let define = |name: &str, takes: &str| {
            let uuid = Uuid([name.as_bytes()[0]; 16]);
            let text =
                format!("<filter name='{name}'><uuid>{uuid}</uuid><filterref filter='{takes}'/></filter>");
            driver.define(Filter::parse(&text, true).unwrap())
        };
        define("a", "b").unwrap();
        define("b", "c").unwrap();
        assert!(define("c", "c").is_err());
        let e = define("c", "a").unwrap_err();
        assert_eq!(e.message(), "operation failed: filter would introduce a loop");
        define("c", "d").unwrap();
        define("d", "e").unwrap();
        assert_eq!(driver.filters.len(), 4);
    }

    #[test]
    fn a_shipped_filter_keeps_the_uuid_it_gets() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("f.xml"), "<filter name='f' chain='root'/>").unwrap();
        let uuid = || {
            let driver = Driver::start(root.path().to_owned()).unwrap();
            driver.0.filters.by_name("f").unwrap().definition().0.uuid
        };
        assert_eq!(uuid(), uuid());
    }
}
