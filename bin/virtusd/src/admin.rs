//! The daemon's administration: its servers, their clients and limits, and the log.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;
use virtus_api::admin::*;
use virtus_api::{Admin, Call, ClientRef, ServerRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam, TypedValue};
use virtus_server::{Client, Server};
use virtus_xdr::List;

use crate::logging::{Filters, Log, Outputs};

/// The version of libvirt's interfaces this daemon speaks.
pub(crate) const LIB_VERSION: u64 = 11_003_000;

/// Figures of the worker pool that clients expect of a server. Calls here do not wait for workers, so they
/// only say what was set.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) min: AtomicU32,
    pub(crate) max: AtomicU32,
    pub(crate) priority: AtomicU32,
}

/// A server with the pool it shows.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) server: Arc<Server>,
    pub(crate) pool: Arc<Pool>,
}

/// The administration.
#[derive(Debug)]
pub(crate) struct Administration {
    log: Log,
    stop: Arc<Notify>,
    /// Seconds without clients after which the daemon ends; 0 is never.
    timeout: Arc<AtomicU32>,
    /// The servers by name; set once all are made, for the administration is a driver of one of them.
    servers: OnceLock<Vec<Served>>,
}

fn error(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NONE, code, text)
}

fn check_flags(flags: u32, function: &str) -> Result<()> {
    Error::check_flags(ErrorDomain::NONE, flags, 0, function)
}

impl Administration {
    pub(crate) fn new(log: Log, stop: Arc<Notify>, timeout: Arc<AtomicU32>) -> Self {
        Administration { log, stop, timeout, servers: OnceLock::new() }
    }

    /// Says which servers there are.
    pub(crate) fn set_servers(&self, servers: Vec<Served>) {
        // they are made once
        let _ = self.servers.set(servers);
    }

    fn servers(&self) -> &[Served] {
        self.servers.get().map(Vec::as_slice).unwrap_or_default()
    }

    fn server(&self, name: &str) -> Result<&Served> {
        self.servers()
            .iter()
            .find(|s| s.server.config.name == name)
            .ok_or_else(|| error(ErrorCode::NO_SERVER, format!("No server named '{name}'")))
    }

    fn client(&self, server: &str, id: u64) -> Result<Arc<Client>> {
        self.server(server)?
            .server
            .client(id)
            .ok_or_else(|| error(ErrorCode::NO_CLIENT, format!("No client with matching ID '{id}'")))
    }
}

fn reference(server: &str, client: &Client) -> ClientRef {
    /// `VIR_CLIENT_TRANS_UNIX`.
    const UNIX: u32 = 0;
    ClientRef {
        srv: ServerRef { name: server.to_owned() },
        id: client.id,
        timestamp: client.since,
        transport: UNIX,
    }
}

/// The numbers given, each of which must be one of `known`.
fn numbers(params: &[TypedParam], known: &[&str]) -> Result<Vec<Option<u32>>> {
    for param in params {
        if !known.contains(&param.field.as_str()) {
            return Err(error(ErrorCode::INVALID_ARG, format!("parameter '{}' not supported", param.field)));
        }
        if !matches!(param.value, TypedValue::UInt(_)) {
            return Err(error(
                ErrorCode::INVALID_ARG,
                format!(
                    "invalid type '{}' for parameter '{}', expected 'uint'",
                    param.value.type_name(),
                    param.field
                ),
            ));
        }
    }
    let value = |name: &&str| {
        params.iter().find(|p| p.field == **name).and_then(|p| match p.value {
            TypedValue::UInt(n) => Some(n),
            _ => None,
        })
    };
    Ok(known.iter().map(value).collect())
}

#[async_trait::async_trait]
impl Admin for Administration {
    async fn connect_open(&self, _: &Call, flags: u32) -> Result<()> {
        check_flags(flags, "adminConnectOpen")
    }

    async fn connect_close(&self, _: &Call) -> Result<()> {
        Ok(())
    }

    async fn connect_get_lib_version(&self, _: &Call) -> Result<u64> {
        Ok(LIB_VERSION)
    }

    async fn connect_list_servers(&self, _: &Call, need: u32, flags: u32) -> Result<ConnectListServersReply> {
        check_flags(flags, "adminConnectListServers")?;
        let names = self.servers().iter().map(|s| ServerRef { name: s.server.config.name.clone() });
        let servers: List<_, 16_384> = if need != 0 { names.collect() } else { List::default() };
        Ok(ConnectListServersReply { servers, ret: u32::try_from(self.servers().len()).unwrap_or(u32::MAX) })
    }

