//! `wait`

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;
use virtus::calls::Remote;
use virtus::constants::{VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, VIR_DOMAIN_EVENT_ID_LIFECYCLE};
use virtus::{DomainRef, ErrorCode, Subject};

use crate::command::{Command, DOMAIN, Opt};
use crate::grammar::Arguments;
use crate::shell::{Failure, Outcome, Shell, fail, out};
use crate::xml;

pub(super) static COMMAND: Command = Command {
    name: "wait",
    summary: "wait until a domain is so far",
    about: "Waits until a running domain has an IP address (and prints it), until its agent answers, until \
            something accepts connections at a TCP port of it (and prints where), or until it has shut down.",
    options: &[
        DOMAIN,
        Opt::text("for", "what to wait for: ip, agent, shutdown or port:NUMBER")
            .required()
            .positional()
            .one_of(&["ip", "agent", "shutdown", "port:"]),
        Opt::number("timeout", "give up after so many seconds"),
    ],
    run,
    only_virtus: true,
    ..Command::PLAIN
};

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Ip,
    Agent,
    Shutdown,
    Port(u16),
}

impl Goal {
    fn read(text: &str) -> Option<Goal> {
        Some(match text {
            "ip" => Goal::Ip,
            "agent" => Goal::Agent,
            "shutdown" => Goal::Shutdown,
            _ => Goal::Port(text.strip_prefix("port:")?.parse().ok().filter(|port| *port > 0)?),
        })
    }
}

/// How long to wait for an event before looking again: of addresses and ports no event tells.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a host has to answer.
const PATIENCE: Duration = Duration::from_secs(1);

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let wanted = arguments.needed("for")?;
    let Some(goal) = Goal::read(wanted) else {
        fail!("cannot wait for '{wanted}': it is none of ip, agent, shutdown and port:NUMBER");
    };
    let end = arguments.timeout_ms()?.map(|limit| Instant::now() + Duration::from_millis(limit));
    let domain = shell.domain(arguments)?;
    let connection = shell.connection()?.clone();
    // events end the pauses; without them it goes on all the same
    let registered: Vec<_> = [VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE]
        .into_iter()
        .filter_map(|event| {
            let subject = Subject::Domain(Some(domain.clone()));
            connection.on_event(subject, event, |_, _| {}).ok()
        })
        .collect();
    let interrupted = Arc::new(AtomicBool::new(false));
    let handler = signal_hook::flag::register(SIGINT, interrupted.clone());
    let outcome = loop {
        match reached(shell, &domain, goal) {
            Ok(Some(found)) => break Ok(found),
            Ok(None) => {}
            Err(failure) => break Err(failure),
        }
        if interrupted.load(Ordering::Relaxed) {
            break Err(Failure::new("interrupted"));
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            break Err(Failure::new(format_args!("timed out while waiting for {wanted}")));
        }
        if let Err(error) = connection.run_events(Some(left.map_or(PAUSE, |left| left.min(PAUSE)))) {
            break Err(error.into());
        }
    };
    if let Ok(handler) = handler {
        signal_hook::low_level::unregister(handler);
    }
    for registration in registered {
        let _ = connection.forget(registration);
    }
    let found = outcome?;
    if !found.is_empty() {
        out!(shell, "{found}\n");
    }
    Ok(())
}

/// What there is to tell when the domain is so far.
fn reached(shell: &mut Shell, domain: &DomainRef, goal: Goal) -> Outcome<Option<String>> {
    let active = match shell.call(Remote::domain_is_active(domain.clone())) {
        Ok(active) => active != 0,
        Err(error) if error.code() == ErrorCode::NO_DOMAIN => false,
        Err(error) => return Err(error.into()),
    };
    match goal {
        Goal::Shutdown => return Ok((!active).then(String::new)),
        _ if !active => fail!("domain '{}' is not running", domain.name),
        Goal::Agent => return Ok(agent_answers(shell, domain)?.then(String::new)),
        Goal::Ip | Goal::Port(_) => {}
    }
    let addresses = addresses(shell, domain);
    Ok(match goal {
        Goal::Port(port) => addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .find(|place| TcpStream::connect_timeout(place, PATIENCE).is_ok())
            .map(|place| place.to_string()),
        _ => addresses.first().map(IpAddr::to_string),
    })
}

/// Whether somebody in the guest has opened the agent's channel.
fn agent_answers(shell: &Shell, domain: &DomainRef) -> Outcome<bool> {
    let text = shell.xml_of_domain(domain, 0)?;
    let document = xml::parse(&text, "domain")?;
    let channels = xml::children(document.root_element(), "devices/channel");
    let mut agents =
        channels.into_iter().filter_map(|channel| xml::child(channel, "target")).filter(|target| {
            target.attribute("name").is_some_and(|name| name.starts_with("org.qemu.guest_agent."))
        });
    let Some(first) = agents.next() else { fail!("domain '{}' has no channel for an agent", domain.name) };
    Ok(first.attribute("state") == Some("connected"))
}

/// The addresses under which the domain can be reached, from whoever knows any. IPv4 comes first.
fn addresses(shell: &Shell, domain: &DomainRef) -> Vec<IpAddr> {
    for source in 0..3 {
        // an agent that is not there, or a network that is none of libvirt's
        let Ok(interfaces) = shell.call(Remote::domain_interface_addresses(domain.clone(), source, 0)) else {
            continue;
        };
        let mut found: Vec<IpAddr> = interfaces
            .iter()
            .flat_map(|interface| interface.addrs.iter())
            .filter_map(|address| address.addr.parse().ok())
            .filter(is_useful)
            .collect();
        found.sort();
        found.dedup();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// Whether others than the guest itself and its neighbours can use an address.
fn is_useful(address: &IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !link_local && !address.is_loopback() && !address.is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_read() {
        assert_eq!(Goal::read("ip"), Some(Goal::Ip));
        assert_eq!(Goal::read("port:22"), Some(Goal::Port(22)));
        for wrong in ["", "port", "port:", "port:0", "port:65536", "boot"] {
            assert_eq!(Goal::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn some_addresses_lead_nowhere() {
        for (text, useful) in [
            ("127.0.0.1", false),
            ("::1", false),
            ("fe80::1", false),
            ("169.254.1.1", false),
            ("10.0.0.2", true),
        ] {
            assert_eq!(is_useful(&text.parse().unwrap()), useful, "{text}");
        }
    }
}
