//! One target of `virtus-fuzz`, chosen by `VIRTUS_FUZZ`, under libFuzzer.
#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<virtus_fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("VIRTUS_FUZZ").unwrap_or_default();
    virtus_fuzz::find(&name).unwrap_or_else(|| panic!("no target is called '{name}'"))
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.run)(data));
