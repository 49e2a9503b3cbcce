//! The daemon's administration.

use super::*;

/// A connection to a daemon's administration: its servers, their clients, its log.
///
/// ```no_run
/// # fn main() -> virtus::Result<()> {
/// let admin = virtus::Admin::open(Some("virtqemud:///system"))?;
/// for server in admin.list_servers(0)? {
///     println!("{}: {} clients", server.name(), server.list_clients(0)?.len());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Admin {
    connection: Connection,
}

impl Admin {
    /// Connects to the administration of a daemon.
    ///
    /// # Errors
    /// See [`Connection::open_admin`].
    pub fn open(uri: Option<&str>) -> Result<Self> {
        Admin::open_flags(uri, 0)
    }

    /// The same with flags.
    ///
    /// # Errors
    /// See [`Connection::open_admin_flags`].
    pub fn open_flags(uri: Option<&str>, flags: u32) -> Result<Self> {
        Ok(Admin { connection: Connection::open_admin_flags(uri, flags)? })
    }

    /// The connection to the socket.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

methods! {
    Admin {
        fn lib_version(self) -> u64 = Administration::connect_get_lib_version();
        fn list_servers(self, flags: u32) -> Vec<AdminServer>
            = Administration::connect_list_servers(1, flags);
        fn lookup_server(self, name: &str, flags: u32) -> AdminServer
            = Administration::connect_lookup_server(name, flags);
        fn logging_outputs(self, flags: u32) -> ConnectGetLoggingOutputsReply
            = Administration::connect_get_logging_outputs(flags);
        fn logging_filters(self, flags: u32) -> ConnectGetLoggingFiltersReply
            = Administration::connect_get_logging_filters(flags);
        fn set_logging_outputs(self, outputs: Option<&str>, flags: u32)
            = Administration::connect_set_logging_outputs(outputs, flags);
        fn set_logging_filters(self, filters: Option<&str>, flags: u32)
            = Administration::connect_set_logging_filters(filters, flags);
        fn set_daemon_timeout(self, timeout: u32, flags: u32)
            = Administration::connect_set_daemon_timeout(timeout, flags);
        fn daemon_shutdown(self, flags: u32) = Administration::connect_daemon_shutdown(flags);
    }
    AdminServer {
        fn threadpool_parameters(self, flags: u32) -> Vec<TypedParam>
            = Administration::server_get_threadpool_parameters(self, flags);
        fn set_threadpool_parameters(self, params: &[TypedParam], flags: u32)
            = Administration::server_set_threadpool_parameters(self, params, flags);
        fn list_clients(self, flags: u32) -> Vec<AdminClient>
            = Administration::server_list_clients(self, 1, flags);
        fn lookup_client(self, id: u64, flags: u32) -> AdminClient
            = Administration::server_lookup_client(self, id, flags);
        fn client_limits(self, flags: u32) -> Vec<TypedParam>
            = Administration::server_get_client_limits(self, flags);
        fn set_client_limits(self, params: &[TypedParam], flags: u32)
            = Administration::server_set_client_limits(self, params, flags);
        fn update_tls_files(self, flags: u32) = Administration::server_update_tls_files(self, flags);
    }
    AdminClient {
        fn info(self, flags: u32) -> Vec<TypedParam> = Administration::client_get_info(self, flags);
        fn close(self, flags: u32) = Administration::client_close(self, flags);
    }
}
