//! Writing a pool's document.

use virtus_xml::{WriteOptions, Writer, YesNo};

use super::*;

impl Pool {
    /// The document.
    pub fn format(&self) -> String {
        let mut w = Writer::new(WriteOptions::default());
        self.write(&mut w);
        w.finish()
    }

    /// The document of an active pool's status file.
    pub fn format_state(&self) -> String {
        let mut w = Writer::new(WriteOptions::default());
        w.start("poolstate");
        self.write(&mut w);
        w.end();
        w.finish()
    }

    fn write(&self, w: &mut Writer) {
        w.start("pool");
        w.attr("type", self.kind.as_str());
        let has_options = !self.mount_options.is_empty() || !self.rbd_options.is_empty();
        if let Some((prefix, namespace)) = self.kind.namespace().filter(|_| has_options) {
            w.attr(prefix, namespace);
        }
        w.element_text("name", &self.name);
        w.element_fmt("uuid", format_args!("{}", self.uuid));
        if let Some(state) = self.cow {
            w.start("features");
            w.start("cow");
            w.attr("state", YesNo::as_str(state));
            w.end();
            w.end();
        }
        for (name, size) in [
            ("capacity", self.sizes.capacity),
            ("allocation", self.sizes.allocation),
            ("available", self.sizes.available),
        ] {
            w.start(name);
            w.attr("unit", "bytes");
            w.text_value(&size);
            w.end();
        }
        self.source.write(self.kind, w);
        if let Some(target) = &self.target {
            target.write(w);
        }
        if !self.mount_options.is_empty() {
            w.start("fs:mount_opts");
            for option in &self.mount_options {
                w.start("fs:option");
                w.attr("name", option);
                w.end();
            }
            w.end();
        }
        if !self.rbd_options.is_empty() {
            w.start("rbd:config_opts");
            for (name, value) in &self.rbd_options {
                w.start("rbd:option");
                w.attr("name", name);
                w.attr("value", value);
                w.end();
            }
            w.end();
        }
        w.end();
    }
}

impl Target {
    fn write(&self, w: &mut Writer) {
        w.start("target");
        w.element_text("path", &self.path);
        self.permissions.write(w);
        w.end();
    }
}

impl Permissions {
    pub(super) fn write(&self, w: &mut Writer) {
        if *self == Permissions::default() {
            return;
        }
        w.start("permissions");
        if let Some(mode) = self.mode {
            w.element_fmt("mode", format_args!("0{mode:o}"));
        }
        if let Some(owner) = self.owner {
            w.element_fmt("owner", format_args!("{owner}"));
        }
        if let Some(group) = self.group {
            w.element_fmt("group", format_args!("{group}"));
        }
        if let Some(label) = &self.label {
            w.element_text("label", label);
        }
        w.end();
    }
}
