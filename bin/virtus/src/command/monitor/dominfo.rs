//! `dominfo`

use std::fmt::Display;

use virtus::ErrorCode;
use virtus::calls::Remote;

use crate::command::{Command, DOMAIN};
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell, out};
use crate::state;

pub(super) static COMMAND: Command = Command {
    name: "dominfo",
    summary: "the most important facts about a domain",
    options: &[DOMAIN],
    run,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let dom = || domain.clone();
    fn line(shell: &mut Shell, title: &str, value: impl Display) {
        out!(shell, "{title:<15} {value}\n");
    }
    let yes = |value: i32, yes: &'static str, no: &'static str| if value != 0 { yes } else { no };
    match domain.id {
        -1 => line(shell, "Id:", "-"),
        id => line(shell, "Id:", id),
    }
    line(shell, "Name:", &domain.name);
    line(shell, "UUID:", domain.uuid);
    if let Ok(kind) = shell.call(Remote::domain_get_os_type(dom())) {
        line(shell, "OS Type:", kind);
    }
    let info = shell.call(Remote::domain_get_info(dom()));
    if let Ok(info) = &info {
        line(shell, "State:", state::name(info.state.into()));
        line(shell, "CPU(s):", info.nr_virt_cpu);
        if info.cpu_time != 0 {
            line(shell, "CPU time:", format_args!("{:.1}s", info.cpu_time as f64 / 1e9));
        }
        match info.max_mem == u64::from(u32::MAX) {
            false => line(shell, "Max memory:", format_args!("{} KiB", info.max_mem)),
            true => line(shell, "Max memory:", "no limit"),
        }
        line(shell, "Used memory:", format_args!("{} KiB", info.memory));
    }
    let persistent = shell.call(Remote::domain_is_persistent(dom()));
    line(shell, "Persistent:", persistent.map_or("unknown", |value| yes(value, "yes", "no")));
    if let Ok(value) = shell.call(Remote::domain_get_autostart(dom())) {
        line(shell, "Autostart:", yes(value, "enable", "disable"));
    }
    if let Ok(value) = shell.call(Remote::domain_get_autostart_once(dom())) {
        line(shell, "Autostart Once:", yes(value, "enable", "disable"));
    }
    let saved = shell.call(Remote::domain_has_managed_save_image(dom(), 0));
    line(shell, "Managed save:", saved.map_or("unknown", |value| yes(value, "yes", "no")));
    match shell.call(Remote::node_get_security_model()) {
        Ok(security) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned();
            let (model, doi) = (text(&security.model.0), text(&security.doi.0));
            if !model.is_empty() {
                line(shell, "Security model:", model);
                line(shell, "Security DOI:", doi);
                let label = shell.call(Remote::domain_get_security_label(dom()))?;
                let enforcing = if label.enforcing != 0 { "enforcing" } else { "permissive" };
                let label = text(&label.label.0);
                if !label.is_empty() {
                    line(shell, "Security label:", format_args!("{label} ({enforcing})"));
                }
            }
        }
        Err(error) if error.code() == ErrorCode::NO_SUPPORT => {}
        Err(error) => return Err(error.into()),
    }
    if let Ok(messages) = shell.call(Remote::domain_get_messages(dom(), 0)) {
        for (index, message) in messages.iter().enumerate() {
            line(shell, if index == 0 { "Messages:" } else { "" }, message);
        }
    }
    info?;
    Ok(())
}
