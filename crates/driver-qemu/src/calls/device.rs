//! Devices that join, leave and change: `virDomainAttachDevice` and its kin.

use std::sync::Arc;

use virtus_api::constants::*;
use virtus_api::{Call, DomainDevices, DomainEvent, DomainRef};
use virtus_base::{ErrorCode, Result};
use virtus_conf::domain as conf;
use virtus_state::gate::{self, Wanted};

use super::flags;
use super::lifecycle::save;
use crate::change::persistent;
use crate::domain::Domain;
use crate::driver::{Driver, Shared};
use crate::error::error;

/// What happens to a device.
#[derive(Clone, Debug)]
enum Change {
    Attach(String),
    Detach(String),
    Update(String),
    DetachAlias(String),
}

#[async_trait::async_trait]
impl DomainDevices for Driver {
    async fn domain_attach_device(&self, call: &Call, dom: DomainRef, xml: String) -> Result<()> {
        self.domain_attach_device_flags(call, dom, xml, VIR_DOMAIN_AFFECT_LIVE).await
    }

    async fn domain_detach_device(&self, call: &Call, dom: DomainRef, xml: String) -> Result<()> {
        self.domain_detach_device_flags(call, dom, xml, VIR_DOMAIN_AFFECT_LIVE).await
    }

    async fn domain_attach_device_flags(
        &self,
        call: &Call,
        dom: DomainRef,
        xml: String,
        given: u32,
    ) -> Result<()> {
        self.change_device(
            call,
            &dom,
            given,
            AFFECT,
            "qemuDomainAttachDeviceLiveAndConfig",
            Change::Attach(xml),
        )
        .await
    }

    async fn domain_detach_device_flags(
        &self,
        call: &Call,
        dom: DomainRef,
        xml: String,
        given: u32,
    ) -> Result<()> {
        self.change_device(
            call,
            &dom,
            given,
            AFFECT,
            "qemuDomainDetachDeviceLiveAndConfig",
            Change::Detach(xml),
        )
        .await
    }

    async fn domain_update_device_flags(
        &self,
        call: &Call,
        dom: DomainRef,
        xml: String,
        given: u32,
    ) -> Result<()> {
        let known = AFFECT | VIR_DOMAIN_DEVICE_MODIFY_FORCE;
        flags(given, known, "qemuDomainUpdateDeviceFlags")?;
        let function = "qemuDomainUpdateDeviceFlags";
        self.change_device(call, &dom, given & AFFECT, AFFECT, function, Change::Update(xml)).await
    }

    async fn domain_detach_device_alias(
        &self,
        call: &Call,
        dom: DomainRef,
        alias: String,
        given: u32,
    ) -> Result<()> {
        let function = "qemuDomainDetachDeviceAlias";
        self.change_device(call, &dom, given, AFFECT, function, Change::DetachAlias(alias)).await
    }
}

const AFFECT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;

impl Driver {
    async fn change_device(
        &self,
        call: &Call,
        dom: &DomainRef,
        given: u32,
        known: u32,
        function: &str,
        change: Change,
    ) -> Result<()> {
        let domain = self.find(dom)?;
        let job = self.job(call, &domain, Wanted::Job(gate::Job::Modify)).await?;
        domain.view().affects(given)?;
        flags(given, known, function)?;
        self.note_read();
        let shared = Arc::clone(&self.0);
        self.finish(async move {
            let _job = job;
            apply(&shared, &domain, given, change).await
        })
        .await
    }
}

/// Makes the change in the definitions that `given` says: worked out on the persistent one first, then made in the
/// running guest, and written to the disk when that has gone well.
async fn apply(shared: &Arc<Shared>, domain: &Arc<Domain>, given: u32, change: Change) -> Result<()> {
    let _config = domain.config.lock().await;
    let view = domain.view();
    let affects = view.affects(given)?;
    let told = !matches!(change, Change::DetachAlias(_));
    let mut persistent = None;
    if let (true, Some(definition)) = (affects.config, &view.persistent) {
        let (definition, environment) = (Arc::clone(definition), Arc::clone(&shared.setup.emulators));
        let (change, inactive) = (change.clone(), !affects.live);
        persistent = Some(
            shared
                .blocking(move || {
                    let model = definition.model()?;
                    let options =
                        |skip_validate| conf::ParseOptions { inactive, skip_validate, strict: false };
                    match change {
                        Change::Attach(xml) => {
                            persistent::attach(&model, &xml, &options(false), &*environment)
                        }
                        Change::Detach(xml) => {
                            persistent::detach(&model, &xml, &options(true), &*environment)
                        }
                        Change::Update(xml) => {
                            persistent::update(&model, &xml, &options(false), &*environment)
                        }
                        Change::DetachAlias(alias) => persistent::detach_alias(&model, &alias, &*environment),
                    }
                })
                .await?,
        );
    }
    if affects.live {
        return Err(error(ErrorCode::OPERATION_UNSUPPORTED, "live changes of devices are not made yet"));
    }
    if let Some(model) = persistent {
        let saved = save(shared, Arc::clone(&view.name), model).await?;
        shared.change(domain, |view| {
            view.persistent = Some(saved);
            match told {
                true => vec![DomainEvent::Lifecycle {
                    event: VIR_DOMAIN_EVENT_DEFINED,
                    detail: VIR_DOMAIN_EVENT_DEFINED_UPDATED,
                }],
                // libvirt says nothing of this one
                false => Vec::new(),
            }
        });
    }
    Ok(())
}
