//! Interfaces a network is forwarded to.

use virtus_base::Result;
use virtus_xml::Element;

use super::{Command, change, expect, invalid, unsupported};
use crate::network::{ForwardInterface, Network, xml_error};

impl Network {
    pub(super) fn update_forward_interface(&mut self, command: Command, e: Element<'_>) -> Result<()> {
        expect(e, "interface", &self.name)?;
        if command == Command::Modify {
            return Err(unsupported("forward interface entries cannot be modified, only added or deleted"));
        }
        let network = &self.name;
        let dev = e.attr("dev").filter(|dev| !dev.is_empty());
        let dev = dev.ok_or_else(|| xml_error("missing dev attribute in <interface> element"))?;
        let interfaces = self.forward.as_ref().map(|f| f.interfaces.as_slice()).unwrap_or_default();
        let same =
            |i: &ForwardInterface| matches!(i, ForwardInterface::Device { dev: other, .. } if other == dev);
        let found = interfaces.iter().position(same);
        match (command, found) {
            (Command::AddFirst | Command::AddLast, Some(_)) => {
                return Err(invalid(format!(
                    "there is an existing interface entry in network '{network}' that matches \"<interface dev='{dev}'>\""
                )));
            }
            (Command::Delete, None) => {
                return Err(invalid(format!(
                    "couldn't find an interface entry in network '{network}' matching <interface dev='{dev}'>"
                )));
            }
            _ => {}
        }
        let interface = ForwardInterface::Device { dev: dev.to_owned(), connections: 0 };
        match &mut self.forward {
            Some(forward) => change(&mut forward.interfaces, command, found, interface),
            // an isolated network has no place for one, and libvirt drops it
            None => change(&mut Vec::new(), command, None, interface),
        }
    }
}
