//! How fast documents are read and printed.

use std::path::{Path, PathBuf};

use divan::counter::{BytesCount, ItemsCount};
use virtus_base::Result;
use virtus_conf::checkpoint::Checkpoint;
use virtus_conf::domain::{Domain, FormatOptions, ParseOptions};
use virtus_conf::interface::Interface;
use virtus_conf::network::{Network, NetworkPort};
use virtus_conf::nodedev::NodeDevice;
use virtus_conf::nwfilter::{Binding, Filter};
use virtus_conf::secret::Secret;
use virtus_conf::snapshot::{Snapshot, SnapshotOptions};
use virtus_conf::storage::{Capacity, Pool, Volume};

fn main() {
    divan::main();
}

const OPTIONS: ParseOptions = ParseOptions { inactive: true, skip_validate: false, strict: false };
const SHOWN: FormatOptions =
    FormatOptions { inactive: true, secure: false, migratable: false, status: false, indent: 0 };

/// Definitions as people have them: those of the driver's tests.
fn typical() -> Vec<String> {
    texts("../crates/driver-qemu/tests/argv")
}

fn texts(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let documents = files.filter(|path: &PathBuf| path.extension().is_some_and(|ending| ending == "xml"));
    documents.filter_map(|path| std::fs::read_to_string(path).ok()).collect()
}

#[divan::bench]
fn read_and_print(bencher: divan::Bencher<'_, '_>) {
    let documents = typical();
    let bytes: usize = documents.iter().map(String::len).sum();
    bencher.counter(ItemsCount::new(documents.len())).counter(BytesCount::new(bytes)).bench(|| {
        let mut length = 0;
        for xml in &documents {
            if let Ok(domain) = Domain::parse(divan::black_box(xml), &OPTIONS) {
                length += domain.format(&SHOWN).len();
            }
        }
        length
    });
}

#[divan::bench]
fn read(bencher: divan::Bencher<'_, '_>) {
    let documents = typical();
    bencher.counter(ItemsCount::new(documents.len())).bench(|| {
        documents.iter().filter(|xml| Domain::parse(divan::black_box(xml), &OPTIONS).is_ok()).count()
    });
}

#[divan::bench]
fn print(bencher: divan::Bencher<'_, '_>) {
    let documents = typical();
    let domains: Vec<Domain> = documents.iter().filter_map(|xml| Domain::parse(xml, &OPTIONS).ok()).collect();
    bencher
        .counter(ItemsCount::new(domains.len()))
        .bench(|| domains.iter().map(|domain| divan::black_box(domain).format(&SHOWN).len()).sum::<usize>());
}

/// A domain with many disks: nothing may grow faster than they do.
#[divan::bench(args = [10, 100, 1000])]
fn many_disks(bencher: divan::Bencher<'_, '_>, count: u32) {
    let disks: String = (0..count)
        .map(|i| {
            let letter = |n: u32| char::from(b'a' + u8::try_from(n % 26).unwrap_or(0));
            let name: String = [letter(i / 676), letter(i / 26), letter(i)].iter().collect();
            format!("<disk type='file'><source file='/images/{i}.img'/><target dev='vd{name}' bus='virtio'/></disk>")
        })
        .collect();
    let xml = format!(
        "<domain type='qemu'><name>g</name><memory>65536</memory><os><type>hvm</type></os><devices>{disks}</devices></domain>"
    );
    bencher.counter(ItemsCount::new(count)).bench(|| {
        Domain::parse(divan::black_box(&xml), &OPTIONS).map(|domain| domain.format(&SHOWN).len()).is_ok()
    });
}

/// Every other document, of which fuzzing has examples.
macro_rules! others {
    ($($name:ident: $read:expr, $print:expr;)*) => {$(
        #[divan::bench]
        fn $name(bencher: divan::Bencher<'_, '_>) {
            read_and_print_each(bencher, stringify!($name), $read, $print);
        }
    )*};
}
others! {
    network: |xml| Network::parse(xml, false), |network| network.format(true);
    port: |xml| NetworkPort::parse(xml, false), NetworkPort::format;
    pool: |xml| Pool::parse(xml, false), Pool::format;
    volume: |xml| Volume::parse(xml, Capacity::Optional, false), Volume::format;
    secret: |xml| Secret::parse(xml, false), Secret::format;
    filter: |xml| Filter::parse(xml, false), Filter::format;
    binding: |xml| Binding::parse(xml, false), Binding::format;
    interface: |xml| Interface::parse(xml, false), Interface::format;
    nodedev: |xml| NodeDevice::parse(xml, None), NodeDevice::format;
    snapshot: |xml| Snapshot::parse(xml, SNAPSHOT, &Domain::from_element), |snapshot| snapshot.format_file(true);
    checkpoint: |xml| Checkpoint::parse_file(xml, &Domain::from_element), |checkpoint| checkpoint.format_file(true);
}

const SNAPSHOT: SnapshotOptions = SnapshotOptions { redefine: true, strict: false, now: 1 };

fn read_and_print_each<T>(
    bencher: divan::Bencher<'_, '_>,
    name: &str,
    read: impl Fn(&str) -> Result<T> + Sync,
    print: impl Fn(&T) -> String + Sync,
) {
    let mut documents = texts(&format!("../fuzz/corpus/{name}"));
    documents.retain(|xml| read(xml).is_ok());
    assert!(!documents.is_empty(), "there is no {name}");
    let all = || documents.iter().filter_map(|xml| read(divan::black_box(xml)).ok());
    bencher
        .counter(ItemsCount::new(documents.len()))
        .bench(|| all().map(|document| print(&document).len()).sum::<usize>());
}
