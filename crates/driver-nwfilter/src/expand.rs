//! A filter with all it takes in: the rules an interface gets.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::nwfilter::{Entry, Filter, FilterRef, Rule};

use crate::variables::{self, Variables};

/// How many rules an interface may have.
const MANY: usize = 100_000;
/// How many filters may take in another one in a row.
const DEEP: usize = 100;

/// Filters by name.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<Arc<Filter>>;

/// A rule without variables, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The name of its chain.
    pub(crate) chain: String,
    /// Where that chain stands among the rules of the root chain.
    pub(crate) chain_priority: i32,
    /// The rule.
    pub(crate) rule: Rule,
}

/// What a filter comes to.
#[derive(Debug, Default)]
pub(crate) struct Expanded {
    /// Its rules, those of the root chain first, lower priorities first.
    pub(crate) rules: Vec<Placed>,
    /// Variables without a value; there are no rules then.
    pub(crate) missing: BTreeSet<String>,
}

/// All rules of a filter with these values.
///
/// # Errors
/// `INTERNAL_ERROR` for a filter that does not exist, and for values that do not fit.
pub(crate) fn expand(filter: &str, variables: &Variables, lookup: Lookup<'_>) -> Result<Expanded> {
    let mut walk = Walk { lookup, missing: BTreeSet::new(), found: Vec::new(), visits: 0 };
    walk.collect(&required(filter, lookup)?, &Arc::new(variables.clone()), 0)?;
    let mut all = Expanded { rules: Vec::new(), missing: walk.missing };
    if !all.missing.is_empty() {
        return Ok(all);
    }
    for (filter, place, variables) in &walk.found {
        let Some(Entry::Rule(rule)) = filter.entries.get(*place) else { continue };
        let rules = variables::resolve(rule, variables)?;
        if all.rules.len() + rules.len() > MANY {
            return Err(too_many());
        }
        all.rules.extend(rules.into_iter().map(|rule| Placed {
            chain: filter.chain.clone(),
            chain_priority: filter.priority,
            rule,
        }));
    }
    all.rules.sort_by_key(|placed| (placed.chain != "root", placed.rule.priority));
    Ok(all)
}

/// A walk through a filter and all it takes in.
struct Walk<'a> {
    lookup: Lookup<'a>,
    missing: BTreeSet<String>,
    /// The rules met: the filter, the place in it, the values.
    found: Vec<(Arc<Filter>, usize, Arc<Variables>)>,
    /// How many entries were looked at; a few filters can lead to very many.
    visits: usize,
}

impl Walk<'_> {
    fn collect(&mut self, filter: &Arc<Filter>, variables: &Arc<Variables>, depth: usize) -> Result<()> {
        for (place, entry) in filter.entries.iter().enumerate() {
            self.visits += 1;
            if self.visits > MANY || depth > DEEP {
                return Err(too_many());
            }
            match entry {
                Entry::Rule(rule) => {
                    self.missing.extend(variables::missing(rule, variables));
                    self.found.push((Arc::clone(filter), place, Arc::clone(variables)));
                }
                Entry::Filter(reference) => {
                    let inner = Arc::new(variables.within(reference));
                    self.collect(&required(&reference.filter, self.lookup)?, &inner, depth + 1)?;
                }
            }
        }
        Ok(())
    }
}

fn required(name: &str, lookup: Lookup<'_>) -> Result<Arc<Filter>> {
    lookup(name).ok_or_else(|| internal(format!("referenced filter '{name}' is missing")))
}

/// Whether the filter called `from` is the one called `to`, or takes it in by way of any others.
pub(crate) fn reaches<'f>(from: impl Iterator<Item = &'f FilterRef>, to: &str, lookup: Lookup<'_>) -> bool {
    let mut seen = HashSet::new();
    let mut next: Vec<String> = from.map(|reference| reference.filter.clone()).collect();
    while let Some(name) = next.pop() {
        if name == to {
            return true;
        }
        // one that is not defined yet leads nowhere
        if let Some(other) = lookup(&name).filter(|_| seen.insert(name)) {
            next.extend(other.references().map(|reference| reference.filter.clone()));
        }
    }
    false
}

fn internal(text: impl Into<String>) -> Error {
    Error::internal(ErrorDomain::NWFILTER, text)
}

fn too_many() -> Error {
    internal("the filter has too many rules")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standard;

    fn standard() -> impl Fn(&str) -> Option<Arc<Filter>> {
        let all: Vec<Arc<Filter>> = standard::filters().map(|f| Arc::new(f.unwrap())).collect();
        move |name: &str| all.iter().find(|f| f.name == name).cloned()
    }

    #[test]
    fn clean_traffic_wants_to_know_the_guest() {
        let mut variables = Variables::default();
        let nothing = expand("clean-traffic", &variables, &standard()).unwrap();
        assert_eq!(nothing.missing.iter().map(String::as_str).collect::<Vec<_>>(), ["IP", "MAC"]);
        variables.set("MAC", vec!["52:54:00:00:00:01".into()]);
        variables.set("IP", vec!["10.0.0.1".into(), "10.0.0.2".into()]);
        let all = expand("clean-traffic", &variables, &standard()).unwrap();
        let root: Vec<i32> =
            all.rules.iter().filter(|p| p.chain == "root").map(|p| p.rule.priority).collect();
        assert_eq!(root, [-650, -500, 500, 1000]);
        assert_eq!(all.rules.iter().filter(|p| p.chain == "arp-ip").count(), 3);
        assert!(all.rules.iter().take(4).all(|p| p.chain == "root"));
    }

    #[test]
    fn a_filter_that_is_missing_is_named() {
        let e = expand("nope", &Variables::default(), &standard()).unwrap_err();
        assert_eq!(e.message(), "internal error: referenced filter 'nope' is missing");
    }

    #[test]
    fn filters_that_multiply_are_stopped() {
        let lookup = |name: &str| {
            let number: u32 = name.trim_start_matches('f').parse().ok()?;
            let inside = match number {
                // nothing at the end of very many ways
                40 => String::new(),
                _ => format!("<filterref filter='f{}'/>", number + 1).repeat(2),
            };
            Filter::parse(&format!("<filter name='{name}'>{inside}</filter>"), true).ok().map(Arc::new)
        };
        let e = expand("f20", &Variables::default(), &lookup).unwrap_err();
        assert!(e.message().contains("too many"));
    }
}
