//! Changes to one section of a network's definition (`virNetworkUpdate`).

mod dhcp;
mod dns;
mod forward;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Document, Element, ReadOptions};

use super::{Network, PortGroup, xml_error};

/// What is done with the element that comes with a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// It replaces the one it matches.
    Modify,
    /// The one it matches goes.
    Delete,
    /// It comes after the others.
    AddLast,
    /// It comes before the others.
    AddFirst,
    /// A number nobody knows; refused once the element has been read.
    Unknown(u32),
}

impl Command {
    /// The command of libvirt's number (`virNetworkUpdateCommand`).
    pub fn from_number(number: u32) -> Self {
        match number {
            1 => Command::Modify,
            2 => Command::Delete,
            3 => Command::AddLast,
            4 => Command::AddFirst,
            other => Command::Unknown(other),
        }
    }

    fn adds(self) -> bool {
        matches!(self, Command::AddLast | Command::AddFirst)
    }
}

impl Network {
    /// Changes a section, given by libvirt's number (`virNetworkUpdateSection`), by the element in `text`.
    /// `index` says which `<ip>` it is about, where that matters; below 0 it is the one with DHCP.
    ///
    /// # Errors
    /// libvirt's, when the element cannot be, matches nothing, or matches what is there already.
    pub fn update(&mut self, command: Command, section: u32, index: i32, text: &str) -> Result<()> {
        let document = Document::parse(text, ErrorDomain::NETWORK, &ReadOptions::default())?;
        let e = document.root();
        match section {
            4 => self.update_dhcp_host(command, index, e)?,
            5 => self.update_dhcp_range(command, index, e)?,
            7 => self.update_forward_interface(command, e)?,
            9 => self.update_portgroup(command, e)?,
            10 => self.update_dns_host(command, e)?,
            11 => self.update_dns_txt(command, e)?,
            12 => self.update_dns_srv(command, e)?,
            _ => {
                let fixed = [(1, "bridge"), (2, "domain"), (3, "ip"), (6, "forward"), (8, "forward pf")];
                let text = match fixed.iter().find(|(number, _)| *number == section) {
                    Some((_, name)) => format!("can't update '{name}' section of network '{}'", self.name),
                    None => "can't update unrecognized section of network".to_owned(),
                };
                return Err(unsupported(text));
            }
        }
        // what was put in has to be a definition again
        *self = Network { uuid_given: self.uuid_given, ..Network::parse(&self.format(true), false)? };
        Ok(())
    }

    fn update_portgroup(&mut self, command: Command, e: Element<'_>) -> Result<()> {
        expect(e, "portgroup", &self.name)?;
        let group = PortGroup::read_element(e)?;
        if group.name.is_none() {
            return Err(xml_error("Missing required name attribute in portgroup"));
        }
        let (network, name) = (&self.name, group.name.as_deref().unwrap_or_default());
        let found = self.portgroups.iter().position(|g| g.name == group.name);
        match found {
            None if matches!(command, Command::Modify | Command::Delete) => {
                return Err(invalid(format!(
                    "couldn't find a portgroup entry in network '{network}' matching <portgroup name='{name}'>"
                )));
            }
            Some(_) if command.adds() => {
                return Err(invalid(format!(
                    "there is an existing portgroup entry in network '{network}' that matches \"<portgroup name='{name}'>\""
                )));
            }
            _ => {}
        }
        let other = self.portgroups.iter().position(|g| g.default).filter(|at| Some(*at) != found);
        if command != Command::Delete && group.default && other.is_some() {
            return Err(invalid(format!(
                "a different portgroup entry in network '{network}' is already set as the default. Only one default is allowed."
            )));
        }
        change(&mut self.portgroups, command, found, group)
    }
}

/// Does what the command says to a list; `found` is where the item is that is replaced or goes.
fn change<T>(list: &mut Vec<T>, command: Command, found: Option<usize>, item: T) -> Result<()> {
    let slot = found.and_then(|at| list.get_mut(at));
    match command {
        Command::AddFirst => list.insert(0, item),
        Command::AddLast => list.push(item),
        Command::Modify => {
            if let Some(slot) = slot {
                *slot = item;
            }
        }
        Command::Delete => {
            if let Some(at) = found.filter(|at| *at < list.len()) {
                list.remove(at);
            }
        }
        Command::Unknown(number) => {
            let text = format!("unrecognized network update command code {number}");
            return Err(Error::new(ErrorDomain::NETWORK, ErrorCode::NO_SUPPORT, text));
        }
    }
    Ok(())
}

