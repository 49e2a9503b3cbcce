//! Saving domains to files and starting them from there.

use virtus_base::TypedParam;
use virtus_xdr::List;

use crate::DomainRef;
use crate::constants::VIR_DOMAIN_SAVE_IMAGE_XML_SECURE;
use crate::macros::driver;

driver! {
    program REMOTE; via hypervisor; errors DOMAIN;
    /// Saving domains to files and starting them from there.
    pub trait DomainSave {
        #[call(53, virDomainCoreDump, low, [domain.core_dump])]
        fn domain_core_dump(dom: DomainRef, to: String, flags: u32);
        #[call(54, virDomainRestore, low, [domain.start, domain.write])]
        fn domain_restore(from: String);
        #[call(55, virDomainSave, low, [domain.hibernate])]
        fn domain_save(dom: DomainRef, to: String);
        #[call(182, virDomainManagedSave, low, [domain.hibernate])]
        fn domain_managed_save(dom: DomainRef, flags: u32);
        #[call(183, virDomainHasManagedSaveImage, low, [domain.read])]
        fn domain_has_managed_save_image(dom: DomainRef, flags: u32) -> i32;
        #[call(184, virDomainManagedSaveRemove, low, [domain.hibernate])]
        fn domain_managed_save_remove(dom: DomainRef, flags: u32);
        #[call(232, virDomainSaveFlags, low, [domain.hibernate])]
        fn domain_save_flags(dom: DomainRef, to: String, dxml: Option<String>, flags: u32);
        #[call(233, virDomainRestoreFlags, low, [domain.start, domain.write])]
        fn domain_restore_flags(from: String, dxml: Option<String>, flags: u32);
        #[call(235, virDomainSaveImageGetXMLDesc, high, [domain.write])]
        fn domain_save_image_get_xml_desc(file: String, flags: u32) -> String;
        #[call(236, virDomainSaveImageDefineXML, high, [domain.write, domain.hibernate])]
        fn domain_save_image_define_xml(file: String, dxml: String, flags: u32);
        #[call(334, virDomainCoreDumpWithFormat, low, [domain.core_dump])]
        fn domain_core_dump_with_format(dom: DomainRef, to: String, dumpformat: u32, flags: u32);
        #[call(388, virDomainManagedSaveGetXMLDesc, low, [domain.read, domain.read_secure if flags & VIR_DOMAIN_SAVE_IMAGE_XML_SECURE != 0])]
        fn domain_managed_save_get_xml_desc(dom: DomainRef, flags: u32) -> String;
        #[call(389, virDomainManagedSaveDefineXML, low, [domain.write, domain.hibernate])]
        fn domain_managed_save_define_xml(dom: DomainRef, dxml: Option<String>, flags: u32);
        #[call(440, virDomainSaveParams, low, [domain.hibernate])]
        fn domain_save_params(dom: DomainRef, params: List<TypedParam, 64>, flags: u32);
        #[call(441, virDomainRestoreParams, low, [domain.start, domain.write])]
        fn domain_restore_params(params: List<TypedParam, 64>, flags: u32);
    }
}
