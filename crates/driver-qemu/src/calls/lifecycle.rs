//! Defining, starting, stopping: `virDomainDefineXML` to `virDomainDestroy`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use virtus_api::constants::*;
use virtus_api::{Call, DomainLifecycle, DomainRef};
use virtus_base::{ErrorCode, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::LifecycleAction;
use virtus_qmp::command::{Cont, Stop, SystemPowerdown, SystemReset};
use virtus_state::gate::{self, AsyncJob, Mask, Wanted};

use super::define::{define, enter, save};
use super::{flags, truth};
use crate::domain::transition::{Input, StopReason};
use crate::domain::{Domain, View};
use crate::driver::{Driver, Shared};
use crate::error::{bad_argument, error, invalid, unsupported};
use crate::process::start::{self, Start};
use crate::process::{events, stop};
use crate::store;

#[async_trait::async_trait]
impl DomainLifecycle for Driver {
    async fn domain_define_xml(&self, call: &Call, xml: String) -> Result<DomainRef> {
        self.domain_define_xml_flags(call, xml, 0).await
    }

    async fn domain_define_xml_flags(&self, _: &Call, xml: String, given: u32) -> Result<DomainRef> {
        flags(given, VIR_DOMAIN_DEFINE_VALIDATE, "qemuDomainDefineXMLFlags")?;
        let options = conf::ParseOptions {
            inactive: true,
            skip_validate: false,
            strict: given & VIR_DOMAIN_DEFINE_VALIDATE != 0,
        };
        let model = self.parse(xml, options).await?;
        let shared = Arc::clone(&self.0);
        self.finish(async move { define(&shared, model).await }).await
    }

    async fn domain_create(&self, call: &Call, dom: DomainRef) -> Result<()> {
        self.domain_create_with_flags(call, dom, 0).await.map(|_| ())
    }

    async fn domain_create_with_flags(&self, call: &Call, dom: DomainRef, given: u32) -> Result<DomainRef> {
        let known = VIR_DOMAIN_START_PAUSED
            | VIR_DOMAIN_START_AUTODESTROY
            | VIR_DOMAIN_START_BYPASS_CACHE
            | VIR_DOMAIN_START_FORCE_BOOT
            | VIR_DOMAIN_START_RESET_NVRAM;
        flags(given, known, "qemuDomainCreateWithFlags")?;
        let domain = self.find(&dom)?;
        let job = self.job(call, &domain, Wanted::Async(AsyncJob::Start, Mask::DEFAULT)).await?;
        let view = domain.view();
        let definition = view.persistent.clone();
        let (false, Some(definition)) = (view.is_active(), definition) else {
            return Err(invalid("domain is already running"));
        };
        let model = definition.model()?;
        self.run_start(call, &domain, model, given, job).await?;
        Ok(domain.reference())
    }

    async fn domain_create_xml(&self, call: &Call, xml: String, given: u32) -> Result<DomainRef> {
        let known = VIR_DOMAIN_START_PAUSED
            | VIR_DOMAIN_START_AUTODESTROY
            | VIR_DOMAIN_START_VALIDATE
            | VIR_DOMAIN_START_RESET_NVRAM;
        flags(given, known, "qemuDomainCreateXML")?;
        let options = conf::ParseOptions {
            inactive: true,
            skip_validate: false,
            strict: given & VIR_DOMAIN_START_VALIDATE != 0,
        };
        let model = self.parse(xml, options).await?;
        let domain = enter(self, &model)?;
        let owner = Wanted::Async(AsyncJob::Start, Mask::DEFAULT);
        let started = match self.job(call, &domain, owner).await {
            Ok(_) if domain.view().is_active() => Err(already_active(&domain)),
            Ok(job) => self.run_start(call, &domain, model, given, job).await,
            Err(e) => Err(e),
        };
        if let Err(e) = started {
            let view = domain.view();
            if !view.is_active() && !view.is_persistent() {
                self.registry.remove(&domain);
            }
            return Err(e);
        }
        Ok(domain.reference())
    }

    async fn domain_destroy(&self, call: &Call, dom: DomainRef) -> Result<()> {
        self.domain_destroy_flags(call, dom, 0).await
    }

    async fn domain_destroy_flags(&self, call: &Call, dom: DomainRef, given: u32) -> Result<()> {
        flags(given, VIR_DOMAIN_DESTROY_GRACEFUL | VIR_DOMAIN_DESTROY_REMOVE_LOGS, "qemuDomainDestroyFlags")?;
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        let job = self.job(call, &domain, Wanted::Job(gate::Job::Destroy)).await?;
        let running = job.running()?;
        let graceful = given & VIR_DOMAIN_DESTROY_GRACEFUL != 0;
        let name = Arc::clone(&domain.view().name);
        let log = self.setup.layout.log(&name);
        self.finish(async move {
            let _job = job;
            stop::destroy(&running, StopReason::Destroyed, graceful).await?;
            if given & VIR_DOMAIN_DESTROY_REMOVE_LOGS != 0 {
                let _ = std::fs::remove_file(log);
            }
            Ok(())
        })
        .await
    }

    async fn domain_suspend(&self, call: &Call, dom: DomainRef) -> Result<()> {
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        let job = self.job(call, &domain, Wanted::Job(gate::Job::Suspend)).await?;
        let running = job.running()?;
        match domain.view().state.state {
            VIR_DOMAIN_PMSUSPENDED => return Err(invalid("domain is pmsuspended")),
            VIR_DOMAIN_PAUSED => return Ok(()),
            _ => {}
        }
        running.pause_reason.store(VIR_DOMAIN_PAUSED_USER, Ordering::Release);
        let stopped = job.execute(&Stop {}).await;
        if stopped.is_ok() {
            events::apply(self, &domain, &running, Input::Stop(VIR_DOMAIN_PAUSED_USER));
        }
        running.pause_reason.store(-1, Ordering::Release);
        stopped.map(|_| ())
    }

    async fn domain_resume(&self, call: &Call, dom: DomainRef) -> Result<()> {
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        let job = self.job(call, &domain, Wanted::Job(gate::Job::Modify)).await?;
        let running = job.running()?;
        match domain.view().state.state {
            VIR_DOMAIN_PMSUSPENDED => return Err(invalid("domain is pmsuspended")),
            VIR_DOMAIN_RUNNING => return Err(invalid("domain is already running")),
            _ => {}
        }
        running.resume_reason.store(VIR_DOMAIN_RUNNING_UNPAUSED, Ordering::Release);
        let resumed = job.execute(&Cont {}).await;
        if resumed.is_ok() {
            events::apply(self, &domain, &running, Input::Resume(VIR_DOMAIN_RUNNING_UNPAUSED));
        }
        running.resume_reason.store(-1, Ordering::Release);
        resumed.map(|_| ())
    }

    async fn domain_shutdown(&self, call: &Call, dom: DomainRef) -> Result<()> {
        self.domain_shutdown_flags(call, dom, 0).await
    }

    async fn domain_shutdown_flags(&self, call: &Call, dom: DomainRef, given: u32) -> Result<()> {
        let (acpi, agent) = (VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN, VIR_DOMAIN_SHUTDOWN_GUEST_AGENT);
        flags(given, acpi | agent, "qemuDomainShutdownFlags")?;
        let domain = self.find(&dom)?;
        if !domain.view().is_active() {
            return Err(invalid("domain is not running"));
        }
        self.turn_off(call, &domain, given & agent != 0, given & acpi != 0, false).await
    }

    async fn domain_reboot(&self, call: &Call, dom: DomainRef, given: u32) -> Result<()> {
        let (acpi, agent) = (VIR_DOMAIN_REBOOT_ACPI_POWER_BTN, VIR_DOMAIN_REBOOT_GUEST_AGENT);
        flags(given, acpi | agent, "qemuDomainReboot")?;
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        self.turn_off(call, &domain, given & agent != 0, given & acpi != 0, true).await
    }

    async fn domain_reset(&self, call: &Call, dom: DomainRef, given: u32) -> Result<()> {
        flags(given, 0, "qemuDomainReset")?;
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        let job = self.job(call, &domain, Wanted::Job(gate::Job::Modify)).await?;
        let running = job.running()?;
        running.fake_reboot.store(false, Ordering::Release);
        job.execute(&SystemReset {}).await.map(|_| ())
    }

    async fn domain_get_autostart(&self, _: &Call, dom: DomainRef) -> Result<i32> {
        Ok(truth(self.look(&dom)?.autostart))
    }

    async fn domain_set_autostart(&self, _: &Call, dom: DomainRef, autostart: i32) -> Result<()> {
        self.mark(&dom, autostart != 0, store::set_autostart, |view| &mut view.autostart).await
    }

    async fn domain_get_autostart_once(&self, _: &Call, dom: DomainRef) -> Result<i32> {
        Ok(truth(self.look(&dom)?.autostart_once))
    }

    async fn domain_set_autostart_once(&self, _: &Call, dom: DomainRef, autostart: i32) -> Result<()> {
        self.mark(&dom, autostart != 0, store::set_autostart_once, |view| &mut view.autostart_once).await
    }

    async fn domain_pm_suspend_for_duration(
        &self,
        call: &Call,
        dom: DomainRef,
        target: u32,
        duration: u64,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "qemuDomainPMSuspendForDuration")?;
        if duration != 0 {
            return Err(error(ErrorCode::ARGUMENT_UNSUPPORTED, "Duration not supported. Use 0 for now"));
        }
        let command = match i32::try_from(target).unwrap_or(-1) {
            VIR_NODE_SUSPEND_TARGET_MEM => "guest-suspend-ram",
            VIR_NODE_SUSPEND_TARGET_DISK => "guest-suspend-disk",
            VIR_NODE_SUSPEND_TARGET_HYBRID => "guest-suspend-hybrid",
            _ => {
                let text = format!("Unknown suspend target: {target}");
                return Err(error(ErrorCode::INVALID_ARG, text));
            }
        };
        let domain = self.find(&dom)?;
        if !domain.view().is_active() {
            return Err(invalid("domain is not running"));
        }
        let null = serde_json::Value::Null;
        match crate::agent::command(self, call, &domain, gate::AgentJob::Modify, command, null).await {
            // a guest that sleeps does not answer
            Err(e) if e.code() == ErrorCode::AGENT_COMMAND_TIMEOUT => Ok(()),
            done => done.map(|_| ()),
        }
    }

    async fn domain_pm_wakeup(&self, call: &Call, dom: DomainRef, given: u32) -> Result<()> {
        flags(given, 0, "qemuDomainPMWakeup")?;
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        let job = self.job(call, &domain, Wanted::Job(gate::Job::Modify)).await?;
        if domain.view().state.state != VIR_DOMAIN_PMSUSPENDED {
            return Err(invalid("Unable to wake up domain: domain is not pmsuspended"));
        }
        job.execute(&virtus_qmp::command::SystemWakeup {}).await.map(|_| ())
    }

    async fn domain_undefine(&self, call: &Call, dom: DomainRef) -> Result<()> {
        self.domain_undefine_flags(call, dom, 0).await
    }

    async fn domain_undefine_flags(&self, _: &Call, dom: DomainRef, given: u32) -> Result<()> {
        super::undefine::undefine(self, &dom, given).await
    }

    async fn domain_rename(
        &self,
        call: &Call,
        dom: DomainRef,
        new: Option<String>,
        given: u32,
    ) -> Result<i32> {
        super::undefine::rename(self, call, &dom, new.unwrap_or_default(), given).await
    }

    async fn domain_set_lifecycle_action(
        &self,
        call: &Call,
        dom: DomainRef,
        kind: u32,
        action: u32,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, "qemuDomainSetLifecycleAction")?;
        let domain = self.find(&dom)?;
        let wanted = action_of(action)?;
        if matches!(wanted, LifecycleAction::RenameRestart) {
            return Err(unsupported(
                "qemu driver doesn't support the 'rename-restart' action for 'on_reboot'/'on_poweroff'/'on_crash'",
            ));
        }
        let (event, coredump) = match i32::try_from(kind).unwrap_or(-1) {
            VIR_DOMAIN_LIFECYCLE_POWEROFF => ("poweroff", false),
            VIR_DOMAIN_LIFECYCLE_REBOOT => ("reboot", false),
            VIR_DOMAIN_LIFECYCLE_CRASH => ("crash", true),
            _ => return Err(bad_argument(format!("invalid lifecycle type '{kind}'"))),
        };
        if !coredump && matches!(wanted, LifecycleAction::CoredumpDestroy | LifecycleAction::CoredumpRestart)
        {
            return Err(virtus_base::Error::new(
                virtus_base::ErrorDomain::DOMAIN,
                ErrorCode::CONFIG_UNSUPPORTED,
                format!("Lifecycle event '{event}' doesn't support '{wanted}' action"),
            ));
        }
        self.edit(call, &domain, given, move |model| {
            let slot = match event {
                "poweroff" => &mut model.on_poweroff,
                "reboot" => &mut model.on_reboot,
                _ => &mut model.on_crash,
            };
            *slot = wanted;
            match (model.on_poweroff, model.on_reboot) {
                // a guest that powers off cannot be told from one that reboots then
                (LifecycleAction::Restart, LifecycleAction::Destroy) => Err(unsupported(
                    "qemu driver doesn't support 'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'",
                )),
                _ => Ok(()),
            }
        })
        .await
    }
}