/// The element has to be of this name.
fn expect(e: Element<'_>, name: &str, network: &str) -> Result<()> {
    match e.name() {
        found if found == name => Ok(()),
        found => Err(xml_error(format!(
            "unexpected element <{found}>, expecting <{name}>, while updating network '{network}'"
        ))),
    }
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NETWORK, ErrorCode::OPERATION_INVALID, text)
}

fn unsupported(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NETWORK, ErrorCode::OPERATION_UNSUPPORTED, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "<network><name>n</name><forward mode='nat'/><bridge name='b'/>
<dns><txt name='t' value='v'/><srv service='s' protocol='tcp'/><host ip='10.0.0.2'><hostname>h</hostname></host></dns>
<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.2' end='10.0.0.99'/>
<host mac='52:54:00:00:00:01' name='a' ip='10.0.0.10'/></dhcp></ip><portgroup name='p' default='yes'/></network>";

    fn update(command: u32, section: u32, text: &str) -> Result<String> {
        let mut network = Network::parse(BASE, true).unwrap();
        network.update(Command::from_number(command), section, -1, text)?;
        Ok(network.format(true))
    }

    #[test]
    fn sections_change() {
        for (command, section, text, has) in [
            (1, 4, "<host name='a' ip='10.0.0.7'/>", "<host name='a' ip='10.0.0.7'/>"),
            (4, 4, "<host name='b' ip='10.0.0.7'/>", "<host name='b' ip='10.0.0.7'/>\n      <host mac="),
            (3, 5, "<range start='10.0.0.100' end='10.0.0.110'/>", "end='10.0.0.99'/>\n      <range"),
            (3, 7, "<interface dev='eth1'/>", "<interface dev='eth1'/>"),
            (1, 9, "<portgroup name='p'/>", "<portgroup name='p'>"),
            (1, 10, "<host ip='10.0.0.2'><hostname>x</hostname></host>", "<hostname>x</hostname>"),
            (1, 11, "<txt name='t' value='w'/>", "value='w'"),
        ] {
            let written = update(command, section, text).unwrap();
            assert!(written.contains(has), "{text}: {written}");
        }
        for (section, text, gone) in [
            (4, "<host mac='52:54:00:00:00:01'/>", "mac='52:54"),
            (5, "<range start='10.0.0.2' end='10.0.0.99'/>", "<range"),
            (9, "<portgroup name='p'/>", "<portgroup"),
            (10, "<host><hostname>h</hostname></host>", "<hostname"),
            (11, "<txt name='t'/>", "<txt"),
            (12, "<srv service='s'/>", "<srv"),
        ] {
            let written = update(2, section, text).unwrap();
            assert!(!written.contains(gone), "{text}: {written}");
        }
    }

    #[test]
    fn what_cannot_change_is_refused() {
        for (command, section, text, code) in [
            (1, 5, "<range start='10.0.0.2' end='10.0.0.9'/>", ErrorCode::OPERATION_UNSUPPORTED),
            (3, 4, "<host name='a' ip='10.0.0.7'/>", ErrorCode::OPERATION_INVALID),
            (3, 4, "<host name='z'/>", ErrorCode::XML_ERROR),
            (2, 4, "<host name='z'/>", ErrorCode::OPERATION_INVALID),
            (3, 9, "<portgroup name='q' default='yes'/>", ErrorCode::OPERATION_INVALID),
            (3, 11, "<host/>", ErrorCode::XML_ERROR),
            (3, 1, "<bridge name='x'/>", ErrorCode::OPERATION_UNSUPPORTED),
            (9, 11, "<txt name='x' value='y'/>", ErrorCode::NO_SUPPORT),
        ] {
            assert_eq!(update(command, section, text).unwrap_err().code(), code, "{text}");
        }
    }
}
