//! Character devices and what is behind them.

use virtus_base::Result;
use virtus_conf::domain::device::chardev::{ChardevSource, TcpProtocol};
use virtus_conf::domain::device::console::{Channel, Console, Parallel, Serial, SerialType};
use virtus_conf::domain::device::redirdev::RedirDev;
use virtus_conf::domain::device::rng::{Rng, RngBackend};
use virtus_conf::domain::device::smartcard::{Smartcard, SmartcardMode};
use virtus_conf::domain::device::storage::Reconnect;
use virtus_conf::domain::device::{Address, Graphics};

use super::{Checks, invalid_argument, unsupported};

/// Models of serial ports and what they plug into.
const MODELS: &[(&str, SerialType)] = &[
    ("isa-serial", SerialType::Isa),
    ("usb-serial", SerialType::Usb),
    ("pci-serial", SerialType::Pci),
    ("spapr-vty", SerialType::SpaprVio),
    ("pl011", SerialType::System),
    ("16550a", SerialType::System),
    ("sclpconsole", SerialType::Sclp),
    ("sclplmconsole", SerialType::Sclp),
    ("isa-debugcon", SerialType::IsaDebug),
];

impl Checks<'_> {
    /// The host's side.
    fn chardev(&self, source: &ChardevSource) -> Result<()> {
        let reconnect = match source {
            ChardevSource::Tcp(tcp) => {
                if let Some(protocol @ (TcpProtocol::Telnets | TcpProtocol::Tls)) = tcp.protocol {
                    return Err(unsupported(format!("tcp chardev protocol '{protocol}' not supported")));
                }
                tcp.source.reconnect.as_ref()
            }
            ChardevSource::Unix { source } => source.reconnect.as_ref(),
            ChardevSource::SpiceVmc | ChardevSource::SpicePort { .. } => {
                let spice = self.domain.devices.graphics.iter().any(|g| matches!(g, Graphics::Spice(_)));
                let kind = if matches!(source, ChardevSource::SpiceVmc) { "spicevmc" } else { "spiceport" };
                if !spice {
                    return Err(unsupported(format!(
                        "chardev '{kind}' not supported without spice graphics"
                    )));
                }
                None
            }
            _ => None,
        };
        let endless = |reconnect: &Reconnect| reconnect.enabled.is_true() && reconnect.timeout == Some(0);
        if reconnect.is_some_and(endless) {
            return Err(invalid_argument("chardev reconnect source timeout cannot be '0'"));
        }
        Ok(())
    }

    pub(super) fn serials(&self, serial: &Serial) -> Result<()> {
        self.chardev(&serial.chardev.source)?;
        let target = &serial.target;
        let machine = self.machine;
        if let Some(kind) = target.kind {
            let tag = serial.info.address.as_ref().map(Address::tag);
            let expected = match kind {
                SerialType::Isa | SerialType::IsaDebug => Some("isa"),
                SerialType::Usb => Some("usb"),
                SerialType::Pci => Some("pci"),
                SerialType::SpaprVio => Some("spapr-vio"),
                SerialType::System | SerialType::Sclp => None,
            };
            match (expected, tag) {
                (Some(expected), Some(tag)) if tag != expected => {
                    return Err(unsupported(format!(
                        "Target type '{kind}' requires address type '{expected}'"
                    )));
                }
                (None, Some(_)) => {
                    return Err(unsupported(format!(
                        "Target type '{kind}' cannot have an associated address"
                    )));
                }
                _ => {}
            }
        }
        let model = target.model.as_deref();
        let fits = MODELS.iter().find(|(name, _)| Some(*name) == model).map(|(_, kind)| *kind);
        if let (Some(model), Some(fits)) = (model, fits.filter(|fits| Some(*fits) != target.kind)) {
            return Err(unsupported(format!("Target model '{model}' requires target type '{fits}'")));
        }
        let compatible = match (target.kind, model) {
            (Some(SerialType::System), Some("pl011")) => machine.is_arm_virt(),
            (Some(SerialType::System), Some("16550a")) => {
                machine.is_riscv_virt() || machine.is_loongarch_virt()
            }
            (Some(SerialType::SpaprVio), _) | (_, Some("spapr-vty")) => machine.is_pseries(),
            (Some(SerialType::Sclp), _) | (_, Some("sclpconsole" | "sclplmconsole")) => machine.is_s390(),
            (Some(SerialType::IsaDebug), _) => machine.is_x86(),
            _ => true,
        };
        if !compatible {
            return Err(unsupported(format!(
                "Serial device with target type '{}' and target model '{}' not compatible with guest architecture or \
                 machine type",
                target.kind.map_or("none", SerialType::as_str),
                model.unwrap_or("none")
            )));
        }
        Ok(())
    }

    pub(super) fn parallels(&self, parallel: &Parallel) -> Result<()> {
        self.chardev(&parallel.chardev.source)?;
        if self.machine.is_s390() || self.machine.is_pseries() {
            return Err(unsupported("parallel ports are not supported"));
        }
        Ok(())
    }

    pub(super) fn channels(&self, channel: &Channel) -> Result<()> {
        self.chardev(&channel.chardev.source)
    }

    pub(super) fn consoles(&self, console: &Console) -> Result<()> {
        self.chardev(&console.chardev.source)
    }

    pub(super) fn redirdevs(&self, device: &RedirDev) -> Result<()> {
        self.need("usb-redir", "USB redirection is not supported by this version of QEMU")?;
        self.chardev(&device.chardev.source)
    }

    pub(super) fn rngs(&self, rng: &Rng) -> Result<()> {
        let text = format!("domain configuration does not support rng model '{}'", rng.model);
        self.need("virtio-rng", &text)?;
        match &rng.backend {
            RngBackend::Egd(chardev) => self.chardev(&chardev.source),
            _ => Ok(()),
        }
    }

    pub(super) fn smartcards(&self, card: &Smartcard) -> Result<()> {
        let first = matches!(&card.info.address, Some(Address::Ccid(ccid)) if ccid.slot == 0);
        if !first || self.domain.devices.smartcards.len() > 1 {
            return Err(unsupported("this QEMU binary lacks multiple smartcard support"));
        }
        match &card.mode {
            SmartcardMode::Host | SmartcardMode::HostCertificates { .. } => {
                self.need("ccid-emulated", "this QEMU binary lacks smartcard host mode support")
            }
            SmartcardMode::Passthrough(chardev) => {
                self.need("ccid-passthru", "this QEMU binary lacks smartcard passthrough mode support")?;
                self.chardev(&chardev.source)
            }
        }
    }
}