fn action_of(action: u32) -> Result<LifecycleAction> {
    Ok(match i32::try_from(action).unwrap_or(-1) {
        VIR_DOMAIN_LIFECYCLE_ACTION_DESTROY => LifecycleAction::Destroy,
        VIR_DOMAIN_LIFECYCLE_ACTION_RESTART => LifecycleAction::Restart,
        VIR_DOMAIN_LIFECYCLE_ACTION_RESTART_RENAME => LifecycleAction::RenameRestart,
        VIR_DOMAIN_LIFECYCLE_ACTION_PRESERVE => LifecycleAction::Preserve,
        VIR_DOMAIN_LIFECYCLE_ACTION_COREDUMP_DESTROY => LifecycleAction::CoredumpDestroy,
        VIR_DOMAIN_LIFECYCLE_ACTION_COREDUMP_RESTART => LifecycleAction::CoredumpRestart,
        _ => return Err(bad_argument(format!("invalid lifecycle action '{action}'"))),
    })
}

impl Driver {
    /// Sets or clears one of a domain's marks for automatic starts: on disk first.
    async fn mark(
        &self,
        dom: &DomainRef,
        on: bool,
        store: fn(&crate::layout::Layout, &str, bool) -> Result<()>,
        field: fn(&mut View) -> &mut bool,
    ) -> Result<()> {
        let (shared, domain) = (Arc::clone(&self.0), self.find(dom)?);
        self.finish(async move {
            let _config = domain.config.lock().await;
            let mut view = View::clone(&domain.view());
            if !view.is_persistent() {
                return Err(invalid("cannot set autostart for transient domain"));
            }
            if *field(&mut view) == on {
                return Ok(());
            }
            store(&shared.setup.layout, &view.name, on)?;
            shared.change(&domain, |view| {
                *field(view) = on;
                Vec::new()
            });
            Ok(())
        })
        .await
    }

