//! `pool-create`, `pool-define`, `pool-dumpxml` and `pool-edit`.

use virtus::ErrorCode;
use virtus::calls::Remote;
use virtus::constants::{VIR_STORAGE_POOL_DEFINE_VALIDATE, VIR_STORAGE_XML_INACTIVE};

use super::{BUILD_TOO, NO_OVERWRITE, OVERWRITE, POOL, build_flags, pool};
use crate::command::{Command, FILE, Opt, VALIDATE, WRAP, XPATH};
use crate::grammar::Arguments;
use crate::objects::edit_definition;
use crate::shell::{OrSay, Outcome, Shell, extra};
use crate::{file, xml};

pub(super) static CREATE: Command = Command {
    name: "pool-create",
    summary: "start a pool from a file, without storing its definition",
    options: &[FILE, BUILD_TOO, NO_OVERWRITE, OVERWRITE],
    run: create,
    ..Command::PLAIN
};

fn create(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let path = arguments.needed("file")?;
    let flags = build_flags(arguments)?;
    let text = file::read(path)?;
    let pool = shell
        .call(Remote::storage_pool_create_xml(text, flags))
        .or_say(format_args!("Failed to create pool from {path}"))?;
    extra!(shell, "Pool {} created from {path}\n", pool.name);
    Ok(())
}

pub(super) static DEFINE: Command = Command {
    name: "pool-define",
    summary: "store the definition of a pool",
    about: "Stores the definition of a pool, which can be started then, or changes that of one that there is.",
    options: &[FILE, VALIDATE],
    run: define,
    ..Command::PLAIN
};

fn define(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let path = arguments.needed("file")?;
    let flags = arguments.flags(&[("validate", VIR_STORAGE_POOL_DEFINE_VALIDATE)]);
    let text = file::read(path)?;
    let pool = shell
        .call(Remote::storage_pool_define_xml(text, flags))
        .or_say(format_args!("Failed to define pool from {path}"))?;
    extra!(shell, "Pool {} defined from {path}\n", pool.name);
    Ok(())
}

pub(super) static DUMPXML: Command = Command {
    name: "pool-dumpxml",
    summary: "print the definition of a pool, as XML",
    options: &[POOL, Opt::flag("inactive", "what holds from the next start on"), XPATH, WRAP],
    run: dumpxml,
    ..Command::PLAIN
};

fn dumpxml(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = arguments.flags(&[("inactive", VIR_STORAGE_XML_INACTIVE)]);
    let pool = pool(shell, arguments)?;
    let text = shell.call(Remote::storage_pool_get_xml_desc(pool, flags))?;
    xml::show(shell, &text, arguments.xpath()?, arguments.has("wrap"))
}

pub(super) static EDIT: Command = Command {
    name: "pool-edit",
    summary: "change the stored definition of a pool, in an editor",
    options: &[POOL],
    run: edit,
    ..Command::PLAIN
};

fn edit(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let pool = pool(shell, arguments)?;
    let name = pool.name.clone();
    let get = |shell: &mut Shell| {
        match shell.call(Remote::storage_pool_get_xml_desc(pool.clone(), VIR_STORAGE_XML_INACTIVE)) {
            // a daemon that does not know the flag
            Err(error) if error.code() == ErrorCode::INVALID_ARG => {
                Ok(shell.call(Remote::storage_pool_get_xml_desc(pool.clone(), 0))?)
            }
            outcome => Ok(outcome?),
        }
    };
    let set = |shell: &mut Shell, text| Ok(shell.call(Remote::storage_pool_define_xml(text, 0))?.name);
    edit_definition(shell, "Pool", &name, get, set)
}
