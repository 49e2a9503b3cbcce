//! Network filters and where they are bound.

use super::*;

listed! { nwfilter_methods
    NwFilter {
        fn xml(self, flags: u32) -> String = Remote::nwfilter_get_xml_desc(self, flags);
        fn undefine(self) = Remote::nwfilter_undefine(self);
    }
    NwFilterBinding {
        fn xml(self, flags: u32) -> String = Remote::nwfilter_binding_get_xml_desc(self, flags);
        fn delete(self) = Remote::nwfilter_binding_delete(self);
    }
}

nwfilter_methods!(methods);
