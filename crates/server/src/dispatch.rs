//! From a packet to the procedure it calls.

use virtus_api::{Procedure, Program, find_procedure};
use virtus_base::{Error, ErrorCode, ErrorDomain};
use virtus_rpc::{Header, Kind, Status};

/// An error of the protocol itself.
pub(crate) fn rpc_error(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::RPC, ErrorCode::RPC, text)
}

/// The programs one server answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Programs {
    /// The API: remote, QEMU and LXC.
    Api,
    /// The administration.
    Admin,
}

impl Programs {
    fn serve(self, program: Program) -> bool {
        match self {
            Programs::Api => [Program::REMOTE, Program::QEMU, Program::LXC].contains(&program),
            Programs::Admin => program == Program::ADMIN,
        }
    }
}

/// The procedure a call's header names.
pub(crate) fn find(header: &Header, programs: Programs) -> Result<&'static Procedure, Error> {
    let program = Program(header.program);
    if !programs.serve(program) || header.version != Program::VERSION {
        return Err(rpc_error(format!(
            "Cannot find program {} version {}",
            header.program.cast_signed(),
            header.version.cast_signed()
        )));
    }
    if header.status != Status::OK {
        return Err(rpc_error(format!("Unexpected message status {}", header.status.0)));
    }
    find_procedure(program, header.procedure)
        .ok_or_else(|| rpc_error(format!("unknown procedure: {}", header.procedure)))
}

/// Whether a packet of this kind is a call.
pub(crate) fn is_call(kind: Kind) -> bool {
    kind == Kind::CALL || kind == Kind::CALL_WITH_FDS
}