    /// Reads a document and completes it. That may ask an emulator what it can do, so it is done aside.
    pub(super) async fn parse(&self, xml: String, options: conf::ParseOptions) -> Result<conf::Domain> {
        self.note_read();
        let environment = Arc::clone(&self.setup.emulators);
        self.blocking(move || {
            let mut model = crate::define::parse(&xml, &options, &*environment)?;
            virtus_conf::legal_name(&model.name, "\n")?;
            if model.uuid.is_nil() {
                model.uuid = virtus_base::Uuid::random()?;
            }
            Ok(model)
        })
        .await
    }

    /// Starts a domain to the end, even if the caller goes away; the job is held as long.
    async fn run_start(
        &self,
        call: &Call,
        domain: &Arc<Domain>,
        model: conf::Domain,
        given: u32,
        job: crate::process::Job,
    ) -> Result<()> {
        let how = Start {
            paused: given & VIR_DOMAIN_START_PAUSED != 0,
            reset_nvram: given & VIR_DOMAIN_START_RESET_NVRAM != 0,
        };
        let (shared, started) = (Arc::clone(&self.0), Arc::clone(domain));
        self.finish(async move {
            let _job = job;
            start::start(&shared, &started, model, how).await
        })
        .await?;
        if given & VIR_DOMAIN_START_AUTODESTROY != 0 {
            self.destroy_with(call, domain);
        }
        Ok(())
    }

