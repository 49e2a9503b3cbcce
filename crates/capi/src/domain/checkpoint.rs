//! `libvirt-domain-checkpoint.h`.

use std::ffi::c_uint;

use virtus::constants::*;

use crate::arg::{Later, OutList, Rw, Text};
use crate::declare::exports;
use crate::flags::{exclusive, required};
use crate::handle::{Held, Of};
use crate::object::{Child, Domain, DomainCheckpoint, virConnect, virDomain};
use crate::ret::{Lent, Parent};

exports! {
    header DOMAIN_CHECKPOINT, errors DOMAIN_CHECKPOINT;

    "5.6.0" fn virDomainCheckpointGetName(checkpoint: Of<DomainCheckpoint>) -> Lent
        = Ok(Lent::new(&checkpoint.name));
    "5.6.0" fn virDomainCheckpointGetDomain(checkpoint: Of<DomainCheckpoint>) -> Parent<virDomain>
        = Ok(Parent(checkpoint.parent().as_c()));
    "5.6.0" fn virDomainCheckpointGetConnect(checkpoint: Of<DomainCheckpoint>) -> Parent<virConnect>
        = Ok(Parent(checkpoint.parent().parent().as_c()));
    "5.6.0" fn virDomainCheckpointCreateXML[call](domain: Later<Domain>, xmlDesc: Text, flags: c_uint)
        -> Held<DomainCheckpoint> = {
        required!(call, flags,
            VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE by VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE);
        exclusive!(call, flags,
            VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE ^ VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE);
        domain.adopt(domain.create_checkpoint(&xmlDesc, flags)?)
    };
    "5.6.0" fn virDomainCheckpointGetXMLDesc[call](checkpoint: Of<DomainCheckpoint>, flags: c_uint) -> String = {
        call.check_secure(flags & VIR_DOMAIN_CHECKPOINT_XML_SECURE)?;
        checkpoint.xml(flags)
    };
    "5.6.0" fn virDomainListAllCheckpoints(
        domain: Of<Domain>, checkpoints: OutList<DomainCheckpoint>, flags: c_uint
    ) -> usize = checkpoints.fill(&domain, domain.list_all_checkpoints(flags)?);
    "5.6.0" fn virDomainCheckpointListAllChildren(
        checkpoint: Of<DomainCheckpoint>, children: OutList<DomainCheckpoint>, flags: c_uint
    ) -> usize = children.fill(&checkpoint.parent().of(), checkpoint.list_all_children(flags)?);
    "5.6.0" fn virDomainCheckpointLookupByName(domain: Of<Domain>, name: Text, flags: c_uint)
        -> Held<DomainCheckpoint> = domain.adopt(domain.lookup_checkpoint_by_name(&name, flags)?);
    "5.6.0" fn virDomainCheckpointGetParent(checkpoint: Of<DomainCheckpoint>, flags: c_uint)
        -> Held<DomainCheckpoint>
        = checkpoint.parent().of().adopt(virtus::DomainCheckpoint::parent(&checkpoint, flags)?);
    "5.6.0" fn virDomainCheckpointDelete[call](checkpoint: Rw<DomainCheckpoint>, flags: c_uint) -> () = {
        exclusive!(call, flags,
            VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN ^ VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY);
        checkpoint.delete(flags)
    };
    "5.6.0" fn virDomainCheckpointRef(checkpoint: Of<DomainCheckpoint>) -> () = checkpoint.add();
    "5.6.0" fn virDomainCheckpointFree(checkpoint: Of<DomainCheckpoint>) -> () = checkpoint.free();
}
