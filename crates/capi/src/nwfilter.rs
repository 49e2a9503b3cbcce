//! `libvirt-nwfilter.h`: filters for packets, and where they apply.

use std::ffi::{c_int, c_uint};

use virtus::Uuid;

use crate::arg::{Names, NonNegative, OutList, Rw, Text};
use crate::connect::Connect;
use crate::declare::exports;
use crate::handle::Of;
use crate::object::{NwFilter, NwFilterBinding};
use crate::ret::Lent;
use crate::uuid::{OutUuid, OutUuidText, UuidText};

exports! {
    header NWFILTER, errors NWFILTER;

    "0.8.0" fn virConnectNumOfNWFilters(conn: Of<Connect>) -> c_int = conn.num_of_nwfilters();
    "0.8.0" fn virConnectListNWFilters[call](conn: Of<Connect>, names: Names, maxnames: NonNegative<c_int>) -> c_int
        = names.list(call, maxnames, "names", || conn.list_nwfilters());
    "0.10.2" fn virConnectListAllNWFilters(conn: Of<Connect>, filters: OutList<NwFilter>, flags: c_uint) -> usize
        = filters.fill(&conn, conn.list_all_nwfilters(flags)?);

    "0.8.0" fn virNWFilterLookupByName(conn: Of<Connect>, name: Text) -> virtus::NwFilter
        = conn.lookup_nwfilter_by_name(&name);
    "0.8.0" fn virNWFilterLookupByUUID(conn: Of<Connect>, uuid: Uuid) -> virtus::NwFilter
        = conn.lookup_nwfilter_by_uuid(uuid);
    "0.8.0" fn virNWFilterLookupByUUIDString(conn: Of<Connect>, uuidstr: UuidText) -> virtus::NwFilter
        = conn.lookup_nwfilter_by_uuid(uuidstr.0);

    "0.8.0" fn virNWFilterDefineXML(conn: Rw<Connect>, xmlDesc: Text) -> virtus::NwFilter
        = conn.define_nwfilter(&xmlDesc);
    "7.7.0" fn virNWFilterDefineXMLFlags(conn: Rw<Connect>, xmlDesc: Text, flags: c_uint) -> virtus::NwFilter
        = conn.define_nwfilter_flags(&xmlDesc, flags);
    "0.8.0" fn virNWFilterUndefine(nwfilter: Rw<NwFilter>) -> () = nwfilter.undefine();

    "0.8.0" fn virNWFilterFree(nwfilter: Of<NwFilter>) -> () = nwfilter.free();
    "0.8.0" fn virNWFilterRef(nwfilter: Of<NwFilter>) -> () = nwfilter.add();
    "0.8.0" fn virNWFilterGetName(nwfilter: Of<NwFilter>) -> Lent = Ok(Lent::new(&nwfilter.name));
    "0.8.0" fn virNWFilterGetUUID(nwfilter: Of<NwFilter>, uuid: OutUuid) -> () = uuid.put(nwfilter.uuid());
    "0.8.0" fn virNWFilterGetUUIDString(nwfilter: Of<NwFilter>, buf: OutUuidText) -> () = buf.put(nwfilter.uuid());
    "0.8.0" fn virNWFilterGetXMLDesc(nwfilter: Of<NwFilter>, flags: c_uint) -> String = nwfilter.xml(flags);

    "4.5.0" fn virConnectListAllNWFilterBindings(
        conn: Of<Connect>, bindings: OutList<NwFilterBinding>, flags: c_uint
    ) -> usize
        = bindings.fill(&conn, conn.list_all_nwfilter_bindings(flags)?);
    "4.5.0" fn virNWFilterBindingLookupByPortDev(conn: Of<Connect>, portdev: Text) -> virtus::NwFilterBinding
        = conn.lookup_nwfilter_binding_by_port_dev(&portdev);
    "4.5.0" fn virNWFilterBindingCreateXML(conn: Rw<Connect>, xml: Text, flags: c_uint) -> virtus::NwFilterBinding
        = conn.create_nwfilter_binding(&xml, flags);
    "4.5.0" fn virNWFilterBindingDelete(binding: Rw<NwFilterBinding>) -> () = binding.delete();
    "4.5.0" fn virNWFilterBindingFree(binding: Of<NwFilterBinding>) -> () = binding.free();
    "4.5.0" fn virNWFilterBindingRef(binding: Of<NwFilterBinding>) -> () = binding.add();
    "4.5.0" fn virNWFilterBindingGetPortDev(binding: Of<NwFilterBinding>) -> Lent = Ok(Lent::new(&binding.portdev));
    "4.5.0" fn virNWFilterBindingGetFilterName(binding: Of<NwFilterBinding>) -> Lent
        = Ok(Lent::new(&binding.filtername));
    "4.5.0" fn virNWFilterBindingGetXMLDesc(binding: Of<NwFilterBinding>, flags: c_uint) -> String
        = binding.xml(flags);
}
