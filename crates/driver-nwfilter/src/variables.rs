//! The values of a filter's variables, and what becomes of a rule that uses them.

use std::collections::BTreeMap;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::nwfilter::{FilterRef, Item, Rule, RuleValue};

/// How many rules one rule may become.
const MANY: usize = 65_536;

/// Values by the name of the variable; several are a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Variables(BTreeMap<String, Vec<String>>);

impl Variables {
    /// What a reference to a filter gives. Names and values with characters that none can have are passed over.
    pub(crate) fn given(reference: &FilterRef) -> Variables {
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let value = |c: char| name(c) || matches!(c, '.' | ':');
        let mut all = Variables::default();
        for parameter in &reference.parameters {
            if parameter.name.chars().all(name) && parameter.value.chars().all(value) {
                all.0.entry(parameter.name.clone()).or_default().push(parameter.value.clone());
            }
        }
        all
    }

    /// These, and for what they lack those a filter gives to one it takes in.
    pub(crate) fn within(&self, reference: &FilterRef) -> Variables {
        let mut all = Variables::given(reference);
        all.0.extend(self.0.iter().map(|(name, values)| (name.clone(), values.clone())));
        all
    }

    /// Gives a variable its values.
    pub(crate) fn set(&mut self, name: &str, values: Vec<String>) {
        self.0.insert(name.to_owned(), values);
    }

    /// The first value of a variable.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.list(name).first().map(String::as_str)
    }

    /// All values of a variable.
    pub(crate) fn list(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    fn has(&self, access: &Access) -> bool {
        let values = self.list(&access.name);
        match access.place {
            Place::Each(_) => !values.is_empty(),
            Place::At(index) => index < values.len(),
        }
    }
}

/// Which values of a variable's list are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Each in turn, together with all that go with the same iterator.
    Each(u32),
    /// The one at this place.
    At(usize),
}

/// A use of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Access {
    name: String,
    place: Place,
}

impl Access {
    /// Reads `$NAME`, `$NAME[2]` or `$NAME[@1]`, whose form the reader of rules has checked.
    fn parse(text: &str) -> Option<Access> {
        let rest = text.strip_prefix('$')?;
        let Some((name, place)) = rest.split_once('[') else {
            return Some(Access { name: rest.to_owned(), place: Place::Each(0) });
        };
        let place = place.strip_suffix(']')?;
        let place = match place.strip_prefix('@') {
            Some(iterator) => Place::Each(iterator.parse().ok()?),
            None => Place::At(place.parse().ok()?),
        };
        Some(Access { name: name.to_owned(), place })
    }
}

fn accesses(rule: &Rule) -> impl Iterator<Item = (&Item, &str, Access)> {
    rule.items.iter().filter_map(|item| match &item.value {
        RuleValue::Variable(text) => Some((item, text.as_str(), Access::parse(text)?)),
        _ => None,
    })
}

/// The uses of variables in a rule that have no value, as they are written without the dollar sign.
pub(crate) fn missing<'a>(rule: &'a Rule, variables: &'a Variables) -> impl Iterator<Item = String> + 'a {
    let unknown = |(_, text, access): (&Item, &str, Access)| {
        (!variables.has(&access)).then(|| text.trim_start_matches('$').to_owned())
    };
    accesses(rule).filter_map(unknown)
}

/// The rules without variables that a rule stands for. All its variables have values.
///
/// # Errors
/// `INTERNAL_ERROR` for lists of different lengths that are to go together, for values that what they are for cannot
/// have, and for more rules than are good for a host.
pub(crate) fn resolve(rule: &Rule, variables: &Variables) -> Result<Vec<Rule>> {
    let mut lengths: BTreeMap<u32, usize> = BTreeMap::new();
    for (_, _, access) in accesses(rule) {
        if let Place::Each(iterator) = access.place {
            let length = variables.list(&access.name).len();
            if *lengths.entry(iterator).or_insert(length) != length {
                return Err(internal(
                    "Cardinality of list items must be the same for processing them in parallel",
                ));
            }
        }
    }
    let total = lengths.values().try_fold(1usize, |all, length| all.checked_mul(*length));
    let Some(total) = total.filter(|total| *total <= MANY) else {
        return Err(internal("a rule with lists of variables stands for too many rules"));
    };
    let mut rules: Vec<Rule> = Vec::with_capacity(total);
    for number in 0..total {
        let mut left = number;
        // the lowest iterator runs fastest
        let places: BTreeMap<u32, usize> = lengths
            .iter()
            .map(|(iterator, length)| {
                let length = (*length).max(1);
                let place = left % length;
                left /= length;
                (*iterator, place)
            })
            .collect();
        let resolved = one(rule, variables, &places)?;
        // a list that names a value twice says nothing new
        if rules.last() != Some(&resolved) {
            rules.push(resolved);
        }
    }
    Ok(rules)
}

