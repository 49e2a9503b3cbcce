//! How fast documents are read and printed.

use std::path::{Path, PathBuf};

use divan::counter::{BytesCount, ItemsCount};
use virtus_conf::domain::{Domain, FormatOptions, ParseOptions};

fn main() {
    divan::main();
}

const OPTIONS: ParseOptions = ParseOptions { inactive: true, skip_validate: false, strict: false };
const SHOWN: FormatOptions =
    FormatOptions { inactive: true, secure: false, migratable: false, status: false, indent: 0 };

/// Definitions as people have them: those of the driver's tests.
fn typical() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/driver-qemu/tests/argv");
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
