//! `vol-delete`, `vol-resize` and `vol-wipe`.

use virtus::ErrorCode;
use virtus::calls::Remote;
use virtus::constants::*;

use super::{IN_POOL, VOL, volume};
use crate::command::{Command, Opt};
use crate::grammar::{Arguments, byte_size};
use crate::objects::act;
use crate::shell::{Failure, OrSay, Outcome, Shell, extra, fail};

pub(super) static DELETE: Command = Command {
    name: "vol-delete",
    summary: "delete a volume",
    about: "Deletes a volume with all that is in it.",
    options: &[VOL, IN_POOL, Opt::flag("delete-snapshots", "delete its snapshots, too")],
    run: delete,
    ..Command::PLAIN
};

fn delete(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (volume, name) = (volume(shell, arguments)?, arguments.needed("vol")?);
    let flags = arguments.flags(&[("delete-snapshots", VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS)]);
    act(
        shell,
        Remote::storage_vol_delete(volume, flags),
        format_args!("Vol {name} deleted"),
        format_args!("Failed to delete vol {name}"),
    )
}

pub(super) static RESIZE: Command = Command {
    name: "vol-resize",
    summary: "change how much goes into a volume",
    options: &[
        VOL,
        Opt::text("capacity", "how much goes into it, in bytes or with a unit").positional().required(),
        IN_POOL,
        Opt::flag("allocate", "have all of it there from the beginning"),
        Opt::flag("delta", "add so much to what goes into it now"),
        Opt::flag("shrink", "let it become smaller: what does not fit is lost"),
    ],
    run: resize,
    ..Command::PLAIN
};

fn resize(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let shrink = arguments.has("shrink");
    let mut delta = arguments.has("delta");
    let mut flags = arguments
        .flags(&[("allocate", VIR_STORAGE_VOL_RESIZE_ALLOCATE), ("shrink", VIR_STORAGE_VOL_RESIZE_SHRINK)]);
    let volume = volume(shell, arguments)?;
    let mut text = arguments.needed("capacity")?.trim_start();
    if let Some(rest) = text.strip_prefix('-') {
        if !shrink {
            fail!("negative size requires --shrink");
        }
        text = rest;
        delta = true;
    }
    if delta {
        flags |= VIR_STORAGE_VOL_RESIZE_DELTA;
    }
    let capacity = byte_size(text).map_err(|error| {
        let failure = Failure::new(format_args!("Malformed size {text}"));
        match error {
            Some(error) => failure.because(error),
            None => failure,
        }
    })?;
    let by = if delta { "by" } else { "to" };
    let name = volume.name.clone();
    shell
        .call(Remote::storage_vol_resize(volume, capacity, flags))
        .or_say(format_args!("Failed to change size of volume '{name}' {by} {text}"))?;
    extra!(shell, "Size of volume '{name}' successfully changed {by} {text}\n");
    Ok(())
}

/// How a volume can be wiped, by number.
const ALGORITHMS: [&str; 10] =
    ["zero", "nnsa", "dod", "bsi", "gutmann", "schneier", "pfitzner7", "pfitzner33", "random", "trim"];

pub(super) static WIPE: Command = Command {
    name: "vol-wipe",
    summary: "overwrite what is in a volume",
    about: "Overwrites what is in a volume, so that nobody can read it any more.",
    options: &[
        VOL,
        IN_POOL,
        Opt::text("algorithm", "how (zero if it is left out)").also_positional().one_of(&ALGORITHMS),
    ],
    run: wipe,
    ..Command::PLAIN
};

fn wipe(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (volume, name) = (volume(shell, arguments)?, arguments.needed("vol")?);
    let algorithm = match arguments.text("algorithm")? {
        None => 0,
        Some(word) => match ALGORITHMS.iter().zip(0_u32..).find(|(known, _)| **known == word) {
            Some((_, number)) => number,
            None => fail!("Unsupported algorithm '{word}'"),
        },
    };
    let outcome = match shell.call(Remote::storage_vol_wipe_pattern(volume.clone(), algorithm, 0)) {
        // an older daemon
        Err(error) if error.code() == ErrorCode::NO_SUPPORT && algorithm == 0 => {
            shell.call(Remote::storage_vol_wipe(volume, 0))
        }
        outcome => outcome,
    };
    outcome.or_say(format_args!("Failed to wipe vol {name}"))?;
    extra!(shell, "Vol {name} wiped\n");
    Ok(())
}
