//! A daemon's servers.

use std::ffi::{c_int, c_uint};

use crate::arg::{InMut, NonNegative, Out, OutList};
use crate::call::Call;
use crate::declare::exports;
use crate::handle::{Held, Of};
use crate::object::{AdminClient, AdminServer};
use crate::params::{self, virTypedParameter};
use crate::ret::Lent;
use virtus::{Result, TypedParam};

exports! {
    header ADMIN, errors ADMIN;

    "2.0.0" fn virAdmServerFree(srv: Option<Of<AdminServer>>) -> () = srv.map_or(Ok(()), Of::free);
    "2.0.0" fn virAdmServerGetName(srv: Of<AdminServer>) -> Lent = Ok(Lent::new(&srv.name));
    "2.0.0" fn virAdmServerGetThreadPoolParameters[call](
        srv: Of<AdminServer>, params: Out<*mut virTypedParameter>, nparams: Out<c_int>, flags: c_uint
    ) -> ()
        = params::give(&params, &nparams, &srv.threadpool_parameters(flags)?, call);
    "2.0.0" fn virAdmServerSetThreadPoolParameters[call](
        srv: Of<AdminServer>, params: InMut<virTypedParameter>, nparams: NonNegative<c_int>, flags: c_uint
    ) -> ()
        = srv.set_threadpool_parameters(&read(call, &params, nparams)?, flags);
    "2.0.0" fn virAdmServerGetClientLimits[call](
        srv: Of<AdminServer>, params: Out<*mut virTypedParameter>, nparams: Out<c_int>, flags: c_uint
    ) -> ()
        = params::give(&params, &nparams, &srv.client_limits(flags)?, call);
    "2.0.0" fn virAdmServerSetClientLimits[call](
        srv: Of<AdminServer>, params: InMut<virTypedParameter>, nparams: NonNegative<c_int>, flags: c_uint
    ) -> ()
        = srv.set_client_limits(&read(call, &params, nparams)?, flags);
    "2.0.0" fn virAdmServerUpdateTlsFiles(srv: Of<AdminServer>, flags: c_uint) -> () = srv.update_tls_files(flags);
    "2.0.0" fn virAdmServerListClients(srv: Of<AdminServer>, clients: OutList<AdminClient>, flags: c_uint) -> usize
        = clients.fill(&srv, srv.list_clients(flags)?);
    "2.0.0" fn virAdmServerLookupClient(srv: Of<AdminServer>, id: u64, flags: c_uint) -> Held<AdminClient>
        = srv.adopt(srv.lookup_client(id, flags)?);
}

fn read(
    call: &Call,
    params: &InMut<virTypedParameter>,
    count: NonNegative<c_int>,
) -> Result<Vec<TypedParam>> {
    if params.is_null() {
        return Err(call.wrong("params", "must not be NULL"));
    }
    // SAFETY: the C API says that there are so many
    unsafe { params::read(params, count.0, call) }
}
