//! The daemon's servers, clients and logs.

use virtus_base::TypedParam;
use virtus_xdr::{List, record};

use crate::macros::driver;
use crate::{ClientRef, ServerRef};

driver! {
    program ADMIN; via admin; errors ADMIN;
    /// The daemon's servers, clients and logs.
    pub trait Admin {
        #[call(1, virConnectOpen, low, [session.none])]
        fn connect_open(flags: u32);
        #[call(2, virConnectClose, low, [session.none])]
        fn connect_close();
        #[call(3, virConnectGetLibVersion, low, [session.none])]
        fn connect_get_lib_version() -> u64;
        #[call(4, virAdmConnectListServers, low, [session.none])]
        fn connect_list_servers(need_results: u32, flags: u32) -> ConnectListServersReply;
        #[call(5, virAdmConnectLookupServer, low, [session.none])]
        fn connect_lookup_server(name: String, flags: u32) -> ServerRef;
        #[call(6, virAdmServerGetThreadPoolParameters, low, [session.none])]
        fn server_get_threadpool_parameters(srv: ServerRef, flags: u32) -> List<TypedParam, 32>;
        #[call(7, virAdmServerSetThreadPoolParameters, low, [session.none])]
        fn server_set_threadpool_parameters(srv: ServerRef, params: List<TypedParam, 32>, flags: u32);
        #[call(8, virAdmServerListClients, low, [session.none])]
        fn server_list_clients(srv: ServerRef, need_results: u32, flags: u32) -> ServerListClientsReply;
        #[call(9, virAdmServerLookupClient, low, [session.none])]
        fn server_lookup_client(srv: ServerRef, id: u64, flags: u32) -> ClientRef;
        #[call(10, virAdmClientGetInfo, low, [session.none])]
        fn client_get_info(clnt: ClientRef, flags: u32) -> List<TypedParam, 64>;
        #[call(11, virAdmClientClose, low, [session.none])]
        fn client_close(clnt: ClientRef, flags: u32);
        #[call(12, virAdmServerGetClientLimits, low, [session.none])]
        fn server_get_client_limits(srv: ServerRef, flags: u32) -> List<TypedParam, 32>;
        #[call(13, virAdmServerSetClientLimits, low, [session.none])]
        fn server_set_client_limits(srv: ServerRef, params: List<TypedParam, 32>, flags: u32);
        #[call(14, virAdmConnectGetLoggingOutputs, low, [session.none])]
        fn connect_get_logging_outputs(flags: u32) -> ConnectGetLoggingOutputsReply;
        #[call(15, virAdmConnectGetLoggingFilters, low, [session.none])]
        fn connect_get_logging_filters(flags: u32) -> ConnectGetLoggingFiltersReply;
        #[call(16, virAdmConnectSetLoggingOutputs, low, [session.none])]
        fn connect_set_logging_outputs(outputs: Option<String>, flags: u32);
        #[call(17, virAdmConnectSetLoggingFilters, low, [session.none])]
        fn connect_set_logging_filters(filters: Option<String>, flags: u32);
        #[call(18, virAdmServerUpdateTlsFiles, low, [session.none])]
        fn server_update_tls_files(srv: ServerRef, flags: u32);
        #[call(19, virAdmConnectSetDaemonTimeout, low, [session.none])]
        fn connect_set_daemon_timeout(timeout: u32, flags: u32);
        #[call(20, virAdmConnectDaemonShutdown, low, [session.none])]
        fn connect_daemon_shutdown(flags: u32);
    }
}

record! {
    /// `admin_connect_list_servers_ret`.
    pub struct ConnectListServersReply {
        #[allow(missing_docs)]
        pub servers: List<ServerRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
    /// `admin_server_list_clients_ret`.
    pub struct ServerListClientsReply {
        #[allow(missing_docs)]
        pub clients: List<ClientRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
    /// `admin_connect_get_logging_outputs_ret`.
    pub struct ConnectGetLoggingOutputsReply {
        #[allow(missing_docs)]
        pub outputs: String,
        #[allow(missing_docs)]
        pub noutputs: u32,
    }
    /// `admin_connect_get_logging_filters_ret`.
    pub struct ConnectGetLoggingFiltersReply {
        #[allow(missing_docs)]
        pub filters: Option<String>,
        #[allow(missing_docs)]
        pub nfilters: u32,
    }
}
