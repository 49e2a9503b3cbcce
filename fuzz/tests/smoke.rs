//! A short run of each target: its corpus, and what a fixed sequence of accidents makes of it. `cargo test -p virtus-fuzz`.

use std::path::Path;

use virtus_fuzz::{TARGETS, Target};

/// How many broken inputs are made of each whole one, unless `VIRTUS_ACCIDENTS` says otherwise.
const ACCIDENTS: usize = 60;

/// Numbers without any rule that anybody would notice, the same each time (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap_or(0)
    }
}

/// One accident: bytes are changed, lost, doubled, or come from another input.
fn break_it(input: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    let at = chance.below(input.len());
    let length = chance.below(16).min(input.len() - at);
    match chance.below(7) {
        0 if !input.is_empty() => input[at] ^= 1 << chance.below(8),
        1 => drop(input.drain(at..at + length)),
        2 => {
            let part = input[at..at + length].to_vec();
            input.splice(at..at, part);
        }
        3 => input.truncate(at),
        4 => {
            let from = chance.below(other.len());
            let part = other[from..].iter().copied().take(length + 1).collect::<Vec<_>>();
            input.splice(at..at, part);
        }
        5 => {
            let word = [0_u32, 1, u32::MAX, 0x7fff_ffff, 0x8000_0000, 0x0100_0000][chance.below(6)];
            input.splice(at..at + length.min(4), word.to_be_bytes());
        }
        _ => {
            let odd = b"<>&'\"/\0\xff-09 ";
            input.insert(at, odd[chance.below(odd.len())]);
        }
    }
}

/// The files of a target's corpus, in an order that does not change.
fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}

#[test]
fn no_target_breaks_on_a_few_accidents() {
    let accidents = std::env::var("VIRTUS_ACCIDENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(ACCIDENTS);
    let mut broken_by = std::collections::BTreeMap::new();
    for target in TARGETS {
        let corpus = corpus(target);
        assert!(!corpus.is_empty(), "{} has no corpus", target.name);
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        (target.run)(&[]);
        for input in &corpus {
            (target.run)(input);
            for _ in 0..accidents {
                let mut broken = input.clone();
                for _ in 0..=chance.below(4) {
                    let other = corpus[chance.below(corpus.len())].clone();
                    break_it(&mut broken, &other, &mut chance);
                }
                if let Err(e) = std::panic::catch_unwind(|| (target.run)(&broken)) {
                    let what = e.downcast_ref::<String>().cloned().unwrap_or_default();
                    let first = what.lines().next().unwrap_or_default().to_owned();
                    broken_by.entry((target.name, first)).or_insert((what, broken));
                }
            }
        }
    }
    for ((name, _), (what, input)) in &broken_by {
        println!("{name}: {what}\non {}\n", input.escape_ascii());
    }
    assert!(broken_by.is_empty(), "{} targets broke", broken_by.len());
}

#[test]
fn every_procedure_survives_a_few_words() {
    let arguments = virtus_fuzz::find("arguments").expect("the target");
    let mut chance = Chance(7);
    for number in 0..600_u16 {
        for _ in 0..40 {
            let mut data = number.to_be_bytes().to_vec();
            for _ in 0..chance.below(24) {
                let small = u32::try_from(chance.below(5)).unwrap_or(0);
                let word = [small, small, small, u32::MAX, 0x7fff_ffff, 0x6162_6300][chance.below(6)];
                data.extend(word.to_be_bytes());
            }
            (arguments.run)(&data);
        }
    }
}
