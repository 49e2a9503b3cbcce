//! Moving a domain: what the two daemons are told, in which order (version 3 of the protocol, with parameters).
//!
//! ```text
//! here: begin        the definition, and what the other side has to know (a cookie)
//! there: prepare     a QEMU that listens, and where
//! here: perform      the guest is sent
//! there: finish      the guest runs there, or, if that failed, is cleaned up
//! here: confirm      the guest is ended here, or goes on
//! ```

use super::*;
use virtus_api::constants::*;
use virtus_xdr::Opaque;

type Cookie = Opaque<4_194_304>;

impl Domain {
    /// Has the daemon here move the domain: with the daemon of `destination`, or with a hypervisor that needs none.
    /// Flags: `VIR_MIGRATE_…`; the parameters are `VIR_MIGRATE_PARAM_…`.
    ///
    /// # Errors
    /// The daemon's.
    pub fn migrate_by_daemon(
        &self,
        destination: Option<&str>,
        params: &[TypedParam],
        flags: u32,
    ) -> Result<()> {
        let here = self.connection();
        offline(here, flags, "source")?;
        let (feature, kind) = match flags & VIR_MIGRATE_PEER2PEER != 0 {
            true => (FEATURE_P2P, "p2p"),
            false => (FEATURE_DIRECT, "direct"),
        };
        if !here.supports_feature(feature)? {
            return Err(unsupported(format!("{kind} migration is not supported by the source host")));
        }
        self.migrate_perform3_params(destination, params, &[], flags).map(drop)
    }

    /// Moves the domain with both daemons, and answers what it is there. Flags: `VIR_MIGRATE_…`; the parameters are
    /// `VIR_MIGRATE_PARAM_…`.
    ///
    /// # Errors
    /// The first that went wrong; the guest runs on here then.
    pub fn migrate_to(&self, there: &Connection, params: Vec<TypedParam>, flags: u32) -> Result<Domain> {
        by_us(self.connection(), there, Plan { domain: self.reference().clone(), params, flags })
    }
}

/// What is to be moved, and how.
struct Plan {
    domain: DomainRef,
    params: Vec<TypedParam>,
    flags: u32,
}

impl Plan {
    fn set(&mut self, field: &str, value: String) {
        self.params.retain(|param| param.field != field);
        self.params.push(TypedParam::new(field, value));
    }

    fn has(&self, field: &str) -> bool {
        self.params.iter().any(|param| param.field == field)
    }
}

