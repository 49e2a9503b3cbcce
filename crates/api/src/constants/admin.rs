//! Constants of `libvirt-admin.h`.

use crate::macros::{constants, texts};

constants! {
    virClientTransport: i32 {
        VIR_CLIENT_TRANS_LAST = 3,
        VIR_CLIENT_TRANS_TCP = 1,
        VIR_CLIENT_TRANS_TLS = 2,
        VIR_CLIENT_TRANS_UNIX = 0,
    }
    virAdmConnectDaemonShutdownFlags: u32 {
        VIR_DAEMON_SHUTDOWN_PRESERVE = 1,
    }
}

texts! {
    VIR_CLIENT_INFO_READONLY = "readonly",
    VIR_CLIENT_INFO_SASL_USER_NAME = "sasl_user_name",
    VIR_CLIENT_INFO_SELINUX_CONTEXT = "selinux_context",
    VIR_CLIENT_INFO_SOCKET_ADDR = "sock_addr",
    VIR_CLIENT_INFO_UNIX_GROUP_ID = "unix_group_id",
    VIR_CLIENT_INFO_UNIX_GROUP_NAME = "unix_group_name",
    VIR_CLIENT_INFO_UNIX_PROCESS_ID = "unix_process_id",
    VIR_CLIENT_INFO_UNIX_USER_ID = "unix_user_id",
    VIR_CLIENT_INFO_UNIX_USER_NAME = "unix_user_name",
    VIR_CLIENT_INFO_X509_DISTINGUISHED_NAME = "tls_x509_dname",
    VIR_SERVER_CLIENTS_CURRENT = "nclients",
    VIR_SERVER_CLIENTS_MAX = "nclients_max",
    VIR_SERVER_CLIENTS_UNAUTH_CURRENT = "nclients_unauth",
    VIR_SERVER_CLIENTS_UNAUTH_MAX = "nclients_unauth_max",
    VIR_THREADPOOL_JOB_QUEUE_DEPTH = "jobQueueDepth",
    VIR_THREADPOOL_WORKERS_CURRENT = "nWorkers",
    VIR_THREADPOOL_WORKERS_FREE = "freeWorkers",
    VIR_THREADPOOL_WORKERS_MAX = "maxWorkers",
    VIR_THREADPOOL_WORKERS_MIN = "minWorkers",
    VIR_THREADPOOL_WORKERS_PRIORITY = "prioWorkers",
}
