//! What the daemon answers itself for each connection: opening, features, events.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use virtus_api::constants::VIR_CONNECT_RO;
use virtus_api::*;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam};
use virtus_xdr::List;

use crate::client::Client;
use crate::dispatch::rpc_error;
use crate::server::{Server, Target};

/// Features the protocol has whatever the driver (`virDrvFeature`).
mod feature {
    pub(super) const FD_PASSING: i32 = 8;
    pub(super) const KEEPALIVE: i32 = 10;
    pub(super) const EVENT_CALLBACK: i32 = 14;
    pub(super) const CLOSE_CALLBACK: i32 = 15;
    /// Updates of networks list their items in the right order, as every libvirt since 7.2 does.
    pub(super) const NETWORK_UPDATE_ORDER: i32 = 16;
}

/// One connection's own state.
pub(crate) struct Session {
    server: Arc<Server>,
    client: Arc<Client>,
    hypervisor: Option<Arc<dyn Hypervisor>>,
    /// What the client's URI names, if that is not the daemon's own.
    target: OnceLock<Target>,
    opened: AtomicBool,
}

impl Session {
    /// The drivers as one client reaches them.
    pub(crate) fn drivers_for(server: &Arc<Server>, client: &Arc<Client>) -> (Drivers, Arc<Session>) {
        let session =
            Arc::new(Session::new(server.clone(), client.clone(), server.drivers.hypervisor.clone()));
        let group: Arc<dyn SessionGroup> = session.clone();
        (Drivers { session: Some(group), ..server.drivers.clone() }, session)
    }

    pub(crate) fn new(
        server: Arc<Server>,
        client: Arc<Client>,
        hypervisor: Option<Arc<dyn Hypervisor>>,
    ) -> Self {
        Session { server, client, hypervisor, target: OnceLock::new(), opened: AtomicBool::new(false) }
    }

    /// The drivers that the client's URI names, if they are not the daemon's own.
    pub(crate) fn drivers(&self) -> Option<&Drivers> {
        self.target.get().map(|target| &target.drivers)
    }

    /// Refuses what cannot be done before the connection is opened.
    pub(crate) fn check_open(&self, procedure: &Procedure) -> Result<()> {
        /// Opening and closing, authentication and features.
        const BEFORE_OPEN: [i32; 8] = [1, 2, 60, 66, 67, 68, 69, 70];
        /// Those that come before the client has proved who it is.
        const BEFORE_AUTH: [i32; 5] = [66, 67, 68, 69, 70];
        let admin = procedure.program == Program::ADMIN;
        let remote = procedure.program == Program::REMOTE;
        let early = remote && BEFORE_AUTH.contains(&procedure.number);
        if !early && !self.client.authenticated.load(Ordering::Relaxed) {
            return Err(rpc_error("authentication required"));
        }
        let free = remote && BEFORE_OPEN.contains(&procedure.number);
        if admin || free || self.opened.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(Error::new(ErrorDomain::RPC, ErrorCode::INTERNAL_ERROR, "connection not open"))
    }
}

impl Registrar for Session {
    fn registrations(&self) -> std::sync::MutexGuard<'_, Registrations> {
        let events = self.target.get().map_or(&self.server.events, |target| &target.events);
        events.join(&self.client);
        self.client.registrations.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn has_secrets(&self) -> bool {
        self.drivers().unwrap_or(&self.server.drivers).secret.is_some()
    }

    fn has_monitors(&self) -> bool {
        let drivers = self.drivers().unwrap_or(&self.server.drivers);
        drivers.hypervisor.as_ref().is_some_and(|hypervisor| hypervisor.has_monitors())
    }
}

/// Whether this daemon serves a connection URI; an empty one means whatever it has.
fn check_uri(name: Option<&str>, privileged: bool) -> Result<()> {
    let Some(name) = name.filter(|n| !n.is_empty()) else { return Ok(()) };
    let (scheme, rest) = name.split_once(':').unwrap_or((name, ""));
    let path = rest.strip_prefix("//").map_or(rest, |r| r.find('/').map_or("", |i| r.get(i..).unwrap_or("")));
    let path = path.split('?').next().unwrap_or_default();
    if scheme != "qemu" {
        return Err(Error::new(ErrorDomain::NONE, ErrorCode::NO_CONNECT, name));
    }
    let mine = if privileged { "/system" } else { "/session" };
    if path == mine || (privileged && path == "/session") || (path == "/embed") {
        return Ok(());
    }
    Err(Error::new(
        ErrorDomain::QEMU,
        ErrorCode::INTERNAL_ERROR,
        match path {
            "" | "/" => format!("no QEMU URI path given, try qemu://{mine}"),
            _ => format!("unexpected QEMU URI path '{path}', try qemu://{mine}"),
        },
    ))
}

