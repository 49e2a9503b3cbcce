//! What a domain's life consists of.

use std::ffi::{c_int, c_uint};

use virtus::Result;

use crate::arg::{InMut, Out, Rw};
use crate::connect::files;
use crate::declare::exports;
use crate::handle::Of;
use crate::object::Domain;

exports! {
    header DOMAIN, errors DOMAIN;

    "0.1.1" fn virDomainCreate(domain: Rw<Domain>) -> () = { domain.create()?; found(&domain) };
    "0.8.2" fn virDomainCreateWithFlags(domain: Rw<Domain>, flags: c_uint) -> ()
        = Ok(domain.set_id(domain.create_with_flags(flags)?.reference().id));
    "1.1.1" fn virDomainCreateWithFiles[call](
        domain: Rw<Domain>, nfiles: c_uint, files: InMut<c_int>, flags: c_uint
    ) -> () = {
        let files = files::duplicates(call, &files, nfiles, "files")?;
        Ok(domain.set_id(domain.create_with_files(flags, files)?.reference().id))
    };
    "0.0.3" fn virDomainDestroy(domain: Rw<Domain>) -> ()
        = { domain.destroy()?; Ok(domain.set_id(-1)) };
    "0.9.4" fn virDomainDestroyFlags(domain: Rw<Domain>, flags: c_uint) -> ()
        = { domain.destroy_flags(flags)?; Ok(domain.set_id(-1)) };
    "0.0.3" fn virDomainSuspend(domain: Rw<Domain>) -> () = domain.suspend();
    "0.0.3" fn virDomainResume(domain: Rw<Domain>) -> () = domain.resume();
    "0.0.3" fn virDomainShutdown(domain: Rw<Domain>) -> () = domain.shutdown();
    "0.9.10" fn virDomainShutdownFlags(domain: Rw<Domain>, flags: c_uint) -> () = domain.shutdown_flags(flags);
    "0.1.0" fn virDomainReboot(domain: Rw<Domain>, flags: c_uint) -> () = domain.reboot(flags);
    "0.9.7" fn virDomainReset(domain: Rw<Domain>, flags: c_uint) -> () = domain.reset(flags);
    "0.9.10" fn virDomainPMSuspendForDuration(dom: Rw<Domain>, target: c_uint, duration: u64, flags: c_uint) -> ()
        = dom.pm_suspend_for_duration(target, duration, flags);
    "0.9.11" fn virDomainPMWakeup(dom: Rw<Domain>, flags: c_uint) -> () = dom.pm_wakeup(flags);
    "0.1.1" fn virDomainUndefine(domain: Rw<Domain>) -> () = domain.undefine();
    "0.9.4" fn virDomainUndefineFlags(domain: Rw<Domain>, flags: c_uint) -> () = domain.undefine_flags(flags);
    "0.2.1" fn virDomainGetAutostart(domain: Of<Domain>, autostart: Out<c_int>) -> ()
        = Ok(autostart.put(domain.autostart()?.into()));
    "0.2.1" fn virDomainSetAutostart(domain: Rw<Domain>, autostart: c_int) -> ()
        = domain.set_autostart(autostart != 0);
    "11.2.0" fn virDomainGetAutostartOnce(domain: Of<Domain>, autostart: Out<c_int>) -> ()
        = Ok(autostart.put(domain.autostart_once()?.into()));
    "11.2.0" fn virDomainSetAutostartOnce(domain: Rw<Domain>, autostart: c_int) -> ()
        = domain.set_autostart_once(autostart != 0);
    "3.9.0" fn virDomainSetLifecycleAction(domain: Rw<Domain>, r#type: c_uint, action: c_uint, flags: c_uint) -> ()
        = domain.set_lifecycle_action(r#type, action, flags);
    "0.9.2" fn virDomainInjectNMI(domain: Rw<Domain>, flags: c_uint) -> () = domain.inject_nmi(flags);

}

/// Its number is another one now.
fn found(domain: &Domain) -> Result<()> {
    let now = domain.connection().lookup_domain_by_uuid(domain.uuid())?;
    domain.set_id(now.reference().id);
    Ok(())
}
