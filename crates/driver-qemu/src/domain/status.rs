//! Status files: a running domain's `<domstatus>`, in libvirt's own format, so that either daemon finds the
//! other's guests.

use std::path::PathBuf;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::domain as conf;
pub use virtus_state::definitions::with_header;
use virtus_xml::{Document, ReadOptions, WriteOptions, Writer, Xml as _};

use super::state::State;

/// What outlives the daemon of a running domain.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its state.
    pub state: State,
    /// QEMU.
    pub pid: i32,
    /// When QEMU started, in clock ticks since boot; files of libvirt do not have it.
    pub start_time: Option<u64>,
    /// The monitor's socket.
    pub monitor: PathBuf,
    /// The threads that are vCPUs, by number.
    pub vcpus: Vec<(u32, i32)>,
    /// What this QEMU can do, by libvirt's names.
    pub capabilities: Vec<String>,
    /// Its own directory.
    pub lib_dir: PathBuf,
    /// Its channels' sockets.
    pub channel_dir: PathBuf,
    /// The long job that goes on, e.g. `start`.
    pub job: Option<String>,
    /// Whether a shutdown is to be a reboot.
    pub fake_reboot: bool,
    /// The highest number that an image has had.
    pub last_image: u32,
    /// How long to wait for the agent: seconds, or the agent's special values.
    pub agent_timeout: i32,
    /// The CPU it was started with.
    pub original_cpu: Option<conf::cpu::Cpu>,
    /// The definition it runs with.
    pub domain: conf::Domain,
}

const DOMAIN: WriteOptions =
    WriteOptions { inactive: false, secure: true, migratable: false, status: true, indent: 0 };

