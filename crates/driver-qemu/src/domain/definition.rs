//! A definition in the form it is kept: text, with the few figures that listings and statistics ask for.

use std::sync::{Arc, OnceLock};

use virtus_base::Result;
use virtus_conf::domain as conf;

use crate::migratable;

/// A persistent definition. Only the text is kept, for a host may have thousands that nobody looks into; the
/// model is read from it when one is needed.
#[derive(Debug)]
pub struct Definition {
    /// The document, inactive and with its secrets: what is in the file.
    text: Box<str>,
    /// Figures.
    pub summary: Summary,
}

/// What is asked of a definition often.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The maximum of memory, in KiB.
    pub max_memory: u64,
    /// The memory the guest has without its balloon's part, in KiB.
    pub memory: u64,
    /// vCPUs online.
    pub vcpus: u32,
    /// vCPUs at most.
    pub max_vcpus: u32,
    /// The operating system's type, e.g. `hvm`.
    pub os_type: &'static str,
    /// Disks: target and path.
    pub disks: Box<[DiskSummary]>,
}

/// What is asked of a disk often.
#[derive(Clone, Debug, PartialEq)]
pub struct DiskSummary {
    /// Its target, e.g. `vda`.
    pub target: Box<str>,
    /// Its file or device.
    pub path: Option<Box<str>>,
}

impl Summary {
    /// The figures of a model.
    pub fn of(domain: &conf::Domain) -> Summary {
        let memory = domain.memory.size.0;
        Summary {
            max_memory: memory,
            memory: domain.current_memory.map_or(memory, |m| m.0),
            vcpus: domain.vcpu.online(),
            max_vcpus: domain.vcpu.max,
            os_type: domain.os.kind.name.as_str(),
            disks: domain
                .devices
                .disks
                .iter()
                .map(|d| DiskSummary {
                    target: d.rest.target.dev.as_str().into(),
                    path: crate::domain::disk_path(d).map(Into::into),
                })
                .collect(),
        }
    }
}

/// How a definition is written to its file.
const FILE: conf::FormatOptions =
    conf::FormatOptions { inactive: true, secure: true, migratable: false, status: false, indent: 0 };

impl Definition {
    /// The definition a model amounts to.
    pub fn new(domain: &conf::Domain) -> Definition {
        Definition { text: domain.format(&FILE).into_boxed_str(), summary: Summary::of(domain) }
    }

    /// The definition in a file that a daemon has written: its document is kept as it is. `domain` is the model
    /// read from it.
    pub fn from_file(file: &str, domain: &conf::Domain) -> Definition {
        match super::status::without_header(file) {
            Some(text) => Definition { text: text.into(), summary: Summary::of(domain) },
            // somebody has written it by hand
            None => Definition::new(domain),
        }
    }

    /// The document as it is in the file.
    pub fn file_text(&self) -> &str {
        &self.text
    }

    /// The model.
    ///
    /// # Errors
    /// None, unless this daemon writes what it cannot read.
    pub fn model(&self) -> Result<conf::Domain> {
        conf::Domain::parse(
            &self.text,
            &conf::ParseOptions { inactive: true, skip_validate: true, strict: false },
        )
    }

    /// The document for a client.
    ///
    /// # Errors
    /// As [`Definition::model`].
    pub fn format(&self, options: &conf::FormatOptions) -> Result<String> {
        let plain = !options.migratable && !options.status && options.indent == 0;
        if plain && options.inactive && (options.secure || !has_secrets(&self.text)) {
            return Ok(self.text.clone().into_string());
        }
        let model = self.model()?;
        Ok(if options.migratable {
            migratable::reduced(&model).format(options)
        } else {
            model.format(options)
        })
    }
}

/// Whether a document holds what only a privileged caller may read: passwords of displays.
fn has_secrets(text: &str) -> bool {
    text.contains(" passwd='")
}

/// A running domain's definition.
#[derive(Debug)]
pub struct Live {
    /// The model.
    pub model: conf::Domain,
    /// Figures.
    pub summary: Summary,
    text: OnceLock<Arc<str>>,
}

impl Live {
    /// The live definition a model amounts to.
    pub fn new(model: conf::Domain) -> Live {
        Live { summary: Summary::of(&model), model, text: OnceLock::new() }
    }

    /// The document for a client.
    pub fn format(&self, options: &conf::FormatOptions) -> String {
        if *options == conf::FormatOptions::default() {
            return self.text.get_or_init(|| self.model.format(options).into()).to_string();
        }
        match options.migratable {
            true => migratable::reduced(&self.model).format(options),
            false => self.model.format(options),
        }
    }
}
