//! Controllers other than PCI's own.

use virtus_base::Result;
use virtus_conf::domain::device::Address;
use virtus_conf::domain::device::controller::{Controller, ControllerKind, ScsiModel};

use super::{Checks, internal, unsupported};

/// SCSI controllers, the capability of each, and what errors call it.
const SCSI: &[(ScsiModel, &str, &str)] = &[
    (ScsiModel::Lsilogic, "lsi", "the LSI 53C895A SCSI controller"),
    (ScsiModel::VirtioScsi, "virtio-scsi-pci", "virtio scsi controller"),
    (ScsiModel::VirtioTransitional, "virtio-scsi-pci", "virtio scsi controller"),
    (ScsiModel::VirtioNonTransitional, "virtio-scsi-pci", "virtio scsi controller"),
    (ScsiModel::Lsisas1068, "mptsas1068", "the LSI SAS1068 (MPT Fusion) controller"),
    (ScsiModel::Lsisas1078, "megasas", "the LSI SAS1078 (MegaRAID) controller"),
    (ScsiModel::Vmpvscsi, "pvscsi", "the pvscsi (VMware paravirtual SCSI) controller"),
];

impl Checks<'_> {
    pub(super) fn controllers(&self, controller: &Controller) -> Result<()> {
        let index = controller.index.unwrap_or_default();
        if let ControllerKind::Scsi { model } = &controller.kind {
            self.scsi_model(*model, index)?;
        }
        self.virtio_scsi_options(controller)?;
        match &controller.kind {
            ControllerKind::Ide { .. } => match (index, self.machine.has_builtin_ide()) {
                (0, true) => Ok(()),
                (_, true) => {
                    Err(unsupported("Only a single IDE controller is supported for this machine type"))
                }
                (_, false) => {
                    Err(unsupported("IDE controllers are unsupported for this QEMU binary or machine type"))
                }
            },
            ControllerKind::Scsi { .. } => self.scsi_iothreads(controller),
            ControllerKind::Pci { model: Some(model), options } => {
                self.pci_controller(*model, options, index)
            }
            ControllerKind::Sata { .. } if index != 0 || !self.machine.is_q35() => {
                self.need("ich9-ahci", "SATA is not supported with this QEMU binary")
            }
            _ => Ok(()),
        }
    }

    fn scsi_model(&self, model: Option<ScsiModel>, index: u32) -> Result<()> {
        match model {
            None => Err(internal("Unexpected SCSI controller model 0")),
            Some(model @ (ScsiModel::Auto | ScsiModel::Buslogic)) => {
                Err(unsupported(format!("Unsupported controller model: {model}")))
            }
            Some(ScsiModel::Ncr53c90) => {
                if !self.machine.has_builtin_esp() {
                    return Err(unsupported("ncr53c90 SCSI controller is not a built-in for this machine"));
                }
                if index != 0 {
                    return Err(unsupported("ncr53c90 can only be used as first SCSI controller"));
                }
                Ok(())
            }
            Some(model) => match SCSI.iter().find(|(known, ..)| *known == model) {
                Some((_, capability, name)) if !self.has(capability) => {
                    Err(unsupported(format!("This QEMU doesn't support {name}")))
                }
                _ => Ok(()),
            },
        }
    }

    fn virtio_scsi_options(&self, controller: &Controller) -> Result<()> {
        let virtio = matches!(
            controller.kind,
            ControllerKind::Scsi {
                model: Some(
                    ScsiModel::VirtioScsi | ScsiModel::VirtioTransitional | ScsiModel::VirtioNonTransitional
                )
            }
        );
        if virtio {
            return Ok(());
        }
        let driver = &controller.driver;
        let options = [
            (driver.queues.is_some_and(|n| n != 0), "'queues' is only supported by virtio-scsi controller"),
            (
                driver.cmd_per_lun.is_some_and(|n| n != 0),
                "'cmd_per_lun' is only supported by virtio-scsi controller",
            ),
            (
                driver.max_sectors.is_some_and(|n| n != 0),
                "'max_sectors' is only supported by virtio-scsi controller",
            ),
            (driver.ioeventfd.is_some(), "'ioeventfd' is only supported by virtio-scsi controller"),
            (driver.iothread.is_some(), "'iothread' is only supported for virtio-scsi controller"),
        ];
        match options.iter().find(|(set, _)| *set) {
            Some((_, text)) => Err(unsupported(*text)),
            None => Ok(()),
        }
    }

    fn scsi_iothreads(&self, controller: &Controller) -> Result<()> {
        let driver = &controller.driver;
        if let Some(id) = driver.iothread {
            if !matches!(controller.info.address, None | Some(Address::Pci(_) | Address::Ccw(_))) {
                return Err(unsupported(
                    "virtio-scsi IOThreads only available for virtio pci and virtio ccw controllers",
                ));
            }
            if !self.has_iothread(id) {
                return Err(unsupported(format!("controller iothread '{id}' not defined in iothreadid")));
            }
        }
        match &driver.iothreads {
            Some(map) => self.iothread_map(map, driver.queues),
            None => Ok(()),
        }
    }
}
