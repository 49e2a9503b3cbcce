//! Network interfaces: `attach-interface`, `detach-interface`, `domif-setlink` and `domiftune`.

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainRef, TypedParam};

use super::address::Address;
use super::device::Affects;
use super::params;
use super::rate::Rate;
use crate::command::normal_mac;
use crate::command::{CONFIG, CURRENT, Command, DOMAIN, LIVE, Opt, PERSISTENT};
use crate::complete;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra, fail, out};
use crate::xml::build::Element;
use crate::xml::{self, tree::Tree};

pub(super) static ATTACH: Command =
    Command {
        name: "attach-interface",
        summary: "plug a network interface in",
        about: "Makes a network interface of the options and plugs it into a domain.",
        options: &[
            DOMAIN,
            Opt::text("type", "network, bridge, direct, hostdev or vhostuser")
                .positional()
                .required()
                .one_of(&["network", "bridge", "direct", "hostdev", "vhostuser"]),
            Opt::text("source", "the network, bridge or device").positional().required(),
            Opt::text("target", "the device on the host").also_positional(),
            Opt::text("mac", "the MAC address").also_positional(),
            Opt::text("script", "the script that brings it up").also_positional(),
            Opt::text("model", "the model").also_positional(),
            Opt::text("alias", "the alias to give the interface").also_positional(),
            Opt::text("inbound", "rates for what comes in: average,peak,burst,floor").also_positional(),
            Opt::text("outbound", "rates for what goes out: average,peak,burst").also_positional(),
            PERSISTENT,
            CONFIG,
            LIVE,
            CURRENT,
            Opt::flag("print-xml", "print the XML and do nothing"),
            Opt::flag("managed", "let libvirt take the device from the host"),
            Opt::text("source-mode", "server or client").also_positional().one_of(&["server", "client"]),
        ],
        run: attach,
        ..Command::PLAIN
    };

fn attach(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let affects = Affects::read(arguments)?;
    let xml = interface(arguments)?;
    if arguments.has("print-xml") {
        out!(shell, "{xml}");
        return Ok(());
    }
    let domain = shell.domain(arguments)?;
    affects.attach(shell, domain, xml).or_say("Failed to attach interface")?;
    extra!(shell, "Interface attached successfully\n");
    Ok(())
}

/// The interface that the options describe.
fn interface(arguments: &Arguments) -> Outcome<String> {
    let of = |name| arguments.text(name);
    let (kind, source) = (arguments.needed("type")?, arguments.needed("source")?);
    if !matches!(kind, "network" | "bridge" | "direct" | "hostdev" | "vhostuser") {
        fail!("No support for {kind} in command 'attach-interface'");
    }
    let mode = of("source-mode")?;
    if let Some(mode) = mode.filter(|mode| !matches!(*mode, "server" | "client")) {
        fail!("Invalid source mode: {mode}");
    }
    let inbound = of("inbound")?.map(Rate::parse).transpose()?;
    if inbound.as_ref().is_some_and(|rate| rate.average == 0 && rate.floor == 0) {
        fail!("either inbound average or floor is mandatory");
    }
    let outbound = of("outbound")?.map(Rate::parse).transpose()?;
    check_outbound(outbound.as_ref(), |rate| rate.average == 0)?;
    let managed = arguments.has("managed").then_some("yes");
    let mut interface = Element::new("interface").attribute("type", Some(kind)).attribute("managed", managed);
    interface.child(match kind {
        "network" | "bridge" => Element::new("source").attribute(kind, Some(source)),
        "direct" => Element::new("source").attribute("dev", Some(source)),
        "hostdev" => {
            let Some(address) = Address::parse(&format!("pci:{source}"), false) else {
                fail!("cannot parse pci address '{source}' for network interface");
            };
            let mut element = Element::new("source");
            element.raw(&address.xml());
            element
        }
        _ => {
            if mode.is_none() {
                fail!("source-mode is mandatory");
            }
            Element::new("source")
                .attribute("type", Some("unix"))
                .attribute("path", Some(source))
                .attribute("mode", mode)
        }
    });
    interface.child(Element::new("target").attribute("dev", of("target")?));
    interface.child(Element::new("mac").attribute("address", of("mac")?));
    interface.child(Element::new("script").attribute("path", of("script")?));
    interface.child(Element::new("model").attribute("type", of("model")?));
    interface.child(Element::new("alias").attribute("name", of("alias")?));
    let mut bandwidth = Element::new("bandwidth");
    if let Some(rate) = &inbound {
        bandwidth.raw(&rate.xml("inbound"));
    }
    if let Some(rate) = &outbound {
        bandwidth.raw(&rate.xml("outbound"));
    }
    interface.child(bandwidth);
    Ok(interface.finish())
}

