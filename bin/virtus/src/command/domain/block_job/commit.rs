//! `blockcommit`

use std::time::Duration;

use virtus::calls::Remote;
use virtus::constants::*;

use super::wait::{Wait, settle, unless_ended_well, waits};
use super::*;
use crate::command::{ACTIVE_DOMAIN, Command};
use crate::shell::{Shell, extra};

pub(in crate::command::domain) static COMMIT: Command = Command {
    name: "blockcommit",
    summary: "merge images of a disk into an image below them",
    options: &[
        ACTIVE_DOMAIN,
        PATH,
        BANDWIDTH,
        Opt::text("base", "the image to commit into").also_positional(),
        SHALLOW,
        Opt::text("top", "the image from which to commit").also_positional(),
        Opt::flag("active", "commit the image that the guest writes to, in two phases"),
        Opt::flag("delete", "delete the images that are committed"),
        WAIT,
        VERBOSE,
        TIMEOUT,
        PIVOT,
        Opt::flag("keep-overlay", "keep writing to the overlay when it is done"),
        ASYNC,
        KEEP_RELATIVE,
        BYTES,
    ],
    run: commit,
    ..Command::PLAIN
};

fn commit(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let (pivot, keep) = (arguments.has("pivot"), arguments.has("keep-overlay"));
    let active = arguments.has("active") || pivot || keep;
    arguments.exclusive("pivot", "keep-overlay")?;
    let path = arguments.needed("path")?;
    let (base, top) = (arguments.text("base")?.map(str::to_owned), arguments.text("top")?.map(str::to_owned));
    let bandwidth = bandwidth(arguments, arguments.has("bytes"))?;
    let mut flags = arguments.flags(&[
        ("bytes", VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES),
        ("shallow", VIR_DOMAIN_BLOCK_COMMIT_SHALLOW),
        ("delete", VIR_DOMAIN_BLOCK_COMMIT_DELETE),
        ("keep-relative", VIR_DOMAIN_BLOCK_COMMIT_RELATIVE),
    ]);
    if active {
        flags |= VIR_DOMAIN_BLOCK_COMMIT_ACTIVE;
    }
    let limit = arguments.timeout_ms()?.map(Duration::from_millis);
    let blocking = arguments.has("wait") || pivot || keep || limit.is_some();
    waits(arguments, blocking, "keep-overlay")?;
    let domain = shell.domain(arguments)?;
    let wait =
        blocking.then(|| Wait::new(shell, arguments, &domain, path, "Block commit", limit)).transpose()?;
    shell.call(Remote::domain_block_commit(domain.clone(), path.to_owned(), base, top, bandwidth, flags))?;
    let Some(wait) = wait else {
        extra!(shell, "{}Block Commit started", if active { "Active " } else { "" });
        return Ok(());
    };
    let abort_flags = wait.abort_flags;
    let ended = wait.finish(shell)?;
    unless_ended_well(shell, ended, "Commit")?;
    if !active {
        extra!(shell, "\nCommit complete");
        return Ok(());
    }
    let job = (&domain, path, abort_flags);
    let finish = ("keep-overlay", "Commit complete, overlay image kept");
    settle(shell, arguments, job, finish, "Now in synchronized phase")
}
