//! Smaller devices.

use virtus_base::Result;
use virtus_conf::domain::device::crypto::CryptoBackend;
use virtus_conf::domain::device::panic::PanicModel;
use virtus_conf::domain::device::tpm::{TpmBackend, TpmModel, TpmVersion};
use virtus_conf::domain::device::watchdog::WatchdogModel;
use virtus_conf::domain::device::{Address, Crypto, Hub, NvramDevice, Panic, Pstore, Tpm, Vsock, Watchdog};

use super::{Checks, unsupported, xml_error};

impl Checks<'_> {
    pub(super) fn watchdogs(&self, watchdog: &Watchdog) -> Result<()> {
        let model = watchdog.model;
        if self.domain.devices.watchdogs.iter().any(|other| other.action != watchdog.action) {
            return Err(unsupported(
                "watchdogs with different actions are not supported with this QEMU binary",
            ));
        }
        let refuse = |text: &str| Err(unsupported(format!("{model} model of watchdog {text}")));
        let address = &watchdog.info.address;
        match model {
            WatchdogModel::I6300esb if !matches!(address, None | Some(Address::Pci(_))) => {
                refuse("can go only on PCI bus")
            }
            WatchdogModel::Ib700 if !self.machine.is_i440fx() => {
                refuse("cannot be used with this machine type")
            }
            WatchdogModel::Ib700 if address.is_some() => refuse("does not support configuring the address"),
            WatchdogModel::Diag288 if address.is_some() => refuse("is virtual and cannot go on any bus."),
            WatchdogModel::Diag288 if !self.machine.is_s390() => refuse("is allowed for s390 and s390x only"),
            WatchdogModel::Itco if address.is_some() => {
                refuse("is part of the machine and cannot have any address set.")
            }
            WatchdogModel::Itco if !self.machine.is_q35() => refuse("is only part of q35 machine"),
            _ => Ok(()),
        }
    }

    /// One watchdog of each model.
    pub(super) fn watchdog_devices(&self) -> Result<()> {
        let list = &self.domain.devices.watchdogs;
        let twice =
            list.iter().enumerate().find(|(i, one)| list.iter().take(*i).any(|two| two.model == one.model));
        match twice {
            Some((_, watchdog)) => {
                Err(unsupported(format!("domain can only have one watchdog with model '{}'", watchdog.model)))
            }
            None => Ok(()),
        }
    }

    pub(super) fn panic_devices(&self) -> Result<()> {
        for panic in &self.domain.devices.panics {
            let Some(model) = panic.model else {
                return Err(unsupported(
                    "no panic model provided, and no default for the architecture and machine type",
                ));
            };
            let address = &panic.info.address;
            let fixed = |model: PanicModel| {
                Err(unsupported(format!(
                    "setting the panic device address is not supported for model '{model}'"
                )))
            };
            match model {
                PanicModel::S390 => {
                    if !self.machine.is_s390() {
                        return Err(unsupported("only S390 guests support panic device of model 's390'"));
                    }
                    if address.is_some() {
                        return fixed(model);
                    }
                }
                PanicModel::Pseries => {
                    if !self.machine.is_pseries() {
                        return Err(unsupported(
                            "only pSeries guests support panic device of model 'pseries'",
                        ));
                    }
                    if address.is_some() {
                        return fixed(model);
                    }
                }
                PanicModel::Hyperv => {
                    if !self.machine.is_x86() {
                        return Err(unsupported(
                            "only i686 and x86_64 guests support panic device of model 'hyperv'",
                        ));
                    }
                    if address.is_some() {
                        return fixed(model);
                    }
                }
                PanicModel::Isa => {
                    self.need("pvpanic", "the QEMU binary does not support the ISA panic device")?;
                    if !matches!(address, None | Some(Address::Isa(_))) {
                        return Err(unsupported("panic is supported only with ISA address type"));
                    }
                }
                PanicModel::Pvpanic => {
                    self.need("pvpanic-pci", "the QEMU binary does not support the PCI pvpanic device")?;
                    if !matches!(address, Some(Address::Pci(_))) {
                        return Err(unsupported("pvpanic is supported only with PCI address type"));
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn panics(&self, _: &Panic) -> Result<()> {
        Ok(())
    }

    /// One TPM, and on POWER one proxy beside it.
    pub(super) fn tpm_devices(&self) -> Result<()> {
        let proxy = |tpm: &&Tpm| tpm.model == Some(TpmModel::SpaprProxy);
        let tpms = &self.domain.devices.tpms;
        let proxies = tpms.iter().filter(proxy).count();
        if proxies > 1 {
            return Err(unsupported("only a single TPM Proxy device is supported"));
        }
        if tpms.len() - proxies > 1 {
            return Err(unsupported("only a single TPM non-proxy device is supported"));
        }
        Ok(())
    }

    pub(super) fn tpms(&self, tpm: &Tpm) -> Result<()> {
        let path = self.emulator.path();
        let model = tpm.model.unwrap_or(TpmModel::Tis);
        if let TpmBackend::Emulator(emulator) = &tpm.backend
            && emulator.version == Some(TpmVersion::V1_2)
        {
            if matches!(model, TpmModel::Crb | TpmModel::Spapr | TpmModel::SpaprProxy) {
                return Err(unsupported(format!("TPM 1.2 is not supported for model '{model}'")));
            }
            if !self.machine.is_x86() {
                return Err(unsupported(format!(
                    "TPM 1.2 is not supported on architecture '{}'",
                    self.machine.arch
                )));
            }
        }
        let backend = match &tpm.backend {
            TpmBackend::Passthrough { .. } => Some(("tpm-passthrough", "passthrough")),
            TpmBackend::Emulator(_) => Some(("tpm-emulator", "emulator")),
            TpmBackend::External { .. } => Some(("tpm-emulator", "external")),
        };
        if let Some((_, name)) = backend.filter(|(capability, _)| !self.has(capability)) {
            return Err(unsupported(format!(
                "The QEMU executable {path} does not support TPM backend type {name}"
            )));
        }
        let capability = match model {
            TpmModel::Tis => "tpm-tis",
            TpmModel::Crb => "tpm-crb",
            TpmModel::Spapr => "tpm-spapr",
            TpmModel::SpaprProxy => "spapr-tpm-proxy",
        };
        if !self.has(capability) {
            return Err(unsupported(format!(
                "The QEMU executable {path} does not support TPM model {model}"
            )));
        }
        if model == TpmModel::SpaprProxy && !matches!(tpm.backend, TpmBackend::Passthrough { .. }) {
            return Err(unsupported(format!("TPM Proxy model {model} requires 'Passthrough' backend")));
        }
        Ok(())
    }

    pub(super) fn vsocks(&self, _: &Vsock) -> Result<()> {
        self.need("vhost-vsock", "vsock device is not supported with this QEMU binary")
    }

    pub(super) fn cryptos(&self, crypto: &Crypto) -> Result<()> {
        self.need("virtio-crypto", &format!("crypto model {} is not supported", crypto.model))?;
        if crypto.backend.model == CryptoBackend::Lkcf {
            self.need("cryptodev-backend-lkcf", "crypto backend lkcf is not supported")?;
        }
        Ok(())
    }

    pub(super) fn hubs(&self, _: &Hub) -> Result<()> {
        self.need("usb-hub", "usb-hub not supported by QEMU binary")
    }

    pub(super) fn nvrams(&self, nvram: &NvramDevice) -> Result<()> {
        if !self.machine.is_pseries() {
            return Err(unsupported("nvram device is only supported for PPC64"));
        }
        self.need("nvram", "nvram device is not supported by this QEMU binary")?;
        match &nvram.info.address {
            Some(Address::SpaprVio(vio)) if vio.reg.is_some() => Ok(()),
            _ => Err(xml_error("nvram address type must be spaprvio")),
        }
    }

    pub(super) fn pstores(&self, pstore: &Pstore) -> Result<()> {
        self.need("acpi-erst", "acpi-erst backend of pstore device is not supported")?;
        match pstore.info.address {
            None | Some(Address::Pci(_)) => Ok(()),
            _ => Err(unsupported("ACPI ERST device must reside on a PCI bus")),
        }
    }
}
