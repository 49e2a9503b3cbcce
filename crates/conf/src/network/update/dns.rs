//! Records of the name server.

use virtus_base::Result;
use virtus_xml::Element;

use super::{Command, change, expect, invalid, unsupported};
use crate::network::{DnsHost, DnsSrv, DnsTxt, Network};

impl Network {
    pub(super) fn update_dns_host(&mut self, command: Command, e: Element<'_>) -> Result<()> {
        expect(e, "host", &self.name)?;
        let host = DnsHost::read(e, &self.name, !command.adds())?;
        let alike = |other: &DnsHost| {
            (host.ip.is_some() && host.ip == other.ip) || host.names.iter().any(|n| other.names.contains(n))
        };
        let found = one(&self.dns.hosts, alike, "DNS HOST", command, &self.name)?;
        change(&mut self.dns.hosts, command, found, host)
    }

    pub(super) fn update_dns_txt(&mut self, command: Command, e: Element<'_>) -> Result<()> {
        expect(e, "txt", &self.name)?;
        let txt = DnsTxt::read(e, &self.name, !command.adds())?;
        let found = self.dns.txts.iter().position(|other| other.name == txt.name);
        let network = &self.name;
        match (command, found) {
            (Command::AddFirst | Command::AddLast, Some(_)) => {
                let name = &txt.name;
                let text =
                    format!("there is already a DNS TXT record with name '{name}' in network {network}");
                return Err(invalid(text));
            }
            (Command::Modify | Command::Delete, None) => {
                return Err(invalid(format!(
                    "couldn't locate a matching DNS TXT record in network {network}"
                )));
            }
            _ => {}
        }
        change(&mut self.dns.txts, command, found, txt)
    }

    pub(super) fn update_dns_srv(&mut self, command: Command, e: Element<'_>) -> Result<()> {
        if command == Command::Modify {
            return Err(unsupported("DNS SRV records cannot be modified, only added or deleted"));
        }
        expect(e, "srv", &self.name)?;
        let srv = DnsSrv::read(e, &self.name, !command.adds())?;
        let agrees = |other: &DnsSrv| {
            fn fits<T: PartialEq>(wanted: &Option<T>, has: &Option<T>) -> bool {
                wanted.is_none() || wanted == has
            }
            fits(&srv.domain, &other.domain)
                && fits(&srv.service, &other.service)
                && fits(&srv.protocol, &other.protocol)
                && fits(&srv.target, &other.target)
                && fits(&srv.port, &other.port)
                && fits(&srv.priority, &other.priority)
                && fits(&srv.weight, &other.weight)
        };
        let found = one(&self.dns.srvs, agrees, "DNS SRV", command, &self.name)?;
        change(&mut self.dns.srvs, command, found, srv)
    }
}

/// The record that matches. There has to be one to change or delete, only one, and none to add to.
fn one<T>(
    records: &[T],
    matches: impl Fn(&T) -> bool,
    what: &str,
    command: Command,
    network: &str,
) -> Result<Option<usize>> {
    let mut found = records.iter().enumerate().filter(|(_, record)| matches(record)).map(|(at, _)| at);
    let (first, more) = (found.next(), found.next().is_some());
    let text = match (command.adds(), first) {
        (true, Some(_)) => match what {
            "DNS SRV" => {
                "there is already at least one DNS SRV record matching all specified fields".to_owned()
            }
            _ => format!("there is already at least one {what} record with a matching field"),
        },
        (false, None) => format!("couldn't locate a matching {what} record"),
        (false, Some(_)) if more => match what {
            "DNS SRV" => "multiple DNS SRV records matching all specified fields were found".to_owned(),
            _ => format!("multiple matching {what} records were found"),
        },
        _ => return Ok(first),
    };
    Err(invalid(format!("{text} in network {network}")))
}
