//! `blockcopy`

use std::time::Duration;

use virtus::TypedParam;
use virtus::calls::Remote;
use virtus::constants::*;

use super::wait::{Wait, settle, unless_ended_well, waits};
use super::*;
use crate::command::{ACTIVE_DOMAIN, Command};
use crate::file;
use crate::grammar::exclusive;
use crate::shell::{Shell, extra, fail, out};
use crate::xml::build::Element;

pub(in crate::command::domain) static COPY: Command = Command {
    name: "blockcopy",
    summary: "copy a disk of a running domain",
    options: &[
        ACTIVE_DOMAIN,
        PATH,
        Opt::text("dest", "the path to copy to").also_positional(),
        BANDWIDTH,
        SHALLOW,
        Opt::flag("reuse-external", "use files that are there"),
        Opt::alias("raw", "format=raw"),
        Opt::flag("blockdev", "the destination is a block device"),
        WAIT,
        VERBOSE,
        TIMEOUT,
        PIVOT,
        Opt::flag("finish", "end the copy when it is in step"),
        ASYNC,
        Opt::text("xml", "a file with the XML of the destination").also_positional().file(),
        Opt::text("format", "the format of the destination").also_positional(),
        Opt::number("granularity", "copy in pieces of so many bytes").also_positional(),
        Opt::number("buf-size", "bytes that may be on their way").also_positional(),
        BYTES,
        Opt::flag("transient-job", "do not let it survive the daemon"),
        Opt::flag("synchronous-writes", "let the guest write to both sides meanwhile"),
        Opt::flag("print-xml", "print the XML and do nothing"),
    ],
    run: copy,
    ..Command::PLAIN
};

fn copy(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let [pivot, finish, blockdev, bytes, transient, synchronous] =
        ["pivot", "finish", "blockdev", "bytes", "transient-job", "synchronous-writes"]
            .map(|name| arguments.has(name));
    let path = arguments.needed("path")?;
    let (dest, xml, format) = (arguments.text("dest")?, arguments.text("xml")?, arguments.text("format")?);
    let mut bandwidth = bandwidth(arguments, bytes)?;
    let granularity = arguments.number::<u32>("granularity")?.unwrap_or(0);
    let buffer = arguments.number::<u64>("buf-size")?.unwrap_or(0);
    let mut flags = arguments.flags(&[
        ("shallow", VIR_DOMAIN_BLOCK_REBASE_SHALLOW),
        ("reuse-external", VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT),
        ("transient-job", VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB),
        ("synchronous-writes", VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES),
    ]);
    let limit = arguments.timeout_ms()?.map(Duration::from_millis);
    let blocking = arguments.has("wait") || finish || pivot || limit.is_some();
    let with_xml = ("xml", xml.is_some());
    exclusive(("dest", dest.is_some()), with_xml)?;
    exclusive(("format", format.is_some()), with_xml)?;
    exclusive(("blockdev", blockdev), with_xml)?;
    exclusive(("pivot", pivot), ("finish", finish))?;
    if dest.is_none() && xml.is_none() {
        fail!("need either --dest or --xml");
    }
    waits(arguments, blocking, "finish")?;
    let domain = shell.domain(arguments)?;
    let wait =
        blocking.then(|| Wait::new(shell, arguments, &domain, path, "Block Copy", limit)).transpose()?;
    let print = arguments.has("print-xml");
    let modern = granularity != 0
        || buffer != 0
        || format.is_some_and(|format| format != "raw")
        || xml.is_some()
        || transient
        || synchronous
        || print;
    if modern {
        let mut params = Vec::new();
        if bandwidth != 0 {
            if !bytes {
                let most = u64::MAX >> 20;
                if bandwidth > most {
                    fail!("bandwidth must be less than {most}");
                }
                bandwidth <<= 20;
            }
            params.push(TypedParam::new("bandwidth", bandwidth));
        }
        if granularity != 0 {
            params.push(TypedParam::new("granularity", granularity));
        }
        if buffer != 0 {
            params.push(TypedParam::new("buf-size", buffer));
        }
        let xml = match xml {
            Some(path) => file::read(path)?,
            None => destination(dest, blockdev, format),
        };
        if print {
            out!(shell, "{xml}");
            return Ok(());
        }
        shell.call(Remote::domain_block_copy(domain.clone(), path.to_owned(), xml, params.into(), flags))?;
    } else {
        flags |= VIR_DOMAIN_BLOCK_REBASE_COPY;
        flags |= arguments.flags(&[
            ("blockdev", VIR_DOMAIN_BLOCK_REBASE_COPY_DEV),
            ("bytes", VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES),
        ]);
        if format == Some("raw") {
            flags |= VIR_DOMAIN_BLOCK_REBASE_COPY_RAW;
        }
        let dest = dest.map(str::to_owned);
        shell.call(Remote::domain_block_rebase(domain.clone(), path.to_owned(), dest, bandwidth, flags))?;
    }
    let Some(wait) = wait else {
        extra!(shell, "Block Copy started");
        return Ok(());
    };
    let abort_flags = wait.abort_flags;
    let ended = wait.finish(shell)?;
    unless_ended_well(shell, ended, "Copy")?;
    let job = (&domain, path, abort_flags);
    settle(shell, arguments, job, ("finish", "Successfully copied"), "Now in mirroring phase")
}

/// The disk to copy to.
fn destination(dest: Option<&str>, blockdev: bool, format: Option<&str>) -> String {
    let (kind, attribute) = if blockdev { ("block", "dev") } else { ("file", "file") };
    let mut disk = Element::new("disk").attribute("type", Some(kind));
    disk.child(Element::new("source").attribute(attribute, dest));
    disk.child(Element::new("driver").attribute("type", format));
    disk.finish()
}
