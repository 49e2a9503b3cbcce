//! Defining, starting and stopping domains.

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::{Call, DomainLifecycle, DomainRef, Event};
use virtus_base::{ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::{self as conf, LifecycleAction, ParseOptions};

use crate::domain::{self, Domain, INACTIVE};
use crate::error::generic;
use crate::state::{Identity, State, at, identify};
use crate::{Driver, error, flags, internal, invalid};

/// `virDomainLifecycleAction` by its numbers.
const ACTIONS: [LifecycleAction; 6] = [
    LifecycleAction::Destroy,
    LifecycleAction::Restart,
    LifecycleAction::RenameRestart,
    LifecycleAction::Preserve,
    LifecycleAction::CoredumpDestroy,
    LifecycleAction::CoredumpRestart,
];

fn options(given: u32, validate: u32) -> ParseOptions {
    ParseOptions { strict: given & validate != 0, ..INACTIVE }
}

impl State {
    /// The place in the list that a definition has, or is to have.
    fn identify_domain(&self, definition: &conf::Domain) -> Result<Identity> {
        let known = self.domains.iter().map(|d| (d.definition.name.as_str(), d.definition.uuid));
        identify(known, (&definition.name, definition.uuid), ErrorDomain::DOMAIN, "domain")
    }

    /// Starts what is not defined, or what is but does not run, as `definition` says.
    pub(crate) fn start_definition(
        &mut self,
        mut definition: conf::Domain,
        (reason, detail): (i32, i32),
        events: &mut Vec<Event>,
    ) -> Result<DomainRef> {
        domain::name_interfaces(&mut definition)?;
        let known = self.identify_domain(&definition)?;
        let id = self.last_id.saturating_add(1);
        let place = match known {
            Identity::New => {
                self.domains.push(Domain::new(definition));
                self.domains.len() - 1
            }
            Identity::Known(place) => {
                let domain = at(&mut self.domains, place)?;
                if domain.is_active() {
                    let text = format!("domain '{}' is already active", domain.definition.name);
                    return Err(generic(ErrorCode::OPERATION_INVALID, text));
                }
                // what it was defined as comes back with its end
                let old = std::mem::replace(&mut domain.definition, definition);
                domain.next = domain.persistent.then_some(old);
                place
            }
        };
        let domain = at(&mut self.domains, place)?;
        domain.start(id, reason);
        events.push(domain.lifecycle(VIR_DOMAIN_EVENT_STARTED, detail));
        let reference = domain.reference();
        self.last_id = id;
        Ok(reference)
    }

    /// Ends a domain, which is gone with that unless it is persistent.
    pub(crate) fn stop(
        &mut self,
        dom: &DomainRef,
        (reason, detail): (i32, i32),
        events: &mut Vec<Event>,
    ) -> Result<()> {
        let domain = self.domain(dom)?;
        domain.stop(reason);
        events.push(domain.lifecycle(VIR_DOMAIN_EVENT_STOPPED, detail));
        if !domain.persistent {
            self.forget_domain(&dom.uuid);
        }
        Ok(())
    }

    /// Shutting down and rebooting: what the definition says to do then.
    fn act(
        &mut self,
        dom: &DomainRef,
        action: impl Fn(&conf::Domain) -> LifecycleAction,
        events: &mut Vec<Event>,
    ) -> Result<()> {
        let domain = self.domain(dom)?;
        domain.act(action(&domain.definition));
        match domain.state {
            VIR_DOMAIN_SHUTOFF => {
                self.stop(dom, (VIR_DOMAIN_SHUTOFF_SHUTDOWN, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN), events)
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl DomainLifecycle for Driver {
    async fn domain_create(&self, call: &Call, dom: DomainRef) -> Result<()> {
        self.domain_create_with_flags(call, dom, 0).await.map(drop)
    }

    async fn domain_create_with_flags(&self, _: &Call, dom: DomainRef, given: u32) -> Result<DomainRef> {
        flags(given, 0, "testDomainCreateWithFlags")?;
        self.change(|state, events| {
            let id = state.last_id.saturating_add(1);
            let domain = state.domain(&dom)?;
            if domain.state != VIR_DOMAIN_SHUTOFF {
                return Err(internal(format!("Domain '{}' is already running", dom.name)));
            }
            domain.start(id, VIR_DOMAIN_RUNNING_BOOTED);
            events.push(domain.lifecycle(VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_BOOTED));
            let reference = domain.reference();
            state.last_id = id;
            Ok(reference)
        })
    }

    async fn domain_create_with_files(&self, call: &Call, dom: DomainRef, given: u32) -> Result<DomainRef> {
        self.domain_create_with_flags(call, dom, given).await
    }

    async fn domain_create_xml(&self, _: &Call, xml: String, given: u32) -> Result<DomainRef> {
        flags(given, VIR_DOMAIN_START_VALIDATE, "testDomainCreateXML")?;
        let definition = domain::parse(&xml, options(given, VIR_DOMAIN_START_VALIDATE))?;
        let why = (VIR_DOMAIN_RUNNING_BOOTED, VIR_DOMAIN_EVENT_STARTED_BOOTED);
        self.change(|state, events| state.start_definition(definition, why, events))
    }

    async fn domain_create_xml_with_files(&self, call: &Call, xml: String, given: u32) -> Result<DomainRef> {
        self.domain_create_xml(call, xml, given).await
    }

    async fn domain_define_xml(&self, call: &Call, xml: String) -> Result<DomainRef> {
        self.domain_define_xml_flags(call, xml, 0).await
    }

    async fn domain_define_xml_flags(&self, _: &Call, xml: String, given: u32) -> Result<DomainRef> {
        flags(given, VIR_DOMAIN_DEFINE_VALIDATE, "testDomainDefineXMLFlags")?;
        let mut definition = domain::parse(&xml, options(given, VIR_DOMAIN_DEFINE_VALIDATE))?;
        if definition.name.contains('\n') {
            let text = format!("invalid char in name: {}", '\n');
            return Err(error(ErrorCode::XML_DETAIL, text));
        }
        domain::name_interfaces(&mut definition)?;
        self.change(|state, events| {
            let (place, detail) = match state.identify_domain(&definition)? {
                Identity::New => {
                    state.domains.push(Domain::new(definition));
                    (state.domains.len() - 1, VIR_DOMAIN_EVENT_DEFINED_ADDED)
                }
                Identity::Known(place) => {
                    let domain = at(&mut state.domains, place)?;
                    match domain.is_active() {
                        true => domain.next = Some(definition),
                        false => domain.definition = definition,
                    }
                    (place, VIR_DOMAIN_EVENT_DEFINED_UPDATED)
                }
            };
            let domain = at(&mut state.domains, place)?;
            domain.persistent = true;
            events.push(domain.lifecycle(VIR_DOMAIN_EVENT_DEFINED, detail));
            Ok(domain.reference())
        })
    }

    async fn domain_undefine(&self, call: &Call, dom: DomainRef) -> Result<()> {
        self.domain_undefine_flags(call, dom, 0).await
    }

    async fn domain_undefine_flags(&self, _: &Call, dom: DomainRef, given: u32) -> Result<()> {
        let known = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA;
        flags(given, known, "testDomainUndefineFlags")?;
        self.change(|state, events| {
            let domain = state.domain(&dom)?;
            if domain.managed_save && given & VIR_DOMAIN_UNDEFINE_MANAGED_SAVE == 0 {
                return Err(invalid("Refusing to undefine while domain managed save image exists"));
            }
            let snapshots = domain.snapshot_count();
            let kept = given & VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA == 0;
            if !domain.is_active() && snapshots > 0 && kept {
                return Err(invalid(format!("cannot delete inactive domain with {snapshots} snapshots")));
            }
            events.push(domain.lifecycle(VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_REMOVED));
            domain.managed_save = false;
            match domain.is_active() {
                true => domain.persistent = false,
                false => state.forget_domain(&dom.uuid),
            }
            Ok(())
        })
    }

    async fn domain_destroy(&self, call: &Call, dom: DomainRef) -> Result<()> {
        self.domain_destroy_flags(call, dom, 0).await
    }

    async fn domain_destroy_flags(&self, _: &Call, dom: DomainRef, given: u32) -> Result<()> {
        flags(given, VIR_DOMAIN_DESTROY_GRACEFUL, "testDomainDestroyFlags")?;
        self.change(|state, events| {
            state.domain(&dom)?.check_active()?;
            state.stop(&dom, (VIR_DOMAIN_SHUTOFF_DESTROYED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED), events)
        })
    }

    async fn domain_shutdown(&self, call: &Call, dom: DomainRef) -> Result<()> {
        self.domain_shutdown_flags(call, dom, 0).await
    }

    async fn domain_shutdown_flags(&self, _: &Call, dom: DomainRef, given: u32) -> Result<()> {
        flags(given, 0, "testDomainShutdownFlags")?;
        self.change(|state, events| {
            if state.domain(&dom)?.state == VIR_DOMAIN_SHUTOFF {
                return Err(internal(format!("domain '{}' not running", dom.name)));
            }
            state.act(&dom, |definition| definition.on_poweroff, events)
        })
    }

    async fn domain_reboot(&self, _: &Call, dom: DomainRef, given: u32) -> Result<()> {
        let known = VIR_DOMAIN_REBOOT_ACPI_POWER_BTN
            | VIR_DOMAIN_REBOOT_GUEST_AGENT
            | VIR_DOMAIN_REBOOT_INITCTL
            | VIR_DOMAIN_REBOOT_SIGNAL
            | VIR_DOMAIN_REBOOT_PARAVIRT;
        flags(given, known, "testDomainReboot")?;
        self.change(|state, events| {
            state.domain(&dom)?.check_active()?;
            state.act(&dom, |definition| definition.on_reboot, events)
        })
    }

    async fn domain_reset(&self, _: &Call, dom: DomainRef, given: u32) -> Result<()> {
        flags(given, 0, "testDomainReset")?;
        self.state().domain(&dom)?.check_active()
    }

    async fn domain_suspend(&self, _: &Call, dom: DomainRef) -> Result<()> {
        self.change(|state, events| {
            let domain = state.domain(&dom)?;
            if matches!(domain.state, VIR_DOMAIN_SHUTOFF | VIR_DOMAIN_PAUSED) {
                return Err(internal(format!("domain '{}' not running", dom.name)));
            }
            domain.set_state(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER);
            events.push(domain.lifecycle(VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED));
            Ok(())
        })
    }

    async fn domain_resume(&self, _: &Call, dom: DomainRef) -> Result<()> {
        self.change(|state, events| {
            let domain = state.domain(&dom)?;
            if domain.state != VIR_DOMAIN_PAUSED {
                return Err(internal(format!("domain '{}' not paused", dom.name)));
            }
            domain.set_state(VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_UNPAUSED);
            events.push(domain.lifecycle(VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_UNPAUSED));
            Ok(())
        })
    }

    async fn domain_get_autostart(&self, _: &Call, dom: DomainRef) -> Result<i32> {
        Ok(i32::from(self.state().domain(&dom)?.autostart))
    }

    async fn domain_set_autostart(&self, _: &Call, dom: DomainRef, autostart: i32) -> Result<()> {
        self.state().domain(&dom)?.autostart = autostart != 0;
        Ok(())
    }

    async fn domain_rename(
        &self,
        _: &Call,
        dom: DomainRef,
        new_name: Option<String>,
        given: u32,
    ) -> Result<i32> {
        flags(given, 0, "testDomainRename")?;
        let new_name = new_name.unwrap_or_default();
        self.change(|state, events| {
            let domain = state.domain(&dom)?;
            if domain.is_active() {
                return Err(invalid("cannot rename active domain"));
            }
            if !domain.persistent {
                return Err(invalid("cannot rename a transient domain"));
            }
            if domain.state != VIR_DOMAIN_SHUTOFF {
                return Err(invalid("domain has to be shutoff before renaming"));
            }
            if domain.definition.name == new_name {
                return Err(generic(ErrorCode::OPERATION_INVALID, "Can't rename domain to itself"));
            }
            if state.domains.iter().any(|other| other.definition.name == new_name) {
                let text = format!("domain with name '{new_name}' already exists");
                return Err(generic(ErrorCode::OPERATION_INVALID, text));
            }
            if new_name.contains('/') {
                return Err(error(ErrorCode::XML_ERROR, format!("name {new_name} cannot contain '/'")));
            }
            let domain = state.domain(&dom)?;
            events.push(domain.lifecycle(VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_RENAMED));
            domain.definition.name = new_name;
            events.push(domain.lifecycle(VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_RENAMED));
            Ok(0)
        })
    }

    async fn domain_set_lifecycle_action(
        &self,
        _: &Call,
        dom: DomainRef,
        kind: u32,
        action: u32,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, "testDomainSetLifecycleAction")?;
        let bad = |what: &str, number| {
            generic(ErrorCode::INVALID_ARG, format!("invalid lifecycle {what} '{number}'"))
        };
        let named = usize::try_from(action).ok().and_then(|action| ACTIONS.get(action)).copied();
        let event =
            usize::try_from(kind).ok().and_then(|kind| ["poweroff", "reboot", "crash"].get(kind).copied());
        let event = event.ok_or_else(|| bad("type", kind))?;
        let action = named.ok_or_else(|| bad("action", action))?;
        let dumps = matches!(action, LifecycleAction::CoredumpDestroy | LifecycleAction::CoredumpRestart);
        if dumps && event != "crash" {
            let text = format!("Lifecycle event '{event}' doesn't support '{}' action", action.as_str());
            return Err(generic(ErrorCode::CONFIG_UNSUPPORTED, text));
        }
        self.change(|state, _| {
            let domain = state.domain(&dom)?;
            let affects = domain.affects(given)?;
            domain.each(affects, |definition| {
                match kind {
                    0 => definition.on_poweroff = action,
                    1 => definition.on_reboot = action,
                    _ => definition.on_crash = action,
                }
                Ok(())
            })
        })
    }
}
