//! What commands about networks, pools, filters and the like have in common.

use std::fmt::Display;

use virtus::{Decode, ErrorCode, Request, Uuid};

use crate::edit::{self, Edit};
use crate::grammar::Arguments;
use crate::shell::{Failure, OrSay, Outcome, Shell, extra, out};

/// By what an object may be found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    Any,
    Uuid,
    Name,
}

/// The object of this UUID or name, tried in this order. `kind` is its kind and libvirt's function for UUIDs.
///
/// # Errors
/// There is none.
pub(crate) fn find<T: Decode>(
    shell: &Shell,
    (kind, function): (&str, &str),
    name: &str,
    by: Lookup,
    by_uuid: fn(Uuid) -> Request<T>,
    by_name: fn(String) -> Request<T>,
) -> Outcome<T> {
    let mut last = None;
    if by != Lookup::Name
        && name.len() == 36
        && let Some(uuid) = Uuid::parse(name)
    {
        match shell.call(by_uuid(uuid)) {
            Ok(found) => return Ok(found),
            Err(error) => last = Some(error),
        }
    }
    if by != Lookup::Uuid {
        match shell.call(by_name(name.to_owned())) {
            Ok(found) => return Ok(found),
            Err(error) => last = Some(error),
        }
    }
    let failure = Failure::new(format_args!("failed to get {kind} '{name}'"));
    Err(match last {
        Some(error) => failure.because(error),
        None if name.len() == 36 => failure.and(format_args!("uuidstr in {function} must be a valid UUID")),
        None => failure,
    })
}

/// A list, or what takes its place with a driver that does not have the call for it.
///
/// # Errors
/// `failed`, and why.
pub(crate) fn list_or<T>(
    listed: virtus::Result<Vec<T>>,
    failed: &str,
    instead: impl FnOnce() -> Outcome<Vec<T>>,
) -> Outcome<Vec<T>> {
    match listed {
        Err(error) if error.code() == ErrorCode::NO_SUPPORT => instead(),
        listed => listed.or_say(failed),
    }
}

/// The objects of these names that are still there.
pub(crate) fn names_then<T>(names: Vec<String>, find: impl Fn(String) -> Option<T>) -> Vec<T> {
    names.into_iter().filter_map(find).collect()
}

/// Sorts as virsh sorts lists: small and capital letters are alike.
pub(crate) fn sort_by_name<T>(objects: &mut [T], name: impl Fn(&T) -> &str) {
    objects.sort_by_key(|object| name(object).to_lowercase());
}

/// `yes` or `no`
pub(crate) fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// `yes` or `no` as the daemon says, or another word when it does not.
pub(crate) fn word(answer: virtus::Result<i32>, unknown: &'static str) -> &'static str {
    answer.map_or(unknown, |answer| yes_no(answer != 0))
}

/// Whether the daemon says yes; what it does not answer counts as yes, as it does for virsh.
pub(crate) fn holds(shell: &Shell, question: Request<i32>) -> bool {
    !matches!(shell.call(question), Ok(0))
}

/// A line of what `…info` prints.
pub(crate) fn fact(shell: &mut Shell, title: &str, value: impl Display) {
    out!(shell, "{title:<15} {value}\n");
}

/// Does something to an object: says `done`, or `failed` and why.
///
/// # Errors
/// The daemon's.
pub(crate) fn act(
    shell: &mut Shell,
    request: Request<()>,
    done: impl Display,
    failed: impl Display,
) -> Outcome {
    shell.call(request).or_say(failed)?;
    extra!(shell, "{done}\n");
    Ok(())
}

/// `…-autostart`: marks an object, or takes the mark away with `--disable`.
///
/// # Errors
/// The daemon's.
pub(crate) fn autostart(
    shell: &mut Shell,
    arguments: &Arguments,
    (kind, capital): (&str, &str),
    name: &str,
    request: impl FnOnce(i32) -> Request<()>,
) -> Outcome {
    let on = !arguments.has("disable");
    let mark = if on { "mark" } else { "unmark" };
    act(
        shell,
        request(i32::from(on)),
        format_args!("{capital} {name} {mark}ed as autostarted"),
        format_args!("failed to {mark} {kind} {name} as autostarted"),
    )
}

/// What `--config` and `--live` say; `--current` excludes both. The numbers are those of networks' and node
/// devices' `…_UPDATE_AFFECT_…`.
///
/// # Errors
/// They exclude each other.
pub(crate) fn affect(arguments: &Arguments) -> Outcome<u32> {
    arguments.exclusive("current", "live")?;
    arguments.exclusive("current", "config")?;
    Ok(arguments.flags(&[("live", 1), ("config", 2)]))
}

/// Says what of an object was updated.
pub(crate) fn tell_updated(shell: &mut Shell, arguments: &Arguments, object: &str, active: bool) {
    let what = match (arguments.has("config"), arguments.has("live")) {
        (true, true) => "persistent config and live state",
        (true, false) => "persistent config",
        (false, true) => "live state",
        (false, false) if active => "live state",
        (false, false) => "persistent config",
    };
    extra!(shell, "Updated {object} {what}");
}

/// A definition in an editor, from functions that get it and set it.
struct Definition<G, S> {
    get: G,
    set: S,
    /// The name of what was defined.
    name: Option<String>,
}

impl<G, S> Edit for Definition<G, S>
where
    G: FnMut(&mut Shell) -> Outcome<String>,
    S: FnMut(&mut Shell, String) -> Outcome<String>,
{
    fn get(&mut self, shell: &mut Shell) -> Outcome<String> {
        (self.get)(shell)
    }

    fn set(&mut self, shell: &mut Shell, text: String) -> Outcome {
        self.name = Some((self.set)(shell, text)?);
        Ok(())
    }
}

/// `…-edit`: has the user change a definition. `set` tells the name of what it defined.
///
/// # Errors
/// The daemon's, or why there is no editor.
pub(crate) fn edit_definition(
    shell: &mut Shell,
    kind: &str,
    name: &str,
    get: impl FnMut(&mut Shell) -> Outcome<String>,
    set: impl FnMut(&mut Shell, String) -> Outcome<String>,
) -> Outcome {
    let mut document = Definition { get, set, name: None };
    match edit::run(shell, &mut document)? {
        false => extra!(shell, "{kind} {name} XML configuration not changed.\n"),
        true => {
            let name = document.name.unwrap_or_default();
            extra!(shell, "{kind} {name} XML configuration edited.\n");
        }
    }
    Ok(())
}
