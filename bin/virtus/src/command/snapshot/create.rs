//! `snapshot-create` and `snapshot-create-as`

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainRef, ErrorCode};

use crate::command::{Command, DOMAIN, Opt, VALIDATE};
use crate::file;
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell, extra, fail, out};
use crate::show::escape;
use crate::xml::build::Element;

const FLAGS: [(&str, u32); 8] = [
    ("no-metadata", VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA),
    ("halt", VIR_DOMAIN_SNAPSHOT_CREATE_HALT),
    ("disk-only", VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY),
    ("reuse-external", VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT),
    ("quiesce", VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE),
    ("atomic", VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC),
    ("live", VIR_DOMAIN_SNAPSHOT_CREATE_LIVE),
    ("validate", VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE),
];

pub(super) static CREATE: Command = Command {
    name: "snapshot-create",
    summary: "take a snapshot that a file describes",
    about: "Takes a snapshot of a domain, of its disks and, while it runs, of its memory.",
    options: &[
        DOMAIN,
        Opt::text("xmlfile", "a file with the XML").positional().file(),
        Opt::flag("redefine", "take over metadata of one that is there"),
        Opt::flag("current", "with --redefine: make it the current one"),
        Opt::flag("no-metadata", "do not remember it"),
        Opt::flag("halt", "end the domain after it"),
        Opt::flag("disk-only", "only the disks, not the memory"),
        Opt::flag("reuse-external", "use files that are there"),
        Opt::flag("quiesce", "have the guest's agent flush and stop file systems meanwhile"),
        Opt::flag("atomic", "change all disks or none"),
        Opt::flag("live", "let the guest run meanwhile"),
        VALIDATE,
    ],
    run: |shell, arguments| {
        let flags = arguments.flags(&FLAGS)
            | arguments.flags(&[
                ("redefine", VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE),
                ("current", VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT),
            ]);
        let domain = shell.domain(arguments)?;
        let from = arguments.text("xmlfile")?;
        let text = from.map_or_else(|| Ok("<domainsnapshot/>".to_owned()), file::read)?;
        create(shell, &domain, text, flags, from)
    },
    ..Command::PLAIN
};

fn create(
    shell: &mut Shell,
    domain: &DomainRef,
    text: String,
    mut flags: u32,
    from: Option<&str>,
) -> Outcome {
    let ask = |shell: &Shell, flags| {
        shell.call(Remote::domain_snapshot_create_xml(domain.clone(), text.clone(), flags))
    };
    let mut outcome = ask(shell, flags);
    if from.is_none() && matches!(&outcome, Err(error) if error.code() == ErrorCode::NO_SUPPORT) {
        flags &= !VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE;
        outcome = ask(shell, flags);
    }
    let mut end = false;
    if flags & VIR_DOMAIN_SNAPSHOT_CREATE_HALT != 0
        && matches!(&outcome, Err(error) if error.code() == ErrorCode::INVALID_ARG)
    {
        // a daemon that cannot end the domain with it: it is ended afterwards
        if shell.call(Remote::domain_is_persistent(domain.clone()))? == 0 {
            fail!("cannot halt after snapshot of transient domain");
        }
        end = shell.is_active(domain);
        outcome = ask(shell, flags & !VIR_DOMAIN_SNAPSHOT_CREATE_HALT);
    }
    let snapshot = outcome?;
    if end {
        shell.call(Remote::domain_destroy(domain.clone()))?;
    }
    match from {
        Some(from) => extra!(shell, "Domain snapshot {} created from '{from}'", snapshot.name),
        None => extra!(shell, "Domain snapshot {} created", snapshot.name),
    }
    Ok(())
}

pub(super) static CREATE_AS: Command = Command {
    name: "snapshot-create-as",
    summary: "take a snapshot that the options describe",
    options: &[
        DOMAIN,
        Opt::text("name", "the name").also_positional(),
        Opt::text("description", "what to say about it").also_positional(),
        Opt::flag("print-xml", "print the XML and do nothing"),
        Opt::flag("no-metadata", "do not remember it"),
        Opt::flag("halt", "end the domain after it"),
        Opt::flag("disk-only", "only the disks, not the memory"),
        Opt::flag("reuse-external", "use files that are there"),
        Opt::flag("quiesce", "have the guest's agent flush and stop file systems meanwhile"),
        Opt::flag("atomic", "change all disks or none"),
        Opt::flag("live", "let the guest run meanwhile"),
        VALIDATE,
        Opt::text("memspec", "what to do with the memory: [file=]NAME[,snapshot=TYPE]"),
        Opt::many(
            "diskspec",
            "what to do with a disk: DISK[,snapshot=TYPE][,driver=TYPE][,stype=TYPE][,file=NAME]",
        )
        .also_positional(),
    ],
    run: create_as,
    ..Command::PLAIN
};

