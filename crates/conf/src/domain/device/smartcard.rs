//! `<smartcard>`.

use virtus_base::Result;
use virtus_xml::{Element, Writer, Xml, field};

use super::chardev::Chardev;
use super::info::DeviceInfo;
use crate::domain::parse::{RULES, xml_error};
use crate::domain::stable::Stable;

/// `<smartcard>`.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Smartcard {
    #[xml(flatten)]
    pub mode: SmartcardMode,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

/// Whose card it is, by `@mode`.
#[derive(Clone, Debug, PartialEq)]
pub enum SmartcardMode {
    Host,
    HostCertificates { certificates: Vec<String>, database: Option<String> },
    Passthrough(Box<Chardev>),
}

impl Xml for SmartcardMode {
    fn read(e: Element<'_>) -> Result<Self> {
        match field::tag(e, "mode", None, &RULES)? {
            "host" => Ok(SmartcardMode::Host),
            "host-certificates" => {
                let certificates: Vec<String> = e.children("certificate").filter_map(|c| c.text()).collect();
                if certificates.len() != 3 {
                    return Err(xml_error("host-certificates mode needs exactly three certificates"));
                }
                let database: Option<String> = field::text(e.child("database"), &RULES)?;
                if let Some(path) = database.as_deref().filter(|p| !p.starts_with('/')) {
                    return Err(xml_error(format!("expecting absolute path: {path}")));
                }
                Ok(SmartcardMode::HostCertificates { certificates, database })
            }
            "passthrough" => match e.attr("type") {
                Some(_) => Ok(SmartcardMode::Passthrough(Box::new(Chardev::read(e)?))),
                None => Err(xml_error("passthrough mode requires a character device type attribute")),
            },
            other => Err(field::invalid(e, "mode", other, "", &RULES)),
        }
    }
    fn write_attrs(&self, w: &mut Writer) {
        match self {
            SmartcardMode::Host => w.attr("mode", "host"),
            SmartcardMode::HostCertificates { .. } => w.attr("mode", "host-certificates"),
            SmartcardMode::Passthrough(chardev) => {
                w.attr("mode", "passthrough");
                chardev.write_attrs(w);
            }
        }
    }
    fn write_body(&self, w: &mut Writer) {
        match self {
            SmartcardMode::Host => {}
            SmartcardMode::HostCertificates { certificates, database } => {
                for certificate in certificates {
                    w.element_text("certificate", certificate);
                }
                if let Some(database) = database {
                    w.element_text("database", database);
                }
            }
            SmartcardMode::Passthrough(chardev) => chardev.write_body(w),
        }
    }
}

impl Stable for Smartcard {
    fn check_stable(&self, to: &Self) -> Result<()> {
        self.info.check_stable(&to.info)
    }
}
