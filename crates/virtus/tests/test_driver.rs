//! `test:///` as programs use it: opened, looked at and changed through the client alone.
#![allow(clippy::unwrap_used)] // tests, whose helpers clippy does not know as such

use std::sync::{Arc, Mutex};
use std::time::Duration;

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{Connection, ErrorCode, Event, Subject};

fn file_with(text: &str) -> (tempfile::NamedTempFile, Connection) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let connection = Connection::open(&format!("test://{}", file.path().display())).unwrap();
    (file, connection)
}

const DOMAIN: &str =
    "<domain type='test'><name>one</name><memory>1024</memory><os><type>hvm</type></os></domain>";

#[test]
fn the_default_host_has_a_running_domain() {
    let connection = Connection::open("test:///default").unwrap();
    assert_eq!(connection.uri(), "test:///default");
    assert_eq!(connection.call(Remote::connect_get_type()).unwrap(), "TEST");
    let domain = connection.call(Remote::domain_lookup_by_name("test".to_owned())).unwrap();
    assert_eq!(domain.id, 1);
    let xml = connection.call(Remote::domain_get_xml_desc(domain, 0)).unwrap();
    assert!(xml.starts_with("<domain type='test' id='1'>\n  <name>test</name>"), "{xml}");
    assert!(xml.contains("<target dev='testnet0'/>"), "{xml}");
    let missing = connection.call(Remote::domain_lookup_by_name("nope".to_owned())).unwrap_err();
    assert_eq!((missing.code(), missing.message()), (ErrorCode::NO_DOMAIN, "Domain not found"));
}

#[test]
fn a_file_is_a_host_of_its_own() {
    let (_file, one) = file_with(&format!("<node><memory>4096</memory>{DOMAIN}</node>"));
    let (_other, two) = file_with("<node/>");
    assert_eq!(one.call(Remote::connect_num_of_domains()).unwrap(), 1);
    assert_eq!(two.call(Remote::connect_num_of_domains()).unwrap(), 0);
    assert_eq!(one.call(Remote::node_get_info()).unwrap().memory, 4096);
    let error = Connection::open("test:///").unwrap_err();
    assert_eq!(error.code(), ErrorCode::INVALID_ARG);
    let error = Connection::open("test:///nowhere/at/all.xml").unwrap_err();
    assert!(error.message().contains("Failed to open file"), "{error}");
}

#[test]
fn what_happens_is_told_to_those_who_registered() {
    let (_file, connection) = file_with(&format!("<node>{DOMAIN}</node>"));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let registration = connection
        .on_event(Subject::Domain(None), VIR_DOMAIN_EVENT_ID_LIFECYCLE, move |_, event| {
            if let Event::Domain(domain, virtus::DomainEvent::Lifecycle { event, .. }) = event {
                sink.lock().unwrap().push((domain.name.clone(), *event));
            }
        })
        .unwrap();
    let domain = connection.call(Remote::domain_lookup_by_name("one".to_owned())).unwrap();
    connection.call(Remote::domain_suspend(domain.clone())).unwrap();
    connection.call(Remote::domain_destroy(domain.clone())).unwrap();
    assert_eq!(connection.run_events(Some(Duration::ZERO)).unwrap(), 2);
    let one = "one".to_owned();
    let expected = vec![(one.clone(), VIR_DOMAIN_EVENT_SUSPENDED), (one, VIR_DOMAIN_EVENT_STOPPED)];
    assert_eq!(*seen.lock().unwrap(), expected);
    connection.forget(registration).unwrap();
    connection.call(Remote::domain_create(domain)).unwrap();
    assert_eq!(connection.run_events(Some(Duration::ZERO)).unwrap(), 0);
}

#[test]
fn one_who_may_only_look_changes_nothing() {
    let connection = Connection::open_read_only("test:///default").unwrap();
    let domain = connection.call(Remote::domain_lookup_by_id(1)).unwrap();
    let error = connection.call(Remote::domain_destroy(domain)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::OPERATION_DENIED);
    assert!(error.message().contains("read only access prevents virDomainDestroy"), "{error}");
}

#[test]
fn a_host_with_users_asks_who_is_there() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "<node><auth><user password='pw'>me</user></auth></node>").unwrap();
    let uri = format!("test://{}?authfile=/nonexistent", file.path().display());
    let open = |password: &'static str| {
        virtus::OpenOptions::new()
            .auth(move |questions| {
                for question in questions {
                    let name = question.kind == virtus::CredentialKind::AuthName;
                    question.answer = Some(if name { "me" } else { password }.to_owned());
                }
                Ok(())
            })
            .open(Some(&format!("test://{}", file.path().display())))
    };
    assert!(open("pw").is_ok());
    assert_eq!(open("wrong").unwrap_err().code(), ErrorCode::AUTH_FAILED);
    assert!(Connection::open(&uri).is_err());
}

