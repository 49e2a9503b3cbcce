//! `domcontrol`

use virtus::calls::Remote;
use virtus::constants::{VIR_DOMAIN_CONTROL_ERROR, VIR_DOMAIN_CONTROL_OK};

use crate::command::{ACTIVE_DOMAIN, Command};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell, out};

pub(super) static COMMAND: Command = Command {
    name: "domcontrol",
    summary: "tell whether a domain can be controlled",
    about: "Tells the state of the interface over which the daemon controls a running domain: ok, or what keeps it \
            busy and how long, or what is wrong with it.",
    options: &[ACTIVE_DOMAIN],
    run,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let info = shell.call(Remote::domain_get_control_info(domain, 0))?;
    let state_number = info.state.cast_signed();
    let state = ["ok", "background job", "occupied", "error"].get(info.state as usize).unwrap_or(&"unknown");
    let reasons = ["", "unknown", "monitor failure", "internal (locking) error"];
    if state_number == VIR_DOMAIN_CONTROL_OK
        || (state_number == VIR_DOMAIN_CONTROL_ERROR && info.details == 0)
    {
        out!(shell, "{state}\n");
    } else if state_number == VIR_DOMAIN_CONTROL_ERROR {
        out!(shell, "{state}: {}\n", reasons.get(info.details as usize).unwrap_or(&"unknown"));
    } else {
        out!(shell, "{state} ({:.3}s)\n", info.state_time as f64 / 1000.0);
    }
    Ok(())
}
