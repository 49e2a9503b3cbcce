//! States on disk: `save`, `restore`, `dump`, `managedsave` and its kin, `save-image-…`.

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainRef, TypedParam};

use super::small::number_of;
use crate::command::{ACTIVE_DOMAIN, Command, DOMAIN, Opt, WRAP, XPATH};
use crate::edit::{self, Edit};
use crate::file;
use crate::grammar::Arguments;
use crate::job;
use crate::shell::{OrSay, Outcome, Shell, extra, fail};
use crate::xml;

const SAVE_FLAGS: [(&str, u32); 3] = [
    ("bypass-cache", VIR_DOMAIN_SAVE_BYPASS_CACHE),
    ("running", VIR_DOMAIN_SAVE_RUNNING),
    ("paused", VIR_DOMAIN_SAVE_PAUSED),
];
const RUN_FLAGS: [(&str, u32); 2] =
    [("running", VIR_DOMAIN_SAVE_RUNNING), ("paused", VIR_DOMAIN_SAVE_PAUSED)];

pub(super) static SAVE: Command = Command {
    name: "save",
    summary: "write the state of a running domain to a file, and end it",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("file", "the file to write").positional().required(),
        Opt::flag("bypass-cache", "go around the host's page cache"),
        Opt::number("parallel-channels", "use so many channels"),
        Opt::text("image-format", "the format to save in"),
        Opt::text("xml", "a file with the definition to save with").also_positional().file(),
        Opt::flag("running", "let it run when it is restored"),
        Opt::flag("paused", "leave it paused"),
        Opt::flag("verbose", "show how far it is"),
    ],
    run: save,
    ..Command::PLAIN
};

/// What is asked of saving and restoring beyond the calls of old.
fn more_params(arguments: &Arguments) -> Outcome<Vec<TypedParam>> {
    let mut params = Vec::new();
    if let Some(channels) = arguments.number::<i32>("parallel-channels")? {
        params.push(TypedParam::new("parallel.channels", channels));
    }
    if arguments.knows("image-format")
        && let Some(format) = arguments.text("image-format")?
    {
        params.push(TypedParam::new("image_format", format));
    }
    Ok(params)
}

fn save(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let (name, to) = (arguments.needed("domain")?, arguments.needed("file")?);
    let flags = arguments.flags(&SAVE_FLAGS);
    let mut params = more_params(arguments)?;
    let xml = arguments.text("xml")?.map(file::read).transpose()?;
    let path = file::absolute(to);
    let verbose = arguments.has("verbose");
    let target = domain.clone();
    job::run(shell, &domain, verbose, "Save", None, |connection| {
        if !params.is_empty() {
            params.push(TypedParam::new("file", path));
            params.extend(xml.map(|xml| TypedParam::new("dxml", xml)));
            connection.call(Remote::domain_save_params(target, params.into(), flags))
        } else if flags != 0 || xml.is_some() {
            connection.call(Remote::domain_save_flags(target, path, xml, flags))
        } else {
            connection.call(Remote::domain_save(target, path))
        }
        .or_say(format_args!("Failed to save domain '{name}' to {to}"))
    })?;
    extra!(shell, "\nDomain '{name}' saved to {to}\n");
    Ok(())
}

pub(super) static RESTORE: Command = Command {
    name: "restore",
    summary: "start a domain from a file with a saved state",
    options: &[
        Opt::text("file", "the file with the saved state").positional().required(),
        Opt::flag("bypass-cache", "go around the host's page cache"),
        Opt::number("parallel-channels", "use so many channels"),
        Opt::text("xml", "a file with the definition to restore with").also_positional().file(),
        Opt::flag("running", "let it run when it is restored"),
        Opt::flag("paused", "leave it paused"),
        Opt::flag("reset-nvram", "reset the variables of its firmware"),
    ],
    run: restore,
    ..Command::PLAIN
};

fn restore(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags =
        arguments.flags(&SAVE_FLAGS) | arguments.flags(&[("reset-nvram", VIR_DOMAIN_SAVE_RESET_NVRAM)]);
    let from = arguments.needed("file")?;
    let xml = arguments.text("xml")?.map(file::read).transpose()?;
    let mut params = more_params(arguments)?;
    let path = file::absolute(from);
    if !params.is_empty() {
        params.push(TypedParam::new("file", path));
        params.extend(xml.map(|xml| TypedParam::new("dxml", xml)));
        shell.call(Remote::domain_restore_params(params.into(), flags))
    } else if flags != 0 || xml.is_some() {
        shell.call(Remote::domain_restore_flags(path, xml, flags))
    } else {
        shell.call(Remote::domain_restore(path))
    }
    .or_say(format_args!("Failed to restore domain from {from}"))?;
    extra!(shell, "Domain restored from {from}\n");
    Ok(())
}

