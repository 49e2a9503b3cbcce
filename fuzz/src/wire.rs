//! What comes over sockets: packets, arguments of every procedure, answers, what QEMU says.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};

use tokio::io::AsyncWriteExt;
use virtus_api::{Call, Caller, ConnectionId, Drivers, Identity};
use virtus_qmp::{Monitor, Options};
use virtus_rpc::client::Client;
use virtus_rpc::{Deframer, Header};
use virtus_xdr::Reader;

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

/// Whether a task has panicked: its runtime keeps that to itself.
static PANICKED: AtomicBool = AtomicBool::new(false);
static WATCH: Once = Once::new();

/// What QEMU says on its monitor.
pub(crate) fn monitor(data: &[u8]) {
    WATCH.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICKED.store(true, Ordering::Relaxed);
            before(info);
        }));
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let Ok((ours, mut theirs)) = tokio::net::UnixStream::pair() else { return };
        let greeting = b"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 0, \"major\": 10}, \
                         \"package\": \"\"}, \"capabilities\": []}}\r\n{\"return\": {}, \"id\": 0}\r\n";
        let said = async {
            let _ = theirs.write_all(greeting).await;
            let _ = theirs.write_all(data).await;
            let _ = theirs.shutdown().await;
        };
        let options = Options { vm: "g".to_owned(), timeout: Some(std::time::Duration::from_millis(50)) };
        let heard = async {
            if let Ok((monitor, mut events, _)) = Monitor::connect(ours, options).await {
                while events.next().await.is_some() {}
                drop(monitor);
            }
        };
        tokio::join!(said, heard);
    });
    assert!(!PANICKED.load(Ordering::Relaxed), "the monitor's task panicked");
}
