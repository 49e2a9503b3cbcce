//! `domblkinfo`

use virtus::calls::Remote;
use virtus::{ErrorCode, ErrorDomain};

use crate::command::{Command, DOMAIN, OUTPUT, Opt};
use crate::complete;
use crate::grammar::Arguments;
use crate::shell::{Failure, Outcome, Shell, out};
use crate::show::{Cell, Table, size};
use crate::xml;

pub(super) static COMMAND: Command = Command {
    name: "domblkinfo",
    summary: "how large a domain's disks are",
    about: "Prints the sizes of a disk, in bytes: what the guest sees, how much of it is allocated, and how large \
            its file or device is.",
    options: &[
        DOMAIN,
        Opt::text("device", "the disk: its target or its source").positional().asks(complete::disk_targets),
        Opt::flag("human", "print sizes with units"),
        Opt::flag("all", "tell about all disks"),
        OUTPUT,
    ],
    run,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.exclusive("all", "device")?;
    let domain = shell.domain(arguments)?;
    let human = arguments.has("human");
    let ask = |device: &str| Remote::domain_get_block_info(domain.clone(), device.to_owned(), 0);
    if !arguments.has("all") {
        let Some(device) = arguments.some_text("device") else {
            return Err(Failure::new("command 'domblkinfo' requires <device> option"));
        };
        let info = shell.call(ask(device))?;
        let sizes = sizes([info.capacity, info.allocation, info.physical], human);
        for (title, size) in ["Capacity:", "Allocation:", "Physical:"].iter().zip(sizes) {
            out!(shell, "{title:<15} {size}\n");
        }
        return Ok(());
    }
    let active = shell.is_active(&domain);
    let text = shell.xml_of_domain(&domain, 0)?;
    let document = xml::parse(&text, "domain")?;
    let mut table = Table::new(&["Target", "Capacity", "Allocation", "Physical"]);
    for disk in xml::children(document.root_element(), "devices/disk") {
        let target = xml::attribute(disk, "target", "dev").unwrap_or_default();
        let mut values = [0; 3];
        if let Some(source) = xml::child(disk, "source") {
            match shell.call(ask(target)) {
                Ok(info) => values = [info.capacity, info.allocation, info.physical],
                // a network disk of a domain that does not run has no sizes
                Err(error)
                    if source.has_attribute("protocol")
                        && !active
                        && error.code() == ErrorCode::INTERNAL_ERROR
                        && error.domain() == ErrorDomain::STORAGE => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut row: Vec<Cell> = vec![target.into()];
        row.extend(sizes(values, human).into_iter().zip(values).map(|(text, value)| match values {
            [0, 0, 0] => Cell::new(text, serde_json::Value::Null),
            _ => Cell::new(text, value),
        }));
        table.row(row);
    }
    table.show(shell, arguments)
}

fn sizes(values: [u64; 3], human: bool) -> [String; 3] {
    if values == [0; 3] {
        return [(); 3].map(|()| "-".to_owned());
    }
    values.map(|value| match human {
        false => value.to_string(),
        true => {
            let (value, unit) = size::pretty(value);
            format!("{value:.3} {unit}")
        }
    })
}
