//! Writing a volume's document.

use virtus_xml::{WriteOptions, Writer};

use super::*;

impl Volume {
    /// The document.
    pub fn format(&self) -> String {
        let mut w = Writer::new(WriteOptions::default());
        w.start("volume");
        w.attr("type", self.kind.as_str());
        w.element_text("name", &self.name);
        w.element_text("key", &self.key);
        let sizes = [
            ("capacity", Some(self.capacity)),
            ("allocation", Some(self.allocation.unwrap_or(self.capacity))),
            ("physical", Some(self.physical).filter(|length| *length > 0)),
        ];
        for (name, size) in sizes {
            let Some(size) = size else { continue };
            w.start(name);
            w.attr("unit", "bytes");
            w.text_value(&size);
            w.end();
        }
        self.target.write("target", &mut w);
        if let Some(backing) = &self.backing {
            backing.write("backingStore", &mut w);
        }
        w.end();
        w.finish()
    }
}

impl VolumeTarget {
    fn write(&self, element: &'static str, w: &mut Writer) {
        w.start(element);
        if !self.path.is_empty() {
            w.element_text("path", &self.path);
        }
        w.start("format");
        w.attr("type", self.format.as_str());
        w.end();
        self.permissions.write(w);
        if let Some(times) = &self.times {
            w.start("timestamps");
            for (name, time) in [
                ("atime", times.access),
                ("mtime", times.modification),
                ("ctime", times.change),
                ("btime", times.birth),
            ] {
                match time.nanos {
                    0 => w.element_fmt(name, format_args!("{}", time.seconds)),
                    nanos => w.element_fmt(name, format_args!("{}.{nanos:09}", time.seconds)),
                }
            }
            w.end();
        }
        if let Some(encryption) = &self.encryption {
            w.element("encryption", encryption);
        }
        if let Some(compat) = &self.compat {
            w.element_text("compat", compat);
        }
        if self.cluster_size > 0 {
            w.start("clusterSize");
            w.attr("unit", "B");
            w.text_value(&self.cluster_size);
            w.end();
        }
        if let Some(features) = self.features {
            w.start("features");
            let named = [("lazy_refcounts", features.lazy_refcounts), ("extended_l2", features.extended_l2)];
            named.into_iter().filter(|(_, on)| *on).for_each(|(name, _)| w.empty(name));
            w.end();
        }
        w.end();
    }
}
