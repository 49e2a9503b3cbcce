//! Who is connected to a daemon.

use std::ffi::{c_int, c_uint};

use virtus::Result;

use crate::arg::Out;
use crate::call::Call;
use crate::declare::exports;
use crate::handle::Of;
use crate::object::AdminClient;
use crate::params::{self, virTypedParameter};
use crate::ret::Ret;

exports! {
    header ADMIN, errors ADMIN;

    "2.0.0" fn virAdmClientFree(client: Option<Of<AdminClient>>) -> () = client.map_or(Ok(()), Of::free);
    "2.0.0" fn virAdmClientGetID(client: Of<AdminClient>) -> Id = Ok(Id(client.id()));
    "2.0.0" fn virAdmClientGetTimestamp(client: Of<AdminClient>) -> i64 = Ok(client.timestamp());
    "2.0.0" fn virAdmClientGetTransport(client: Of<AdminClient>) -> c_int = Ok(client.transport().cast_signed());
    "2.0.0" fn virAdmClientGetInfo[call](
        client: Of<AdminClient>, params: Out<*mut virTypedParameter>, nparams: Out<c_int>, flags: c_uint
    ) -> ()
        = params::give(&params, &nparams, &client.info(flags)?, call);
    "2.0.0" fn virAdmClientClose(client: Of<AdminClient>, flags: c_uint) -> () = client.close(flags);
}

/// A client's number, of which the largest says that there is an error.
#[derive(Clone, Copy, Debug)]
struct Id(u64);

impl Ret for Id {
    type C = u64;
    const FAILURE: u64 = u64::MAX;
    fn give(self, _: &Call) -> Result<u64> {
        Ok(self.0)
    }
}
