//! Secrets.

use super::*;

listed! { secret_methods
    Secret {
        fn xml(self, flags: u32) -> String = Remote::secret_get_xml_desc(self, flags);
        fn set_value(self, value: &[u8], flags: u32) = Remote::secret_set_value(self, value, flags);
        fn value(self, flags: u32) -> Vec<u8> = Remote::secret_get_value(self, flags);
        fn undefine(self) = Remote::secret_undefine(self);
    }
}

secret_methods!(methods);
