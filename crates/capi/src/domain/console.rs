//! Consoles, screens, keys, and what the guest is shown.

use std::ffi::{c_int, c_uint};
use std::os::fd::OwnedFd;

use virtus::constants::*;

use crate::arg::{Later, NonNegative, Out, Positive, Rw, Text};
use crate::connect::files;
use crate::ctype::Char;
use crate::declare::{exports, structs};
use crate::handle::Of;
use crate::memory;
use crate::object::{Domain, Stream};

structs! {
    /// A security label.
    virSecurityLabel {
        label: [Char; 4097],
        enforcing: c_int,
    }
}

exports! {
    header DOMAIN, errors DOMAIN;

    "0.9.2" fn virDomainScreenshot[call](domain: Later<Domain>, stream: Of<Stream>, screen: c_uint, flags: c_uint)
        -> Option<String> = stream.open(call, ("stream", || other(&domain)), || domain.screenshot(screen, flags));
    "0.8.6" fn virDomainOpenConsole[call](
        dom: Later<Domain>, dev_name: Option<Text>, st: Of<Stream>, flags: c_uint
    ) -> () = st.open(call, ("st", || other(&dom)), || Ok(((), dom.open_console(dev_name.as_deref(), flags)?)));
    "1.0.2" fn virDomainOpenChannel[call](
        dom: Later<Domain>, name: Option<Text>, st: Of<Stream>, flags: c_uint
    ) -> () = st.open(call, ("st", || other(&dom)), || Ok(((), dom.open_channel(name.as_deref(), flags)?)));
    "0.9.7" fn virDomainOpenGraphics[call](
        dom: Of<Domain>, idx: c_uint, fd: NonNegative<c_int>, flags: c_uint
    ) -> () = {
        files::check(call, fd.0)?;
        let file = files::duplicate(fd.0)?;
        if !rustix::fs::fstat(&file).is_ok_and(|stat| stat.st_mode & libc::S_IFMT == libc::S_IFSOCK) {
            return Err(call.refused("fd", format!("fd {} must be a socket", fd.0)));
        }
        call.check_write()?;
        dom.open_graphics(idx, flags, vec![file])
    };
    "1.2.8" fn virDomainOpenGraphicsFD(dom: Rw<Domain>, idx: c_uint, flags: c_uint) -> OwnedFd
        = dom.open_graphics_fd(idx, flags);
    "10.2.0" fn virDomainGraphicsReload(domain: Rw<Domain>, r#type: c_uint, flags: c_uint) -> ()
        = domain.graphics_reload(r#type, flags);
    "0.9.3" fn virDomainSendKey[call](
        domain: Rw<Domain>, codeset: c_uint, holdtime: c_uint, keycodes: Out<c_uint>, nkeycodes: Positive<c_int>,
        flags: c_uint
    ) -> () = {
        if codeset >= VIR_KEYCODE_SET_LAST.cast_unsigned() {
            return Err(call.refused("codeset", format!("Unsupported codeset '{}'", codeset.cast_signed())));
        }
        if usize::try_from(nkeycodes.0).is_ok_and(|count| count > VIR_DOMAIN_SEND_KEY_MAX_KEYS) {
            let text = format!("nkeycodes must be <= {VIR_DOMAIN_SEND_KEY_MAX_KEYS}");
            return Err(call.refused("nkeycodes", text));
        }
        // SAFETY: the caller has so many
        let keys = unsafe { keycodes.many().values(nkeycodes.0, call, "keycodes")?.to_vec() };
        domain.send_key(codeset, holdtime, &keys, flags)
    };
    "1.0.1" fn virDomainSendProcessSignal(
        domain: Rw<Domain>, pid_value: crate::arg::NonZero<i64>, signum: c_uint, flags: c_uint
    ) -> () = domain.send_process_signal(pid_value.0, signum, flags);
    "0.6.1" fn virDomainGetSecurityLabel(domain: Of<Domain>, seclabel: Out<virSecurityLabel>) -> () = {
        let said = domain.security_label()?;
        Ok(seclabel.put(virSecurityLabel {
            label: memory::bytes_as_chars(&said.label.0),
            enforcing: said.enforcing,
        }))
    };
    "0.10.0" fn virDomainGetSecurityLabelList(domain: Of<Domain>, seclabels: Out<*mut virSecurityLabel>)
        -> usize = {
        let labels: Vec<_> = domain.security_label_list()?.iter().map(|said| virSecurityLabel {
            label: memory::bytes_as_chars(&said.label.0),
            enforcing: said.enforcing,
        }).collect();
        seclabels.put(memory::copy(&labels)?.as_ptr());
        Ok(labels.len())
    };
    "7.2.0" fn virDomainStartDirtyRateCalc[call](domain: Rw<Domain>, seconds: c_int, flags: c_uint) -> () = {
        crate::flags::exclusive!(call, flags,
            VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP ^ VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING);
        domain.start_dirty_rate_calc(seconds, flags)
    };
}

/// The stream is of another connection.
fn other(domain: &Domain) -> String {
    format!("stream must match connection of domain '{}'", virtus::Domain::name(domain))
}
