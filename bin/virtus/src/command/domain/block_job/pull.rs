//! `blockpull`

use std::time::Duration;

use virtus::calls::Remote;
use virtus::constants::*;

use super::wait::{Wait, unless_ended_well};
use super::*;
use crate::command::{ACTIVE_DOMAIN, Command};
use crate::shell::{Shell, extra};

pub(in crate::command::domain) static PULL: Command = Command {
    name: "blockpull",
    summary: "merge the images below a disk's image into it",
    options: &[
        ACTIVE_DOMAIN,
        PATH,
        BANDWIDTH,
        Opt::text("base", "the image that is not changed and what is below it").also_positional(),
        WAIT,
        VERBOSE,
        TIMEOUT,
        ASYNC,
        KEEP_RELATIVE,
        BYTES,
    ],
    run: pull,
    ..Command::PLAIN
};

fn pull(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.requires("verbose", "wait")?;
    arguments.requires("async", "wait")?;
    let path = arguments.needed("path")?;
    let base = arguments.text("base")?.map(str::to_owned);
    let bytes = arguments.has("bytes");
    let bandwidth = bandwidth(arguments, bytes)?;
    let limit = arguments.timeout_ms()?.map(Duration::from_millis);
    let mut flags = arguments.flags(&[("keep-relative", VIR_DOMAIN_BLOCK_REBASE_RELATIVE)]);
    let domain = shell.domain(arguments)?;
    let wait = arguments
        .has("wait")
        .then(|| Wait::new(shell, arguments, &domain, path, "Block Pull", limit))
        .transpose()?;
    if base.is_some() || flags != 0 {
        if bytes {
            flags |= VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES;
        }
        shell.call(Remote::domain_block_rebase(domain, path.to_owned(), base, bandwidth, flags))?;
    } else {
        let flags = if bytes { VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES } else { 0 };
        shell.call(Remote::domain_block_pull(domain, path.to_owned(), bandwidth, flags))?;
    }
    let Some(wait) = wait else {
        extra!(shell, "Block Pull started");
        return Ok(());
    };
    let ended = wait.finish(shell)?;
    unless_ended_well(shell, ended, "Pull")?;
    extra!(shell, "\nPull complete");
    Ok(())
}