fn one(rule: &Rule, variables: &Variables, places: &BTreeMap<u32, usize>) -> Result<Rule> {
    let mut rule = rule.clone();
    for item in &mut rule.items {
        let RuleValue::Variable(text) = &item.value else { continue };
        let value = Access::parse(text).and_then(|access| {
            let place = match access.place {
                Place::Each(iterator) => *places.get(&iterator)?,
                Place::At(index) => index,
            };
            variables.list(&access.name).get(place)
        });
        let Some(value) = value else { return Err(internal(format!("no value for {text}"))) };
        let name = item.attribute.name;
        item.value = RuleValue::parse(value, item.attribute.kind)
            .filter(|parsed| !matches!(parsed, RuleValue::Variable(_)))
            .ok_or_else(|| internal(format!("{name} has illegal value {value}")))?;
    }
    Ok(rule)
}

fn internal(text: impl Into<String>) -> Error {
    Error::internal(ErrorDomain::NWFILTER, text)
}

#[cfg(test)]
mod tests {
    use virtus_conf::nwfilter::{Entry, Filter};

    use super::*;

    fn rule(attributes: &str) -> Rule {
        let text = format!(
            "<filter name='f'><rule action='drop' direction='in'><tcp {attributes}/></rule></filter>"
        );
        match Filter::parse(&text, false).unwrap().entries.remove(0) {
            Entry::Rule(rule) => rule,
            Entry::Filter(_) => panic!("a rule"),
        }
    }

    fn variables(all: &[(&str, &[&str])]) -> Variables {
        let own = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect();
        Variables(all.iter().map(|(name, values)| ((*name).to_owned(), own(values))).collect())
    }

    fn resolved(attributes: &str, all: &[(&str, &[&str])]) -> Result<Vec<String>> {
        let rules = resolve(&rule(attributes), &variables(all))?;
        let text = |rule: &Rule| rule.items.iter().map(|i| i.value.to_string()).collect::<Vec<_>>().join(" ");
        Ok(rules.iter().map(text).collect())
    }

    #[test]
    fn lists_go_together_or_each_with_each() {
        let values: &[(&str, &[&str])] =
            &[("IP", &["10.0.0.1", "10.0.0.2"]), ("PORT", &["80", "443"]), ("ONE", &["7"])];
        let together = resolved("srcipaddr='$IP' dstportstart='$PORT'", values).unwrap();
        assert_eq!(together, ["10.0.0.1 80", "10.0.0.2 443"]);
        let each = resolved("srcipaddr='$IP[@1]' dstportstart='$PORT[@2]'", values).unwrap();
        assert_eq!(each, ["10.0.0.1 80", "10.0.0.2 80", "10.0.0.1 443", "10.0.0.2 443"]);
        assert_eq!(resolved("dstportstart='$PORT[1]'", values).unwrap(), ["443"]);
        let uneven = resolved("srcipaddr='$IP' dstportstart='$ONE'", values).unwrap_err();
        assert!(uneven.message().contains("Cardinality"));
    }

    #[test]
    fn what_has_no_value_is_told_as_it_is_written() {
        let values = variables(&[("IP", &["10.0.0.1"])]);
        let rule = rule("srcipaddr='$IP[1]' dstipaddr='$IP' dstportstart='$PORT[@3]'");
        let found: Vec<String> = missing(&rule, &values).collect();
        assert_eq!(found, ["IP[1]", "PORT[@3]"]);
    }

    #[test]
    fn values_must_fit_and_lists_are_bounded() {
        let bad = resolved("dstportstart='$P'", &[("P", &["x"])]).unwrap_err();
        assert_eq!(bad.message(), "internal error: dstportstart has illegal value x");
        let many: Vec<String> = (0..300).map(|n| format!("10.0.{}.{}", n / 256, n % 256)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let three = "srcipaddr='$A[@1]' dstipaddr='$A[@2]' dstportstart='$A[@3]'";
        assert!(resolved(three, &[("A", &many)]).unwrap_err().message().contains("too many"));
    }

    #[test]
    fn outer_values_win_and_odd_ones_are_passed_over() {
        let reference = |pairs: &[(&str, &str)]| {
            let parameters: String =
                pairs.iter().map(|(n, v)| format!("<parameter name='{n}' value='{v}'/>")).collect();
            let text = format!("<filter name='f'><filterref filter='g'>{parameters}</filterref></filter>");
            Filter::parse(&text, false).unwrap().references().next().unwrap().clone()
        };
        let outer = Variables::given(&reference(&[("A", "1"), ("A", "2"), ("B", "x;y")]));
        assert_eq!(outer.list("A"), ["1", "2"]);
        assert_eq!(outer.first("B"), None);
        let inner = outer.within(&reference(&[("A", "3"), ("C", "4")]));
        assert_eq!((inner.list("A").len(), inner.first("C")), (2, Some("4")));
    }
}
