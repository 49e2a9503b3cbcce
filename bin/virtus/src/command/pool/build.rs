//! Pools from options: `pool-create-as` and `pool-define-as`.

use virtus::calls::Remote;

use super::{BUILD_TOO, NO_OVERWRITE, OVERWRITE, build_flags};
use crate::command::{Command, Opt};
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra, out};
use crate::xml::build::Element;

/// What pools are made of.
pub(super) const TYPES: [&str; 14] = [
    "dir",
    "fs",
    "netfs",
    "logical",
    "disk",
    "iscsi",
    "iscsi-direct",
    "scsi",
    "mpath",
    "rbd",
    "sheepdog",
    "gluster",
    "zfs",
    "vstorage",
];

/// The options that describe a pool, and more.
macro_rules! describing {
    ($($more:expr),*) => {
        &[
            Opt::text("name", "the name of the pool").positional().required(),
            Opt::text("type", "what the pool is made of").positional().required().one_of(&TYPES),
            Opt::flag("print-xml", "print the definition, and do nothing else"),
            Opt::text("source-host", "the host that has the storage").also_positional(),
            Opt::text("source-path", "the directory that the host has").also_positional(),
            Opt::text("source-dev", "the device that has the storage").also_positional(),
            Opt::text("source-name", "the name of the storage, e.g. of the volume group").also_positional(),
            Opt::text("target", "where the volumes are to be found on this host").also_positional(),
            Opt::text("source-format", "the format of the storage").also_positional(),
            Opt::text("auth-type", "how to authenticate: chap or ceph").also_positional(),
            Opt::text("auth-username", "the user to authenticate as").also_positional(),
            Opt::text("secret-usage", "the secret with the password, by its usage").also_positional(),
            Opt::text("secret-uuid", "the secret with the password, by its UUID").also_positional(),
            Opt::text("adapter-name", "the SCSI adapter").also_positional(),
            Opt::text("adapter-wwnn", "the WWNN of the fibre channel adapter").also_positional(),
            Opt::text("adapter-wwpn", "the WWPN of the fibre channel adapter").also_positional(),
            Opt::text("adapter-parent", "the adapter that the adapter is made of").also_positional(),
            Opt::text("adapter-parent-wwnn", "the WWNN of that adapter").also_positional(),
            Opt::text("adapter-parent-wwpn", "the WWPN of that adapter").also_positional(),
            Opt::text("adapter-parent-fabric-wwn", "the WWN of the fabric of that adapter").also_positional(),
            Opt::text("source-protocol-ver", "the version of NFS").also_positional(),
            Opt::text("source-initiator", "the IQN of the iSCSI initiator").also_positional(),
            $($more),*
        ]
    };
}

/// The definition that the options describe.
fn definition(arguments: &Arguments) -> Outcome<String> {
    arguments.exclusive("secret-usage", "secret-uuid")?;
    let text = |name| arguments.text(name);
    let (host, path, device) = (text("source-host")?, text("source-path")?, text("source-dev")?);
    let (name, format, initiator) = (text("source-name")?, text("source-format")?, text("source-initiator")?);
    let adapter = adapter(arguments)?;
    let mut pool = Element::new("pool").attribute("type", Some(arguments.needed("type")?));
    pool.text("name", Some(arguments.needed("name")?));
    let given = [host, path, device, name, format, initiator].iter().any(Option::is_some);
    if given || adapter.is_some() {
        let mut source = Element::new("source");
        source.child(Element::new("host").attribute("name", host));
        source.child(Element::new("dir").attribute("path", path));
        source.child(Element::new("device").attribute("path", device));
        let mut initiated = Element::new("initiator");
        initiated.child(Element::new("iqn").attribute("name", initiator));
        source.child(initiated);
        if let Some(adapter) = adapter {
            source.child(adapter);
        }
        let (kind, user) = (text("auth-type")?, text("auth-username")?);
        let (usage, uuid) = (text("secret-usage")?, text("secret-uuid")?);
        if kind.is_some() && user.is_some() && (usage.is_some() || uuid.is_some()) {
            let mut auth = Element::new("auth").attribute("type", kind).attribute("username", user);
            auth.child(Element::new("secret").attribute("usage", usage).attribute("uuid", uuid));
            source.child(auth);
        }
        source.child(Element::new("format").attribute("type", format));
        source.text("name", name);
        source.child(Element::new("protocol").attribute("ver", text("source-protocol-ver")?));
        pool.child(source);
    }
    let mut target = Element::new("target");
    target.text("path", text("target")?);
    pool.child(target);
    Ok(pool.finish())
}

fn adapter(arguments: &Arguments) -> Outcome<Option<Element>> {
    let text = |name| arguments.text(name);
    let (wwnn, wwpn) = (text("adapter-wwnn")?, text("adapter-wwpn")?);
    if wwnn.is_none() || wwpn.is_none() {
        let name = text("adapter-name")?;
        let named =
            |name| Element::new("adapter").attribute("type", Some("scsi_host")).attribute("name", Some(name));
        return Ok(name.map(named));
    }
    let mut adapter = Element::new("adapter").attribute("type", Some("fc_host"));
    let (parent_wwnn, parent_wwpn) = (text("adapter-parent-wwnn")?, text("adapter-parent-wwpn")?);
    if let Some(parent) = text("adapter-parent")? {
        adapter = adapter.attribute("parent", Some(parent));
    } else if parent_wwnn.is_some() && parent_wwpn.is_some() {
        adapter = adapter.attribute("parent_wwnn", parent_wwnn).attribute("parent_wwpn", parent_wwpn);
    } else {
        adapter = adapter.attribute("parent_fabric_wwn", text("adapter-parent-fabric-wwn")?);
    }
    Ok(Some(adapter.attribute("wwnn", wwnn).attribute("wwpn", wwpn)))
}

pub(super) static CREATE_AS: Command = Command {
    name: "pool-create-as",
    summary: "start a pool that options describe, without storing its definition",
    options: describing![BUILD_TOO, NO_OVERWRITE, OVERWRITE],
    run: create_as,
    ..Command::PLAIN
};

fn create_as(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = build_flags(arguments)?;
    let definition = definition(arguments)?;
    if arguments.has("print-xml") {
        out!(shell, "{definition}");
        return Ok(());
    }
    let name = arguments.needed("name")?;
    shell
        .call(Remote::storage_pool_create_xml(definition, flags))
        .or_say(format_args!("Failed to create pool {name}"))?;
    extra!(shell, "Pool {name} created\n");
    Ok(())
}

pub(super) static DEFINE_AS: Command = Command {
    name: "pool-define-as",
    summary: "store the definition of a pool that options describe",
    options: describing![],
    run: define_as,
    ..Command::PLAIN
};

fn define_as(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let definition = definition(arguments)?;
    if arguments.has("print-xml") {
        out!(shell, "{definition}");
        return Ok(());
    }
    let name = arguments.needed("name")?;
    shell
        .call(Remote::storage_pool_define_xml(definition, 0))
        .or_say(format_args!("Failed to define pool {name}"))?;
    extra!(shell, "Pool {name} defined\n");
    Ok(())
}