impl Status {
    /// The file's text, without its header.
    pub fn format(&self) -> String {
        let mut w = Writer::new(DOMAIN);
        let (state, reason) = self.state.words();
        w.start("domstatus");
        w.attr("state", state);
        w.attr("reason", reason);
        w.attr_fmt("pid", format_args!("{}", self.pid));
        if let Some(start) = self.start_time {
            w.attr_fmt("start", format_args!("{start}"));
        }
        w.start("monitor");
        w.attr("path", &self.monitor.to_string_lossy());
        w.attr("type", "unix");
        w.end();
        if !self.vcpus.is_empty() {
            w.start("vcpus");
            for (id, pid) in &self.vcpus {
                w.start("vcpu");
                w.attr_value("id", id);
                w.attr_value("pid", pid);
                w.end();
            }
            w.end();
        }
        if !self.capabilities.is_empty() {
            w.start("qemuCaps");
            for name in &self.capabilities {
                w.start("flag");
                w.attr("name", name);
                w.end();
            }
            w.end();
        }
        if let Some(job) = &self.job {
            w.start("job");
            w.attr("type", "none");
            w.attr("async", job);
            w.attr("phase", "none");
            w.attr("flags", "0x0");
            w.end();
        }
        if self.fake_reboot {
            w.start("fakereboot");
            w.end();
        }
        w.start("devices");
        self.domain.devices.each_info(|_, info| {
            if let (Some(alias), Some(_)) = (&info.alias, &info.address) {
                w.start("device");
                w.attr("alias", alias);
                w.end();
            }
        });
        w.end_unless_empty();
        for (name, path) in [("libDir", &self.lib_dir), ("channelTargetDir", &self.channel_dir)] {
            w.start(name);
            w.attr("path", &path.to_string_lossy());
            w.end();
        }
        if let Some(cpu) = &self.original_cpu {
            w.element("cpu", cpu);
        }
        for (name, value) in [("nodename", self.last_image), ("fdset", 0)] {
            w.start(name);
            w.attr_value("index", &value);
            w.end();
        }
        w.start("blockjobs");
        w.attr("active", "no");
        w.end();
        w.start("agentTimeout");
        w.text_value(&self.agent_timeout);
        w.end();
        self.domain.write(&mut w);
        w.end();
        w.finish()
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong with it, in libvirt's words.
    pub fn parse(text: &str) -> Result<Status> {
        let read = ReadOptions { inactive: false, status: true, track: false };
        let document = Document::parse(text, ErrorDomain::QEMU, &read)?;
        let root = document.root_named("domstatus")?;
        let bad = |what: &str| Error::internal(ErrorDomain::QEMU, what.to_owned());
        let state = root.attr("state").ok_or_else(|| bad("missing domain state"))?;
        let state = State::from_words(state, root.attr("reason"))
            .ok_or_else(|| bad(&format!("invalid domain state '{state}'")))?;
        let pid = root.attr("pid").and_then(|p| p.parse().ok()).ok_or_else(|| bad("invalid pid"))?;
        let path = |element: &str| root.child(element).and_then(|e| e.attr("path")).map(PathBuf::from);
        let element = root.child("domain").ok_or_else(|| bad("no domain config"))?;
        let options = conf::ParseOptions { inactive: false, skip_validate: true, strict: false };
        let domain = conf::Domain::from_element(element, &options)?;
        let names = |list: &str, item: &str, attr: &str| {
            let items = root.child(list).into_iter().flat_map(|l| l.children(item).collect::<Vec<_>>());
            items.filter_map(|e| e.attr(attr).map(str::to_owned)).collect::<Vec<_>>()
        };
        let numbers = |attr: &str| names("vcpus", "vcpu", attr);
        let vcpus = numbers("id").into_iter().zip(numbers("pid"));
        Ok(Status {
            state,
            pid,
            start_time: root.attr("start").and_then(|s| s.parse().ok()),
            monitor: path("monitor").ok_or_else(|| bad("no monitor path"))?,
            vcpus: vcpus.filter_map(|(id, pid)| Some((id.parse().ok()?, pid.parse().ok()?))).collect(),
            capabilities: names("qemuCaps", "flag", "name"),
            lib_dir: path("libDir").unwrap_or_default(),
            channel_dir: path("channelTargetDir").unwrap_or_default(),
            job: root
                .child("job")
                .and_then(|j| j.attr("async"))
                .filter(|name| *name != "none")
                .map(str::to_owned),
            fake_reboot: root.child("fakereboot").is_some(),
            last_image: root.child("nodename").and_then(|e| e.attr("index")?.parse().ok()).unwrap_or(0),
            agent_timeout: root
                .child("agentTimeout")
                .and_then(|e| e.text()?.parse().ok())
                .unwrap_or(AGENT_TIMEOUT_BLOCK),
            original_cpu: root.child("cpu").map(conf::cpu::Cpu::read).transpose()?,
            domain,
        })
    }
}

/// The agent may take as long as it likes (`VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK`).
pub const AGENT_TIMEOUT_BLOCK: i32 = virtus_api::constants::VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK;

/// The document of a file with that header and nothing else around it.
pub fn without_header(file: &str) -> Option<&str> {
    let rest = file.strip_prefix("<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE.")?;
    rest.split_once("\n-->\n\n").map(|(_, document)| document).filter(|d| d.starts_with("<domain "))
}

/// The line a document is wrong at, as its error says it.
pub fn line_of(error: &Error) -> Option<u32> {
    u32::try_from(error.fields().int1).ok().filter(|line| *line > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtus_api::constants::*;

    #[test]
    fn what_is_written_is_read() {
        let xml = "<domain type='qemu' id='3'><name>g</name><memory>1024</memory><os><type>hvm</type></os></domain>";
        let options = conf::ParseOptions::default();
        let status = Status {
            state: State::new(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR),
            pid: 70,
            start_time: Some(12345),
            monitor: "/m.sock".into(),
            vcpus: vec![(0, 77), (1, 78)],
            capabilities: vec!["kvm".into()],
            lib_dir: "/lib/d".into(),
            channel_dir: "/run/c".into(),
            job: Some("start".into()),
            fake_reboot: true,
            last_image: 7,
            agent_timeout: -2,
            original_cpu: Some(conf::cpu::Cpu {
                mode: Some(conf::cpu::CpuMode::HostModel),
                ..Default::default()
            }),
            domain: conf::Domain::parse(xml, &options).unwrap(),
        };
        let text = with_header("edit g--x", &status.format());
        let read = Status::parse(&text).unwrap();
        assert_eq!(read.domain.id, Some(3));
        assert_eq!(format!("{:?}", read), format!("{status:?}"));
        let e = Status::parse(&text.replace("'paused'", "'flying'")).unwrap_err();
        assert_eq!(e.message(), "internal error: invalid domain state 'flying'");
    }
}