    async fn connect_lookup_server(&self, _: &Call, name: String, flags: u32) -> Result<ServerRef> {
        check_flags(flags, "adminConnectLookupServer")?;
        self.server(&name).map(|_| ServerRef { name })
    }

    async fn server_get_threadpool_parameters(
        &self,
        _: &Call,
        srv: ServerRef,
        flags: u32,
    ) -> Result<List<TypedParam, 32>> {
        check_flags(flags, "adminServerGetThreadPoolParameters")?;
        let served = self.server(&srv.name)?;
        let value = |v: &AtomicU32| v.load(Ordering::Relaxed);
        let (min, max, priority) =
            (value(&served.pool.min), value(&served.pool.max), value(&served.pool.priority));
        let busy: u32 = served.server.clients().iter().map(|c| c.active_calls()).fold(0, u32::saturating_add);
        Ok(List(vec![
            TypedParam::new("minWorkers", min),
            TypedParam::new("maxWorkers", max),
            TypedParam::new("nWorkers", min),
            TypedParam::new("freeWorkers", min.saturating_sub(busy)),
            TypedParam::new("prioWorkers", priority),
            TypedParam::new("jobQueueDepth", 0u32),
        ]))
    }

    async fn server_set_threadpool_parameters(
        &self,
        _: &Call,
        srv: ServerRef,
        params: List<TypedParam, 32>,
        flags: u32,
    ) -> Result<()> {
        check_flags(flags, "adminServerSetThreadPoolParameters")?;
        let pool = &self.server(&srv.name)?.pool;
        let given = numbers(&params, &["minWorkers", "maxWorkers", "prioWorkers"])?;
        let [min, max, priority] =
            [&pool.min, &pool.max, &pool.priority].map(|current| current.load(Ordering::Relaxed));
        let wanted: Vec<u32> =
            given.iter().zip([min, max, priority]).map(|(new, old)| new.unwrap_or(old)).collect();
        if let [min, max, priority] = wanted[..] {
            if min > max {
                return Err(error(ErrorCode::INVALID_ARG, "minWorkers cannot be larger than maxWorkers"));
            }
            pool.min.store(min, Ordering::Relaxed);
            pool.max.store(max, Ordering::Relaxed);
            pool.priority.store(priority, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn server_list_clients(
        &self,
        _: &Call,
        srv: ServerRef,
        need: u32,
        flags: u32,
    ) -> Result<ServerListClientsReply> {
        check_flags(flags, "adminServerListClients")?;
        let clients = self.server(&srv.name)?.server.clients();
        let ret = u32::try_from(clients.len()).unwrap_or(u32::MAX);
        let listed = clients.iter().map(|c| reference(&srv.name, c));
        Ok(ServerListClientsReply {
            clients: if need != 0 { listed.collect() } else { List::default() },
            ret,
        })
    }

    async fn server_lookup_client(&self, _: &Call, srv: ServerRef, id: u64, flags: u32) -> Result<ClientRef> {
        check_flags(flags, "adminServerLookupClient")?;
        self.client(&srv.name, id).map(|client| reference(&srv.name, &client))
    }

    async fn client_get_info(&self, _: &Call, clnt: ClientRef, flags: u32) -> Result<List<TypedParam, 64>> {
        check_flags(flags, "adminClientGetInfo")?;
        let client = self.client(&clnt.srv.name, clnt.id)?;
        let identity = &client.caller.identity;
        let mut params = vec![TypedParam::new("readonly", client.caller.is_read_only())];
        if let Some(name) = &identity.sasl_user {
            params.push(TypedParam::new("sasl_user_name", name.as_str()));
        }
        if let Some(name) = &identity.x509_name {
            params.push(TypedParam::new("tls_x509_dname", name.as_str()));
        }
        let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        if let Some(uid) = identity.uid {
            params.push(TypedParam::new("unix_user_id", number(uid)));
            if let Some(name) = name_of("/etc/passwd", uid) {
                params.push(TypedParam::new("unix_user_name", name));
            }
        }
        if let Some(gid) = identity.gid {
            params.push(TypedParam::new("unix_group_id", number(gid)));
            if let Some(name) = name_of("/etc/group", gid) {
                params.push(TypedParam::new("unix_group_name", name));
            }
        }
        if let Some((pid, _)) = identity.process {
            params.push(TypedParam::new("unix_process_id", pid));
        }
        Ok(List(params))
    }

    async fn client_close(&self, _: &Call, clnt: ClientRef, flags: u32) -> Result<()> {
        check_flags(flags, "adminClientClose")?;
        self.client(&clnt.srv.name, clnt.id).map(|client| client.disconnect())
    }

    async fn server_get_client_limits(
        &self,
        _: &Call,
        srv: ServerRef,
        flags: u32,
    ) -> Result<List<TypedParam, 32>> {
        check_flags(flags, "adminServerGetClientLimits")?;
        let server = &self.server(&srv.name)?.server;
        let clients = server.clients();
        let anonymous = clients.iter().filter(|c| !c.authenticated.load(Ordering::Relaxed)).count();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(List(vec![
            TypedParam::new("nclients_max", server.limits.max_clients.load(Ordering::Relaxed)),
            TypedParam::new("nclients", count(clients.len())),
            TypedParam::new("nclients_unauth_max", server.limits.max_anonymous.load(Ordering::Relaxed)),
            TypedParam::new("nclients_unauth", count(anonymous)),
        ]))
    }

    async fn server_set_client_limits(
        &self,
        _: &Call,
        srv: ServerRef,
        params: List<TypedParam, 32>,
        flags: u32,
    ) -> Result<()> {
        check_flags(flags, "adminServerSetClientLimits")?;
        let limits = &self.server(&srv.name)?.server.limits;
        let given = numbers(&params, &["nclients_max", "nclients_unauth_max"])?;
        let [max, anonymous] =
            [&limits.max_clients, &limits.max_anonymous].map(|l| l.load(Ordering::Relaxed));
        let wanted: Vec<u32> =
            given.iter().zip([max, anonymous]).map(|(new, old)| new.unwrap_or(old)).collect();
        if let [max, anonymous] = wanted[..] {
            if max < anonymous {
                return Err(error(
                    ErrorCode::INVALID_ARG,
                    "The overall maximum number of clients must not be less than the number of clients waiting for authentication",
                ));
            }
            limits.max_clients.store(max, Ordering::Relaxed);
            limits.max_anonymous.store(anonymous, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn connect_get_logging_outputs(
        &self,
        _: &Call,
        flags: u32,
    ) -> Result<ConnectGetLoggingOutputsReply> {
        check_flags(flags, "adminConnectGetLoggingOutputs")?;
        Ok(self.log.look(|settings| ConnectGetLoggingOutputsReply {
            outputs: settings.outputs.to_string(),
            noutputs: u32::try_from(settings.outputs.len()).unwrap_or(u32::MAX),
        }))
    }

    async fn connect_get_logging_filters(
        &self,
        _: &Call,
        flags: u32,
    ) -> Result<ConnectGetLoggingFiltersReply> {
        check_flags(flags, "adminConnectGetLoggingFilters")?;
        Ok(self.log.look(|settings| {
            let count = u32::try_from(settings.filters.len()).unwrap_or(u32::MAX);
            ConnectGetLoggingFiltersReply {
                filters: (count > 0).then(|| settings.filters.to_string()),
                nfilters: count,
            }
        }))
    }

    async fn connect_set_logging_outputs(&self, _: &Call, outputs: Option<String>, flags: u32) -> Result<()> {
        check_flags(flags, "adminConnectSetLoggingOutputs")?;
        let format = self.log.look(|settings| settings.outputs.format);
        let outputs = Outputs::parse(&outputs.unwrap_or_default(), format)
            .map_err(|text| error(ErrorCode::INVALID_ARG, text))?;
        self.log.change(|settings| settings.outputs = outputs);
        Ok(())
    }

    async fn connect_set_logging_filters(&self, _: &Call, filters: Option<String>, flags: u32) -> Result<()> {
        check_flags(flags, "adminConnectSetLoggingFilters")?;
        let filters = Filters::parse(&filters.unwrap_or_default())
            .map_err(|text| error(ErrorCode::INVALID_ARG, text))?;
        self.log.change(|settings| settings.filters = filters);
        Ok(())
    }

    async fn connect_set_daemon_timeout(&self, _: &Call, timeout: u32, flags: u32) -> Result<()> {
        check_flags(flags, "adminConnectSetDaemonTimeout")?;
        self.timeout.store(timeout, Ordering::Relaxed);
        Ok(())
    }

    async fn connect_daemon_shutdown(&self, _: &Call, flags: u32) -> Result<()> {
        check_flags(flags, "adminConnectDaemonShutdown")?;
        self.stop.notify_one();
        Ok(())
    }
}

/// The name of a number in a file like `/etc/passwd`.
fn name_of(file: &str, id: u32) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let id = id.to_string();
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    })
}
