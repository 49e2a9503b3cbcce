//! Memory encryption.

use virtus_conf::domain::launch_security::LaunchSecurity;

use super::build::Build;
use super::props::Props;

/// The object the machine names as `confidential-guest-support`.
pub(super) fn add(b: &mut Build<'_>) {
    let lib = b.guest.context.lib_dir.clone();
    let props = match &b.guest.domain.launch_security {
        None => return,
        Some(LaunchSecurity::Sev(sev)) => Props::object("sev-guest", "lsec0")
            .maybe("cbitpos", sev.cbitpos)
            .maybe("reduced-phys-bits", sev.reduced_phys_bits)
            .with("policy", sev.policy)
            .maybe("dh-cert-file", sev.dh_cert.as_ref().map(|_| format!("{lib}/dh_cert.base64")))
            .maybe("session-file", sev.session.as_ref().map(|_| format!("{lib}/session.base64")))
            .switch("kernel-hashes", sev.kernel_hashes),
        Some(LaunchSecurity::SevSnp(snp)) => Props::object("sev-snp-guest", "lsec0")
            .maybe("cbitpos", snp.cbitpos)
            .maybe("reduced-phys-bits", snp.reduced_phys_bits)
            .switch("kernel-hashes", snp.kernel_hashes)
            .with("policy", snp.policy)
            .maybe("guest-visible-workarounds", snp.guest_visible_workarounds.clone())
            .maybe("id-block", snp.id_block.clone())
            .maybe("id-auth", snp.id_auth.clone())
            .maybe("host-data", snp.host_data.clone())
            .switch("author-key-enabled", snp.author_key)
            .maybe("vcek-disabled", snp.vcek.map(|vcek| !vcek.is_true())),
        Some(LaunchSecurity::S390Pv) => Props::object("s390-pv-guest", "lsec0"),
    };
    b.line.json("object", &props);
}
