//! What the driver can do with storage, as a document.

use virtus_conf::storage::{Kind, VolumeFormat};
use virtus_xml::{WriteOptions, Writer};

/// What a volume of a disk is formatted as.
const PARTITIONS: [&str; 8] =
    ["none", "linux", "fat16", "fat32", "linux-swap", "linux-lvm", "linux-raid", "extended"];

/// What volumes of a kind of pool are: the format they have unless they say another, and all formats.
fn volumes(kind: Kind) -> Option<(&'static str, Vec<&'static str>)> {
    match kind {
        Kind::Dir | Kind::Fs | Kind::Netfs | Kind::Gluster | Kind::Vstorage => {
            let files = VolumeFormat::ALL.iter().map(|format| format.as_str());
            Some(("raw", std::iter::once("none").chain(files).collect()))
        }
        Kind::Disk => Some(("none", PARTITIONS.to_vec())),
        Kind::Rbd => Some(("raw", Vec::new())),
        _ => None,
    }
}

/// The formats of a kind's sources in the order they are told in, after the one that is taken unless another is said.
fn sources(kind: Kind) -> Option<(&'static str, Vec<&'static str>)> {
    let formats = kind.formats();
    let default = formats.first()?;
    let mut told = formats.to_vec();
    if kind == Kind::Logical {
        // the only kind whose default is not told first
        told.reverse();
    }
    Some((default, told))
}

/// The document, of which pools of the kinds `usable` can be started.
pub(crate) fn document(usable: &[Kind]) -> String {
    let mut w = Writer::new(WriteOptions::default());
    w.start("storagepoolCapabilities");
    for kind in Kind::ALL {
        w.start("pool");
        w.attr("type", kind.as_str());
        w.attr("supported", if usable.contains(kind) { "yes" } else { "no" });
        w.keep_open();
        options(&mut w, "poolOptions", "sourceFormatType", sources(*kind));
        options(&mut w, "volOptions", "targetFormatType", volumes(*kind));
        w.end();
    }
    w.end();
    w.finish()
}

fn options(w: &mut Writer, element: &'static str, name: &str, formats: Option<(&str, Vec<&str>)>) {
    let Some((default, all)) = formats else { return };
    w.start(element);
    w.start("defaultFormat");
    w.attr("type", default);
    w.end();
    w.start("enum");
    w.attr("name", name);
    w.keep_open();
    for format in all {
        w.element_text("value", format);
    }
    w.end();
    w.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_told_with_its_formats() {
        let text = document(&[Kind::Dir]);
        assert!(
            text.starts_with(
                "<storagepoolCapabilities>\n  <pool type='dir' supported='yes'>\n    <volOptions>"
            )
        );
        assert!(text.contains("<pool type='iscsi' supported='no'>\n  </pool>\n"));
        assert!(text.contains("<defaultFormat type='lvm2'/>\n      <enum name='sourceFormatType'>\n        <value>unknown</value>"));
        assert_eq!(text.matches("<pool ").count(), Kind::ALL.len());
    }
}