#[test]
fn pools_hold_volumes() {
    let connection = Connection::open("test:///default").unwrap();
    let pool = connection.call(Remote::storage_pool_lookup_by_name("default-pool".to_owned())).unwrap();
    let xml = "<volume><name>v1</name><capacity>4096</capacity></volume>".to_owned();
    let volume = connection.call(Remote::storage_vol_create_xml(pool.clone(), xml, 0)).unwrap();
    assert_eq!(volume.key, "/default-pool/v1");
    assert_eq!(connection.call(Remote::storage_pool_get_info(pool.clone())).unwrap().allocation, 4096);
    connection.call(Remote::storage_vol_delete(volume, 0)).unwrap();
    assert_eq!(connection.call(Remote::storage_pool_get_info(pool)).unwrap().allocation, 0);
}

/// A node whose parts are in files of their own, with domains in several states and a snapshot.
#[test]
fn a_file_may_name_others() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("one.xml", DOMAIN);
    write("net.xml", "<network><name>n</name></network>");
    let node = "<node>
      <cpu><mhz>6000</mhz><model>itanium</model><active>3</active></cpu>
      <domain file='one.xml'/>
      <domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
        <name>two</name><memory>1024</memory><os><type>hvm</type></os>
        <test:runstate>3</test:runstate>
        <test:domainsnapshot>
          <name>s</name><creationTime>5</creationTime><state>running</state><active>1</active>
        </test:domainsnapshot>
      </domain>
      <domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
        <name>three</name><memory>1024</memory><os><type>hvm</type></os>
        <test:runstate>5</test:runstate><test:hasmanagedsave/>
      </domain>
      <network file='net.xml'/>
      <pool type='dir'><name>p</name><target><path>/p</path></target>
        <volume><name>v</name><capacity>9</capacity></volume>
      </pool>
      <interface type='ethernet' name='eth7'/>
      <device><name>root</name><capability type='system'><hardware>
        <uuid>11111111-2222-3333-4444-555555555555</uuid></hardware></capability></device>
    </node>";
    write("node.xml", node);
    let uri = format!("test://{}", directory.path().join("node.xml").display());
    let connection = Connection::open(&uri).unwrap();
    let state = |name: &str| {
        let domain = connection.call(Remote::domain_lookup_by_name(name.to_owned())).unwrap();
        connection.call(Remote::domain_get_state(domain, 0)).unwrap().state
    };
    assert_eq!([state("one"), state("two"), state("three")], [1, 3, 5]);
    let three = connection.call(Remote::domain_lookup_by_name("three".to_owned())).unwrap();
    assert_eq!(connection.call(Remote::domain_has_managed_save_image(three, 0)).unwrap(), 1);
    let two = connection.call(Remote::domain_lookup_by_name("two".to_owned())).unwrap();
    assert_eq!(connection.call(Remote::domain_snapshot_current(two, 0)).unwrap().name, "s");
    assert_eq!(connection.call(Remote::connect_num_of_networks()).unwrap(), 1);
    assert_eq!(connection.call(Remote::connect_num_of_interfaces()).unwrap(), 1);
    assert_eq!(connection.call(Remote::node_num_of_devices(None, 0)).unwrap(), 1);
    assert_eq!(connection.call(Remote::node_get_info()).unwrap().cpus, 3);
    let key = "/p/v".to_owned();
    assert_eq!(connection.call(Remote::storage_vol_lookup_by_key(key)).unwrap().pool, "p");
}

#[test]
fn a_screen_comes_as_a_stream() {
    let connection = Connection::open("test:///default").unwrap();
    let domain = connection.call(Remote::domain_lookup_by_name("test".to_owned())).unwrap();
    let (kind, mut stream) = connection.open_stream(Remote::domain_screenshot(domain, 0, 0)).unwrap();
    assert_eq!(kind.as_deref(), Some("image/png"));
    let mut picture = Vec::new();
    std::io::copy(&mut stream, &mut picture).unwrap();
    stream.finish().unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
}

#[test]
fn what_is_saved_can_be_started_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("one.save").display().to_string();
    let (_file, connection) = file_with(&format!("<node>{DOMAIN}</node>"));
    let domain = connection.call(Remote::domain_lookup_by_name("one".to_owned())).unwrap();
    connection.call(Remote::domain_save(domain, path.clone())).unwrap();
    assert_eq!(connection.call(Remote::connect_num_of_domains()).unwrap(), 0);
    connection.call(Remote::domain_restore(path.clone())).unwrap();
    assert_eq!(connection.call(Remote::connect_num_of_domains()).unwrap(), 1);
    std::fs::write(&path, "no image").unwrap();
    let error = connection.call(Remote::domain_restore(path)).unwrap_err();
    assert!(error.message().contains("incomplete save header"), "{error}");
}
