//! Memory: `setmem`, `setmaxmem` and `update-memory-device`.

use virtus::calls::Remote;
use virtus::constants::*;

use crate::command::{CONFIG, CURRENT, Command, DOMAIN, LIVE, Opt};
use crate::complete;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, fail, out};
use crate::xml::{self, tree::Tree};

/// What a size in KiB may be at most.
const LIMIT: u64 = u64::MAX;

fn kib(arguments: &Arguments, option: &str) -> Outcome<u64> {
    Ok(arguments.size(option, 1024, LIMIT)?.unwrap_or(0).div_ceil(1024))
}

pub(super) static SETMEM: Command = Command {
    name: "setmem",
    summary: "change how much memory a guest has",
    about: "Changes how much memory the balloon leaves the guest. Without --config, --live or --current it is that \
            of the running domain.",
    options: &[
        DOMAIN,
        Opt::alias("kilobytes", "size"),
        Opt::number("size", "how large, in KiB or with a unit").positional().required(),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run: |shell, arguments| {
        let mut flags = super::affect(arguments)?;
        if flags == 0 && !arguments.has("current") {
            flags = VIR_DOMAIN_AFFECT_LIVE;
        }
        let domain = shell.domain(arguments)?;
        let size = kib(arguments, "size")?;
        Ok(shell.call(Remote::domain_set_memory_flags(domain, size, flags))?)
    },
    ..Command::PLAIN
};

pub(super) static SETMAXMEM: Command = Command {
    name: "setmaxmem",
    summary: "change how much memory a guest can have",
    options: &[
        DOMAIN,
        Opt::alias("kilobytes", "size"),
        Opt::number("size", "how large, in KiB or with a unit").positional().required(),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run: |shell, arguments| {
        let flags = super::affect(arguments)?;
        let domain = shell.domain(arguments)?;
        let size = kib(arguments, "size")?;
        shell
            .call(Remote::domain_set_memory_flags(domain, size, flags | VIR_DOMAIN_MEM_MAXIMUM))
            .or_say("Unable to change MaxMemorySize")
    },
    ..Command::PLAIN
};

pub(super) static UPDATE_DEVICE: Command = Command {
    name: "update-memory-device",
    summary: "change a memory device",
    about: "Changes how much of a virtio-mem device the guest is to use.",
    options: &[
        DOMAIN,
        CONFIG,
        LIVE,
        CURRENT,
        Opt::flag("print-xml", "print the XML and do nothing"),
        Opt::text("alias", "the alias of the device").also_positional().asks(complete::aliases),
        Opt::number("node", "the guest's NUMA node").also_positional(),
        Opt::number("requested-size", "how large it is to be, in KiB or with a unit").also_positional(),
    ],
    run: update,
    ..Command::PLAIN
};

fn update(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.exclusive("current", "live")?;
    arguments.exclusive("current", "config")?;
    arguments.exclusive("node", "alias")?;
    let flags = super::affect(arguments)?;
    let domain = shell.domain(arguments)?;
    let inactive = flags & VIR_DOMAIN_AFFECT_CONFIG != 0;
    let text = shell.xml_of_domain(&domain, if inactive { VIR_DOMAIN_XML_INACTIVE } else { 0 })?;
    let document = xml::parse(&text, "domain")?;
    let alias = arguments.text("alias")?;
    let node = arguments.number::<u32>("node")?.map(|node| node.to_string());
    let mut devices = xml::children(document.root_element(), "devices/memory");
    devices.retain(|device| match (&node, alias) {
        (Some(node), _) => xml::text(*device, "target/node") == Some(node),
        (None, Some(alias)) => xml::attribute(*device, "alias", "name") == Some(alias),
        (None, None) => true,
    });
    let device = match devices.as_slice() {
        [] => fail!("no memory device found"),
        [device] => *device,
        _ => fail!("multiple memory devices found, use --alias or --node to select one"),
    };
    let mut tree = Tree::of(device);
    if arguments.has("requested-size") {
        let size = kib(arguments, "requested-size")?;
        match tree.child_mut("target").and_then(|target| target.child_mut("requested")) {
            Some(requested) => requested.set_text(&size.to_string()),
            None => fail!("virtio-mem device is missing <requested/>"),
        }
    }
    if arguments.has("print-xml") {
        out!(shell, "{}", tree.text());
        return Ok(());
    }
    Ok(shell.call(Remote::domain_update_device_flags(domain, tree.text(), flags))?)
}
