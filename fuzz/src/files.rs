//! What else comes from outside: URIs, headers of images.

use std::fs::File;
use std::io::Write as _;

use virtus::Uri;

pub(crate) fn uri(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(uri) = Uri::parse(text) {
        let _ = uri.transport();
        let _ = uri.switch("no_verify");
        let kept = uri.for_daemon(|_| true);
        // one without a driver is for no daemon, and neither is a path that begins nowhere
        let proper = uri.server.is_none() && uri.path.as_ref().is_none_or(|path| path.starts_with('/'));
        assert!(
            !proper || uri.driver().is_empty() || Uri::parse(&kept).is_ok(),
            "the daemon could not read '{kept}'"
        );
    }
}

pub(crate) fn image(data: &[u8]) {
    let memory = rustix::fs::memfd_create("image", rustix::fs::MemfdFlags::CLOEXEC);
    let Ok(mut file) = memory.map(File::from) else { return };
    if file.write_all(data).is_err() {
        return;
    }
    // an error is a fine answer
    let _ = virtus_host::image::probe(&file);
    for format in virtus_host::image::Format::ALL {
        let _ = virtus_host::image::read_as(&file, format);
    }
}

/// Configuration files of the daemons.
pub(crate) fn settings(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(found) = virtus_base::settings::Found::read("x.conf", text) {
        let _ = found.rest();
    }
    let _ = virtus_driver_qemu::settings::Settings::parse("qemu.conf", text);
}

/// What is written as a list of numbers, as an address or with a unit.
pub(crate) fn lists(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(bitmap) = virtus_base::Bitmap::parse(text) {
        let shown = bitmap.to_string();
        assert_eq!(
            virtus_base::Bitmap::parse(&shown).map(|b| b.to_string()),
            Some(shown).filter(|s| !s.is_empty())
        );
    }
    if let Some(mac) = virtus_conf::net::MacAddr::parse(text) {
        assert_eq!(virtus_conf::net::MacAddr::parse(&mac.to_string()), Some(mac));
    }
    if let Some(uuid) = virtus_base::Uuid::parse(text) {
        assert_eq!(virtus_base::Uuid::parse(&uuid.to_string()), Some(uuid));
    }
}
