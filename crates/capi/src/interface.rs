//! `libvirt-interface.h`: the host's network interfaces.

use std::ffi::{c_int, c_uint};

use crate::arg::{Names, NonNegative, OutList, Rw, Text};
use crate::connect::Connect;
use crate::declare::exports;
use crate::handle::Of;
use crate::object::{Child, Interface, virConnect};
use crate::ret::{Lent, Parent};

exports! {
    header INTERFACE, errors INTERFACE;

    "0.6.4" fn virConnectNumOfInterfaces(conn: Of<Connect>) -> c_int = conn.num_of_interfaces();
    "0.6.4" fn virConnectListInterfaces[call](
        conn: Of<Connect>, names: Names, maxnames: NonNegative<c_int>
    ) -> c_int
        = names.list(call, maxnames, "names", || conn.list_interfaces());
    "0.7.0" fn virConnectNumOfDefinedInterfaces(conn: Of<Connect>) -> c_int = conn.num_of_defined_interfaces();
    "0.7.0" fn virConnectListDefinedInterfaces[call](
        conn: Of<Connect>, names: Names, maxnames: NonNegative<c_int>
    ) -> c_int
        = names.list(call, maxnames, "names", || conn.list_defined_interfaces());
    "0.10.2" fn virConnectListAllInterfaces(conn: Of<Connect>, ifaces: OutList<Interface>, flags: c_uint) -> usize
        = ifaces.fill(&conn, conn.list_all_interfaces(flags)?);

    "0.6.4" fn virInterfaceLookupByName(conn: Of<Connect>, name: Text) -> virtus::Interface
        = conn.lookup_interface_by_name(&name);
    "0.6.4" fn virInterfaceLookupByMACString(conn: Of<Connect>, macstr: Text) -> virtus::Interface
        = conn.lookup_interface_by_mac_string(&macstr);

    "0.6.4" fn virInterfaceDefineXML(conn: Rw<Connect>, xml: Text, flags: c_uint) -> virtus::Interface
        = conn.define_interface(&xml, flags);
    "0.6.4" fn virInterfaceUndefine(iface: Rw<Interface>) -> () = iface.undefine();
    "0.6.4" fn virInterfaceCreate(iface: Rw<Interface>, flags: c_uint) -> () = iface.create(flags);
    "0.6.4" fn virInterfaceDestroy(iface: Rw<Interface>, flags: c_uint) -> () = iface.destroy(flags);
    "0.9.2" fn virInterfaceChangeBegin(conn: Rw<Connect>, flags: c_uint) -> () = conn.interface_change_begin(flags);
    "0.9.2" fn virInterfaceChangeCommit(conn: Rw<Connect>, flags: c_uint) -> ()
        = conn.interface_change_commit(flags);
    "0.9.2" fn virInterfaceChangeRollback(conn: Rw<Connect>, flags: c_uint) -> ()
        = conn.interface_change_rollback(flags);

    "0.6.4" fn virInterfaceFree(iface: Of<Interface>) -> () = iface.free();
    "0.6.4" fn virInterfaceRef(iface: Of<Interface>) -> () = iface.add();
    "0.6.4" fn virInterfaceGetConnect(iface: Of<Interface>) -> Parent<virConnect>
        = Ok(Parent(iface.parent().as_c()));

    "0.6.4" fn virInterfaceGetName(iface: Of<Interface>) -> Lent = Ok(Lent::new(&iface.name));
    "0.6.4" fn virInterfaceGetMACString(iface: Of<Interface>) -> Lent = Ok(Lent::new(&iface.mac));
    "0.6.4" fn virInterfaceGetXMLDesc(iface: Of<Interface>, flags: c_uint) -> String = iface.xml(flags);
    "0.7.3" fn virInterfaceIsActive(iface: Of<Interface>) -> bool = iface.is_active();
}
