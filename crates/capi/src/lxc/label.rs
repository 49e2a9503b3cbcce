//! Security labels, through what the kernel has for them.

use std::io::Error;

use virtus::constants::VIR_SECURITY_LABEL_BUFLEN;
use virtus::{ErrorCode, Result};

use super::{kernel, system};
use crate::arg::Out;
use crate::call::Call;
use crate::connect::virSecurityModel;
use crate::ctype::Char;
use crate::domain::virSecurityLabel;
use crate::memory;

/// Gives the calling thread's next program, or the thread, a label.
pub(super) fn enter(
    call: &Call,
    model: &virSecurityModel,
    label: &virSecurityLabel,
    old: Option<&Out<virSecurityLabel>>,
) -> Result<()> {
    let (model, label) = (text(&model.model), text(&label.label));
    let mut before = virSecurityLabel { label: [Char(0); VIR_SECURITY_LABEL_BUFLEN], enforcing: 0 };
    match model.as_str() {
        "selinux" => {
            if old.is_some() {
                before = selinux(call)?;
            }
            let done = std::fs::write("/proc/thread-self/attr/exec", &label);
            done.map_err(|error| system(call, &format!("Cannot set context {label}"), &error))?;
        }
        "apparmor" => {
            let done = std::fs::write("/proc/thread-self/attr/current", format!("changeprofile {label}"));
            done.map_err(|error| system(call, &format!("error changing profile to {label}"), &error))?;
        }
        "none" => {}
        _ => {
            let text = format!("Security model {model} cannot be entered");
            return Err(call.error(ErrorCode::ARGUMENT_UNSUPPORTED, text));
        }
    }
    if let Some(old) = old {
        old.put(before);
    }
    Ok(())
}

fn selinux(call: &Call) -> Result<virSecurityLabel> {
    let unable = format!("unable to get PID {} security context", std::process::id());
    let label = kernel(call, "/proc/thread-self/attr/current", &unable)?;
    if label.len() >= VIR_SECURITY_LABEL_BUFLEN {
        let text = format!("security label exceeds maximum length: {}", VIR_SECURITY_LABEL_BUFLEN - 1);
        return Err(call.error(ErrorCode::INTERNAL_ERROR, text));
    }
    let failed = "error calling security_getenforce()";
    let enforcing = kernel(call, "/sys/fs/selinux/enforce", failed)?;
    let enforcing =
        enforcing.parse().map_err(|_| system(call, failed, &Error::from_raw_os_error(libc::EINVAL)))?;
    Ok(virSecurityLabel { label: memory::chars(&label), enforcing })
}

fn text(chars: &[Char]) -> String {
    let bytes: Vec<u8> = chars.iter().map(|c| c.0.cast_unsigned()).take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
