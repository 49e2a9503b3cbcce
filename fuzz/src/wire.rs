//! What comes over sockets: packets, arguments of every procedure, answers, what QEMU says.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use virtus_api::network::NetworkDhcpLease;
use virtus_api::{
    Call, Caller, ConnectionId, DomainRef, DomainSnapshotRef, Drivers, Identity, InterfaceRef,
    NetworkPortRef, NodeDeviceRef, SecretRef, StorageVolRef,
};
use virtus_base::TypedParam;
use virtus_qmp::{Agent, Monitor, Options};
use virtus_rpc::client::Client;
use virtus_rpc::{Deframer, Header};
use virtus_xdr::{Decode, Encode, List, Reader};

/// Packets that come in pieces: the first byte says how large these are.
pub(crate) fn packets(data: &[u8]) {
    let Some((size, data)) = data.split_first() else { return };
    let (mut whole, mut pieces) = (Vec::new(), Vec::new());
    let read = |bytes: &[u8], out: &mut Vec<Vec<u8>>, deframer: &mut Deframer| {
        deframer
            .feed(bytes, |frame| {
                let _ = Header::read(&mut Reader::new(frame.body));
                out.push(frame.body.to_vec());
                ControlFlow::Continue(())
            })
            .is_ok()
    };
    let well = read(data, &mut whole, &mut Deframer::new());
    let mut deframer = Deframer::new();
    let piecemeal =
        data.chunks(usize::from(*size).max(1)).all(|piece| read(piece, &mut pieces, &mut deframer));
    assert_eq!((well, whole), (piecemeal, pieces), "it depends on how the bytes come");
}

/// Arguments: the first two bytes choose the procedure.
pub(crate) fn arguments(data: &[u8]) {
    let Some((choice, body)) = data.split_first_chunk::<2>() else { return };
    let number = usize::from(u16::from_be_bytes(*choice));
    let count = virtus_api::procedures().count();
    let Some(procedure) = virtus_api::procedures().nth(number % count) else { return };
    let caller = Arc::new(Caller::new(ConnectionId(1), Identity::default(), false));
    let call = Arc::new(Call::new(caller, procedure.function, Vec::new()));
    // nobody is there to be asked, but the arguments are read
    drop(procedure.run(&Drivers::default(), call, body));
}

/// What a server answers a client.
pub(crate) fn answers(data: &[u8]) {
    let mut client = Client::new();
    let serial = client.call(0x2000_8086, 1, 1, &[], Vec::new(), true);
    let mut fds = VecDeque::new();
    for piece in data.chunks(97) {
        if client.feed(piece, &mut fds).is_err() {
            return;
        }
    }
    if let Some(answer) = client.take_answer(serial) {
        drop(answer);
    }
    while client.take_message().is_some() {}
    while client.take_piece(serial).is_some() {}
}

/// Values are written as they were read.
pub(crate) fn values(data: &[u8]) {
    fn same<T: Encode + Decode>(data: &[u8]) {
        if let Ok(value) = virtus_xdr::decode::<T>(data) {
            assert_eq!(virtus_xdr::encode(&value).ok().as_deref(), Some(data), "another value");
        }
    }
    let Some((choice, data)) = data.split_first() else { return };
    match choice % 9 {
        0 => same::<List<TypedParam, 64>>(data),
        1 => same::<(DomainRef, Option<String>, u32)>(data),
        2 => same::<List<Option<String>, 64>>(data),
        3 => same::<List<NetworkDhcpLease, 64>>(data),
        4 => same::<List<(StorageVolRef, u64), 64>>(data),
        5 => same::<(Option<DomainSnapshotRef>, List<NodeDeviceRef, 64>, i64)>(data),
        6 => same::<(List<(SecretRef, bool), 64>, List<u32, 64>)>(data),
        7 => same::<(List<NetworkPortRef, 64>, Option<InterfaceRef>)>(data),
        _ => same::<List<List<TypedParam, 64>, 64>>(data),
    }
}

/// Whether a task has panicked: its runtime keeps that to itself.
static PANICKED: AtomicBool = AtomicBool::new(false);
static WATCH: Once = Once::new();

/// Runs something beside a runtime's tasks, none of which may panic.
fn run(what: impl Future<Output = ()>) {
    WATCH.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICKED.store(true, Ordering::Relaxed);
            before(info);
        }));
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(what);
    assert!(!PANICKED.load(Ordering::Relaxed), "a task panicked");
}

/// What QEMU says on its monitor: without a mark in front its events and replies, with one its greeting too.
pub(crate) fn monitor(data: &[u8]) {
    const GREETING: &[u8] =
        b"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 0, \"major\": 10}, \
                              \"package\": \"\"}, \"capabilities\": []}}\r\n{\"return\": {}, \"id\": 0}\r\n";
    let (greeting, data) = match data.strip_prefix(b"!") {
        Some(data) => (&b""[..], data),
        None => (GREETING, data),
    };
    run(async {
        let Ok((ours, mut theirs)) = tokio::net::UnixStream::pair() else { return };
        let said = async {
            let _ = theirs.write_all(greeting).await;
            let _ = theirs.write_all(data).await;
            let _ = theirs.shutdown().await;
        };
        let options = Options { vm: "g".to_owned(), timeout: Some(Duration::from_millis(50)) };
        let heard = async {
            if let Ok((monitor, mut events, _)) = Monitor::connect(ours, options).await {
                let asked = monitor.submit(&virtus_qmp::command::QueryStatus {});
                while events.next().await.is_some() {}
                drop(asked);
                drop(monitor);
            }
        };
        tokio::join!(said, heard);
    });
}

/// What a guest's agent says, in synchronisation or out of it.
pub(crate) fn agent(data: &[u8]) {
    run(async {
        let Ok((ours, mut theirs)) = tokio::net::UnixStream::pair() else { return };
        let agent = Agent::attach(ours);
        let said = async {
            let mut asked = [0; 512];
            let count = theirs.read(&mut asked).await.unwrap_or(0);
            // one that answers what it was asked, before it begins to talk
            let asked = String::from_utf8_lossy(asked.get(..count).unwrap_or_default());
            let id = asked.split_once("\"id\":").and_then(|(_, rest)| rest.split('}').next());
            let answer = format!("{{\"return\": {}}}\n", id.unwrap_or("0"));
            let _ = theirs.write_all(answer.as_bytes()).await;
            let _ = theirs.write_all(data).await;
            let _ = theirs.shutdown().await;
        };
        let limit = Some(Duration::from_millis(50));
        let heard = agent.execute("guest-info", serde_json::Value::Null, limit);
        let _ = tokio::join!(said, heard);
    });
}
