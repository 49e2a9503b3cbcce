//! Jobs on disks: `blockcommit`, `blockcopy`, `blockpull` and `blockjob`.

mod commit;
mod copy;
mod job;
mod pull;
mod wait;

use crate::command::Opt;
use crate::complete;
use crate::grammar::{Arguments, Number, Wrapping};
use crate::shell::{Failure, Outcome};

pub(super) use commit::COMMIT;
pub(super) use copy::COPY;
pub(super) use job::JOB;
pub(super) use pull::PULL;

const PATH: Opt = Opt::text("path", "the disk: its target or its source")
    .positional()
    .required()
    .asks(complete::disk_targets);
const BANDWIDTH: Opt = Opt::number("bandwidth", "MiB/s at most").also_positional();
const BYTES: Opt = Opt::flag("bytes", "--bandwidth counts in bytes");
const SHALLOW: Opt = Opt::flag("shallow", "only the top image");
const WAIT: Opt = Opt::flag("wait", "wait until it is done");
const VERBOSE: Opt = Opt::flag("verbose", "show how far it is");
const TIMEOUT: Opt = Opt::number("timeout", "give up after so many seconds").also_positional();
const PIVOT: Opt = Opt::flag("pivot", "go over to the copy when it is done");
const ASYNC: Opt = Opt::flag("async", "do not wait until the job has ended");
const KEEP_RELATIVE: Opt = Opt::flag("keep-relative", "keep backing paths relative");

/// `--bandwidth`: a number as it is, or a size, which becomes MiB unless bytes are wanted.
fn bandwidth(arguments: &Arguments, bytes: bool) -> Outcome<u64> {
    let Some(text) = arguments.has("bandwidth").then(|| arguments.many("bandwidth").last()).flatten() else {
        return Ok(0);
    };
    if let Some(Wrapping(value)) = Wrapping::<u64>::read(text) {
        return Ok(value);
    }
    match arguments.size("bandwidth", 1, u64::MAX) {
        Ok(Some(value)) => Ok(if bytes { value } else { value >> 20 }),
        Ok(None) => Ok(0),
        Err(failure) => {
            let failed = Failure::new(format_args!(
                "Scaled numeric value '{text}' for <--bandwidth> option is malformed or out of range"
            ));
            Err(match failure.cause() {
                Some(cause) => failed.because(cause.clone()),
                None => failed,
            })
        }
    }
}
