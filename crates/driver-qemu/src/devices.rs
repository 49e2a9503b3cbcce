//! Small questions about devices that several calls ask.

use virtus_conf::domain::device::Interface;

/// The name of an interface on the host's side while its guest runs, if it has one.
pub(crate) fn host_interface(interface: &Interface) -> Option<&str> {
    interface.rest.target_dev.as_deref()
}
