//! `<seclabel>`: of the domain and of single devices.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, Xml, YesNo, keywords};

use super::parse::{unsupported, xml_error};

keywords! {
    /// Who makes the label.
    pub enum SecLabelType { None = "none", Dynamic = "dynamic", Static = "static" }
}

/// The domain's label in one security model.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = complete)]
pub struct SecLabel {
    #[xml(attr = "type")]
    pub kind: Option<SecLabelType>,
    #[xml(attr)]
    pub model: Option<String>,
    #[xml(attr)]
    pub relabel: Option<YesNo>,
    #[xml(value)]
    pub label: Option<String>,
    #[xml(value)]
    pub imagelabel: Option<String>,
    #[xml(value)]
    pub baselabel: Option<String>,
}

fn complete(label: &mut SecLabel, e: Element<'_>) -> Result<()> {
    let kind = *label.kind.get_or_insert(SecLabelType::Dynamic);
    if kind == SecLabelType::None && label.relabel == Some(YesNo::Yes) {
        return Err(unsupported("resource relabeling is not compatible with 'none' label type"));
    }
    let labelled = label.baselabel.is_some() || (kind == SecLabelType::Static && label.label.is_some());
    if labelled && label.model.is_none() {
        return Err(xml_error("missing security model in domain seclabel"));
    }
    match kind {
        SecLabelType::None => {
            label.relabel = None;
            label.model.get_or_insert_with(|| "none".to_owned());
        }
        _ => {
            label.relabel.get_or_insert(YesNo::Yes);
        }
    }
    // what was chosen for the last run is not kept
    if e.options().inactive {
        label.imagelabel = None;
        if kind != SecLabelType::Static {
            label.label = None;
        }
    }
    Ok(())
}

/// A device's own label.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = has_label)]
pub struct DeviceSecLabel {
    #[xml(attr)]
    pub model: Option<String>,
    #[xml(attr)]
    pub labelskip: Option<YesNo>,
    #[xml(attr)]
    pub relabel: Option<YesNo>,
    #[xml(value)]
    pub label: Option<String>,
}

impl DeviceSecLabel {
    /// Whether it says nothing that outlives a run.
    pub(super) fn is_void(&self) -> bool {
        self.label.is_none() && self.relabel == Some(YesNo::Yes)
    }
}

fn has_label(label: &mut DeviceSecLabel, e: Element<'_>) -> Result<()> {
    let said = label.relabel;
    label.relabel.get_or_insert(YesNo::Yes);
    // a label that could not be set is no matter of the persistent definition
    if e.options().inactive {
        label.labelskip = None;
    }
    match (said, &label.label) {
        (Some(YesNo::Yes), None) => {
            let model = label.model.as_deref().unwrap_or("NULL");
            Err(xml_error(format!("Cannot specify relabel if label is missing. model={model}")))
        }
        _ => Ok(()),
    }
}

/// Refuses two labels of one model.
pub(super) fn check_once<'a>(models: impl Iterator<Item = Option<&'a str>>) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    match models.flatten().find(|model| !seen.insert(*model)) {
        Some(model) => {
            let text = format!("seclabel for model {model} is already provided");
            Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_DETAIL, text))
        }
        None => Ok(()),
    }
}

/// Refuses labels of a domain that cannot be told apart.
pub(super) fn check_all(domain: Element<'_>) -> Result<()> {
    let models: Vec<Option<&str>> = domain.children("seclabel").map(|label| label.attr("model")).collect();
    check_once(models.iter().copied())?;
    match models.len() > 1 && models.contains(&None) {
        true => Err(xml_error("missing security model when using multiple labels")),
        false => Ok(()),
    }
}
