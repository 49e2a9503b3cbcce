//! What people and programs write about domains and networks: titles, descriptions, and elements of their own.

use virtus::ErrorCode;
use virtus::constants::{
    VIR_DOMAIN_METADATA_DESCRIPTION, VIR_DOMAIN_METADATA_ELEMENT, VIR_DOMAIN_METADATA_TITLE,
};

use super::Opt;
use crate::edit::{self, Edit};
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra, fail, out};
use crate::xml;

pub(super) const TITLE: Opt = Opt::flag("title", "the title, not the description");
pub(super) const EDIT: Opt = Opt::flag("edit", "open an editor");
pub(super) const NEW: Opt = Opt::many("new-desc", "the new text").positional();
pub(super) const URI: Opt = Opt::text("uri", "the namespace").positional().required();
pub(super) const KEY: Opt = Opt::text("key", "the prefix of the namespace").also_positional();
pub(super) const SET: Opt = Opt::text("set", "the new XML").also_positional();
pub(super) const REMOVE: Opt = Opt::flag("remove", "remove it");

/// Something to which texts are attached. Kinds are the same for all (`VIR_DOMAIN_METADATA_…`).
pub(super) trait Described {
    const WORD: &'static str;
    /// There is no such text.
    const NONE: ErrorCode;

    fn name(&self) -> &str;

    fn read(&self, shell: &Shell, kind: i32, uri: Option<&str>, flags: u32) -> virtus::Result<String>;

    fn write(
        &self,
        shell: &Shell,
        kind: i32,
        text: Option<String>,
        namespace: Option<(Option<&str>, &str)>,
        flags: u32,
    ) -> virtus::Result<()>;

    /// The definition, for daemons that do not know the calls.
    fn xml(&self, shell: &Shell, flags: u32) -> Outcome<String>;
}

fn kind(title: bool) -> (i32, &'static str) {
    match title {
        true => (VIR_DOMAIN_METADATA_TITLE, "title"),
        false => (VIR_DOMAIN_METADATA_DESCRIPTION, "description"),
    }
}

/// The description or title; empty if there is none. `query` are the flags with which the definition is asked for.
///
/// # Errors
/// The daemon's.
pub(super) fn get<D: Described>(
    shell: &Shell,
    object: &D,
    title: bool,
    flags: u32,
    query: u32,
) -> Outcome<String> {
    let (kind, what) = kind(title);
    match object.read(shell, kind, None, flags) {
        Ok(text) => Ok(text),
        Err(error) if error.code() == D::NONE => Ok(String::new()),
        // a daemon that does not know the call
        Err(error) if error.code() == ErrorCode::NO_SUPPORT => {
            let text = object.xml(shell, query)?;
            let document = xml::parse(&text, D::WORD)?;
            Ok(xml::text(document.root_element(), what).unwrap_or_default().to_owned())
        }
        Err(error) => Err(error.into()),
    }
}

/// `desc`: tells a description or title, changes it, or has it edited.
///
/// # Errors
/// The daemon's; the editor's.
pub(super) fn describe<D: Described>(
    shell: &mut Shell,
    arguments: &Arguments,
    object: &D,
    flags: u32,
    (read, query): (u32, u32),
) -> Outcome {
    let (kind, what) = kind(arguments.has("title"));
    let old = get(shell, object, arguments.has("title"), read, query)?;
    let given = arguments.joined("new-desc");
    if given.is_none() && !arguments.has("edit") {
        match old.is_empty() {
            true => extra!(shell, "No {what} for {}: {}", D::WORD, object.name()),
            false => out!(shell, "{old}"),
        }
        return Ok(());
    }
    let (first, rest) = D::WORD.split_at(1);
    let title = first.to_ascii_uppercase() + rest;
    let mut new = given.unwrap_or_else(|| old.clone());
    if arguments.has("edit") {
        new = edit::text(shell, &new)?;
        if new == old {
            extra!(shell, "{title} {what} not changed\n");
            return Ok(());
        }
    }
    object
        .write(shell, kind, Some(new), None, flags)
        .or_say(format_args!("Failed to set new {} {what}", D::WORD))?;
    extra!(shell, "{title} {what} updated successfully");
    Ok(())
}

/// The element of a namespace.
struct Element<'a, D> {
    object: &'a D,
    uri: &'a str,
    key: Option<&'a str>,
    flags: u32,
}

impl<D: Described> Element<'_, D> {
    fn store(&self, shell: &Shell, text: Option<String>) -> virtus::Result<()> {
        let namespace = Some((self.key, self.uri));
        self.object.write(shell, VIR_DOMAIN_METADATA_ELEMENT, text, namespace, self.flags)
    }

    fn load(&self, shell: &Shell) -> virtus::Result<String> {
        self.object.read(shell, VIR_DOMAIN_METADATA_ELEMENT, Some(self.uri), self.flags)
    }
}

impl<D: Described> Edit for Element<'_, D> {
    fn get(&mut self, shell: &mut Shell) -> Outcome<String> {
        Ok(self.load(shell).unwrap_or_else(|_| "\n".to_owned()))
    }

    fn set(&mut self, shell: &mut Shell, text: String) -> Outcome {
        Ok(self.store(shell, Some(text))?)
    }
}

/// `metadata`: tells, changes or removes what a program keeps with an object.
///
/// # Errors
/// Options that do not go together; the daemon's; the editor's.
pub(super) fn metadata<D: Described>(
    shell: &mut Shell,
    arguments: &Arguments,
    flags: u32,
    find: impl FnOnce(&mut Shell) -> Outcome<D>,
) -> Outcome {
    arguments.exclusive("edit", "set")?;
    arguments.exclusive("remove", "set")?;
    arguments.exclusive("remove", "edit")?;
    let object = find(shell)?;
    let (uri, key, set) = (arguments.needed("uri")?, arguments.text("key")?, arguments.text("set")?);
    if (set.is_some() || arguments.has("edit")) && key.is_none() {
        fail!("namespace key is required when modifying metadata");
    }
    let mut element = Element { object: &object, uri, key, flags };
    if arguments.has("remove") {
        element.store(shell, None)?;
        extra!(shell, "Metadata removed\n");
    } else if let Some(set) = set {
        element.store(shell, Some(set.to_owned()))?;
        extra!(shell, "Metadata modified\n");
    } else if arguments.has("edit") {
        match edit::run(shell, &mut element)? {
            false => extra!(shell, "Metadata not changed"),
            true => extra!(shell, "Metadata modified\n"),
        }
    } else {
        let text = match element.load(shell) {
            Err(error) if error.code() == D::NONE => String::new(),
            outcome => outcome?,
        };
        out!(shell, "{text}\n");
    }
    Ok(())
}
