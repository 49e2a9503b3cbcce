//! `<launchSecurity>`: memory encryption of the guest.

use virtus_xml::{Xml, YesNo};

/// `<launchSecurity>`, chosen by `@type`.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(tag = "type")]
pub enum LaunchSecurity {
    Sev(Sev),
    #[xml(name = "sev-snp")]
    SevSnp(SevSnp),
    #[xml(name = "s390-pv")]
    S390Pv,
}

/// AMD SEV and SEV-ES.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Sev {
    #[xml(attr = "kernelHashes")]
    pub kernel_hashes: Option<YesNo>,
    #[xml(value)]
    pub cbitpos: Option<u32>,
    #[xml(value = "reducedPhysBits")]
    pub reduced_phys_bits: Option<u32>,
    #[xml(value, base = 16, format = "0x{:04x}", missing = "failed to get launch security policy")]
    pub policy: u32,
    #[xml(value = "dhCert")]
    pub dh_cert: Option<String>,
    #[xml(value)]
    pub session: Option<String>,
}

/// AMD SEV-SNP.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct SevSnp {
    #[xml(attr = "kernelHashes")]
    pub kernel_hashes: Option<YesNo>,
    #[xml(attr = "authorKey")]
    pub author_key: Option<YesNo>,
    #[xml(attr)]
    pub vcek: Option<YesNo>,
    #[xml(value)]
    pub cbitpos: Option<u32>,
    #[xml(value = "reducedPhysBits")]
    pub reduced_phys_bits: Option<u32>,
    #[xml(value, base = 16, format = "0x{:08x}", missing = "failed to get launch security policy")]
    pub policy: u64,
    #[xml(value = "guestVisibleWorkarounds")]
    pub guest_visible_workarounds: Option<String>,
    #[xml(value = "idBlock")]
    pub id_block: Option<String>,
    #[xml(value = "idAuth")]
    pub id_auth: Option<String>,
    #[xml(value = "hostData")]
    pub host_data: Option<String>,
}
