//! Random number generators.

use virtus_base::Result;
use virtus_conf::domain::device::Rng;
use virtus_conf::domain::device::rng::RngBackend;

use super::part::{self, Part};
use super::{Virtio, chardev};
use crate::command::build::Build;
use crate::command::guest::Guest;
use crate::command::props::Props;

/// All generators with their sources.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for rng in &guest.domain.devices.rngs {
        if let RngBackend::Egd(chardev) = &rng.backend {
            chardev::add(build, &guest.alias(&rng.info), chardev)?;
        }
        build.line.json("object", &backend(&guest, rng));
        build.device(props(&guest, rng)?);
    }
    Ok(())
}

/// What a generator is made of.
///
/// # Errors
/// As [`props`].
pub(super) fn parts(guest: &Guest<'_>, rng: &Rng) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    if let RngBackend::Egd(chardev) = &rng.backend {
        parts.extend(part::chardev(guest, &guest.alias(&rng.info), chardev)?);
    }
    parts.push(Part::Object(backend(guest, rng)));
    parts.push(Part::Device(props(guest, rng)?));
    Ok(parts)
}

/// Where the bytes come from.
pub fn backend(guest: &Guest<'_>, rng: &Rng) -> Props {
    let alias = guest.alias(&rng.info);
    let id = format!("obj{alias}");
    match &rng.backend {
        RngBackend::Random { path } => Props::object("rng-random", id)
            .with("filename", path.clone().unwrap_or_else(|| "/dev/urandom".to_owned())),
        RngBackend::Egd(_) => Props::object("rng-egd", id).with("chardev", chardev::id(&alias)),
        RngBackend::Builtin => Props::object("rng-builtin", id),
    }
}

/// The device.
///
/// # Errors
/// `INTERNAL_ERROR` for an address that does not fit.
pub fn props(guest: &Guest<'_>, rng: &Rng) -> Result<Props> {
    let alias = guest.alias(&rng.info);
    let mut props = guest
        .virtio("virtio-rng", Virtio::from(rng.model), &rng.driver, &rng.info)?
        .with("rng", format!("obj{alias}"))
        .with("id", alias);
    if let Some(rate) = rng.rate.as_ref().filter(|rate| rate.bytes > 0) {
        props.set("max-bytes", rate.bytes);
        props.set("period", rate.period.filter(|period| *period > 0).unwrap_or(1000));
    }
    Ok(props.join(guest.address(&rng.info)?))
}
