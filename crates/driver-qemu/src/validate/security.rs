//! Guests whose memory the host cannot read.

use virtus_base::Result;
use virtus_conf::domain::launch_security::LaunchSecurity;

use super::{Checks, unsupported};

impl Checks<'_> {
    pub(super) fn launch_security(&self) -> Result<()> {
        let Some(security) = &self.domain.launch_security else { return Ok(()) };
        let (kind, capability) = match security {
            LaunchSecurity::Sev(_) => ("sev", "sev-guest"),
            LaunchSecurity::SevSnp(_) => ("sev-snp", "sev-snp-guest"),
            LaunchSecurity::S390Pv => ("s390-pv", "s390-pv-guest"),
        };
        if !self.has(capability) {
            let text = format!("'{kind}' launch security is not supported with this QEMU binary");
            return Err(unsupported(text));
        }
        Ok(())
    }
}
