//! Devices that join, leave and change while their guest runs.
//!
//! The caller holds the job. What the host and QEMU were given for a device is taken back when a later step fails; the
//! live definition follows when all of it is done.

mod attach;
mod detach;
mod graphics;
mod host;
mod hostdev;
mod look;
mod media;
mod network;
mod plug;
mod update;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use virtus_api::DomainEvent;
use virtus_base::{Error, ErrorCode, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::{Device, DeviceKind, Devices, Disk};
use virtus_conf::domain::post_parse::order::{insert_controller, insert_disk};

use crate::command::guest::Guest;
use crate::command::{Context, Plan, Secret, plan};
use crate::device::part::Part;
use crate::device::parts::parts;
use crate::device::storage::needed_secrets;
use crate::domain::{Domain, Live};
use crate::driver::Shared;
use crate::emulator::Emulator;
use crate::error::error;
use crate::process::{Job, Running, secrets, volumes};

pub(crate) use attach::attach;
pub(crate) use detach::{Removal, detach, find_gone, removed_later};
pub(crate) use media::tray_moved;
pub(crate) use update::update;

/// A running guest whose devices are changed.
pub(crate) struct Site<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) job: &'a Job,
    pub(crate) running: Arc<Running>,
    pub(crate) emulator: Arc<dyn Emulator>,
}

impl<'a> Site<'a> {
    /// The guest that the job is about.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) async fn of(shared: &'a Arc<Shared>, job: &'a Job) -> Result<Site<'a>> {
        let view = job.domain.view();
        let path = view.live()?.model.devices.emulator.clone().unwrap_or_default();
        let emulator = shared.setup.emulators.get(std::path::Path::new(&path)).await?;
        Ok(Site { shared, job, running: job.running()?, emulator })
    }

    fn domain(&self) -> &Arc<Domain> {
        &self.job.domain
    }

    /// The definition the guest runs with.
    fn model(&self) -> Result<conf::Domain> {
        Ok(self.domain().view().live()?.model.clone())
    }

    /// Numbers the images of a disk that joins.
    fn number(&self, model: &conf::Domain, disk: &mut Disk) {
        let last = &self.running.last_image;
        let mut number = last.load(Ordering::Relaxed).max(plan::last_image(model));
        plan::number_disk(disk, &mut number);
        last.store(number, Ordering::Relaxed);
    }

    fn context(&self) -> Context {
        crate::launch::context(self.shared, self.running.id, &self.domain().view().name)
    }

    /// As [`Site::context`], with the secrets and volumes that a device needs.
    ///
    /// # Errors
    /// libvirt's, for those that are not there.
    fn context_for(&self, model: &conf::Domain, device: &Device) -> Result<Context> {
        let mut context = self.context();
        if let Device::Disk(disk) = device {
            context.volumes = volumes::places([&**disk], &*self.shared.setup.volumes)?;
        }
        secrets::fill_running(self.shared, &self.running.lib_dir, &alone(model, device), &mut context)?;
        Ok(context)
    }

    /// What tells the parts of a device by name: its secrets are not looked up.
    fn names(&self, model: &conf::Domain, device: &Device) -> Context {
        let mut context = self.context();
        let nameless = Secret { data: String::new(), iv: String::new() };
        for needed in needed_secrets(&alone(model, device), &context.settings) {
            context.secrets.insert(needed.id, nameless.clone());
        }
        if let Device::Disk(disk) = device {
            // one whose volume has been deleted meanwhile is told by its names all the same
            context.volumes = volumes::places([&**disk], &*self.shared.setup.volumes).unwrap_or_default();
        }
        if let Some(alias) = device.info().and_then(|info| info.alias.clone()) {
            context.handed.insert(alias, String::new());
        }
        context
    }

    /// What a device of the guest is made of.
    fn parts(&self, model: &conf::Domain, context: &Context, device: &Device) -> Result<Vec<Part>> {
        self.guest(model, context, |guest| parts(guest, device))
    }

    fn guest<T>(
        &self,
        model: &conf::Domain,
        context: &Context,
        work: impl FnOnce(&Guest<'_>) -> Result<T>,
    ) -> Result<T> {
        // a device that is plugged in boots only if it says so itself
        let plan = Plan::default();
        work(&Guest { domain: model, emulator: &*self.emulator, context, plan: &plan })
    }

    /// Changes the live definition as it is by now: on disk, then for readers, then for those who listen.
    fn commit(&self, change: impl FnOnce(&mut conf::Domain), events: Vec<DomainEvent>) {
        self.shared.change(self.domain(), |view| {
            let Some(live) = &view.live else { return Vec::new() };
            let mut model = live.model.clone();
            change(&mut model);
            view.live = Some(Arc::new(Live::new(model)));
            view.updated = true;
            events
        });
    }
}

/// The definition with this device only.
fn alone(model: &conf::Domain, device: &Device) -> conf::Domain {
    let mut alone = conf::Domain { devices: Devices::default(), ..model.clone() };
    alone.devices.push(device.clone());
    alone
}

/// Puts a device where it belongs in the list of its kind.
fn insert(model: &mut conf::Domain, device: Device) {
    match device {
        Device::Disk(disk) => insert_disk(&mut model.devices.disks, *disk),
        Device::Controller(controller) => insert_controller(&mut model.devices.controllers, *controller),
        Device::Memory(memory) => {
            let size = &mut model.memory.size.0;
            *size = size.saturating_add(memory.target.size.0);
            model.devices.memories.push(*memory);
        }
        Device::Serial(serial) => {
            model.devices.serials.push(*serial);
            if model.devices.serials.len() == 1 {
                conf::post_parse::sync_console(model);
            }
        }
        device => model.devices.push(device),
    }
}

/// Takes the device of an alias out.
fn take(model: &mut conf::Domain, alias: &str) -> Option<Device> {
    let (kind, at) = model.devices.find_alias(alias)?;
    let device = model.devices.remove(kind, at)?;
    match &device {
        Device::Memory(memory) => {
            let size = &mut model.memory.size.0;
            *size = size.saturating_sub(memory.target.size.0);
        }
        Device::Serial(_) if at == 0 => {
            // the console that was its other name
            let consoles = &mut model.devices.consoles;
            if consoles.first().is_some_and(|c| c.info.alias.as_deref() == Some(alias)) {
                consoles.remove(0);
            }
        }
        _ => {}
    }
    Some(device)
}

/// A kind that this cannot be done to while the guest runs.
fn unsupported(verb: &str, kind: DeviceKind) -> Error {
    let text = format!("live {verb} of device '{}' is not supported", kind.name());
    error(ErrorCode::OPERATION_UNSUPPORTED, text)
}

fn refused(text: impl Into<String>) -> Error {
    error(ErrorCode::OPERATION_UNSUPPORTED, text)
}

fn missing(text: impl Into<String>) -> Error {
    error(ErrorCode::DEVICE_MISSING, text)
}

fn failed(text: impl Into<String>) -> Error {
    error(ErrorCode::OPERATION_FAILED, text)
}