#[async_trait::async_trait]
impl virtus_api::Session for Session {
    async fn connect_open(&self, _: &Call, name: Option<String>, flags: u32) -> Result<()> {
        if self.opened.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorDomain::RPC, ErrorCode::INTERNAL_ERROR, "connection already open"));
        }
        let uri = name.as_deref().unwrap_or_default();
        match self.server.opener.and_then(|opener| opener(uri)) {
            None => check_uri(name.as_deref(), self.server.config.privileged)?,
            Some(target) => {
                let _ = self.target.set(target?);
            }
        }
        if flags & VIR_CONNECT_RO != 0 {
            self.client.caller.make_read_only();
        }
        self.opened.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn connect_close(&self, _: &Call) -> Result<()> {
        self.opened.store(false, Ordering::Relaxed);
        self.client.registrations.lock().unwrap_or_else(|e| e.into_inner()).clear();
        Ok(())
    }

    async fn connect_supports_feature(&self, _: &Call, feature: i32) -> Result<i32> {
        if feature == feature::KEEPALIVE {
            self.client.keepalive.store(true, Ordering::Relaxed);
            self.client.outbox.wake();
            return Ok(1);
        }
        if !self.opened.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorDomain::RPC, ErrorCode::INTERNAL_ERROR, "connection not open"));
        }
        let hypervisor = self.drivers().map_or(&self.hypervisor, |drivers| &drivers.hypervisor);
        let own = [
            feature::FD_PASSING,
            feature::EVENT_CALLBACK,
            feature::CLOSE_CALLBACK,
            feature::NETWORK_UPDATE_ORDER,
        ]
        .contains(&feature);
        Ok(i32::from(own || hypervisor.as_ref().is_some_and(|h| h.supports(feature))))
    }

    async fn auth_list(&self, _: &Call) -> Result<List<i32, 20>> {
        /// `REMOTE_AUTH_NONE`.
        const NONE: i32 = 0;
        self.client.authenticated.store(true, Ordering::Relaxed);
        Ok(List(vec![NONE]))
    }

    async fn connect_is_secure(&self, _: &Call) -> Result<i32> {
        // a local socket
        Ok(1)
    }

    async fn connect_register_close_callback(&self, _: &Call) -> Result<()> {
        if self.client.tell_close.swap(true, Ordering::Relaxed) {
            return Err(Error::new(
                ErrorDomain::RPC,
                ErrorCode::INTERNAL_ERROR,
                "A close callback is already registered",
            ));
        }
        Ok(())
    }

    async fn connect_unregister_close_callback(&self, _: &Call) -> Result<()> {
        if !self.client.tell_close.swap(false, Ordering::Relaxed) {
            return Err(Error::new(
                ErrorDomain::RPC,
                ErrorCode::INTERNAL_ERROR,
                "A different callback was requested",
            ));
        }
        Ok(())
    }

    async fn connect_set_identity(&self, _: &Call, params: List<TypedParam, 20>, flags: u32) -> Result<()> {
        Error::check_flags(ErrorDomain::RPC, flags, 0, "remoteDispatchConnectSetIdentity")?;
        const KNOWN: [&str; 9] = [
            "user-name",
            "unix-user-id",
            "group-name",
            "unix-group-id",
            "process-id",
            "process-time",
            "sasl-user-name",
            "x509-distinguished-name",
            "selinux-context",
        ];
        match params.iter().find(|p| !KNOWN.contains(&p.field.as_str())) {
            Some(p) => Err(Error::new(
                ErrorDomain::NONE,
                ErrorCode::INVALID_ARG,
                format!("parameter '{}' not supported", p.field),
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check_uri;

    #[test]
    fn only_its_own_uris_are_opened() {
        let text = |uri, privileged| check_uri(Some(uri), privileged).map_err(|e| e.message().to_owned());
        assert_eq!(text("qemu:///system", true), Ok(()));
        assert_eq!(text("qemu:///session", false), Ok(()));
        assert_eq!(text("qemu://host.example/system?x=1", true), Ok(()));
        assert_eq!(check_uri(None, true), Ok(()));
        assert_eq!(
            text("qemu:///system", false).unwrap_err(),
            "internal error: unexpected QEMU URI path '/system', try qemu:///session"
        );
        assert_eq!(text("xen:///", true).unwrap_err(), "no connection driver available for xen:///");
    }
}
