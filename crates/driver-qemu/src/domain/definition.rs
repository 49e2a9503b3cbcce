//! A definition in the form it is kept: text, with the few figures that listings and statistics ask for.

use std::sync::{Arc, OnceLock};

use virtus_base::{ErrorDomain, Result, Uuid};
use virtus_conf::domain as conf;
use virtus_host::image::Format;
use virtus_xml::{Document, Element, ReadOptions};

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
    /// How its image is stored.
    pub format: Format,
}

/// An image's format by its name; nothing said is the image itself.
fn format(name: Option<&str>) -> Format {
    name.and_then(Format::from_name).unwrap_or(Format::Raw)
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
                    target: d.dst().into(),
                    path: crate::domain::disk_path(d).map(Into::into),
                    format: format(d.driver.format.as_deref()),
                })
                .collect(),
        }
    }
}

/// Name, UUID and summary of a document; `None` when one of them cannot be told at a glance.
fn skim(root: Element<'_>) -> Option<(String, Uuid, Summary)> {
    let text = |name: &str| root.child(name)?.text();
    // what the daemon has written is in KiB
    let size = |name: &str| {
        let e = root.child(name).filter(|e| e.attr("unit") == Some("KiB"))?;
        e.text()?.parse::<u64>().ok()
    };
    let vcpu = root.child("vcpu")?;
    let max_vcpus = vcpu.text()?.parse().ok()?;
    let os_type = conf::os::OsType::from_word(root.child("os")?.child("type")?.text()?.as_str())?;
    let disks = root.child("devices")?.children("disk").map(|disk| {
        let source = disk.child("source");
        let path = source.and_then(|s| s.attr("file").or(s.attr("dev")).or(s.attr("dir")).or(s.attr("name")));
        let target = disk.child("target")?.attr("dev")?;
        let format = format(disk.child("driver").and_then(|driver| driver.attr("type")));
        Some(DiskSummary { target: target.into(), path: path.map(Into::into), format })
    });
    let summary = Summary {
        max_memory: size("memory")?,
        memory: size("currentMemory").or(size("memory"))?,
        vcpus: match vcpu.attr("current") {
            Some(current) => current.parse().ok()?,
            None => max_vcpus,
        },
        max_vcpus,
        os_type: os_type.as_str(),
        disks: disks.collect::<Option<_>>()?,
    };
    Some((text("name")?, Uuid::parse(&text("uuid")?)?, summary))
}

/// How a definition is written to its file.
const FILE: conf::FormatOptions =
    conf::FormatOptions { inactive: true, secure: true, migratable: false, status: false, indent: 0 };

impl Definition {
    /// The definition a model amounts to.
    pub fn new(domain: &conf::Domain) -> Definition {
        Definition { text: domain.format(&FILE).into_boxed_str(), summary: Summary::of(domain) }
    }

    /// The definition in a file that a daemon has written, with its name and UUID. Only what the summary needs is
    /// read, for a host may have thousands of such files and wants to be ready soon; that the rest can be read
    /// too is looked at later. `None` when the file is not like that: then it is to be read as a whole.
    ///
    /// # Errors
    /// When the document is ill-formed.
    pub fn skim(file: &str) -> Result<Option<(String, Uuid, Definition)>> {
        let Some(text) = super::status::without_header(file) else { return Ok(None) };
        // the whole file, so that lines in errors are the file's
        let read = ReadOptions { inactive: true, status: false, track: false };
        let document = Document::parse(file, ErrorDomain::DOMAIN, &read)?;
        let root = document.root_named("domain")?;
        let found =
            skim(root).map(|(name, uuid, summary)| (name, uuid, Definition { text: text.into(), summary }));
        Ok(found)
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

/// Whether a document holds what only a privileged caller may read: passwords of displays, cookies.
fn has_secrets(text: &str) -> bool {
    text.contains(" passwd='") || text.contains("<cookies>")
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

    /// The document another host gets: with the CPU the guest was started with.
    pub fn format_for_migration(
        &self,
        options: &conf::FormatOptions,
        started: Option<&conf::cpu::Cpu>,
    ) -> String {
        let mut model = migratable::reduced(&self.model);
        if let Some(cpu) = started {
            model.cpu = Some(cpu.clone());
        }
        model.format(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_sees_what_reading_sees() {
        let xml = "<domain type='qemu'><name>g</name><uuid>8f7a3c1e-5d2b-4e6f-9a10-0c0ffee00011</uuid>\
            <memory unit='MiB'>512</memory><currentMemory unit='MiB'>256</currentMemory><vcpu current='2'>4</vcpu>\
            <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>\
            <disk type='file'><source file='/a&amp;b'/><target dev='vda' bus='virtio'/></disk>\
            <disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk></devices></domain>";
        let model = conf::Domain::parse(xml, &conf::ParseOptions::default()).unwrap();
        let whole = Definition::new(&model);
        let file = crate::domain::status::with_header("edit g", whole.file_text());
        let (name, uuid, glance) = Definition::skim(&file).unwrap().unwrap();
        assert_eq!((name, uuid), (model.name.clone(), model.uuid));
        assert_eq!(glance.summary, whole.summary);
        assert_eq!(glance.file_text(), whole.file_text());
        assert!(Definition::skim(whole.file_text()).unwrap().is_none());
        assert!(Definition::skim(&file.replace("</os>", "")).is_err());
    }
}
