//! What a binding comes to: rules for its interface, and whether its guest's address is still to be found out.

use std::net::Ipv4Addr;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::nwfilter::{Binding, Parameter};

use crate::compile::{Abilities, Compiled, compile, interim};
use crate::expand::{Expanded, Lookup, expand};
use crate::variables::Variables;

/// The variables that have values of their own accord.
const MAC: &str = "MAC";
const IP: &str = "IP";
const LEARNING: &str = "CTRL_IP_LEARNING";
const DHCP_SERVER: &str = "DHCPSERVER";

/// How a guest's address is found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// From the first packet that shows it.
    Any,
    /// From leases.
    Dhcp,
}

/// What a binding comes to.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The rules for now.
    pub(crate) rules: Compiled,
    /// What is to be watched.
    pub(crate) learns: Option<Method>,
}

/// Makes the plan of a binding whose guest was seen with these addresses.
///
/// # Errors
/// libvirt's, for a filter that does not exist or variables without values.
pub(crate) fn plan(
    binding: &Binding,
    seen: &[Ipv4Addr],
    lookup: Lookup<'_>,
    abilities: impl FnOnce() -> Abilities,
) -> Result<Plan> {
    let mut variables = Variables::given(&binding.filter);
    variables.set(MAC, vec![binding.mac.to_string()]);
    let name = &binding.filter.filter;
    let mut expanded = expand(name, &variables, lookup)?;
    let mut learns = None;
    if expanded.missing.iter().map(String::as_str).eq([IP]) {
        let method = method(name, &variables)?;
        if seen.is_empty() {
            let rules = match method {
                Method::Any => interim::any(binding.mac),
                Method::Dhcp => interim::dhcp(binding.mac, &servers(&variables)),
            };
            return Ok(Plan { rules, learns: Some(method) });
        }
        variables.set(IP, seen.iter().map(Ipv4Addr::to_string).collect());
        expanded = expand(name, &variables, lookup)?;
        // leases come and go
        learns = (method == Method::Dhcp).then_some(method);
    }
    complete(&expanded)?;
    Ok(Plan { rules: compile(&binding.port, &expanded.rules, abilities())?, learns })
}

fn method(filter: &str, variables: &Variables) -> Result<Method> {
    match variables.first(LEARNING).map(str::to_ascii_lowercase).as_deref() {
        None | Some("any") => Ok(Method::Any),
        Some("dhcp") => Ok(Method::Dhcp),
        Some("none") => Err(unresolvable(IP)),
        Some(_) => {
            let value = variables.first(LEARNING).unwrap_or_default();
            let text = format!("filter '{filter}' learning value '{value}' invalid.");
            Err(Error::new(ErrorDomain::NWFILTER, ErrorCode::PARSE_FAILED, text))
        }
    }
}

fn complete(expanded: &Expanded) -> Result<()> {
    if expanded.missing.is_empty() {
        return Ok(());
    }
    // it is not the address's fault when more than that is missing
    let named: Vec<&str> = expanded.missing.iter().map(String::as_str).filter(|name| *name != IP).collect();
    Err(unresolvable(&named.join(", ")))
}

fn unresolvable(names: &str) -> Error {
    let text = format!(
        "Cannot instantiate filter due to unresolvable variables or unavailable list elements: {names}"
    );
    Error::internal(ErrorDomain::NWFILTER, text)
}

fn servers(variables: &Variables) -> Vec<Ipv4Addr> {
    variables.list(DHCP_SERVER).iter().filter_map(|server| server.parse().ok()).collect()
}

/// The servers a binding trusts; all when there are none.
pub(crate) fn trusted_servers(binding: &Binding) -> Vec<Ipv4Addr> {
    servers(&Variables::given(&binding.filter))
}

/// A binding as it is told once its interface was looked at: with what is known of its guest.
pub(crate) fn told(mut binding: Binding, seen: &[Ipv4Addr]) -> Binding {
    let mac = binding.mac.to_string();
    let parameters = &mut binding.filter.parameters;
    let mut set = |name: &str, values: Vec<String>| {
        parameters.retain(|parameter| parameter.name != name);
        parameters.extend(values.into_iter().map(|value| Parameter { name: name.to_owned(), value }));
    };
    set(MAC, vec![mac]);
    if !seen.is_empty() {
        set(IP, seen.iter().map(Ipv4Addr::to_string).collect());
    }
    parameters.sort_by(|a, b| a.name.cmp(&b.name));
    binding
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use virtus_conf::nwfilter::Filter;

    use super::*;
    use crate::standard;

    fn made(filter: &str, parameters: &str, seen: &[Ipv4Addr]) -> Result<Plan> {
        let text = format!(
            "<filterbinding><owner><name>g</name><uuid>11111111-2222-3333-4444-555555555555</uuid></owner>\
             <portdev name='v0'/><mac address='52:54:00:00:00:01'/>\
             <filterref filter='{filter}'>{parameters}</filterref></filterbinding>"
        );
        let all: Vec<Arc<Filter>> = standard::filters().map(|f| Arc::new(f.unwrap())).collect();
        let lookup = |name: &str| all.iter().find(|f| f.name == name).cloned();
        plan(&Binding::parse(&text, true)?, seen, &lookup, Abilities::default)
    }

    fn parameter(name: &str, value: &str) -> String {
        format!("<parameter name='{name}' value='{value}'/>")
    }

    #[test]
    fn an_address_is_found_out_where_it_is_missing() {
        let any = made("clean-traffic", "", &[]).unwrap();
        assert_eq!(any.learns, Some(Method::Any));
        let found = made("clean-traffic", "", &[[10, 0, 0, 1].into()]).unwrap();
        assert!(found.learns.is_none() && found.rules.chains.len() > any.rules.chains.len());
        let dhcp = parameter("CTRL_IP_LEARNING", "DHCP");
        assert_eq!(made("clean-traffic", &dhcp, &[]).unwrap().learns, Some(Method::Dhcp));
        assert_eq!(made("clean-traffic", &dhcp, &[[10, 0, 0, 1].into()]).unwrap().learns, Some(Method::Dhcp));
        let given = made("clean-traffic", &parameter("IP", "10.0.0.2"), &[]).unwrap();
        assert_eq!(given.learns, None);
    }

    #[test]
    fn what_cannot_be_found_out_is_named() {
        let text = |filter: &str, parameters: &str| made(filter, parameters, &[]).unwrap_err();
        let unresolvable = "internal error: Cannot instantiate filter due to unresolvable variables or unavailable list elements: ";
        let none = parameter("CTRL_IP_LEARNING", "none");
        assert_eq!(text("no-ip-spoofing", &none).message(), format!("{unresolvable}IP"));
        assert_eq!(text("clean-traffic-gateway", "").message(), format!("{unresolvable}GATEWAY_MAC"));
        let odd = text("no-ip-spoofing", &parameter("CTRL_IP_LEARNING", "zork"));
        assert_eq!(
            odd.message(),
            "failed to parse configuration file filter 'no-ip-spoofing' learning value 'zork' invalid."
        );
    }
}
