//! What each function of the C API is for, in a sentence or two: what it does, units, what it fails with.
//!
//! It stands in the files of `manual`, one for each header of libvirt, and is read by all who describe the functions:
//! the C headers, the Python module. A file has a function's name, and below it, indented, what is to be said; what
//! concerns callers from C alone begins with `C:`.

/// What is to be said of one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The function's name in C.
    pub function: &'static str,
    /// The header that declares it, without `.h`.
    pub header: &'static str,
    /// What it does.
    pub text: String,
    /// What callers from C have to know as well; empty for most.
    pub for_c: String,
}

const FILES: &[(&str, &str)] = &[
    ("libvirt-admin", include_str!("../manual/libvirt-admin.txt")),
    ("libvirt-common", include_str!("../manual/libvirt-common.txt")),
    ("libvirt-domain", include_str!("../manual/libvirt-domain.txt")),
    ("libvirt-domain-checkpoint", include_str!("../manual/libvirt-domain-checkpoint.txt")),
    ("libvirt-domain-snapshot", include_str!("../manual/libvirt-domain-snapshot.txt")),
    ("libvirt-event", include_str!("../manual/libvirt-event.txt")),
    ("libvirt-host", include_str!("../manual/libvirt-host.txt")),
    ("libvirt-interface", include_str!("../manual/libvirt-interface.txt")),
    ("libvirt-lxc", include_str!("../manual/libvirt-lxc.txt")),
    ("libvirt-network", include_str!("../manual/libvirt-network.txt")),
    ("libvirt-nodedev", include_str!("../manual/libvirt-nodedev.txt")),
    ("libvirt-nwfilter", include_str!("../manual/libvirt-nwfilter.txt")),
    ("libvirt-qemu", include_str!("../manual/libvirt-qemu.txt")),
    ("libvirt-secret", include_str!("../manual/libvirt-secret.txt")),
    ("libvirt-storage", include_str!("../manual/libvirt-storage.txt")),
    ("libvirt-stream", include_str!("../manual/libvirt-stream.txt")),
    ("virterror", include_str!("../manual/virterror.txt")),
];

/// What is to be said of every function, by header.
pub fn entries() -> impl Iterator<Item = Entry> {
    FILES.iter().flat_map(|&(header, text)| read(header, text))
}

fn read(header: &'static str, text: &'static str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in text.lines() {
        if !line.starts_with(' ') {
            entries.push(Entry { function: line, header, text: String::new(), for_c: String::new() });
            continue;
        }
        let Some(entry) = entries.last_mut() else { continue };
        let (said, line) = match line.trim().strip_prefix("C: ") {
            Some(line) => (&mut entry.for_c, line),
            None if entry.for_c.is_empty() => (&mut entry.text, line.trim()),
            None => (&mut entry.for_c, line.trim()),
        };
        if !said.is_empty() {
            said.push(' ');
        }
        said.push_str(line);
    }
    entries
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_is_for_c_stands_apart() {
        let entries = read("h", "f\n    Does this,\n    and that.\n    C: to be\n    freed.\ng\n    Is.\n");
        let entry = |function, text: &str, for_c: &str| Entry {
            function,
            header: "h",
            text: text.to_owned(),
            for_c: for_c.to_owned(),
        };
        assert_eq!(entries, [entry("f", "Does this, and that.", "to be freed."), entry("g", "Is.", "")]);
    }

    #[test]
    fn each_function_has_one_entry_that_says_something() {
        let mut seen = HashSet::new();
        for entry in entries() {
            assert!(seen.insert(entry.function), "{} stands there twice", entry.function);
            assert!(entry.text.ends_with('.'), "{}: {}", entry.function, entry.text);
        }
        assert_eq!(seen.len(), 568);
    }
}
