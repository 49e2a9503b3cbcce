//! The forms of values that the schema knows, and which value has to have which ([`TABLE`]).

use std::collections::HashMap;
use std::sync::LazyLock;

use virtus_xml::Element;

/// Where values have to have a form that the model does not ask for.
const TABLE: &str = include_str!("values.txt");

/// A line of the table for one place.
#[derive(Debug)]
struct Place {
    /// The element around, where it matters.
    parent: Option<&'static str>,
    /// The attribute; the element's text without one.
    attribute: Option<&'static str>,
    /// It has to be there.
    required: bool,
    form: &'static str,
}

/// The table by the names of elements. What an element needs inside stands with the element around it.
struct Places {
    values: HashMap<&'static str, Vec<Place>>,
    children: HashMap<&'static str, Vec<&'static str>>,
}

static PLACES: LazyLock<Places> = LazyLock::new(|| {
    let mut places = Places { values: HashMap::new(), children: HashMap::new() };
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    for (form, rest) in lines.filter_map(|line| line.split_once(": ")) {
        for place in rest.split_whitespace() {
            let (place, required) = place.strip_suffix('!').map_or((place, false), |place| (place, true));
            let (path, attribute) =
                place.split_once('@').map_or((place, None), |(path, attribute)| (path, Some(attribute)));
            let (parent, element) =
                path.rsplit_once('/').map_or((None, path), |(parent, element)| (Some(parent), element));
            if form == "any" && attribute.is_none() {
                places.children.entry(parent.unwrap_or_default()).or_default().push(element);
                continue;
            }
            let place = Place { parent, attribute, required, form };
            places.values.entry(element).or_default().push(place);
        }
    }
    places
});

/// What is wrong with the values of this element, its own alone.
pub(super) fn check(e: Element<'_>) -> Result<(), String> {
    let bad = |what: String| Err(format!("line {}: {} {what}", e.line(), e.name()));
    let inside = |place: &&Place| place.parent.is_none_or(|parent| e.parent_name() == Some(parent));
    for place in PLACES.values.get(e.name()).into_iter().flatten().filter(inside) {
        let value = match place.attribute {
            Some(name) => e.peek(name).map(str::to_owned),
            // an element without text has an empty one
            None => Some(e.peek_text()),
        };
        match (value, place.attribute) {
            (None, Some(name)) if place.required => return bad(format!("lacks attribute {name}")),
            (Some(text), Some(name)) if !fits(place.form, &text) => {
                return bad(format!("has an attribute {name} that is none: {text}"));
            }
            (Some(text), None) if !fits(place.form, &text) => {
                return bad(format!("is none: {text}"));
            }
            _ => {}
        }
    }
    for child in PLACES.children.get(e.name()).into_iter().flatten() {
        if !e.elements().any(|inside| inside.name() == *child) {
            return bad(format!("lacks {child}"));
        }
    }
    Ok(())
}

