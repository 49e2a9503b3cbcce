//! Guests kept in files, and dumps of them.

use std::ffi::{c_int, c_uint};

use virtus::constants::*;
use virtus::{Error, ErrorDomain, Result};

use crate::arg::{InMut, Later, Rw, Text};
use crate::call::Call;
use crate::connect::Connect;
use crate::declare::exports;
use crate::flags::exclusive;
use crate::handle::Of;
use crate::object::Domain;
use crate::params::{self, virTypedParameter};

exports! {
    header DOMAIN, errors DOMAIN;

    "0.0.3" fn virDomainSave(domain: Rw<Domain>, to: Text) -> () = domain.save(&absolute(&to)?);
    "0.9.4" fn virDomainSaveFlags[call](domain: Rw<Domain>, to: Text, dxml: Option<Text>, flags: c_uint) -> () = {
        exclusive!(call, flags, VIR_DOMAIN_SAVE_RUNNING ^ VIR_DOMAIN_SAVE_PAUSED);
        domain.save_flags(&absolute(&to)?, dxml.as_deref(), flags)
    };
    "8.4.0" fn virDomainSaveParams[call](
        domain: Rw<Domain>, params: InMut<virTypedParameter>, nparams: c_int, flags: c_uint
    ) -> () = {
        exclusive!(call, flags, VIR_DOMAIN_SAVE_RUNNING ^ VIR_DOMAIN_SAVE_PAUSED);
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params, nparams, call)? };
        domain.save_params(&params, flags)
    };
    "0.0.3" fn virDomainRestore(conn: Rw<Connect>, from: Text) -> () = conn.domain_restore(&absolute(&from)?);
    "0.9.4" fn virDomainRestoreFlags[call](
        conn: Rw<Connect>, from: Text, dxml: Option<Text>, flags: c_uint
    ) -> () = {
        exclusive!(call, flags, VIR_DOMAIN_SAVE_RUNNING ^ VIR_DOMAIN_SAVE_PAUSED);
        conn.domain_restore_flags(&absolute(&from)?, dxml.as_deref(), flags)
    };
    "8.4.0" fn virDomainRestoreParams[call](
        conn: Rw<Connect>, params: InMut<virTypedParameter>, nparams: c_int, flags: c_uint
    ) -> () = {
        exclusive!(call, flags, VIR_DOMAIN_SAVE_RUNNING ^ VIR_DOMAIN_SAVE_PAUSED);
        // SAFETY: the caller has so many
        let params = unsafe { params::read(&params, nparams, call)? };
        conn.domain_restore_params(&params, flags)
    };
    "0.9.4" fn virDomainSaveImageGetXMLDesc(conn: Later<Connect>, file: Text, flags: c_uint) -> String
        = conn.domain_save_image_xml(&absolute(&file)?, flags);
    "0.9.4" fn virDomainSaveImageDefineXML[call](
        conn: Rw<Connect>, file: Text, dxml: Text, flags: c_uint
    ) -> () = {
        exclusive!(call, flags, VIR_DOMAIN_SAVE_RUNNING ^ VIR_DOMAIN_SAVE_PAUSED);
        conn.domain_save_image_define_xml(&absolute(&file)?, &dxml, flags)
    };
    "0.8.0" fn virDomainManagedSave[call](dom: Rw<Domain>, flags: c_uint) -> () = {
        exclusive!(call, flags, VIR_DOMAIN_SAVE_RUNNING ^ VIR_DOMAIN_SAVE_PAUSED);
        dom.managed_save(flags)
    };
    "0.8.0" fn virDomainHasManagedSaveImage(dom: Of<Domain>, flags: c_uint) -> bool
        = dom.has_managed_save_image(flags);
    "0.8.0" fn virDomainManagedSaveRemove(dom: Rw<Domain>, flags: c_uint) -> () = dom.managed_save_remove(flags);
    "3.7.0" fn virDomainManagedSaveGetXMLDesc[call](domain: Of<Domain>, flags: c_uint) -> String = {
        call.check_secure(flags & VIR_DOMAIN_SAVE_IMAGE_XML_SECURE)?;
        domain.managed_save_xml(flags)
    };
    "3.7.0" fn virDomainManagedSaveDefineXML[call](domain: Rw<Domain>, dxml: Option<Text>, flags: c_uint) -> () = {
        exclusive!(call, flags, VIR_DOMAIN_SAVE_RUNNING ^ VIR_DOMAIN_SAVE_PAUSED);
        domain.managed_save_define_xml(dxml.as_deref(), flags)
    };
    "0.1.9" fn virDomainCoreDump[call](domain: Rw<Domain>, to: Text, flags: c_uint) -> () = {
        check_dump(call, flags)?;
        domain.core_dump(&absolute(&to)?, flags)
    };
    "1.2.3" fn virDomainCoreDumpWithFormat[call](
        domain: Rw<Domain>, to: Text, dumpformat: c_uint, flags: c_uint
    ) -> () = {
        if dumpformat >= VIR_DOMAIN_CORE_DUMP_FORMAT_LAST.cast_unsigned() {
            let text = format!("dumpformat '{}' is not supported", dumpformat.cast_signed());
            return Err(call.refused("flags", text));
        }
        check_dump(call, flags)?;
        domain.core_dump_with_format(&absolute(&to)?, dumpformat, flags)
    };
}

fn check_dump(call: &Call, flags: c_uint) -> Result<()> {
    exclusive!(
        call,
        flags,
        VIR_DUMP_CRASH ^ VIR_DUMP_LIVE,
        VIR_DUMP_CRASH ^ VIR_DUMP_RESET,
        VIR_DUMP_LIVE ^ VIR_DUMP_RESET
    );
    Ok(())
}

/// A path as a daemon elsewhere in the file system understands it.
fn absolute(path: &str) -> Result<String> {
    if path.starts_with('/') {
        return Ok(path.to_owned());
    }
    let here = std::env::current_dir()
        .map_err(|e| Error::system(ErrorDomain::NONE, "could not build absolute path", &e))?;
    let here = here.to_string_lossy();
    Ok(if path.is_empty() { here.into_owned() } else { format!("{}/{path}", here.trim_end_matches('/')) })
}
