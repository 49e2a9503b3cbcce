//! Sizes with a unit: `<memory unit='MiB'>4</memory>`.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, size};
use virtus_xml::{Element, Writer, Xml};

/// A size held in KiB, rounded up; read in any unit (KiB when none is named), written in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KiB(pub u64);

/// A size held and written in bytes; read in any unit (bytes when none is named).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// The largest size libvirt takes, in bytes.
const LIMIT: u64 = i64::MAX as u64;
/// The largest that is held in KiB.
const LIMIT_KIB: u64 = LIMIT >> 10;

/// The element's size in bytes, `unit` being the default; `Ok(None)` when it is empty.
///
/// # Errors
/// `XML_ERROR` for what is not a number, `INVALID_ARG` for an unknown unit, `OVERFLOW` past `i64::MAX`.
pub fn read_bytes(e: Element<'_>, unit: &str) -> Result<Option<u64>> {
    let limit = match e.parent_name() {
        // what is no limit at all is a whole number of KiB
        Some("memtune") => LIMIT_KIB << 10,
        _ => LIMIT,
    };
    read_bytes_to(e, unit, limit)
}

/// The same for what may be up to `limit` bytes.
pub(crate) fn read_bytes_to(e: Element<'_>, unit: &str, limit: u64) -> Result<Option<u64>> {
    let given = e.attr("unit").filter(|u| !u.is_empty());
    let units = Units { given, usual: unit };
    e.text().map(|text| scale_to(&text, units, &place(e), limit)).transpose()
}

/// What a number counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units<'a> {
    /// As the document says.
    pub(crate) given: Option<&'a str>,
    /// Where it does not say.
    pub(crate) usual: &'a str,
}

/// What libvirt's errors call the place of a size: the path by which it looks for it.
fn place(e: Element<'_>) -> String {
    let name = e.name();
    match (e.parent_name(), name) {
        (Some("memtune"), _) => format!("./memtune/{name}[1]"),
        (Some("label"), _) => format!("./label/{name}"),
        (Some("shmem"), _) => format!("./{name}[1]"),
        (_, "memory" | "currentMemory" | "maxMemory" | "space_hard_limit" | "space_soft_limit") => {
            format!("./{name}[1]")
        }
        (_, "tseg") => "string(./features/smm/tseg)".to_owned(),
        _ => format!("./{name}"),
    }
}

/// The text of an attribute that is a size.
///
/// # Errors
/// `XML_ERROR` where it is missing.
pub(crate) fn required_attr<'a>(e: Element<'a>, name: &str) -> Result<&'a str> {
    let missing = || format!("missing element or attribute './@{name}'");
    e.attr(name).ok_or_else(|| Error::new(ErrorDomain::XML, ErrorCode::XML_ERROR, missing()))
}

/// `text` units in bytes; `path` is what errors call the place.
///
/// # Errors
/// As [`read_bytes`].
pub fn scale(text: &str, unit: &str, path: &str) -> Result<u64> {
    scale_to(text, Units { given: Some(unit), usual: unit }, path, LIMIT)
}

/// The same for what may be up to `limit` bytes.
pub(crate) fn scale_to(text: &str, units: Units<'_>, path: &str, limit: u64) -> Result<u64> {
    let unit = units.given.unwrap_or(units.usual);
    let number = <u64 as virtus_xml::Value>::parse(text, 10).ok_or_else(|| {
        Error::new(
            ErrorDomain::XML,
            ErrorCode::XML_ERROR,
            format!("Invalid value '{text}' for element or attribute '{path}'"),
        )
    })?;
    size::scale(number, unit, limit).map_err(|e| match e {
        size::SizeError::UnknownUnit => {
            Error::new(ErrorDomain::NONE, ErrorCode::INVALID_ARG, format!("unknown suffix '{unit}'"))
        }
        size::SizeError::Overflow => {
            let unit = units.given.unwrap_or_default();
            Error::new(ErrorDomain::NONE, ErrorCode::OVERFLOW, format!("value too large: {number}{unit}"))
        }
    })
}

impl KiB {
    /// The size in bytes.
    pub fn bytes(self) -> u64 {
        self.0.saturating_mul(1024)
    }

    /// The size of so many bytes that a document says.
    ///
    /// # Errors
    /// `OVERFLOW` when it is rounded up past what there can be.
    pub(crate) fn read_from(bytes: u64) -> Result<Self> {
        let size = KiB::from_bytes(bytes);
        match size.0 > LIMIT_KIB {
            true => Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::OVERFLOW, "size value too large")),
            false => Ok(size),
        }
    }

    /// The size of so many bytes, rounded up.
    pub fn from_bytes(bytes: u64) -> Self {
        KiB(bytes.div_ceil(1024))
    }
}

fn required(e: Element<'_>, unit: &str) -> Result<u64> {
    read_bytes(e, unit)?.ok_or_else(|| {
        Error::new(
            ErrorDomain::XML,
            ErrorCode::XML_ERROR,
            format!("missing element or attribute '{}'", place(e)),
        )
    })
}

impl Xml for KiB {
    fn read(e: Element<'_>) -> Result<Self> {
        KiB::read_from(required(e, "KiB")?)
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr("unit", "KiB");
    }
    fn write_body(&self, w: &mut Writer) {
        w.text_value(&self.0);
    }
}

impl Xml for Bytes {
    fn read(e: Element<'_>) -> Result<Self> {
        required(e, "bytes").map(Bytes)
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr("unit", "bytes");
    }
    fn write_body(&self, w: &mut Writer) {
        w.text_value(&self.0);
    }
}

/// The size in the largest unit that keeps it whole, as libvirt prints some sizes.
pub fn pretty(bytes: u64) -> (u64, &'static str) {
    let (mut value, mut unit) = (bytes, "B");
    for larger in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
        if value == 0 || !value.is_multiple_of(1024) {
            break;
        }
        (value, unit) = (value / 1024, larger);
    }
    (value, unit)
}

#[cfg(test)]
mod tests {
    use crate::domain::{Domain, ParseOptions};

    #[test]
    fn what_is_too_large_is_said_as_it_was_written() {
        let said = |inside: &str| {
            let xml = format!("<domain type='qemu'><name>g</name>{inside}<os><type>hvm</type></os></domain>");
            Domain::parse(&xml, &ParseOptions::default()).map(|_| ()).map_err(|e| e.message().to_owned())
        };
        let memory = |unit: &str, value: &str| said(&format!("<memory{unit}>{value}</memory>"));
        let overflow = |text: &str| Err(format!("numerical overflow: {text}"));
        assert_eq!(memory("", "9007199254740992"), overflow("value too large: 9007199254740992"));
        assert_eq!(
            memory(" unit='KiB'", "9007199254740992"),
            overflow("value too large: 9007199254740992KiB")
        );
        assert_eq!(memory(" unit='b'", "9223372036854775807"), overflow("size value too large"));
        assert_eq!(memory("", "9007199254740991"), Ok(()));
        let limit =
            "<memory>1</memory><memtune><hard_limit unit='b'>9223372036854775807</hard_limit></memtune>";
        assert_eq!(said(limit), overflow("value too large: 9223372036854775807b"));
        let shared =
            "<memory>1</memory><devices><shmem name='s'><size unit='EiB'>15</size></shmem></devices>";
        assert_eq!(said(shared), Ok(()));
    }
}
