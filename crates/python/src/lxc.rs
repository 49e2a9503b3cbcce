//! What only containers have.

use pyo3::prelude::*;
use virtus::calls::Lxc;
use virtus::{Domain, Error, ErrorDomain};

use crate::functions::Registry;
use crate::site::Site;

pub(crate) fn add(registry: &Registry<'_, '_>) -> PyResult<()> {
    let site = |function| Site { function, errors: ErrorDomain::NONE };
    // its answer is the descriptors that come beside it
    registry.add(site("virDomainLxcOpenNamespace"), |mut arguments| {
        let handle = arguments.object::<Domain>()?;
        let flags = arguments.take::<u32>("flags")?;
        arguments.end()?;
        let domain = &handle.get().0;
        arguments.answer(|| {
            let request = Lxc::domain_open_namespace(domain.reference().clone(), flags);
            domain.connection().call_with_fds(request, Vec::new()).map(|((), files)| files)
        })
    })?;
    registry.add(site("virDomainLxcEnterCGroup"), |mut arguments| {
        let handle = arguments.object::<Domain>()?;
        let flags = arguments.take::<u32>("flags")?;
        arguments.end()?;
        let (domain, function) = (&handle.get().0, arguments.site().function);
        arguments.answer(|| {
            Error::check_flags(ErrorDomain::NONE, flags, 0, function)?;
            virtus::enter_cgroup(domain.id().unwrap_or(-1))
        })
    })
}
