//! USB devices of a remote client.

use virtus_base::Result;
use virtus_conf::domain::device::RedirDev;

use super::chardev;
use super::part::{self, Part};
use crate::command::build::Build;
use crate::command::guest::Guest;
use crate::command::props::Props;

/// All redirections.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for redirdev in &guest.domain.devices.redirdevs {
        chardev::add(build, &guest.alias(&redirdev.info), &redirdev.chardev)?;
        build.device(props(&guest, redirdev)?);
    }
    Ok(())
}

/// What a redirection is made of.
///
/// # Errors
/// As [`props`].
pub(super) fn parts(guest: &Guest<'_>, redirdev: &RedirDev) -> Result<Vec<Part>> {
    let mut parts = part::chardev(guest, &guest.alias(&redirdev.info), &redirdev.chardev)?;
    parts.push(Part::Device(props(guest, redirdev)?));
    Ok(parts)
}

/// A redirection.
///
/// # Errors
/// `INTERNAL_ERROR` without a controller for its address.
pub fn props(guest: &Guest<'_>, redirdev: &RedirDev) -> Result<Props> {
    let alias = guest.alias(&redirdev.info);
    Ok(Props::device("usb-redir")
        .with("chardev", chardev::id(&alias))
        .with("id", alias)
        .maybe("filter", filter(guest))
        .join(guest.bootindex(&redirdev.info))
        .join(guest.address(&redirdev.info)?))
}

/// The rules in QEMU's form, -1 for any.
fn filter(guest: &Guest<'_>) -> Option<String> {
    let filter = guest.domain.devices.redirfilters.first().filter(|filter| !filter.usbdevs.is_empty())?;
    let number = |value: Option<u64>, width: usize| match value {
        Some(value) => format!("0x{value:0width$X}"),
        None => "-1".to_owned(),
    };
    let rules = filter.usbdevs.iter().map(|rule| {
        let version = rule.version.map(|(major, minor)| {
            // binary coded decimal, as devices say it
            let digits = format!("{major:02}{minor:02}");
            u64::from_str_radix(&digits, 16).unwrap_or(0)
        });
        format!(
            "{}:{}:{}:{}:{}",
            number(rule.class.map(u64::from), 2),
            number(rule.vendor.map(u64::from), 4),
            number(rule.product.map(u64::from), 4),
            number(version, 4),
            u8::from(rule.allow.is_true())
        )
    });
    Some(rules.collect::<Vec<_>>().join("|"))
}
