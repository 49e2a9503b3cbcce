//! Networks.

use std::ffi::{c_int, c_uint};

use virtus::constants::{
    VIR_NETWORK_METADATA_DESCRIPTION, VIR_NETWORK_METADATA_ELEMENT, VIR_NETWORK_METADATA_TITLE,
};
use virtus::{Error, Result, Uuid};

use crate::arg::{Names, NonNegative, Out, OutList, Rw, Text};
use crate::call::Call;
use crate::connect::Connect;
use crate::declare::exports;
use crate::handle::Of;
use crate::object::{Child, Network, virConnect};
use crate::ret::{Lent, Parent};
use crate::uuid::{OutUuid, OutUuidText, UuidText};

exports! {
    header NETWORK, errors NETWORK;

    "0.2.0" fn virConnectNumOfNetworks(conn: Of<Connect>) -> c_int = conn.num_of_networks();
    "0.2.0" fn virConnectListNetworks[call](conn: Of<Connect>, names: Names, maxnames: NonNegative<c_int>) -> c_int
        = names.list(call, maxnames, "names", || conn.list_networks());
    "0.2.0" fn virConnectNumOfDefinedNetworks(conn: Of<Connect>) -> c_int = conn.num_of_defined_networks();
    "0.2.0" fn virConnectListDefinedNetworks[call](
        conn: Of<Connect>, names: Names, maxnames: NonNegative<c_int>
    ) -> c_int
        = names.list(call, maxnames, "names", || conn.list_defined_networks());
    "0.10.2" fn virConnectListAllNetworks(conn: Of<Connect>, nets: OutList<Network>, flags: c_uint) -> usize
        = nets.fill(&conn, conn.list_all_networks(flags)?);

    "0.2.0" fn virNetworkLookupByName(conn: Of<Connect>, name: Text) -> virtus::Network
        = conn.lookup_network_by_name(&name);
    "0.2.0" fn virNetworkLookupByUUID(conn: Of<Connect>, uuid: Uuid) -> virtus::Network
        = conn.lookup_network_by_uuid(uuid);
    "0.2.0" fn virNetworkLookupByUUIDString(conn: Of<Connect>, uuidstr: UuidText) -> virtus::Network
        = conn.lookup_network_by_uuid(uuidstr.0);

    "0.2.0" fn virNetworkCreateXML(conn: Rw<Connect>, xmlDesc: Text) -> virtus::Network
        = conn.create_network(&xmlDesc);
    "7.8.0" fn virNetworkCreateXMLFlags(conn: Rw<Connect>, xmlDesc: Text, flags: c_uint) -> virtus::Network
        = conn.create_network_flags(&xmlDesc, flags);
    "0.2.0" fn virNetworkDefineXML(conn: Rw<Connect>, xml: Text) -> virtus::Network = conn.define_network(&xml);
    "7.7.0" fn virNetworkDefineXMLFlags(conn: Rw<Connect>, xml: Text, flags: c_uint) -> virtus::Network
        = conn.define_network_flags(&xml, flags);
    "0.2.0" fn virNetworkUndefine(network: Rw<Network>) -> () = network.undefine();
    "0.10.2" fn virNetworkUpdate(
        network: Rw<Network>, command: c_uint, section: c_uint, parentIndex: c_int, xml: Text, flags: c_uint
    ) -> ()
        = update(&network, (command, section), parentIndex, &xml, flags);
    "0.2.0" fn virNetworkCreate(network: Rw<Network>) -> () = network.create();
    "0.2.0" fn virNetworkDestroy(network: Rw<Network>) -> () = network.destroy();

    "0.2.0" fn virNetworkFree(network: Of<Network>) -> () = network.free();
    "0.6.0" fn virNetworkRef(network: Of<Network>) -> () = network.add();
    "0.3.0" fn virNetworkGetConnect(net: Of<Network>) -> Parent<virConnect> = Ok(Parent(net.parent().as_c()));

    "0.2.0" fn virNetworkGetName(network: Of<Network>) -> Lent = Ok(Lent::new(&network.name));
    "0.2.0" fn virNetworkGetUUID(network: Of<Network>, uuid: OutUuid) -> () = uuid.put(network.uuid());
    "0.2.0" fn virNetworkGetUUIDString(network: Of<Network>, buf: OutUuidText) -> () = buf.put(network.uuid());
    "0.2.0" fn virNetworkGetXMLDesc(network: Of<Network>, flags: c_uint) -> String = network.xml(flags);
    "0.2.0" fn virNetworkGetBridgeName(network: Of<Network>) -> String = network.bridge_name();
    "0.2.1" fn virNetworkGetAutostart(network: Of<Network>, autostart: Out<c_int>) -> ()
        = network.autostart().map(|on| autostart.put(on.into()));
    "0.2.1" fn virNetworkSetAutostart(network: Rw<Network>, autostart: c_int) -> ()
        = network.set_autostart(autostart != 0);
    "0.7.3" fn virNetworkIsActive(net: Of<Network>) -> bool = net.is_active();
    "0.7.3" fn virNetworkIsPersistent(net: Of<Network>) -> bool = net.is_persistent();
    "9.7.0" fn virNetworkSetMetadata[call](
        network: Rw<Network>, r#type: c_int, metadata: Option<Text>, key: Option<Text>, uri: Option<Text>,
        flags: c_uint
    ) -> ()
        = set_metadata(call, &network, r#type, [&metadata, &key, &uri], flags);
    "9.7.0" fn virNetworkGetMetadata[call](
        network: Of<Network>, r#type: c_int, uri: Option<Text>, flags: c_uint
    ) -> String
        = get_metadata(call, &network, r#type, &uri, flags);
}

/// Daemons before 1.2.7 have what to do and where in the other order (`VIR_DRV_FEATURE_NETWORK_UPDATE_HAS_CORRECT_ORDER`).
const FEATURE_UPDATE_ORDER: i32 = 16;

fn update(
    network: &Network,
    (command, section): (c_uint, c_uint),
    parent_index: c_int,
    xml: &str,
    flags: c_uint,
) -> Result<()> {
    let (first, second) = match network.connection().supports_feature(FEATURE_UPDATE_ORDER)? {
        true => (command, section),
        false => (section, command),
    };
    network.update(first, second, parent_index, xml, flags)
}

fn set_metadata(
    call: &Call,
    network: &Network,
    kind: c_int,
    [metadata, key, uri]: [&Option<Text>; 3],
    flags: c_uint,
) -> Result<()> {
    let missing = |name: &str| call.wrong(name, "must not be NULL");
    let unwanted = |name: &str| call.wrong(name, "must be NULL");
    match kind {
        VIR_NETWORK_METADATA_TITLE | VIR_NETWORK_METADATA_DESCRIPTION => {
            let lines = metadata.as_ref().is_some_and(|text| text.contains('\n'));
            if kind == VIR_NETWORK_METADATA_TITLE && lines {
                let text = "metadata title can't contain newlines";
                return Err(Error::invalid_arg(call.errors, call.function, "metadata", text));
            }
            match (uri, key) {
                (Some(_), _) => return Err(unwanted("uri")),
                (_, Some(_)) => return Err(unwanted("key")),
                _ => {}
            }
        }
        VIR_NETWORK_METADATA_ELEMENT => match (uri, key, metadata) {
            (None, _, _) => return Err(missing("uri")),
            (_, None, Some(_)) => return Err(missing("key")),
            _ => {}
        },
        // the daemon knows whether there are others
        _ => {}
    }
    network.set_metadata(kind, metadata.as_deref(), key.as_deref(), uri.as_deref(), flags)
}

fn get_metadata(
    call: &Call,
    network: &Network,
    kind: c_int,
    uri: &Option<Text>,
    flags: c_uint,
) -> Result<String> {
    match (kind, uri) {
        (VIR_NETWORK_METADATA_TITLE | VIR_NETWORK_METADATA_DESCRIPTION, Some(_)) => {
            return Err(call.wrong("uri", "must be NULL"));
        }
        (VIR_NETWORK_METADATA_ELEMENT, None) => return Err(call.wrong("uri", "must not be NULL")),
        _ => {}
    }
    network.metadata(kind, uri.as_deref(), flags)
}
