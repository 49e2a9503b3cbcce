//! `libvirt-lxc.h`: what only containers have. All but asking for a container's namespaces happens in the caller's own
//! process.

mod label;
mod namespace;

use std::ffi::{c_int, c_uint};

use virtus::calls::Lxc;
use virtus::{Error, Result};

use crate::arg::{InMut, Out, Rw};
use crate::connect::virSecurityModel;
use crate::declare::exports;
use crate::domain::virSecurityLabel;
use crate::handle::Of;
use crate::object::Domain;

exports! {
    header LXC, errors NONE;

    "1.0.2" fn virDomainLxcOpenNamespace(domain: Rw<Domain>, fdlist: Out<*mut c_int>, flags: c_uint) -> usize
        = {
            let request = Lxc::domain_open_namespace(domain.reference().clone(), flags);
            let ((), files) = domain.connection().call_with_fds(request, Vec::new())?;
            namespace::give(files, &fdlist)
        };
    "1.0.2" fn virDomainLxcEnterNamespace[call](
        domain: Option<Of<Domain>>, nfdlist: c_uint, fdlist: InMut<c_int>, noldfdlist: Option<Out<c_uint>>,
        oldfdlist: Option<Out<*mut c_int>>, flags: c_uint
    ) -> ()
        = {
            let _ = domain;
            Error::check_flags(call.errors, flags, 0, call.function)?;
            // SAFETY: the C API says that there are so many
            let files = unsafe { fdlist.values(nfdlist, call, "fdlist")? };
            namespace::enter(call, files, noldfdlist.zip(oldfdlist))
        };
    "1.0.4" fn virDomainLxcEnterSecurityLabel[call](
        model: Out<virSecurityModel>, label: Out<virSecurityLabel>, oldlabel: Option<Out<virSecurityLabel>>,
        flags: c_uint
    ) -> ()
        = {
            Error::check_flags(call.errors, flags, 0, call.function)?;
            label::enter(call, &model.get(), &label.get(), oldlabel.as_ref())
        };
    "2.0.0" fn virDomainLxcEnterCGroup[call](domain: Rw<Domain>, flags: c_uint) -> ()
        = {
            Error::check_flags(call.errors, flags, 0, call.function)?;
            virtus::enter_cgroup(domain.last_id())
        };
}

/// A failure of the system as libvirt words it.
fn system(call: &crate::call::Call, what: &str, error: &std::io::Error) -> Error {
    Error::system(call.errors, what, error)
}

/// Reads a small file of the kernel.
fn kernel(call: &crate::call::Call, path: &str, what: &str) -> Result<String> {
    let text = std::fs::read_to_string(path).map_err(|error| system(call, what, &error))?;
    Ok(text.trim_end_matches(['\n', '\0']).to_owned())
}
