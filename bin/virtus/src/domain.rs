//! Finding the domain that a command is about.

use virtus::calls::Remote;
use virtus::constants::VIR_DOMAIN_XML_INACTIVE;
use virtus::{DomainRef, Uuid};

use crate::grammar::{Arguments, Number};
use crate::shell::{Failure, OrSay, Outcome, Shell};

/// By what a domain may be found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Anything,
    NameOrUuid,
    IdOrUuid,
    IdOrName,
}

impl Shell {
    /// The domain that `<domain>` names.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn domain(&self, arguments: &Arguments) -> Outcome<DomainRef> {
        self.domain_by(arguments, By::Anything)
    }

    /// The same, by some of the ways only.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn domain_by(&self, arguments: &Arguments, by: By) -> Outcome<DomainRef> {
        self.find_domain(arguments.needed("domain")?, by)
    }

    /// The domain of this ID, UUID or name, tried in this order.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn find_domain(&self, name: &str, by: By) -> Outcome<DomainRef> {
        let mut found = None;
        if by != By::NameOrUuid
            && let Some(id) = i32::read(name).filter(|id| *id >= 0)
        {
            found = self.call(Remote::domain_lookup_by_id(id)).ok();
        }
        if found.is_none() && by != By::IdOrName && name.len() == 36 {
            found = Uuid::parse(name).and_then(|uuid| self.call(Remote::domain_lookup_by_uuid(uuid)).ok());
        }
        if found.is_none() && by != By::IdOrUuid {
            found = self.call(Remote::domain_lookup_by_name(name.to_owned())).ok();
        }
        found.ok_or_else(|| Failure::new(format_args!("failed to get domain '{name}'")))
    }

    /// The definition of the domain that `<domain>` names; `inactive` is what holds from the next boot on.
    ///
    /// # Errors
    /// The daemon's.
    pub(crate) fn domain_xml(&self, arguments: &Arguments, inactive: bool) -> Outcome<String> {
        let domain = self.domain(arguments)?;
        self.xml_of_domain(&domain, if inactive { VIR_DOMAIN_XML_INACTIVE } else { 0 })
    }

    /// The definition of a domain.
    ///
    /// # Errors
    /// The daemon's.
    pub(crate) fn xml_of_domain(&self, domain: &DomainRef, flags: u32) -> Outcome<String> {
        self.call(Remote::domain_get_xml_desc(domain.clone(), flags))
            .or_say("Failed to get domain description xml")
    }

    /// Whether the domain runs.
    pub(crate) fn is_active(&self, domain: &DomainRef) -> bool {
        self.call(Remote::domain_is_active(domain.clone())).is_ok_and(|active| active == 1)
    }
}
