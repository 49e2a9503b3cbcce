//! What QEMU sends: greeting, replies, events.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::Timestamp;

/// Any line of QEMU. Which members are there says what it is.
#[derive(Deserialize)]
pub(crate) struct Line<'a> {
    #[serde(borrow, rename = "QMP")]
    pub(crate) greeting: Option<&'a RawValue>,
    #[serde(borrow, rename = "return")]
    pub(crate) value: Option<&'a RawValue>,
    pub(crate) error: Option<Refusal>,
    pub(crate) event: Option<String>,
    #[serde(borrow)]
    pub(crate) data: Option<&'a RawValue>,
    pub(crate) timestamp: Option<Timestamp>,
    /// Only ids this side gave are of use; others (an object, say) are ignored.
    #[serde(borrow)]
    pub(crate) id: Option<&'a RawValue>,
}

/// Why QEMU or an agent refused a command.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default)]
    pub(crate) class: String,
    pub(crate) desc: Option<String>,
}

/// What QEMU says of itself when a monitor opens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Greeting {
    /// QEMU's version.
    pub version: Version,
    /// Protocol capabilities on offer, e.g. `oob`.
    #[serde(default)]
    pub capabilities: Vec<String>,
}

/// QEMU's version, as `query-version` and the greeting give it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Version {
    /// The three numbers.
    pub qemu: VersionNumbers,
    /// The packager's text, e.g. `Debian 1:10.0.2+ds-2`.
    #[serde(default)]
    pub package: String,
}

/// Three numbers of a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct VersionNumbers {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number.
    pub micro: u32,
}

impl VersionNumbers {
    /// The version as libvirt writes it in one number: `major * 1000000 + minor * 1000 + micro`.
    pub fn number(self) -> u64 {
        u64::from(self.major) * 1_000_000 + u64::from(self.minor) * 1_000 + u64::from(self.micro)
    }
}