fn create_as(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = arguments.flags(&FLAGS);
    let domain = shell.domain(arguments)?;
    let mut snapshot = Element::new("domainsnapshot");
    snapshot.text("name", arguments.text("name")?);
    snapshot.text("description", arguments.text("description")?);
    if let Some(spec) = arguments.text("memspec")? {
        match memory(spec) {
            Some(memory) => snapshot.raw(&memory.finish()),
            None => fail!("unable to parse memspec: {spec}"),
        }
    }
    if arguments.has("diskspec") {
        let mut disks = Element::new("disks");
        for spec in arguments.many("diskspec") {
            disks.raw(&disk(spec)?.finish());
        }
        snapshot.child(disks);
    }
    let text = snapshot.finish_open();
    if arguments.has("print-xml") {
        out!(shell, "{text}\n");
        return Ok(());
    }
    create(shell, &domain, text, flags, None)
}

/// Takes the value of the first part that begins with `key`.
fn take(parts: &mut Vec<String>, key: &str) -> Option<String> {
    let place = parts.iter().position(|part| part.starts_with(key))?;
    Some(parts.remove(place).split_off(key.len()))
}

/// `[file=]NAME[,snapshot=TYPE]`
fn memory(spec: &str) -> Option<Element> {
    let mut parts = escape::split(spec);
    let snapshot = take(&mut parts, "snapshot=");
    let file = take(&mut parts, "file=").or_else(|| {
        parts.first().filter(|part| part.starts_with('/')).cloned().inspect(|_| drop(parts.remove(0)))
    });
    parts.is_empty().then(|| {
        Element::new("memory").attribute("snapshot", snapshot.as_deref()).attribute("file", file.as_deref())
    })
}

/// `DISK[,snapshot=TYPE][,driver=TYPE][,stype=TYPE][,file=NAME]`
fn disk(spec: &str) -> Outcome<Element> {
    let mut parts = escape::split(spec);
    let name = parts.remove(0);
    let [snapshot, driver, kind, file] =
        ["snapshot=", "driver=", "stype=", "file="].map(|key| take(&mut parts, key));
    if !parts.is_empty() {
        fail!("unable to parse diskspec: {spec}");
    }
    let attribute = match kind.as_deref() {
        None | Some("file") => "file",
        Some("block") => "dev",
        Some(other) => {
            let failure = crate::shell::Failure::new(format_args!("Unknown storage type: '{other}'"));
            return Err(failure.and(format_args!("unable to parse diskspec: {spec}")));
        }
    };
    let mut disk = Element::new("disk")
        .attribute("name", Some(&name))
        .attribute("snapshot", snapshot.as_deref())
        .attribute("type", kind.as_deref());
    disk.child(Element::new("driver").attribute("type", driver.as_deref()));
    disk.child(Element::new("source").attribute(attribute, file.as_deref()));
    Ok(disk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_become_elements() {
        assert_eq!(
            memory("/a,snapshot=external").map(Element::finish).unwrap(),
            "<memory snapshot='external' file='/a'/>\n"
        );
        assert!(memory("bogus").is_none());
        assert_eq!(
            disk("vda,snapshot=external,stype=block,driver=qcow2,file=/a,,b").map(Element::finish).unwrap(),
            "<disk name='vda' snapshot='external' type='block'>\n  <driver type='qcow2'/>\n  \
             <source dev='/a,b'/>\n</disk>\n"
        );
        let wrong = |spec| disk(spec).map(Element::finish).unwrap_err().lines().collect::<Vec<_>>().join("|");
        assert_eq!(wrong("vda,x"), "unable to parse diskspec: vda,x");
        assert_eq!(wrong("a,stype=x"), "Unknown storage type: 'x'|unable to parse diskspec: a,stype=x");
    }
}
