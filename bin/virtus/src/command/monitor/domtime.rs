//! `domtime`

use virtus::calls::Remote;
use virtus::constants::VIR_DOMAIN_TIME_SYNC;

use crate::command::{ACTIVE_DOMAIN, Command, Opt};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell, out};
use crate::show::time;

pub(super) static COMMAND: Command = Command {
    name: "domtime",
    summary: "tell or set the clock of a guest",
    about: "Asks the guest's agent for the guest's time, or has it set the clock.",
    options: &[
        ACTIVE_DOMAIN,
        Opt::flag("now", "set the clock to this machine's time"),
        Opt::flag("pretty", "print the time for people, in UTC"),
        Opt::flag("sync", "set the clock to what the domain's hardware clock says"),
        Opt::number("time", "set the clock to so many seconds after 1970").also_positional(),
    ],
    run,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.exclusive("time", "now")?;
    arguments.exclusive("time", "sync")?;
    arguments.exclusive("now", "sync")?;
    let domain = shell.domain(arguments)?;
    let time = arguments.number::<i64>("time")?;
    let sync = arguments.has("sync");
    if time.is_some() || arguments.has("now") || sync {
        let seconds = if arguments.has("now") { time::now().0 } else { time.unwrap_or(0) };
        let flags = if sync { VIR_DOMAIN_TIME_SYNC } else { 0 };
        return Ok(shell.call(Remote::domain_set_time(domain, seconds, 0, flags))?);
    }
    let seconds = shell.call(Remote::domain_get_time(domain, 0))?.seconds;
    match arguments.has("pretty") {
        true => out!(shell, "Time: {}", time::utc(seconds)),
        false => out!(shell, "Time: {seconds}"),
    }
    Ok(())
}