fn by_us(here: &Connection, there: &Connection, mut plan: Plan) -> Result<Domain> {
    if plan.flags & VIR_MIGRATE_TUNNELLED != 0 {
        let text = "cannot perform tunnelled migration without using peer2peer flag";
        return Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::OPERATION_INVALID, text));
    }
    offline(here, plan.flags, "source")?;
    offline(there, plan.flags, "destination")?;
    // what is not moved by two daemons that both know of it is not protected by one of them
    let protection = match here.supports_feature(FEATURE_CHANGE_PROTECTION)? {
        true => VIR_MIGRATE_CHANGE_PROTECTION,
        false if plan.flags & VIR_MIGRATE_CHANGE_PROTECTION != 0 => {
            return Err(unsupported("cannot enforce change protection"));
        }
        false => 0,
    };
    if !here.supports_feature(FEATURE_PARAMS)? || !there.supports_feature(FEATURE_PARAMS)? {
        let old = |param: &TypedParam| OLD_PARAMS.contains(&param.field.as_str());
        return Err(match plan.params.iter().all(old) {
            true => Error::new(ErrorDomain::DOMAIN, ErrorCode::NO_SUPPORT, "virDomainMigrate3"),
            false => unsupported(
                "Migration APIs with extensible parameters are not supported but extended parameters were passed",
            ),
        });
    }
    let domain = plan.domain.clone();
    let begun = here.call(Remote::domain_migrate_begin3_params(
        domain.clone(),
        plan.params.clone().into(),
        plan.flags | protection,
    ))?;
    plan.set("destination_xml", begun.xml);
    let state = here.call(Remote::domain_get_state(domain.clone(), 0)).map(|reply| reply.state);
    if state == Ok(VIR_DOMAIN_PAUSED) {
        plan.flags |= VIR_MIGRATE_PAUSED;
    }
    let flags_there = plan.flags & !(VIR_MIGRATE_ABORT_ON_ERROR | VIR_MIGRATE_AUTO_CONVERGE);
    let prepared = there.call(Remote::domain_migrate_prepare3_params(
        plan.params.clone().into(),
        begun.cookie_out,
        flags_there,
    ));
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            if protection != 0 {
                let _ = confirm(here, &plan, Opaque::default(), plan.flags | protection, true);
            }
            return Err(error);
        }
    };
    match prepared.uri_out {
        Some(uri) => plan.set("migrate_uri", uri),
        None if !plan.has("migrate_uri") => {
            let error = Error::new(
                ErrorDomain::DOMAIN,
                ErrorCode::INTERNAL_ERROR,
                "domainMigratePrepare3 did not set uri",
            );
            let _ = finish(there, &plan, Opaque::default(), flags_there, true);
            let _ = confirm(here, &plan, Opaque::default(), plan.flags | protection, true);
            return Err(error);
        }
        None => {}
    }
    // a domain that does not run has no memory to send; what the other end told of itself is then for nobody
    let performed = match plan.flags & VIR_MIGRATE_OFFLINE != 0 {
        true => Ok(Opaque::default()),
        false => here.call(Remote::domain_migrate_perform3_params(
            domain.clone(),
            None,
            plan.params.clone().into(),
            prepared.cookie_out,
            plan.flags | protection,
        )),
    };
    // an end that failed to send has given up by itself
    let sent = performed.is_ok();
    let (cookie, mut failed) = match performed {
        Ok(cookie) => (cookie, None),
        Err(error) => (Opaque::default(), Some(error)),
    };
    if !plan.has("destination_name") {
        plan.set("destination_name", domain.name.clone());
    }
    let (moved, cookie) = match finish(there, &plan, cookie, flags_there, !sent) {
        Ok((moved, cookie)) => (Some(moved), cookie),
        Err(error) => {
            failed = Some(telling(failed, error));
            (None, Opaque::default())
        }
    };
    let confirmed = match sent {
        true => confirm(here, &plan, cookie, plan.flags | protection, moved.is_none()),
        false => Ok(()),
    };
    // once the guest runs there it is no failure of the move that the end here was not told
    let _ = confirmed;
    match (failed, moved) {
        (None, Some(moved)) => Ok(Domain::new(there.clone(), moved)),
        (Some(error), _) => Err(error),
        (None, None) => Err(Error::internal(ErrorDomain::DOMAIN, "the domain is at neither end")),
    }
}

/// What a driver can do (`virDrvFeature`).
const FEATURE_P2P: i32 = 4;
const FEATURE_DIRECT: i32 = 5;
/// It keeps a domain from being changed between begin and confirm.
const FEATURE_CHANGE_PROTECTION: i32 = 7;
const FEATURE_OFFLINE: i32 = 12;
const FEATURE_PARAMS: i32 = 13;

/// The parameters that the calls before those with parameters had.
const OLD_PARAMS: [&str; 4] = ["migrate_uri", "destination_name", "destination_xml", "bandwidth"];

fn unsupported(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::ARGUMENT_UNSUPPORTED, text)
}

/// Which of the two ends' complaints the user has to know: the first one, unless all it says is that it went wrong while the
/// other end knows why.
fn telling(sent: Option<Error>, received: Error) -> Error {
    let of_qemu = |error: &Error| error.domain() == ErrorDomain::QEMU;
    match sent {
        Some(error)
            if !(of_qemu(&error)
                && error.code() == ErrorCode::OPERATION_FAILED
                && of_qemu(&received)
                && received.code() != ErrorCode::MIGRATE_FINISH_OK) =>
        {
            error
        }
        _ => received,
    }
}

/// Refuses to move a domain that does not run when one of the two cannot.
fn offline(connection: &Connection, flags: u32, host: &str) -> Result<()> {
    match flags & VIR_MIGRATE_OFFLINE == 0 || connection.supports_feature(FEATURE_OFFLINE)? {
        true => Ok(()),
        false => Err(unsupported(format!("offline migration is not supported by the {host} host"))),
    }
}

fn finish(
    there: &Connection,
    plan: &Plan,
    cookie: Cookie,
    flags: u32,
    cancelled: bool,
) -> Result<(DomainRef, Cookie)> {
    let params = plan.params.clone().into();
    let request = Remote::domain_migrate_finish3_params(params, cookie, flags, i32::from(cancelled));
    there.call(request).map(|reply| (reply.dom, reply.cookie_out))
}

fn confirm(here: &Connection, plan: &Plan, cookie: Cookie, flags: u32, cancelled: bool) -> Result<()> {
    here.call(Remote::domain_migrate_confirm3_params(
        plan.domain.clone(),
        plan.params.clone().into(),
        cookie,
        flags,
        i32::from(cancelled),
    ))
}
