//! What readers see of a domain: an immutable picture, replaced whenever something changes.

use std::sync::Arc;
use std::time::Instant;

use virtus_api::constants::*;
use virtus_base::{Error, ErrorDomain, Result};

use super::definition::{Definition, Live, Summary};
use super::state::State;
use crate::error::{invalid, not_running};

/// A domain as it was when the view was made.
#[derive(Clone, Debug)]
pub struct View {
    /// Its name.
    pub name: Arc<str>,
    /// Its number while it runs.
    pub id: Option<i32>,
    /// Its state.
    pub state: State,
    /// The definition it has when it is started the next time; none of a transient domain.
    pub persistent: Option<Arc<Definition>>,
    /// The definition it runs with.
    pub live: Option<Arc<Live>>,
    /// Whether it is started with the daemon.
    pub autostart: bool,
    /// Whether it is started with the daemon the next time only.
    pub autostart_once: bool,
    /// Whether there is saved memory to start from.
    pub managed_save: bool,
    /// Whether its live definition was changed since it was started.
    pub updated: bool,
    /// What a caller of `virDomainGetControlInfo` learns: since when which job goes on.
    pub job_since: Option<Instant>,
}

/// Which of a domain's definitions a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affects {
    /// The running guest.
    pub live: bool,
    /// The persistent definition.
    pub config: bool,
}

impl View {
    /// A domain that does not run.
    pub fn defined(name: Arc<str>, definition: Arc<Definition>) -> View {
        View { persistent: Some(definition), ..View::empty(name) }
    }

    /// A domain that is about to get its first definition.
    pub fn empty(name: Arc<str>) -> View {
        View {
            name,
            id: None,
            state: State::OFF,
            persistent: None,
            live: None,
            autostart: false,
            autostart_once: false,
            managed_save: false,
            updated: false,
            job_since: None,
        }
    }

    /// Whether it runs.
    pub fn is_active(&self) -> bool {
        self.id.is_some()
    }

    /// Whether it outlives its guest.
    pub fn is_persistent(&self) -> bool {
        self.persistent.is_some()
    }

    /// Its number, or libvirt's -1.
    pub fn number(&self) -> i32 {
        self.id.unwrap_or(-1)
    }

    /// Refuses a domain that does not run.
    pub fn require_active(&self) -> Result<()> {
        if self.is_active() { Ok(()) } else { Err(not_running()) }
    }

    /// The running guest's definition.
    ///
    /// # Errors
    /// When it does not run.
    pub fn live(&self) -> Result<&Arc<Live>> {
        self.live.as_ref().ok_or_else(not_running)
    }

    /// The figures that hold now.
    pub fn summary(&self) -> Option<&Summary> {
        let live = self.live.as_ref().map(|l| &l.summary);
        live.or(self.persistent.as_ref().map(|d| &d.summary))
    }

    /// What a call with these flags is about (`VIR_DOMAIN_AFFECT_*`; none of them means the current state).
    ///
    /// # Errors
    /// libvirt's, when the domain does not run or is transient.
    pub fn affects(&self, flags: u32) -> Result<Affects> {
        let mut affects = Affects {
            live: flags & VIR_DOMAIN_AFFECT_LIVE != 0,
            config: flags & VIR_DOMAIN_AFFECT_CONFIG != 0,
        };
        if !affects.live && !affects.config {
            affects = Affects { live: self.is_active(), config: !self.is_active() };
        }
        if affects.live && !self.is_active() {
            return Err(not_running());
        }
        if affects.config && !self.is_persistent() {
            return Err(invalid("transient domains do not have any persistent config"));
        }
        Ok(affects)
    }

    /// As [`View::affects`] for calls that look at one of the two only.
    ///
    /// # Errors
    /// Also when both are asked for.
    pub fn affects_one(&self, flags: u32, function: &str) -> Result<Affects> {
        if flags & VIR_DOMAIN_AFFECT_LIVE != 0 && flags & VIR_DOMAIN_AFFECT_CONFIG != 0 {
            return Err(both(function));
        }
        self.affects(flags)
    }
}

/// Live and persistent definition were asked for in one.
fn both(function: &str) -> Error {
    let text = "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive";
    Error::invalid_arg(ErrorDomain::DOMAIN, function, "ctl", text)
}