pub(super) static DUMP: Command = Command {
    name: "dump",
    summary: "write a domain's memory to a file, for finding errors",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("file", "the file to write").positional().required(),
        Opt::flag("live", "let the guest run meanwhile"),
        Opt::flag("crash", "end the domain after the dump"),
        Opt::flag("bypass-cache", "go around the host's page cache"),
        Opt::flag("reset", "reset the guest after it"),
        Opt::flag("verbose", "show how far it is"),
        Opt::flag("memory-only", "only the memory"),
        Opt::text("format", "elf, kdump-zlib, kdump-lzo, kdump-snappy or win-dmp")
            .also_positional()
            .one_of(&["elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp"]),
    ],
    run: dump,
    ..Command::PLAIN
};

/// Formats of dumps; the first is no number of libvirt's.
const FORMATS: [&str; 5] = ["elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp"];

fn dump(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let (name, to) = (arguments.needed("domain")?, arguments.needed("file")?);
    let flags = arguments.flags(&[
        ("live", VIR_DUMP_LIVE),
        ("crash", VIR_DUMP_CRASH),
        ("bypass-cache", VIR_DUMP_BYPASS_CACHE),
        ("reset", VIR_DUMP_RESET),
        ("memory-only", VIR_DUMP_MEMORY_ONLY),
    ]);
    let mut format = 0;
    if arguments.has("format") {
        if flags & VIR_DUMP_MEMORY_ONLY == 0 {
            fail!("--format only works with --memory-only");
        }
        if let Some(word) = arguments.some_text("format") {
            match number_of(&FORMATS, word) {
                Some(number) => format = number,
                None => fail!(
                    "format '{word}' is not supported, expecting 'kdump-zlib', 'kdump-lzo', 'kdump-snappy', \
                     'win-dmp' or 'elf'"
                ),
            }
        }
    }
    let path = file::absolute(to);
    let verbose = arguments.has("verbose");
    let target = domain.clone();
    job::run(shell, &domain, verbose, "Dump", None, |connection| {
        match format {
            0 => connection.call(Remote::domain_core_dump(target, path, flags)),
            format => connection.call(Remote::domain_core_dump_with_format(target, path, format, flags)),
        }
        .or_say(format_args!("Failed to core dump domain '{name}' to {to}"))
    })?;
    extra!(shell, "\nDomain '{name}' dumped to {to}\n");
    Ok(())
}

