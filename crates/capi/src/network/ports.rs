//! What is plugged into networks.

use std::ffi::{c_int, c_uint};

use virtus::Uuid;

use crate::arg::{InMut, Out, OutList, Rw, Text};
use crate::declare::exports;
use crate::handle::{Held, Of};
use crate::object::{Child, Network, NetworkPort, virNetwork};
use crate::params::{self, virTypedParameter};
use crate::ret::Parent;
use crate::uuid::{OutUuid, OutUuidText, UuidText};

exports! {
    header NETWORK, errors NETWORK;

    "5.5.0" fn virNetworkListAllPorts(network: Of<Network>, ports: OutList<NetworkPort>, flags: c_uint) -> usize
        = ports.fill(&network, network.list_all_ports(flags)?);
    "5.5.0" fn virNetworkPortLookupByUUID(net: Of<Network>, uuid: Uuid) -> Held<NetworkPort>
        = net.adopt(net.lookup_port_by_uuid(uuid)?);
    "5.5.0" fn virNetworkPortLookupByUUIDString(net: Of<Network>, uuidstr: UuidText) -> Held<NetworkPort>
        = net.adopt(net.lookup_port_by_uuid(uuidstr.0)?);
    "5.5.0" fn virNetworkPortCreateXML(net: Rw<Network>, xmldesc: Text, flags: c_uint) -> Held<NetworkPort>
        = net.adopt(net.create_port(&xmldesc, flags)?);
    "5.5.0" fn virNetworkPortDelete(port: Rw<NetworkPort>, flags: c_uint) -> () = port.delete(flags);

    "5.5.0" fn virNetworkPortFree(port: Of<NetworkPort>) -> () = port.free();
    "5.5.0" fn virNetworkPortRef(port: Of<NetworkPort>) -> () = port.add();
    "5.5.0" fn virNetworkPortGetNetwork(port: Of<NetworkPort>) -> Parent<virNetwork>
        = Ok(Parent(port.parent().as_c()));

    "5.5.0" fn virNetworkPortGetUUID(port: Of<NetworkPort>, uuid: OutUuid) -> () = uuid.put(port.uuid());
    "5.5.0" fn virNetworkPortGetUUIDString(port: Of<NetworkPort>, buf: OutUuidText) -> () = buf.put(port.uuid());
    "5.5.0" fn virNetworkPortGetXMLDesc(port: Of<NetworkPort>, flags: c_uint) -> String = port.xml(flags);
    "5.5.0" fn virNetworkPortGetParameters[call](
        port: Of<NetworkPort>, params: Out<*mut virTypedParameter>, nparams: Out<c_int>, flags: c_uint
    ) -> ()
        = params::give(&params, &nparams, &port.parameters(call.with_texts(flags)?)?, call);
    "5.5.0" fn virNetworkPortSetParameters[call](
        port: Rw<NetworkPort>, params: InMut<virTypedParameter>, nparams: c_int, flags: c_uint
    ) -> ()
        = {
            // SAFETY: the C API says that there are so many
            let params = unsafe { params::read(&params, nparams, call)? };
            port.set_parameters(&params, flags)
        };
}
