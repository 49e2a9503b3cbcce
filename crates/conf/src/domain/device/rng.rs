//! `<rng>`: random numbers for the guest.

use virtus_base::Result;
use virtus_xml::{Element, Writer, Xml, field, keywords};

use super::chardev::Chardev;
use super::info::DeviceInfo;
use super::virtio::{VirtioOptions, check_driver};
use crate::domain::parse::{RULES, xml_error};
use crate::domain::stable::{Stable, told};

keywords! {
    /// Which virtio generation.
    pub enum RngModel {
        Virtio = "virtio", Transitional = "virtio-transitional", NonTransitional = "virtio-non-transitional",
    }
}

/// `<rng>`.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = some_rate, order(model, rate, fn one_backend))]
pub struct Rng {
    #[xml(attr)]
    pub model: RngModel,
    pub rate: Option<RngRate>,
    #[xml(missing = "missing RNG device backend")]
    pub backend: RngBackend,
    #[xml(omit_default)]
    pub driver: VirtioOptions,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

/// No bytes a period are no limit.
fn some_rate(rng: &mut Rng, _: Element<'_>) -> Result<()> {
    rng.rate = rng.rate.take().filter(|rate| rate.bytes > 0);
    Ok(())
}

fn one_backend(e: Element<'_>) -> Result<()> {
    match e.children("backend").count() {
        1 => Ok(()),
        _ => Err(xml_error("only one RNG backend is supported")),
    }
}

/// At most so many bytes a period of so many milliseconds.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct RngRate {
    #[xml(attr, default = 0, invalid = "invalid RNG rate bytes value")]
    pub bytes: u32,
    #[xml(attr, invalid = "invalid RNG rate period value")]
    pub period: Option<u32>,
}

/// Where the numbers come from, by `@model`.
#[derive(Clone, Debug, PartialEq)]
pub enum RngBackend {
    /// A device file of the host.
    Random { path: Option<String> },
    /// An entropy daemon.
    Egd(Box<Chardev>),
    /// QEMU's own.
    Builtin,
}

impl Xml for RngBackend {
    fn read(e: Element<'_>) -> Result<Self> {
        match field::tag(e, "model", None, &RULES)? {
            "random" => Ok(RngBackend::Random { path: e.text() }),
            "builtin" => Ok(RngBackend::Builtin),
            "egd" => match e.attr("type") {
                Some(_) => Ok(RngBackend::Egd(Box::new(Chardev::read(e)?))),
                None => Err(xml_error("missing EGD backend type")),
            },
            other => Err(field::invalid(e, "model", other, "", &RULES)),
        }
    }
    fn write_attrs(&self, w: &mut Writer) {
        match self {
            RngBackend::Random { .. } => w.attr("model", "random"),
            RngBackend::Builtin => w.attr("model", "builtin"),
            RngBackend::Egd(chardev) => {
                w.attr("model", "egd");
                chardev.write_attrs(w);
            }
        }
    }
    fn write_body(&self, w: &mut Writer) {
        match self {
            RngBackend::Random { path: Some(path) } => w.text(path),
            RngBackend::Egd(chardev) => chardev.write_body(w),
            _ => {}
        }
    }
}

impl Stable for Rng {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.model, "Target RNG model '{to}' does not match source '{from}'");
        check_driver(&self.driver, &to.driver, |driver| driver)?;
        self.info.check_stable(&to.info)
    }
}
