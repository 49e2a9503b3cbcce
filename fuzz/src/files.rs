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
    for format in ["raw", "qcow", "qcow2", "qed", "vmdk", "vdi", "vpc", "iso", "bochs", "cloop"] {
        if let Some(format) = virtus_host::image::Format::from_name(format) {
            let _ = virtus_host::image::read_as(&file, format);
        }
    }
}
