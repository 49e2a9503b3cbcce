//! The objects' methods, on `test:///`.
#![allow(clippy::unwrap_used)] // tests, whose helpers clippy does not know as such

use std::io::Read;

use virtus::{Connection, ErrorCode, constants::*};

fn host() -> (tempfile::NamedTempFile, Connection) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        "<node><domain type='test'><name>one</name><memory>1024</memory><os><type>hvm</type></os></domain>\
         <pool type='dir'><name>pool</name><target><path>/pool</path></target></pool></node>",
    )
    .unwrap();
    let connection = Connection::open(&format!("test://{}", file.path().display())).unwrap();
    (file, connection)
}

#[test]
fn objects_bring_their_connection() {
    let (_file, connection) = host();
    let domain = connection.lookup_domain_by_name("one").unwrap();
    drop(connection);
    assert_eq!(domain.id(), Some(1));
    assert_eq!(domain.state(0).unwrap().state, VIR_DOMAIN_RUNNING);
    let again = domain.connection().lookup_domain_by_uuid(domain.uuid()).unwrap();
    assert_eq!(again.reference(), domain.reference());
    domain.destroy().unwrap();
    assert!(!domain.is_active().unwrap());
    assert_eq!(domain.destroy().unwrap_err().code(), ErrorCode::OPERATION_INVALID);
}

#[test]
fn what_comes_back_is_objects_as_well() {
    let (_file, connection) = host();
    let domain = &connection.list_all_domains(0).unwrap()[0];
    let snapshot = domain.create_snapshot("<domainsnapshot><name>first</name></domainsnapshot>", 0).unwrap();
    let second = domain.create_snapshot("<domainsnapshot><name>second</name></domainsnapshot>", 0).unwrap();
    assert_eq!(second.parent(0).unwrap().name(), snapshot.name());
    assert_eq!(second.domain().name(), "one");
    assert!(second.is_current(0).unwrap());
    let stats = connection.all_domain_stats(std::slice::from_ref(domain), 0, 0).unwrap();
    assert_eq!(stats.len(), 1);
    let pool = connection.lookup_storage_pool_by_name("pool").unwrap();
    let volume = pool.create_volume("<volume><name>v</name><capacity>1024</capacity></volume>", 0).unwrap();
    assert_eq!(volume.pool().unwrap().name(), "pool");
    assert_eq!(volume.pool_name(), "pool");
    assert_eq!(pool.list_volumes().unwrap(), ["v"]);
}

#[test]
fn a_method_can_open_a_stream() {
    let (_file, connection) = host();
    let domain = connection.lookup_domain_by_name("one").unwrap();
    let (kind, mut stream) = domain.screenshot(0, 0).unwrap();
    assert_eq!(kind.as_deref(), Some("image/png"));
    let mut picture = Vec::new();
    stream.read_to_end(&mut picture).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn the_same_can_be_awaited() {
    let (file, _) = host();
    let uri = format!("test://{}", file.path().display());
    let connection = virtus::asynchronous::Connection::open(&uri).await.unwrap();
    let domains = connection.list_all_domains(0).await.unwrap();
    domains[0].suspend().await.unwrap();
    assert_eq!(domains[0].state(0).await.unwrap().state, VIR_DOMAIN_PAUSED);
    assert_eq!(domains[0].blocking().name(), "one");
    let error = connection.lookup_domain_by_name("none").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NO_DOMAIN);
}

#[test]
fn what_is_made_is_not_of_the_host() {
    let connection = Connection::open("test:///default").unwrap();
    let made = connection
        .create_node_device(
            "<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>\
             <wwnn>20000000c9831b4b</wwnn><wwpn>10000000c9831b4b</wwpn></capability></capability></device>",
            0,
        )
        .unwrap();
    assert!(!made.is_active().unwrap() && !made.is_persistent().unwrap());
    let inactive = connection.list_all_node_devices(VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE).unwrap();
    assert_eq!(inactive.iter().map(|device| device.name()).collect::<Vec<_>>(), [made.name()]);
    made.destroy().unwrap();
    assert!(connection.lookup_node_device_by_name("computer").unwrap().is_active().unwrap());
}

#[test]
fn ports_of_graphics_are_as_they_are_used() {
    let (_file, connection) = host();
    for (given, shown) in [
        (
            "port='5902' tlsPort='5903'",
            "port='5902' tlsPort='5903' autoport='no'>\n      <listen type='address'/>",
        ),
        ("port='-1' tlsPort='-1'", "autoport='yes'>\n      <listen type='address'/>"),
        ("autoport='yes' port='5900'", "autoport='yes'>\n      <listen type='address'/>"),
        ("port='0'", ">\n      <listen type='none'/>"),
    ] {
        let xml = format!(
            "<domain type='test'><name>g</name><memory>1024</memory><os><type>hvm</type></os><devices>\
             <graphics type='spice' {given}/></devices></domain>"
        );
        let domain = connection.create_domain(&xml, 0).unwrap();
        let text = domain.xml(0).unwrap().replace("type='spice'>", "type='spice' >");
        assert!(text.contains(&format!("<graphics type='spice' {shown}")), "{given}: {text}");
        domain.destroy().unwrap();
    }
}
