//! What a device is made of in QEMU: the command line names the parts one after the other, a device that is plugged in
//! or out has them made or removed through the monitor.

use serde_json::Value;
use virtus_base::Result;

use super::chardev;
use crate::command::guest::Guest;
use crate::command::props::Props;

/// One thing of QEMU's.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// For `object-add`.
    Object(Props),
    /// For `blockdev-add`.
    Block(Props),
    /// For `chardev-add`: its id and what is behind it.
    Chardev(String, Value),
    /// For `netdev_add`.
    Netdev(Props),
    /// For `device_add`. The guest has to give it up before the parts it is made from can go.
    Device(Props),
}

impl Part {
    /// The name under which QEMU knows it.
    pub fn id(&self) -> &str {
        match self {
            Part::Object(props) | Part::Netdev(props) | Part::Device(props) => props.text("id"),
            Part::Block(props) => props.text("node-name"),
            Part::Chardev(id, _) => Some(id.as_str()),
        }
        .unwrap_or_default()
    }
}

/// The parts of a character device's host side.
pub(super) fn chardev(
    guest: &Guest<'_>,
    alias: &str,
    chardev: &virtus_conf::domain::device::Chardev,
) -> Result<Vec<Part>> {
    let id = chardev::id(alias);
    let backend = chardev::monitor::backend(guest, alias, &id, chardev)?;
    let credentials = chardev::credentials(guest, &id, chardev)?.into_iter().map(Part::Object);
    Ok(credentials.chain([Part::Chardev(id, backend)]).collect())
}
