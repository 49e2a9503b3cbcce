//! The procedure table, and a call's way through it.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use virtus_api::calls::Remote;
use virtus_api::*;
use virtus_base::{ErrorCode, Result, Uuid};

/// A hypervisor that only remembers which domains were started.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

#[async_trait::async_trait]
impl DomainLifecycle for Recorder {
    async fn domain_create(&self, _: &Call, dom: DomainRef) -> Result<()> {
        self.0.lock().unwrap().push(dom.name);
        Ok(())
    }
}

macro_rules! nothing_else {
    ($($trait:ident),*) => { $(impl $trait for Recorder {})* };
}
nothing_else!(
    Features,
    Connections,
    Node,
    NodeDeviceAssignment,
    DomainInfo,
    DomainSave,
    DomainStats,
    DomainTuning,
    DomainDevices,
    DomainBlock,
    DomainJobs,
    DomainMigration,
    DomainConsole,
    DomainAgent,
    DomainSnapshots,
    DomainCheckpoints,
    QemuCalls,
    LxcCalls
);

fn call(read_only: bool) -> Arc<Call> {
    let caller = Arc::new(Caller::new(ConnectionId(1), Identity::default(), read_only));
    Arc::new(Call::new(caller, "", Vec::new()))
}

/// The wire without a wire: a request goes straight to the table.
struct Loopback {
    drivers: Drivers,
    read_only: bool,
}

impl Loopback {
    async fn call<R: virtus_xdr::Decode>(&self, request: Request<R>) -> Result<R> {
        let procedure =
            procedures().find(|p| p.program == request.program && p.number == request.number).unwrap();
        let reply = procedure.run(&self.drivers, call(self.read_only), request.arguments()?).await?;
        request.reply(&reply)
    }
}

fn loopback(read_only: bool) -> (Arc<Recorder>, Loopback) {
    let recorder = Arc::new(Recorder::default());
    let drivers = Drivers { hypervisor: Some(recorder.clone()), ..Drivers::default() };
    (recorder, Loopback { drivers, read_only })
}

fn alpha() -> DomainRef {
    DomainRef { name: "alpha".into(), uuid: Uuid([7; 16]), id: -1 }
}

#[test]
fn every_procedure_stands_once() {
    let mut seen = HashSet::new();
    for p in procedures() {
        assert!(seen.insert((p.program.0, p.number)), "{p:?} stands twice");
        assert!(!p.checks.is_empty(), "{p:?} declares no permission");
    }
    let of = |program: Program| procedures().filter(|p| p.program == program).count();
    // of the 453 remote procedures 53 are messages to the client, and one of the seven of QEMU
    assert_eq!(
        [of(Program::REMOTE), of(Program::QEMU), of(Program::LXC), of(Program::ADMIN)],
        [400, 6, 1, 20]
    );
}

#[tokio::test]
async fn a_call_reaches_the_driver_and_comes_back() {
    let (recorder, remote) = loopback(false);
    remote.call(Remote::domain_create(alpha())).await.unwrap();
    assert_eq!(*recorder.0.lock().unwrap(), ["alpha"]);
    let error = remote.call(Remote::domain_destroy(alpha())).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NO_SUPPORT);
    assert_eq!(error.message(), "this function is not supported by the connection driver: virDomainDestroy");
}

#[tokio::test]
async fn a_read_only_caller_may_only_look() {
    let (recorder, remote) = loopback(true);
    let error = remote.call(Remote::domain_create(alpha())).await.unwrap_err();
    assert_eq!(error.message(), "operation forbidden: read only access prevents virDomainCreate");
    assert!(recorder.0.lock().unwrap().is_empty());
    // it may ask for the XML, but not for the secrets in it
    let ask =
        async |flags| remote.call(Remote::domain_get_xml_desc(alpha(), flags)).await.unwrap_err().code();
    assert_eq!(ask(0).await, ErrorCode::NO_SUPPORT);
    assert_eq!(ask(constants::VIR_DOMAIN_XML_SECURE).await, ErrorCode::OPERATION_DENIED);
}

#[test]
fn an_event_is_told_with_or_without_a_callback_id() {
    let event = event::DomainEvent::Pmwakeup { reason: 3 };
    let (mut legacy, mut callback) = (Vec::new(), Vec::new());
    event.encode_legacy(&alpha(), &mut legacy);
    event.encode_callback(9, &alpha(), &mut callback);
    assert_eq!(callback[..8], [0, 0, 0, 9, 0, 0, 0, 3]);
    assert_eq!(callback[8..], legacy);
}

#[test]
fn an_event_is_read_as_it_was_told() {
    let event = event::DomainEvent::Pmwakeup { reason: 3 };
    let (mut legacy, mut callback) = (Vec::new(), Vec::new());
    event.encode_legacy(&alpha(), &mut legacy);
    event.encode_callback(9, &alpha(), &mut callback);
    let told = Event::decode(Program::REMOTE, event.callback_procedure(), &callback).unwrap().unwrap();
    assert_eq!(told, Told { callback: Some(9), event: Event::Domain(alpha(), event.clone()) });
    let told = Event::decode(Program::REMOTE, event.legacy_procedure().unwrap(), &legacy).unwrap().unwrap();
    // the reason does not travel the old way
    let unsaid = event::DomainEvent::Pmwakeup { reason: 0 };
    assert_eq!(told, Told { callback: None, event: Event::Domain(alpha(), unsaid) });
    callback.push(0);
    assert!(Event::decode(Program::REMOTE, event.callback_procedure(), &callback).unwrap().is_err());
    assert!(Event::decode(Program::REMOTE, 9, &callback).is_none());
}
