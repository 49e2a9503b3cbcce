//! How fast packets are cut out of bytes, and arguments read.

use std::ops::ControlFlow;
use std::sync::Arc;

use divan::counter::ItemsCount;
use virtus::calls::Remote;
use virtus_api::{Call, Caller, ConnectionId, Drivers, Identity};
use virtus_rpc::{Deframer, Header, Kind, Status, write_packet};

fn main() {
    divan::main();
}

const MANY: u32 = 1000;

fn packets() -> Vec<u8> {
    let mut out = Vec::new();
    for serial in 0..MANY {
        let header = Header {
            program: 0x2000_8086,
            version: 1,
            procedure: 23,
            kind: Kind::CALL,
            serial,
            status: Status::OK,
        };
        write_packet(&mut out, &header, 0, |body| body.extend(b"\0\0\0\x05alpha\0\0\0"));
    }
    out
}

#[divan::bench]
fn cut(bencher: divan::Bencher<'_, '_>) {
    let bytes = packets();
    bencher.counter(ItemsCount::new(MANY)).bench(|| {
        let mut seen = 0_u32;
        let cut = Deframer::new().feed(divan::black_box(&bytes), |_| {
            seen += 1;
            ControlFlow::Continue(())
        });
        (cut.is_ok(), seen)
    });
}

#[divan::bench]
fn read_arguments(bencher: divan::Bencher<'_, '_>) {
    let procedure = virtus_api::find_procedure(virtus_api::Program::REMOTE, 23);
    let request = Remote::domain_lookup_by_name("alpha".to_owned());
    let body = request.arguments().unwrap_or_default();
    let caller = Arc::new(Caller::new(ConnectionId(1), Identity::default(), false));
    let drivers = Drivers::default();
    bencher.bench(|| {
        let call = Arc::new(Call::new(Arc::clone(&caller), "virDomainLookupByName", Vec::new()));
        procedure.map(|procedure| drop(procedure.run(&drivers, call, divan::black_box(body))))
    });
}
