//! `libvirt-domain-snapshot.h`.

use std::ffi::{c_int, c_uint};

use virtus::constants::*;

use crate::arg::{Later, Names, NonNegative, OutList, Rw, Text};
use crate::declare::exports;
use crate::flags::{exclusive, required};
use crate::handle::{Held, Of};
use crate::object::{Child, Domain, DomainSnapshot, virConnect, virDomain};
use crate::ret::{Lent, Parent};

exports! {
    header DOMAIN_SNAPSHOT, errors DOMAIN_SNAPSHOT;

    "0.9.5" fn virDomainSnapshotGetName(snapshot: Of<DomainSnapshot>) -> Lent = Ok(Lent::new(&snapshot.name));
    "0.9.5" fn virDomainSnapshotGetDomain(snapshot: Of<DomainSnapshot>) -> Parent<virDomain>
        = Ok(Parent(snapshot.parent().as_c()));
    "0.9.5" fn virDomainSnapshotGetConnect(snapshot: Of<DomainSnapshot>) -> Parent<virConnect>
        = Ok(Parent(snapshot.parent().parent().as_c()));
    "0.8.0" fn virDomainSnapshotCreateXML[call](domain: Later<Domain>, xmlDesc: Text, flags: c_uint)
        -> Held<DomainSnapshot> = {
        required!(call, flags, VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE by VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT);
        exclusive!(call, flags,
            VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE ^ VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA,
            VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE ^ VIR_DOMAIN_SNAPSHOT_CREATE_HALT);
        domain.adopt(domain.create_snapshot(&xmlDesc, flags)?)
    };
    "0.8.0" fn virDomainSnapshotGetXMLDesc[call](snapshot: Of<DomainSnapshot>, flags: c_uint) -> String = {
        call.check_secure(flags & VIR_DOMAIN_SNAPSHOT_XML_SECURE)?;
        snapshot.xml(flags)
    };
    "0.8.0" fn virDomainSnapshotNum(domain: Of<Domain>, flags: c_uint) -> c_int = domain.num_of_snapshots(flags);
    "0.8.0" fn virDomainSnapshotListNames[call](
        domain: Of<Domain>, names: Names, nameslen: NonNegative<c_int>, flags: c_uint
    ) -> c_int = names.list(call, nameslen, "names", || domain.list_snapshot_names(flags));
    "0.9.13" fn virDomainListAllSnapshots(domain: Of<Domain>, snaps: OutList<DomainSnapshot>, flags: c_uint)
        -> usize = snaps.fill(&domain, domain.list_all_snapshots(flags)?);
    "0.9.7" fn virDomainSnapshotNumChildren(snapshot: Of<DomainSnapshot>, flags: c_uint) -> c_int
        = snapshot.num_children(flags);
    "0.9.7" fn virDomainSnapshotListChildrenNames[call](
        snapshot: Of<DomainSnapshot>, names: Names, nameslen: NonNegative<c_int>, flags: c_uint
    ) -> c_int = names.list(call, nameslen, "names", || snapshot.list_children_names(flags));
    "0.9.13" fn virDomainSnapshotListAllChildren(
        snapshot: Of<DomainSnapshot>, snaps: OutList<DomainSnapshot>, flags: c_uint
    ) -> usize = snaps.fill(&snapshot.parent().of(), snapshot.list_all_children(flags)?);
    "0.8.0" fn virDomainSnapshotLookupByName(domain: Of<Domain>, name: Text, flags: c_uint) -> Held<DomainSnapshot>
        = domain.adopt(domain.lookup_snapshot_by_name(&name, flags)?);
    "0.8.0" fn virDomainHasCurrentSnapshot(domain: Of<Domain>, flags: c_uint) -> bool
        = domain.has_current_snapshot(flags);
    "0.8.0" fn virDomainSnapshotCurrent(domain: Of<Domain>, flags: c_uint) -> Held<DomainSnapshot>
        = domain.adopt(domain.current_snapshot(flags)?);
    "0.9.7" fn virDomainSnapshotGetParent(snapshot: Of<DomainSnapshot>, flags: c_uint) -> Held<DomainSnapshot>
        = snapshot.parent().of().adopt(virtus::DomainSnapshot::parent(&snapshot, flags)?);
    "0.9.13" fn virDomainSnapshotIsCurrent(snapshot: Of<DomainSnapshot>, flags: c_uint) -> bool
        = snapshot.is_current(flags);
    "0.9.13" fn virDomainSnapshotHasMetadata(snapshot: Of<DomainSnapshot>, flags: c_uint) -> bool
        = snapshot.has_metadata(flags);
    "0.8.0" fn virDomainRevertToSnapshot[call](snapshot: Rw<DomainSnapshot>, flags: c_uint) -> () = {
        exclusive!(call, flags, VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING ^ VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED);
        snapshot.revert(flags)
    };
    "0.8.0" fn virDomainSnapshotDelete[call](snapshot: Rw<DomainSnapshot>, flags: c_uint) -> () = {
        exclusive!(call, flags,
            VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN ^ VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY);
        snapshot.delete(flags)
    };
    "0.9.13" fn virDomainSnapshotRef(snapshot: Of<DomainSnapshot>) -> () = snapshot.add();
    "0.8.0" fn virDomainSnapshotFree(snapshot: Of<DomainSnapshot>) -> () = snapshot.free();
}
