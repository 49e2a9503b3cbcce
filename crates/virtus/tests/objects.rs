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
