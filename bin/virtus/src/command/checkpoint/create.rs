//! `checkpoint-create` and `checkpoint-create-as`

use virtus::DomainRef;
use virtus::calls::Remote;
use virtus::constants::*;

use crate::command::{ACTIVE_DOMAIN, Command, Opt};
use crate::file;
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell, extra, fail, out};
use crate::show::escape;
use crate::xml::build::Element;

pub(super) static CREATE: Command = Command {
    name: "checkpoint-create",
    summary: "make a checkpoint that a file describes",
    about: "Marks a point in time, so that a later backup can hold what has changed since then.",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("xmlfile", "a file with the XML").positional().file(),
        Opt::flag("redefine", "take over metadata of one that is there"),
        Opt::flag("redefine-validate", "take over metadata and check it"),
        Opt::flag("quiesce", "have the guest's agent flush and stop file systems meanwhile"),
    ],
    run: |shell, arguments| {
        arguments.requires("redefine-validate", "redefine")?;
        let flags = arguments.flags(&[
            ("redefine", VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE),
            ("redefine-validate", VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE),
            ("quiesce", VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE),
        ]);
        let domain = shell.domain(arguments)?;
        let from = arguments.text("xmlfile")?;
        let text = from.map_or_else(|| Ok("<domaincheckpoint/>".to_owned()), file::read)?;
        create(shell, domain, text, flags, from)
    },
    ..Command::PLAIN
};

fn create(shell: &mut Shell, domain: DomainRef, text: String, flags: u32, from: Option<&str>) -> Outcome {
    let checkpoint = shell.call(Remote::domain_checkpoint_create_xml(domain, text, flags))?;
    match from {
        Some(from) => extra!(shell, "Domain checkpoint {} created from '{from}'", checkpoint.name),
        None => extra!(shell, "Domain checkpoint {} created", checkpoint.name),
    }
    Ok(())
}

pub(super) static CREATE_AS: Command = Command {
    name: "checkpoint-create-as",
    summary: "make a checkpoint that the options describe",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("name", "the name").also_positional(),
        Opt::text("description", "what to say about it").also_positional(),
        Opt::flag("print-xml", "print the XML and do nothing"),
        Opt::flag("quiesce", "have the guest's agent flush and stop file systems meanwhile"),
        Opt::many("diskspec", "what to do with a disk: DISK[,checkpoint=TYPE][,bitmap=NAME]")
            .also_positional(),
    ],
    run: create_as,
    ..Command::PLAIN
};

fn create_as(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = arguments.flags(&[("quiesce", VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE)]);
    let domain = shell.domain(arguments)?;
    let mut checkpoint = Element::new("domaincheckpoint");
    checkpoint.text("name", arguments.text("name")?);
    checkpoint.text("description", arguments.text("description")?);
    if arguments.has("diskspec") {
        let mut disks = Element::new("disks");
        for spec in arguments.many("diskspec") {
            disks.raw(&disk(spec)?.finish());
        }
        checkpoint.child(disks);
    }
    let text = checkpoint.finish_open();
    if arguments.has("print-xml") {
        out!(shell, "{text}\n");
        return Ok(());
    }
    create(shell, domain, text, flags, None)
}

/// `DISK[,checkpoint=TYPE][,bitmap=NAME]`
fn disk(spec: &str) -> Outcome<Element> {
    let parts = escape::split(spec);
    let (mut kind, mut bitmap) = (None, None);
    for part in parts.iter().skip(1) {
        if let Some(value) = part.strip_prefix("checkpoint=").filter(|_| kind.is_none()) {
            kind = Some(value);
        } else if let Some(value) = part.strip_prefix("bitmap=").filter(|_| bitmap.is_none()) {
            bitmap = Some(value);
        } else {
            fail!("unable to parse diskspec: {spec}");
        }
    }
    Ok(Element::new("disk")
        .attribute("name", parts.first().map(String::as_str))
        .attribute("checkpoint", kind)
        .attribute("bitmap", bitmap))
}