fn check_outbound(rate: Option<&Rate>, lacks_average: impl Fn(&Rate) -> bool) -> Outcome {
    match rate {
        Some(rate) if lacks_average(rate) => fail!("outbound average is mandatory"),
        Some(rate) if rate.floor != 0 => fail!("outbound floor is unsupported yet"),
        _ => Ok(()),
    }
}

pub(super) static DETACH: Command = Command {
    name: "detach-interface",
    summary: "unplug a network interface",
    options: &[
        DOMAIN,
        Opt::text("type", "the kind of interface").positional().required(),
        Opt::text("mac", "the MAC address").also_positional().asks(complete::interfaces),
        PERSISTENT,
        CONFIG,
        LIVE,
        CURRENT,
        Opt::flag("print-xml", "print the XML and do nothing"),
    ],
    run: detach,
    ..Command::PLAIN
};

fn detach(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let affects = Affects::read(arguments)?;
    let domain = shell.domain(arguments)?;
    let outcome = detach_each(shell, arguments, &affects, &domain);
    if arguments.has("print-xml") {
        return outcome;
    }
    match outcome {
        Ok(()) => {
            extra!(shell, "Interface detached successfully\n");
            Ok(())
        }
        Err(failure) => Err(failure.and("Failed to detach interface")),
    }
}

fn detach_each(shell: &mut Shell, arguments: &Arguments, affects: &Affects, domain: &DomainRef) -> Outcome {
    let config = affects.flags() & VIR_DOMAIN_AFFECT_CONFIG != 0;
    if config {
        detach_one(shell, arguments, domain, VIR_DOMAIN_AFFECT_CONFIG)?;
    }
    let live = affects.on(shell, domain) & VIR_DOMAIN_AFFECT_LIVE;
    if live != 0 || !config {
        detach_one(shell, arguments, domain, live)?;
    }
    Ok(())
}

/// Unplugs the interface from the definition that the flags are about.
fn detach_one(shell: &mut Shell, arguments: &Arguments, domain: &DomainRef, flags: u32) -> Outcome {
    let kind = arguments.needed("type")?;
    let mac = arguments.text("mac")?;
    let inactive = if flags & VIR_DOMAIN_AFFECT_CONFIG != 0 { VIR_DOMAIN_XML_INACTIVE } else { 0 };
    let text = shell.call(Remote::domain_get_xml_desc(domain.clone(), inactive))?;
    let Ok(document) = xml::Document::parse(&text) else { fail!("Failed to get interface information") };
    let mut found = xml::children(document.root_element(), "devices/interface");
    found.retain(|interface| interface.attribute("type") == Some(kind));
    if found.is_empty() {
        fail!("No interface found whose type is {kind}");
    }
    if let Some(mac) = mac {
        let normal = normal_mac(mac);
        found.retain(|interface| {
            xml::attribute(*interface, "mac", "address")
                .is_some_and(|own| own.eq_ignore_ascii_case(mac) || normal_mac(own) == normal)
        });
        match found.len() {
            0 => fail!("No interface with MAC address {mac} was found"),
            1 => {}
            _ => fail!(
                "Domain has multiple interfaces matching MAC address {mac}. You must use detach-device and specify \
                 the device pci address to remove it."
            ),
        }
    } else if found.len() > 1 {
        fail!("Domain has {} interfaces. Please specify which one to detach using --mac", found.len());
    }
    let Some(interface) = found.first() else { return Ok(()) };
    let xml = Tree::of(*interface).text();
    if arguments.has("print-xml") {
        out!(shell, "{xml}");
        return Ok(());
    }
    match flags {
        0 if !arguments.has("current") => shell.call(Remote::domain_detach_device(domain.clone(), xml))?,
        flags => shell.call(Remote::domain_detach_device_flags(domain.clone(), xml, flags))?,
    }
    Ok(())
}

pub(super) static SETLINK: Command = Command {
    name: "domif-setlink",
    summary: "plug a network interface's cable in or out",
    options: &[
        DOMAIN,
        Opt::text("interface", "the interface: its device on the host or its MAC address")
            .positional()
            .required()
            .asks(complete::interfaces),
        Opt::text("state", "up or down").positional().required().one_of(&["up", "down"]),
        Opt::alias("persistent", "config"),
        CONFIG,
        Opt::flag("print-xml", "print the XML and do nothing"),
    ],
    run: setlink,
    ..Command::PLAIN
};