pub(super) static MANAGEDSAVE: Command = Command {
    name: "managedsave",
    summary: "have the daemon keep the state of a running domain, and end it",
    about: "Ends a domain and keeps its state, with which the next start goes on.",
    options: &[
        ACTIVE_DOMAIN,
        Opt::flag("bypass-cache", "go around the host's page cache"),
        Opt::flag("running", "let it run when it is restored"),
        Opt::flag("paused", "leave it paused"),
        Opt::flag("verbose", "show how far it is"),
    ],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let name = arguments.needed("domain")?;
        let flags = arguments.flags(&SAVE_FLAGS);
        let verbose = arguments.has("verbose");
        let target = domain.clone();
        job::run(shell, &domain, verbose, "Managedsave", None, |connection| {
            connection
                .call(Remote::domain_managed_save(target, flags))
                .or_say(format_args!("Failed to save domain '{name}' state"))
        })?;
        extra!(shell, "\nDomain '{name}' state saved by libvirt\n");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static MANAGEDSAVE_REMOVE: Command = Command {
    name: "managedsave-remove",
    summary: "forget the state that the daemon keeps of a domain",
    options: &[DOMAIN],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let name = arguments.needed("domain")?;
        let saved = shell
            .call(Remote::domain_has_managed_save_image(domain.clone(), 0))
            .or_say("Failed to check for domain managed save image")?;
        if saved == 0 {
            extra!(shell, "Domain '{name}' has no manage save image; removal skipped");
            return Ok(());
        }
        shell
            .call(Remote::domain_managed_save_remove(domain, 0))
            .or_say(format_args!("Failed to remove managed save image for domain '{name}'"))?;
        extra!(shell, "Removed managedsave image for domain '{name}'");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static MANAGEDSAVE_DUMPXML: Command = Command {
    name: "managedsave-dumpxml",
    summary: "print the definition in the state that the daemon keeps",
    options: &[DOMAIN, Opt::flag("security-info", "print passwords and the like, too"), XPATH, WRAP],
    run: |shell, arguments| {
        let flags = arguments.flags(&[("security-info", VIR_DOMAIN_XML_SECURE)]);
        let domain = shell.domain(arguments)?;
        let xpath = arguments.xpath()?;
        let text = shell.call(Remote::domain_managed_save_get_xml_desc(domain, flags))?;
        xml::show(shell, &text, xpath, arguments.has("wrap"))
    },
    ..Command::PLAIN
};

pub(super) static MANAGEDSAVE_DEFINE: Command = Command {
    name: "managedsave-define",
    summary: "change the definition in the state that the daemon keeps",
    options: &[
        DOMAIN,
        Opt::text("xml", "a file with the new definition").positional().required().file(),
        Opt::flag("running", "let it run when it is restored"),
        Opt::flag("paused", "leave it paused"),
    ],
    run: |shell, arguments| {
        arguments.exclusive("running", "paused")?;
        let flags = arguments.flags(&RUN_FLAGS);
        let text = file::read(arguments.needed("xml")?)?;
        let domain = shell.domain(arguments)?;
        let name = domain.name.clone();
        shell
            .call(Remote::domain_managed_save_define_xml(domain, Some(text), flags))
            .or_say(format_args!("Failed to update {name} XML configuration"))?;
        extra!(shell, "Managed save state file of domain '{name}' updated.\n");
        Ok(())
    },
    ..Command::PLAIN
};

/// The definition in the state that the daemon keeps.
struct Kept {
    domain: DomainRef,
    flags: u32,
}

impl Edit for Kept {
    fn get(&mut self, shell: &mut Shell) -> Outcome<String> {
        let request = Remote::domain_managed_save_get_xml_desc(self.domain.clone(), VIR_DOMAIN_XML_SECURE);
        Ok(shell.call(request)?)
    }

    fn set(&mut self, shell: &mut Shell, text: String) -> Outcome {
        Ok(shell.call(Remote::domain_managed_save_define_xml(self.domain.clone(), Some(text), self.flags))?)
    }
}

pub(super) static MANAGEDSAVE_EDIT: Command = Command {
    name: "managedsave-edit",
    summary: "change the definition in the state that the daemon keeps, in an editor",
    options: &[
        DOMAIN,
        Opt::flag("running", "let it run when it is restored"),
        Opt::flag("paused", "leave it paused"),
    ],
    run: |shell, arguments| {
        arguments.exclusive("running", "paused")?;
        let flags = arguments.flags(&RUN_FLAGS);
        let mut kept = Kept { domain: shell.domain(arguments)?, flags };
        let changed = edit::run(shell, &mut kept)?;
        let name = &kept.domain.name;
        match changed {
            false => {
                extra!(shell, "Managed save image of domain '{name}' XML configuration not changed.\n");
            }
            true => extra!(shell, "Managed save image of Domain '{name}' XML configuration edited.\n"),
        }
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static IMAGE_DUMPXML: Command = Command {
    name: "save-image-dumpxml",
    summary: "print the definition in a file with a saved state",
    options: &[
        Opt::text("file", "the file with the saved state").positional().required(),
        Opt::flag("security-info", "print passwords and the like, too"),
        XPATH,
        WRAP,
    ],
    run: |shell, arguments| {
        let flags = arguments.flags(&[("security-info", VIR_DOMAIN_XML_SECURE)]);
        let path = file::absolute(arguments.needed("file")?);
        let xpath = arguments.xpath()?;
        let text = shell.call(Remote::domain_save_image_get_xml_desc(path, flags))?;
        xml::show(shell, &text, xpath, arguments.has("wrap"))
    },
    ..Command::PLAIN
};

pub(super) static IMAGE_DEFINE: Command = Command {
    name: "save-image-define",
    summary: "change the definition in a file with a saved state",
    options: &[
        Opt::text("file", "the file with the saved state").positional().required(),
        Opt::text("xml", "a file with the new definition").positional().required().file(),
        Opt::flag("running", "let it run when it is restored"),
        Opt::flag("paused", "leave it paused"),
    ],
    run: |shell, arguments| {
        let flags = arguments.flags(&RUN_FLAGS);
        let path = arguments.needed("file")?;
        let text = file::read(arguments.needed("xml")?)?;
        shell
            .call(Remote::domain_save_image_define_xml(file::absolute(path), text, flags))
            .or_say(format_args!("Failed to update {path}"))?;
        extra!(shell, "State file {path} updated.\n");
        Ok(())
    },
    ..Command::PLAIN
};

/// The definition in a file with a saved state.
struct Image {
    path: String,
    flags: u32,
}

impl Edit for Image {
    fn get(&mut self, shell: &mut Shell) -> Outcome<String> {
        let request = Remote::domain_save_image_get_xml_desc(self.path.clone(), VIR_DOMAIN_XML_SECURE);
        Ok(shell.call(request)?)
    }

    fn set(&mut self, shell: &mut Shell, text: String) -> Outcome {
        Ok(shell.call(Remote::domain_save_image_define_xml(self.path.clone(), text, self.flags))?)
    }
}

pub(super) static IMAGE_EDIT: Command = Command {
    name: "save-image-edit",
    summary: "change the definition in a file with a saved state, in an editor",
    options: &[
        Opt::text("file", "the file with the saved state").positional().required(),
        Opt::flag("running", "let it run when it is restored"),
        Opt::flag("paused", "leave it paused"),
    ],
    run: |shell, arguments| {
        let flags = arguments.flags(&RUN_FLAGS);
        arguments.exclusive("running", "paused")?;
        let path = arguments.needed("file")?;
        let mut image = Image { path: file::absolute(path), flags };
        match edit::run(shell, &mut image)? {
            false => extra!(shell, "Saved image {path} XML configuration not changed.\n"),
            true => extra!(shell, "State file {path} edited.\n"),
        }
        Ok(())
    },
    ..Command::PLAIN
};
