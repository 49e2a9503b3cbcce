//! `<tpm>`: trusted platform modules.

use virtus_base::{Result, Uuid};
use virtus_xml::{Element, Writer, Xml, YesNo, field, keywords};

use super::chardev::ChardevSource;
use super::info::DeviceInfo;
use crate::domain::parse::{RULES, keyword_attr, xml_error};
use crate::domain::stable::{Stable, equal};

keywords! {
    /// The device.
    pub enum TpmModel { Tis = "tpm-tis", Crb = "tpm-crb", Spapr = "tpm-spapr", SpaprProxy = "spapr-tpm-proxy" }
}
keywords! {
    /// The specification.
    pub enum TpmVersion { V1_2 = "1.2", V2_0 = "2.0" }
}

/// `<tpm>`.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(order(model, fn one_backend))]
pub struct Tpm {
    /// The device; chosen by post-parse when absent.
    #[xml(attr)]
    pub model: Option<TpmModel>,
    #[xml(missing = "missing TPM device backend")]
    pub backend: TpmBackend,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

fn one_backend(e: Element<'_>) -> Result<()> {
    match e.children("backend").count() {
        0 | 1 => Ok(()),
        _ => Err(xml_error("only one TPM backend is supported")),
    }
}

/// What is behind it, by `@type`.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(tag = "type")]
pub enum TpmBackend {
    Passthrough {
        #[xml(at = "device/@path")]
        path: Option<String>,
    },
    Emulator(Box<TpmEmulator>),
    External {
        #[xml(child)]
        source: ExternalSource,
    },
}

/// A program that is one.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = check)]
pub struct TpmEmulator {
    /// The specification; chosen by post-parse when absent.
    #[xml(attr)]
    pub version: Option<TpmVersion>,
    #[xml(attr)]
    pub persistent_state: Option<YesNo>,
    #[xml(attr)]
    pub debug: Option<u32>,
    #[xml(at = "encryption/@secret")]
    pub encryption: Option<Uuid>,
    pub active_pcr_banks: Option<PcrBanks>,
    pub source: Option<StateSource>,
    pub profile: Option<Profile>,
}

keywords! {
    /// What the state is kept in.
    pub enum StateType { File = "file", Dir = "dir" }
}

/// Where the state is kept.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct StateSource {
    #[xml(attr = "type")]
    pub kind: StateType,
    #[xml(attr)]
    pub path: String,
}

keywords! {
    /// What a profile loses that the host cannot do.
    pub enum RemoveDisabled { Check = "check", FipsHost = "fips-host" }
}

/// What the TPM can do.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Profile {
    #[xml(attr)]
    pub source: Option<String>,
    #[xml(attr = "removeDisabled")]
    pub remove_disabled: Option<RemoveDisabled>,
    #[xml(attr)]
    pub name: Option<String>,
}

keywords! {
    /// A hash of a register bank.
    pub enum PcrBank { Sha1 = "sha1", Sha256 = "sha256", Sha384 = "sha384", Sha512 = "sha512" }
}

/// `<active_pcr_banks>`: hashes in libvirt's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PcrBanks {
    pub banks: Vec<PcrBank>,
}

impl Xml for PcrBanks {
    fn read(e: Element<'_>) -> Result<Self> {
        let mut banks = Vec::new();
        for child in e.elements() {
            let bank = PcrBank::from_word(child.accept().name())
                .ok_or_else(|| xml_error(format!("Unsupported PCR banks '{}'", child.name())))?;
            banks.push(bank);
        }
        banks.sort();
        banks.dedup();
        Ok(PcrBanks { banks })
    }
    fn write_attrs(&self, _: &mut Writer) {}
    fn write_body(&self, w: &mut Writer) {
        for bank in &self.banks {
            w.empty(bank.as_str());
        }
    }
}

fn check(tpm: &mut TpmEmulator, _: Element<'_>) -> Result<()> {
    if tpm.active_pcr_banks.is_some() && tpm.version == Some(TpmVersion::V1_2) {
        return Err(xml_error("<active_pcr_banks/> requires TPM version '2.0'"));
    }
    Ok(())
}

/// A socket of a TPM that someone else runs.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalSource {
    pub chardev: ChardevSource,
}

impl Xml for ExternalSource {
    fn read(e: Element<'_>) -> Result<Self> {
        match field::tag(e, "type", None, &RULES)? {
            "unix" => Ok(ExternalSource {
                chardev: ChardevSource::Unix {
                    source: super::chardev::UnixSource {
                        mode: keyword_attr(e, "mode")?.or(Some(super::chardev::SocketMode::Connect)),
                        path: e.attr("path").map(str::to_owned),
                        ..Default::default()
                    },
                },
            }),
            other => Err(field::invalid(e, "type", other, "", &RULES)),
        }
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr("type", self.chardev.tag());
        if let ChardevSource::Unix { source } = &self.chardev {
            w.attr_opt("mode", source.mode.map(super::chardev::SocketMode::as_str));
            w.attr_opt("path", source.path.as_deref());
        }
    }
    fn write_body(&self, _: &mut Writer) {}
}

impl Stable for Tpm {
    fn check_stable(&self, to: &Self) -> Result<()> {
        equal!(self, to, |d| d.backend.tag(), "Target TPM device type doesn't match source");
        equal!(self, to, |d| d.model, "Target TPM device model doesn't match source");
        equal!(
            self,
            to,
            |d| d.backend.emulator().and_then(|e| e.version),
            "Target TPM version doesn't match source"
        );
        equal!(
            self,
            to,
            |d| d.backend.emulator().and_then(|e| e.active_pcr_banks.as_ref()),
            "Target active PCR banks doesn't match source"
        );
        self.info.check_stable(&to.info)
    }
}

impl TpmBackend {
    /// The program that is one, if one is.
    pub fn emulator(&self) -> Option<&TpmEmulator> {
        match self {
            TpmBackend::Emulator(emulator) => Some(emulator),
            _ => None,
        }
    }
}
