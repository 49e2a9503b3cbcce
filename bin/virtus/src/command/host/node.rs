//! `nodesuspend` and `nodesevinfo`

use virtus::calls::Remote;
use virtus::constants::VIR_TYPED_PARAM_STRING_OKAY;

use crate::command::domain::small::{SLEEPS, number_of};
use crate::command::{Command, Opt};
use crate::shell::{OrSay, fail, out};
use crate::show;

pub(super) static SUSPEND: Command = Command {
    name: "nodesuspend",
    summary: "have the host go to sleep",
    options: &[
        Opt::text("target", "mem, disk or hybrid").positional().required().one_of(&SLEEPS),
        Opt::number("duration", "seconds until it wakes, at least 60").positional().required(),
    ],
    run: |shell, arguments| {
        let target = arguments.needed("target")?;
        let duration = arguments.number::<i64>("duration")?.unwrap_or(0);
        let Some(target) = number_of(&SLEEPS, target) else { fail!("Invalid target") };
        let Ok(duration) = u64::try_from(duration) else { fail!("Invalid duration") };
        shell
            .call(Remote::node_suspend_for_duration(target, duration, 0))
            .or_say("The host was not suspended")
    },
    ..Command::PLAIN
};

pub(super) static SEV: Command = Command {
    name: "nodesevinfo",
    summary: "tell what the host can do for confidential guests (AMD SEV)",
    run: |shell, _| {
        let ask = |count| Remote::node_get_sev_info(count, VIR_TYPED_PARAM_STRING_OKAY);
        let failed = "Unable to get host SEV information";
        let count = shell.call(ask(0)).or_say(failed)?.nparams;
        for param in shell.call(ask(count)).or_say(failed)?.params {
            out!(shell, "{:<18}: {}\n", param.field, show::param(&param.value));
        }
        Ok(())
    },
    ..Command::PLAIN
};
