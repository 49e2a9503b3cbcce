//! Devices that join, leave and change: `virDomainAttachDevice` and its kin.

use std::sync::Arc;

use virtus_api::constants::*;
use virtus_api::{Call, DomainDevices, DomainEvent, DomainRef};
use virtus_base::Result;
use virtus_conf::domain as conf;
use virtus_conf::domain::device::Device;
use virtus_state::gate::{self, Wanted};

use super::define::save;
use super::flags;
use crate::change::live::{self, Removal};
use crate::change::{Asked, persistent};
use crate::driver::{Driver, Shared};
use crate::process::Job;

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
        let function = "qemuDomainAttachDeviceLiveAndConfig";
        self.change_device(call, &dom, given, function, Change::Attach(xml)).await
    }

    async fn domain_detach_device_flags(
        &self,
        call: &Call,
        dom: DomainRef,
        xml: String,
        given: u32,
    ) -> Result<()> {
        let function = "qemuDomainDetachDeviceLiveAndConfig";
        self.change_device(call, &dom, given, function, Change::Detach(xml)).await
    }

    async fn domain_update_device_flags(
        &self,
        call: &Call,
        dom: DomainRef,
        xml: String,
        given: u32,
    ) -> Result<()> {
        let function = "qemuDomainUpdateDeviceFlags";
        flags(given, AFFECT | VIR_DOMAIN_DEVICE_MODIFY_FORCE, function)?;
        self.change_device(call, &dom, given, function, Change::Update(xml)).await
    }

    async fn domain_detach_device_alias(
        &self,
        call: &Call,
        dom: DomainRef,
        alias: String,
        given: u32,
    ) -> Result<()> {
        let function = "qemuDomainDetachDeviceAlias";
        self.change_device(call, &dom, given, function, Change::DetachAlias(alias)).await
    }
}

const AFFECT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;

impl Driver {
    async fn change_device(
        &self,
        call: &Call,
        dom: &DomainRef,
        given: u32,
        function: &str,
        change: Change,
    ) -> Result<()> {
        let domain = self.find(dom)?;
        let job = self.job(call, &domain, Wanted::Job(gate::Job::Modify)).await?;
        let affect = given & !VIR_DOMAIN_DEVICE_MODIFY_FORCE;
        domain.view().affects(affect)?;
        let force = given & VIR_DOMAIN_DEVICE_MODIFY_FORCE != 0;
        if !matches!(change, Change::Update(_)) {
            flags(given, AFFECT, function)?;
        }
        self.note_read();
        let shared = Arc::clone(&self.0);
        self.finish(async move { apply(&shared, &job, affect, force, change).await }).await
    }
}

/// Makes the change in the definitions that `given` says: worked out on the persistent one first, then made in the
/// running guest, and written to the disk when that has gone well.
async fn apply(shared: &Arc<Shared>, job: &Job, given: u32, force: bool, change: Change) -> Result<()> {
    let domain = &job.domain;
    let _config = domain.config.lock().await;
    let view = domain.view();
    let affects = view.affects(given)?;
    let told = !matches!(change, Change::DetachAlias(_));
    let mut persistent = None;
    if let (true, Some(definition)) = (affects.config, &view.persistent) {
        let (definition, environment) = (Arc::clone(definition), Arc::clone(&shared.setup.emulators));
        let (change, live) = (change.clone(), affects.live);
        persistent = Some(
            shared
                .blocking(move || {
                    let model = definition.model()?;
                    let options = &change.options(live);
                    match &change {
                        Change::Attach(xml) => persistent::attach(&model, xml, options, &*environment),
                        Change::Detach(xml) => persistent::detach(&model, xml, options, &*environment),
                        Change::Update(xml) => persistent::update(&model, xml, options, &*environment),
                        Change::DetachAlias(alias) => persistent::detach_alias(&model, alias, &*environment),
                    }
                })
                .await?,
        );
    }
    if affects.live {
        change_live(shared, job, force, change, persistent.as_ref()).await?;
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

/// Makes the change in the running guest.
async fn change_live(
    shared: &Arc<Shared>,
    job: &Job,
    force: bool,
    change: Change,
    persistent: Option<&conf::Domain>,
) -> Result<()> {
    let site = live::Site::of(shared, job).await?;
    let view = job.domain.view();
    let model = &view.live()?.model;
    let options = change.options(true);
    let read = |xml: &str| Asked::read(model, xml, &options, &*shared.setup.emulators);
    match &change {
        Change::Attach(xml) => {
            let (mut asked, _) = read(xml)?;
            same_address(&mut asked, persistent);
            live::attach(&site, asked).await
        }
        Change::Detach(xml) => live::detach(&site, read(xml)?.0, Removal::Awaited).await,
        Change::Update(xml) => live::update(&site, read(xml)?.0, force).await,
        Change::DetachAlias(alias) => {
            let asked = Asked::of_alias(model, alias)?;
            live::detach(&site, asked, Removal::Requested).await
        }
    }
}

/// A MAC address that was made up is the same one in both definitions.
fn same_address(asked: &mut Asked, persistent: Option<&conf::Domain>) {
    if let (Device::Interface(net), Some(persistent), false) = (&mut asked.device, persistent, asked.mac)
        && let Some(added) = persistent.devices.interfaces.last()
    {
        net.mac.clone_from(&added.mac);
    }
}

impl Change {
    /// How the device's document is read; `live` if it is for a running guest, too.
    fn options(&self, live: bool) -> conf::ParseOptions {
        let attach = matches!(self, Change::Attach(_));
        let detach = matches!(self, Change::Detach(_));
        conf::ParseOptions { inactive: attach || !live, skip_validate: detach, strict: false }
    }
}