    /// Ties a domain's life to its caller's connection.
    fn destroy_with(&self, call: &Call, domain: &Arc<Domain>) {
        let Ok(running) = domain.running() else { return };
        *virtus_state::lock(&running.autodestroy) = Some(call.caller.id);
        let (shared, running) = (Arc::clone(&self.0), Arc::downgrade(&running));
        call.caller.on_close(move || {
            // it may have ended long ago
            if let Some(running) = running.upgrade() {
                shared.runtime.spawn(async move {
                    let _ = stop::destroy(&running, StopReason::Destroyed, false).await;
                });
            }
        });
    }

    /// Has the guest turn itself off or restart: by its agent, by the power button, or by the first of them
    /// that works.
    async fn turn_off(
        &self,
        call: &Call,
        domain: &Arc<Domain>,
        agent: bool,
        acpi: bool,
        reboot: bool,
    ) -> Result<()> {
        if agent {
            let done = crate::agent::shutdown(self, call, domain, reboot).await;
            // the other way is open only if it was named, too
            if done.is_ok() || !acpi {
                return done;
            }
        }
        let job = self.job(call, domain, Wanted::Job(gate::Job::Modify)).await?;
        let running = job.running()?;
        running.fake_reboot.store(reboot, Ordering::Release);
        // the daemon may be another one by the time the guest has shut down
        self.change(domain, |_| Vec::new());
        let done = job.execute(&SystemPowerdown {}).await.map(|_| ());
        if done.is_err() {
            running.fake_reboot.store(false, Ordering::Release);
        }
        done
    }

