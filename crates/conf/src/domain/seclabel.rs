//! `<seclabel>`: of the domain and of single devices.

use virtus_base::Result;
use virtus_xml::{Element, Xml, YesNo, keywords};

use super::parse::xml_error;

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
