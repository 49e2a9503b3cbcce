//! Security labels: no mandatory ones, as with libvirt's driver "none"; and the account a guest runs under ("dac").

use virtus_api::DomainRef;
use virtus_api::domain::tuning::{DomainGetSecurityLabelListReply, DomainGetSecurityLabelReply};
use virtus_base::Result;
use virtus_xdr::{Chars, List};

use crate::Driver;

fn no_label() -> DomainGetSecurityLabelReply {
    // on the wire a label ends with a zero, also the empty one
    DomainGetSecurityLabelReply { label: Chars(vec![0]), enforcing: 0 }
}

/// `virDomainGetSecurityLabel`.
pub(super) fn label(driver: &Driver, dom: &DomainRef) -> Result<DomainGetSecurityLabelReply> {
    driver.look(dom)?;
    Ok(no_label())
}

/// `virDomainGetSecurityLabelList`.
pub(super) fn labels(driver: &Driver, dom: &DomainRef) -> Result<DomainGetSecurityLabelListReply> {
    let mut labels = Vec::new();
    if driver.look(dom)?.is_active() {
        labels.push(no_label());
        labels.extend(driver.setup.user.as_ref().map(|user| DomainGetSecurityLabelReply {
            label: Chars(format!("+{}:+{}\0", user.uid, user.gid).into_bytes()),
            enforcing: 0,
        }));
    }
    let ret = i32::try_from(labels.len()).unwrap_or(0);
    Ok(DomainGetSecurityLabelListReply { labels: List(labels), ret })
}
