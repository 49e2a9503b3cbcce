//! Definitions: `dumpxml`, `edit`, `domxml-from-native` and `domxml-to-native`.

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainRef, ErrorCode};

use crate::command::{Command, DOMAIN, Opt, WRAP, XPATH};
use crate::complete;
use crate::edit::{self, Edit};
use crate::file;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra, fail, out};
use crate::xml;

pub(super) static DUMPXML: Command = Command {
    name: "dumpxml",
    summary: "print a domain's definition",
    options: &[
        DOMAIN,
        Opt::flag("inactive", "what holds from the next boot on"),
        Opt::flag("security-info", "print passwords and the like, too"),
        Opt::flag("update-cpu", "fill the CPU in by the host's"),
        Opt::flag("migratable", "only what another host can have"),
        XPATH,
        WRAP,
    ],
    run: dumpxml,
    ..Command::PLAIN
};

fn dumpxml(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = arguments.flags(&[
        ("inactive", VIR_DOMAIN_XML_INACTIVE),
        ("security-info", VIR_DOMAIN_XML_SECURE),
        ("update-cpu", VIR_DOMAIN_XML_UPDATE_CPU),
        ("migratable", VIR_DOMAIN_XML_MIGRATABLE),
    ]);
    let domain = shell.domain(arguments)?;
    let xpath = arguments.xpath()?;
    let text = shell.call(Remote::domain_get_xml_desc(domain, flags))?;
    xml::show(shell, &text, xpath, arguments.has("wrap"))
}

pub(super) static EDIT: Command = Command {
    name: "edit",
    summary: "change a domain's definition in an editor",
    about: "Opens the definition of a domain in $VISUAL, $EDITOR or vi, and stores what comes back.",
    options: &[DOMAIN, Opt::flag("skip-validate", "do not check the XML against its schema")],
    run: edit_domain,
    ..Command::PLAIN
};

/// A domain's definition in an editor.
struct Definition {
    domain: DomainRef,
    flags: u32,
    edited: Option<DomainRef>,
}

impl Edit for Definition {
    fn get(&mut self, shell: &mut Shell) -> Outcome<String> {
        let flags = VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE;
        Ok(shell.call(Remote::domain_get_xml_desc(self.domain.clone(), flags))?)
    }

    fn set(&mut self, shell: &mut Shell, text: String) -> Outcome {
        let outcome = match self.flags {
            0 => shell.call(Remote::domain_define_xml(text)),
            flags => match shell.call(Remote::domain_define_xml_flags(text.clone(), flags)) {
                // a daemon that cannot check the XML
                Err(error) if error.code() == ErrorCode::NO_SUPPORT => {
                    shell.call(Remote::domain_define_xml(text))
                }
                outcome => outcome,
            },
        };
        self.edited = Some(outcome?);
        Ok(())
    }

    fn relax(&mut self) -> bool {
        std::mem::take(&mut self.flags) != 0
    }

    fn can_relax(&self) -> bool {
        true
    }
}

fn edit_domain(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let flags = if arguments.has("skip-validate") { 0 } else { VIR_DOMAIN_DEFINE_VALIDATE };
    let mut definition = Definition { domain, flags, edited: None };
    match edit::run(shell, &mut definition)? {
        false => extra!(shell, "Domain '{}' XML configuration not changed.\n", definition.domain.name),
        true => {
            let name = definition.edited.unwrap_or(definition.domain).name;
            extra!(shell, "Domain '{name}' XML configuration edited.\n");
        }
    }
    Ok(())
}

pub(super) static FROM_NATIVE: Command = Command {
    name: "domxml-from-native",
    summary: "make a definition of a hypervisor's own configuration",
    options: &[
        Opt::text("format", "the format of the configuration, e.g. qemu-argv").positional().required(),
        Opt::text("config", "the file with the configuration").positional().required().file(),
    ],
    run: |shell, arguments| {
        let format = arguments.needed("format")?.to_owned();
        let config = file::read(arguments.needed("config")?)?;
        let text = shell.call(Remote::connect_domain_xml_from_native(format, config, 0))?;
        out!(shell, "{text}");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static TO_NATIVE: Command = Command {
    name: "domxml-to-native",
    summary: "make a hypervisor's own configuration of a definition",
    options: &[
        Opt::text("format", "the format of the configuration, e.g. qemu-argv").positional().required(),
        Opt::text("domain", "a domain").asks(complete::domains),
        Opt::text("xml", "a file with the definition").also_positional().file(),
    ],
    run: |shell, arguments| {
        let format = arguments.needed("format")?.to_owned();
        arguments.exclusive("domain", "xml")?;
        let text = match (arguments.has("domain"), arguments.text("xml")?) {
            (true, _) => {
                let domain = shell.domain(arguments)?;
                shell.call(Remote::domain_get_xml_desc(domain, 0)).or_say("failed to retrieve XML")?
            }
            (false, Some(path)) => file::read(path)?,
            (false, None) => fail!("need either domain or domain XML"),
        };
        let config = shell.call(Remote::connect_domain_xml_to_native(format, text, 0))?;
        out!(shell, "{config}");
        Ok(())
    },
    ..Command::PLAIN
};
