//! Commands about secrets.

mod event;
mod one;
mod value;

use virtus::calls::Remote;
use virtus::{SecretRef, Uuid};

use super::{Group, Opt};
use crate::grammar::Arguments;
use crate::objects::{list_or, names_then};
use crate::shell::{Failure, OrSay, Outcome, Shell, fail};

pub(crate) static GROUP: Group = Group {
    name: "Secret",
    keyword: "secret",
    commands: &[
        &one::DEFINE,
        &one::DUMPXML,
        &event::COMMAND,
        &value::GET,
        &one::LIST,
        &value::SET,
        &one::UNDEFINE,
    ],
};

const SECRET: Opt = Opt::text("secret", "the secret's UUID").positional().required().asks(secrets);

fn all(shell: &Shell, flags: u32) -> Outcome<Vec<SecretRef>> {
    let listed = shell.call(Remote::connect_list_all_secrets(1, flags)).map(|reply| reply.secrets.0);
    let mut secrets = list_or(listed, "Failed to list node secrets", || {
        if flags != 0 {
            fail!("Filtering is not supported by this libvirt");
        }
        let count = shell.call(Remote::connect_num_of_secrets()).or_say("Failed to count secrets")?;
        let uuids = shell.call(Remote::connect_list_secrets(count)).or_say("Failed to list secrets")?;
        let secret = |text: String| {
            Uuid::parse(&text).and_then(|uuid| shell.call(Remote::secret_lookup_by_uuid(uuid)).ok())
        };
        Ok(names_then(uuids.0, secret))
    })?;
    secrets.sort_by_key(|secret| secret.uuid.to_string());
    Ok(secrets)
}

fn secrets(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    all(shell, 0).unwrap_or_default().iter().map(|secret| secret.uuid.to_string()).collect()
}

/// The secret that is meant.
fn secret(shell: &Shell, arguments: &Arguments) -> Outcome<SecretRef> {
    let name = arguments.needed("secret")?;
    let Some(uuid) = Uuid::parse(name) else {
        let failure = Failure::new(format_args!("failed to get secret '{name}'"));
        return Err(failure.and("uuidstr in virSecretLookupByUUIDString must be a valid UUID"));
    };
    shell.call(Remote::secret_lookup_by_uuid(uuid)).or_say(format_args!("failed to get secret '{name}'"))
}