/// Whether a text has a form of the table.
pub(super) fn fits(form: &str, text: &str) -> bool {
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    let digits = || all(|c| c.is_ascii_digit());
    let within = |low: u64, high: u64| digits() && number(text).is_some_and(|n| (low..=high).contains(&n));
    let spaced = text.trim_matches([' ', '\t', '\n', '\r']);
    let plain = spaced.strip_prefix('+').unwrap_or(spaced);
    let whole =
        |low: i64, high: i64| spaced != "+-" && plain.parse::<i64>().is_ok_and(|n| (low..=high).contains(&n));
    match form {
        "any" => true,
        "number" => whole(0, i64::from(u32::MAX)),
        "long-number" => number(plain).is_some(),
        "digits" => digits() && number(text).is_some(),
        "integer" => !plain.is_empty() && plain.parse::<i128>().is_ok(),
        "positive" => within(1, u64::MAX),
        "vcpus" => within(1, u64::from(u16::MAX)),
        "vcpu-id" => within(0, u64::from(u16::MAX)),
        "weight" => within(100, 1000),
        "period" => within(1000, 1_000_000),
        "quota" => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            !digits.is_empty()
                && digits.bytes().all(|b| b.is_ascii_digit())
                && text.parse::<i64>().is_ok_and(|n| (-1..=17_592_186_044_415).contains(&n))
        }
        "short" => whole(0, i64::from(u16::MAX)),
        "distance" => whole(10, 255),
        "vlan" => whole(0, 4095),
        "port" => whole(-1, i64::from(u16::MAX)),
        "reboot-delay" => whole(-1, i64::from(i16::MAX)),
        "uint8" => hex(text, true, 2) || whole(0, 255),
        "uint16" => hex(text, false, 4) || whole(0, i64::from(u16::MAX)),
        "uint24" => hex(text, true, 6) || whole(0, 0xff_ffff),
        "uint32" => hex(text, false, 8) || whole(0, i64::from(u32::MAX)),
        "cpuset" => text.split(',').all(|part| {
            let number = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
            match part.strip_prefix('^') {
                Some(without) => number(without),
                None => part.split_once('-').map_or_else(|| number(part), |(a, b)| number(a) && number(b)),
            }
        }),
        "unit" => {
            let lower = text.to_ascii_lowercase();
            matches!(lower.as_str(), "b" | "byte" | "bytes")
                || lower
                    .strip_prefix(['k', 'm', 'g', 't', 'p', 'e'])
                    .is_some_and(|r| matches!(r, "" | "b" | "ib"))
        }
        "uuid" => uuid(text),
        "one-line" => !text.is_empty() && !text.contains('\n'),
        "mac" => mac(text) && text.as_bytes().get(1).is_some_and(|b| b"02468aAcCeE".contains(b)),
        "profile-id" => text.chars().count() <= 39,
        "path" => absolute(text),
        "path-if-any" => text.is_empty() || absolute(text),
        "uuid-if-any" => text.is_empty() || uuid(text),
        "disk-path" => absolute(text) || text.strip_prefix('[').is_some_and(|rest| rest.contains("] ")),
        "device-path" => all(|c| c.is_ascii_alphanumeric() || "_.-\\:/".contains(c)) || absolute(text),
        "disk-name" => {
            let name = text.strip_prefix("ioemu:").unwrap_or(text);
            let rest = ["fd", "hd", "sd", "vd", "xvd", "ubd"].iter().find_map(|p| name.strip_prefix(p));
            rest.is_some_and(|r| !r.is_empty() && r.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        }
        "serial" => all(|c| c.is_ascii_alphanumeric() || "_.+- ".contains(c)),
        "vendor" => printable(text, 8),
        "product" => printable(text, 40),
        "wwn" => {
            let digits = text.strip_prefix("0x").unwrap_or(text);
            digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit())
        }
        "name" => all(|c| c.is_ascii_alphanumeric() || "_+-".contains(c)),
        "object" => !text.is_empty() && !text.contains(['/', '\n']),
        "volume" => !text.is_empty() && !text.contains('/') && !matches!(text, "." | ".."),
        "nc-name" => {
            text.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && text.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c))
        }
        "variable" => all(|c| c.is_ascii_alphanumeric() || c == '_'),
        "model" => all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)),
        "bridge" => text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-\\:/ ".contains(c)),
        "machine" => all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)),
        "alias" => all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)),
        "feature" => all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)),
        "vendor-id" => text.chars().count() == 12 && !text.contains(','),
        "hyperv-vendor" => text.chars().count() <= 12 && !text.contains(','),
        "zone" => all(|c| c.is_ascii_alphanumeric() || "_.+-/".contains(c)),
        "delta" => {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            text == "reset" || !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
        }
        "load-parameter" => {
            (1..=8).contains(&text.len())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c.is_ascii_whitespace())
        }
        "usb-id" => hex(text, false, 4),
        "cookie-name" => all(|c| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?={}".contains(c)),
        "cookie" => all(|c| c.is_ascii_graphic() && !",;\\{}".contains(c)),
        words => words.contains('|') && words.split('|').any(|word| word == text),
    }
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// Hexadecimal digits, at most so many, after `0x`, which may be left out unless it is `marked`.
fn hex(text: &str, marked: bool, most: usize) -> bool {
    let digits = match text.strip_prefix("0x") {
        Some(digits) => digits,
        None if marked => return false,
        None => text,
    };
    (1..=most).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Hexadecimal digits with hyphens where they belong, or none at all.
fn uuid(text: &str) -> bool {
    let hyphens: Vec<usize> = text.match_indices('-').map(|(at, _)| at).collect();
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    digits == 32 && digits + hyphens.len() == text.len() && (hyphens.is_empty() || hyphens == [8, 13, 18, 23])
}

fn mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    parts.len() == 6 && parts.iter().all(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A path from the root, also as Windows has it.
fn absolute(text: &str) -> bool {
    let rest = text.strip_prefix('/').or_else(|| {
        text.strip_prefix(|c: char| c.is_ascii_alphabetic()).and_then(|rest| rest.strip_prefix(":\\"))
    });
    rest.is_some_and(|rest| !rest.is_empty())
}

fn printable(text: &str, most: usize) -> bool {
    text.len() <= most && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_table_is_known() {
        let samples = [
            "1",
            "1000",
            "KiB",
            "/x",
            "vda",
            "a.b",
            "52:54:00:11:22:33",
            "8f7a3c1e5d2b4e6f9a100c0ffee00001",
            "0123456789abcdef",
            "123456789012",
            "20",
            "4096",
        ];
        for place in PLACES.values.values().flatten().filter(|place| !place.form.contains('|')) {
            assert!(samples.iter().any(|sample| fits(place.form, sample)), "{place:?}");
        }
        assert!(PLACES.children.get("domain").is_some_and(|inside| inside.contains(&"name")));
    }

    #[test]
    fn values_have_the_schemas_forms() {
        for (form, text, want) in [
            ("digits", "12", true),
            ("digits", " 12", false),
            ("number", " 12", true),
            ("number", "4294967296", false),
            ("cpuset", "0-3,^2", true),
            ("cpuset", "0-", false),
            ("unit", "KiB", true),
            ("unit", "bytes", true),
            ("unit", "x", false),
            ("uuid", "8f7a3c1e-5d2b-4e6f-9a10-0c0ffee00001", true),
            ("uuid", "8f7a3c1e5d2b4e6f9a100c0ffee00001", true),
            ("uuid", "8f7a3c1e5d2b-4e6f9a100c0ffee00001", false),
            ("mac", "52:54:00:11:22:33", true),
            ("mac", "53:54:00:11:22:33", false),
            ("path", "/x", true),
            ("path", "/", false),
            ("path", "x", false),
            ("disk-name", "vda", true),
            ("disk-name", "vd", false),
            ("quota", "-1", true),
            ("quota", "-2", false),
            ("yes|no", "maybe", false),
        ] {
            assert_eq!(fits(form, text), want, "{form}: {text:?}");
        }
    }
}