fn setlink(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let (wanted, state) = (arguments.needed("interface")?, arguments.needed("state")?);
    if !matches!(state, "up" | "down") {
        fail!("invalid link state '{state}'");
    }
    let (mut flags, query) = match arguments.has("config") {
        true => (VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_XML_INACTIVE),
        false => (VIR_DOMAIN_AFFECT_LIVE, 0),
    };
    if shell.call(Remote::domain_is_active(domain.clone())).is_ok_and(|active| active == 0) {
        flags = VIR_DOMAIN_AFFECT_CONFIG;
    }
    let text = shell.xml_of_domain(&domain, query)?;
    let document = xml::parse(&text, "domain")?;
    let interfaces = xml::children(document.root_element(), "devices/interface");
    if interfaces.is_empty() {
        fail!("Failed to extract interface information or no interfaces found");
    }
    let is_wanted = |own: Option<&str>| own.is_some_and(|own| own.eq_ignore_ascii_case(wanted));
    let found = interfaces.into_iter().find(|interface| {
        is_wanted(xml::attribute(*interface, "mac", "address"))
            || is_wanted(xml::attribute(*interface, "target", "dev"))
    });
    let Some(interface) = found else { fail!("interface '{wanted}' not found") };
    let mut tree = Tree::of(interface);
    if tree.child_mut("link").is_none() {
        tree.push(Tree::new("link"));
    }
    if let Some(link) = tree.child_mut("link") {
        link.set_attribute("state", state);
    }
    let xml = tree.text();
    if arguments.has("print-xml") {
        out!(shell, "{xml}");
        return Ok(());
    }
    shell
        .call(Remote::domain_update_device_flags(domain, xml, flags))
        .or_say("Failed to update interface link state")?;
    extra!(shell, "Device updated successfully\n");
    Ok(())
}

pub(super) static TUNE: Command = Command {
    name: "domiftune",
    summary: "tell or set the rates of a network interface",
    options: &[
        DOMAIN,
        Opt::text("interface", "the interface: its device on the host or its MAC address")
            .positional()
            .required()
            .asks(complete::interfaces),
        Opt::text("inbound", "rates for what comes in: average,peak,burst,floor").also_positional(),
        Opt::text("outbound", "rates for what goes out: average,peak,burst").also_positional(),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run: tune,
    ..Command::PLAIN
};

fn tune(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = super::affect(arguments)?;
    let domain = shell.domain(arguments)?;
    let device = arguments.needed("interface")?;
    let mut changes = Vec::new();
    for (direction, own_name) in [("inbound", "inbound"), ("outbound", "outbound")] {
        let Some(rate) = arguments.text(own_name)?.map(Rate::parse).transpose()? else { continue };
        let values = [rate.average, rate.peak, rate.burst].map(u32::try_from);
        let [Ok(average), Ok(peak), Ok(burst)] = values else {
            fail!("{direction} rate larger than maximum {}", u32::MAX);
        };
        let lacks_average = |rate: &Rate| rate.average == 0 && (rate.burst != 0 || rate.peak != 0);
        if direction == "outbound" {
            check_outbound(Some(&rate), lacks_average)?;
        } else if lacks_average(&rate) && rate.floor == 0 {
            fail!("either inbound average or floor is mandatory");
        }
        changes.push(TypedParam::new(format!("{direction}.average"), average));
        let floor = u32::try_from(rate.floor).unwrap_or(u32::MAX);
        let more = [("peak", peak), ("burst", burst), ("floor", floor)];
        changes.extend(
            more.iter()
                .filter(|(_, value)| *value != 0)
                .map(|(name, value)| TypedParam::new(format!("{direction}.{name}"), *value)),
        );
    }
    if changes.is_empty() {
        let ask = |count| {
            Remote::domain_get_interface_parameters(
                domain.clone(),
                device.to_owned(),
                count,
                flags | VIR_TYPED_PARAM_STRING_OKAY,
            )
        };
        let count = shell.call(ask(0)).or_say("Unable to get number of interface parameters")?.nparams;
        if count == 0 {
            return Ok(());
        }
        let params = shell.call(ask(count)).or_say("Unable to get interface parameters")?.params;
        params::print(shell, &params);
        return Ok(());
    }
    shell
        .call(Remote::domain_set_interface_parameters(domain, device.to_owned(), changes.into(), flags))
        .or_say("Unable to set interface parameters")
}
