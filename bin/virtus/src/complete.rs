//! Values of options that the daemon knows, for those who are typing.

use virtus::calls::Remote;
use virtus::constants::{
    VIR_CONNECT_LIST_DOMAINS_ACTIVE, VIR_CONNECT_LIST_DOMAINS_INACTIVE, VIR_CONNECT_LIST_DOMAINS_PERSISTENT,
};

use crate::grammar::Arguments;
use crate::shell::Shell;
use crate::xml;

fn domains_with(shell: &Shell, flags: u32) -> Vec<String> {
    let listed = shell.call(Remote::connect_list_all_domains(1, flags));
    listed.map(|reply| reply.domains.0.into_iter().map(|domain| domain.name).collect()).unwrap_or_default()
}

pub(crate) fn domains(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    domains_with(shell, VIR_CONNECT_LIST_DOMAINS_ACTIVE | VIR_CONNECT_LIST_DOMAINS_INACTIVE)
}

pub(crate) fn active_domains(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    domains_with(shell, VIR_CONNECT_LIST_DOMAINS_ACTIVE)
}

pub(crate) fn inactive_domains(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    domains_with(shell, VIR_CONNECT_LIST_DOMAINS_INACTIVE)
}

pub(crate) fn persistent_domains(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    domains_with(shell, VIR_CONNECT_LIST_DOMAINS_PERSISTENT)
}

/// What an attribute of a kind of device of the domain in question has.
fn from_devices(
    shell: &mut Shell,
    arguments: &Arguments,
    elements: &str,
    wanted: &[(&str, &str)],
) -> Vec<String> {
    let Ok(domain) = shell.domain(arguments) else { return Vec::new() };
    let Ok(text) = shell.call(Remote::domain_get_xml_desc(domain, 0)) else { return Vec::new() };
    let Ok(document) = xml::parse(&text, "domain") else { return Vec::new() };
    let devices = xml::children(document.root_element(), elements);
    wanted
        .iter()
        .flat_map(|(path, name)| devices.iter().filter_map(|device| xml::attribute(*device, path, name)))
        .map(str::to_owned)
        .collect()
}

pub(crate) fn disk_targets(shell: &mut Shell, arguments: &Arguments) -> Vec<String> {
    from_devices(shell, arguments, "devices/disk", &[("target", "dev")])
}

pub(crate) fn interfaces(shell: &mut Shell, arguments: &Arguments) -> Vec<String> {
    from_devices(shell, arguments, "devices/interface", &[("target", "dev"), ("mac", "address")])
}

pub(crate) fn aliases(shell: &mut Shell, arguments: &Arguments) -> Vec<String> {
    from_devices(shell, arguments, "devices/*", &[("alias", "name")])
}

pub(crate) fn snapshots(shell: &mut Shell, arguments: &Arguments) -> Vec<String> {
    let Ok(domain) = shell.domain(arguments) else { return Vec::new() };
    let listed = shell.call(Remote::domain_list_all_snapshots(domain, 1, 0));
    listed.map(|reply| reply.snapshots.0.into_iter().map(|one| one.name).collect()).unwrap_or_default()
}

pub(crate) fn checkpoints(shell: &mut Shell, arguments: &Arguments) -> Vec<String> {
    let Ok(domain) = shell.domain(arguments) else { return Vec::new() };
    let listed = shell.call(Remote::domain_list_all_checkpoints(domain, 1, 0));
    listed.map(|reply| reply.checkpoints.0.into_iter().map(|one| one.name).collect()).unwrap_or_default()
}