    /// Changes the definitions that `given` says (`VIR_DOMAIN_AFFECT_*`): the persistent one on disk first, then
    /// the live one. `change` must not need QEMU.
    pub(super) async fn edit(
        &self,
        call: &Call,
        domain: &Arc<Domain>,
        given: u32,
        change: impl Fn(&mut conf::Domain) -> Result<()> + Send + Sync + 'static,
    ) -> Result<()> {
        domain.view().affects(given)?;
        let job = self.job(call, domain, Wanted::Job(gate::Job::Modify)).await?;
        let (shared, domain) = (Arc::clone(&self.0), Arc::clone(domain));
        self.finish(async move {
            let _job = job;
            edit(&shared, &domain, given, &change).await
        })
        .await
    }
}

async fn edit(
    shared: &Arc<Shared>,
    domain: &Arc<Domain>,
    given: u32,
    change: &(impl Fn(&mut conf::Domain) -> Result<()> + Sync),
) -> Result<()> {
    let _config = domain.config.lock().await;
    let view = domain.view();
    let affects = view.affects(given)?;
    let mut live = None;
    if affects.live {
        let mut model = view.live()?.model.clone();
        change(&mut model)?;
        live = Some(model);
    }
    let mut persistent = None;
    if let (true, Some(definition)) = (affects.config, &view.persistent) {
        let mut model = definition.model()?;
        change(&mut model)?;
        persistent = Some(save(shared, Arc::clone(&view.name), model).await?);
    }
    shared.change(domain, |view| {
        if let Some(model) = live {
            view.live = Some(Arc::new(crate::domain::Live::new(model)));
            view.updated = true;
        }
        if persistent.is_some() {
            view.persistent = persistent;
        }
        Vec::new()
    });
    Ok(())
}

fn already_active(domain: &Domain) -> virtus_base::Error {
    let name = &domain.view().name;
    virtus_base::Error::new(
        virtus_base::ErrorDomain::DOMAIN,
        ErrorCode::OPERATION_INVALID,
        format!("domain '{name}' is already active"),
    )
}
