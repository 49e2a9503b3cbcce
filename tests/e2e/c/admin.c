/* The administration of a daemon: its servers, their clients, its log, and the end of the connection. */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <libvirt/libvirt-admin.h>

#include "check.h"

static int ended, given_up;

static void end(virAdmConnectPtr conn, int reason, void *opaque)
{
    CHECK(conn != NULL && reason == VIR_CONNECT_CLOSE_REASON_EOF && opaque == &ended);
    ended++;
}

static void give_up(void *opaque)
{
    CHECK(opaque == &ended);
    given_up++;
}

static void clients(virAdmServerPtr srv)
{
    virAdmClientPtr *list = NULL, found;
    int count = virAdmServerListClients(srv, &list, 0), i;

    CHECK(count == 1 && list[1] == NULL);
    CHECK(virAdmClientGetTimestamp(list[0]) > 0 && virAdmClientGetTransport(list[0]) == VIR_CLIENT_TRANS_UNIX);
    found = virAdmServerLookupClient(srv, virAdmClientGetID(list[0]), 0);
    CHECK(found != NULL && virAdmClientGetID(found) == virAdmClientGetID(list[0]));
    FAILED(virAdmServerLookupClient(srv, 123456789, 0) == NULL, VIR_ERR_NO_CLIENT,
           "Client not found: No client with matching ID '123456789'");
    /* another client's connection is cut */
    CHECK(virAdmClientClose(found, 0) == 0);
    virAdmClientFree(found);
    for (i = 0; i < count; i++)
        virAdmClientFree(list[i]);
    free(list);
}

/* Who this program is. */
static void info(virAdmConnectPtr conn)
{
    virAdmServerPtr srv = virAdmConnectLookupServer(conn, "admin", 0);
    virTypedParameterPtr params = NULL;
    virAdmClientPtr *list = NULL;
    int nparams = 0, readonly = -1, pid = 0;

    CHECK(srv != NULL && virAdmServerListClients(srv, &list, 0) == 1);
    CHECK(virAdmClientGetInfo(list[0], &params, &nparams, 0) == 0 && nparams > 3);
    CHECK(virTypedParamsGetBoolean(params, nparams, VIR_CLIENT_INFO_READONLY, &readonly) == 1 && readonly == 0);
    CHECK(virTypedParamsGetInt(params, nparams, VIR_CLIENT_INFO_UNIX_PROCESS_ID, &pid) == 1 && pid == getpid());
    virTypedParamsFree(params, nparams);
    virAdmClientFree(list[0]);
    free(list);
    virAdmServerFree(srv);
}

static void limits(virAdmServerPtr srv)
{
    virTypedParameterPtr params = NULL;
    int nparams = 0, max = 0;
    unsigned int most = 0, now = 0, workers = 0;

    CHECK(virAdmServerGetClientLimits(srv, &params, &nparams, 0) == 0);
    CHECK(virTypedParamsGetUInt(params, nparams, VIR_SERVER_CLIENTS_MAX, &most) == 1 && most > 0);
    virTypedParamsFree(params, nparams);
    params = NULL;
    nparams = 0;
    CHECK(virTypedParamsAddUInt(&params, &nparams, &max, VIR_SERVER_CLIENTS_MAX, most + 1) == 0);
    CHECK(virAdmServerSetClientLimits(srv, params, nparams, 0) == 0);
    virTypedParamsFree(params, nparams);
    params = NULL;
    CHECK(virAdmServerGetClientLimits(srv, &params, &nparams, 0) == 0);
    CHECK(virTypedParamsGetUInt(params, nparams, VIR_SERVER_CLIENTS_MAX, &now) == 1 && now == most + 1);
    virTypedParamsFree(params, nparams);
    params = NULL;
    CHECK(virAdmServerGetThreadPoolParameters(srv, &params, &nparams, 0) == 0);
    CHECK(virTypedParamsGetUInt(params, nparams, VIR_THREADPOOL_WORKERS_MAX, &workers) == 1 && workers > 0);
    virTypedParamsFree(params, nparams);
    FAILED(virAdmServerSetClientLimits(srv, NULL, 1, 0) == -1, VIR_ERR_INVALID_ARG,
           "params in virAdmServerSetClientLimits must not be NULL");
}

int main(int count, char **names)
{
    const char *uri = count > 1 ? names[1] : "libvirtd:///system";
    virAdmConnectPtr conn;
    virAdmServerPtr *servers = NULL, srv;
    struct sockaddr_un address = { AF_UNIX, "/run/libvirt/libvirt-sock" };
    int other = socket(AF_UNIX, SOCK_STREAM, 0);
    char byte;
    unsigned long long version = 0;
    char *text = NULL;
    int i;

    virSetErrorFunc(NULL, check_quiet);
    CHECK(virEventRegisterDefaultImpl() == 0);
    CHECK(virAdmInitialize() == 0 && virAdmGetVersion(&version) == 0 && version == LIBVIR_VERSION_NUMBER);
    FAILED(virAdmConnectOpen("qemu:///system", 0) == NULL, VIR_ERR_CONFIG_UNSUPPORTED,
           "unsupported configuration: Unsupported URI scheme 'qemu'");
    FAILED(virAdmConnectGetURI(NULL) == NULL, VIR_ERR_INVALID_CONN,
           "invalid connection pointer in virAdmConnectGetURI");
    CHECK(virAdmConnectClose(NULL) == 0 && virAdmServerFree(NULL) == 0 && virAdmConnectIsAlive(NULL) == 0);

    conn = virAdmConnectOpen(uri, 0);
    CHECK(conn != NULL && virAdmConnectIsAlive(conn) == 1);
    CHECK(virAdmConnectGetLibVersion(conn, &version) == 0 && version >= 11000000);
    text = virAdmConnectGetURI(conn);
    CHECK(text != NULL && !strcmp(text, uri));
    free(text);

    /* libvirt's own libraries cannot be used both in one program, so the client says nothing */
    CHECK(other >= 0 && connect(other, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK((i = virAdmConnectListServers(conn, &servers, 0)) >= 1 && servers[i] == NULL);
    while (i--)
        virAdmServerFree(servers[i]);
    free(servers);
    srv = virAdmConnectLookupServer(conn, "libvirtd", 0);
    CHECK(srv != NULL && !strcmp(virAdmServerGetName(srv), "libvirtd"));
    FAILED(virAdmConnectLookupServer(conn, "nobody", 0) == NULL, VIR_ERR_NO_SERVER,
           "Server not found: No server named 'nobody'");
    info(conn);
    clients(srv);
    CHECK(read(other, &byte, 1) == 0);
    limits(srv);
    close(other);

    CHECK(virAdmConnectSetLoggingFilters(conn, "3:remote 4:event", 0) == 0);
    CHECK(virAdmConnectGetLoggingFilters(conn, &text, 0) == 2 && strstr(text, "3:*remote*"));
    free(text);
    CHECK(virAdmConnectGetLoggingOutputs(conn, &text, 0) >= 1);
    free(text);

    CHECK(virAdmConnectRegisterCloseCallback(conn, end, &ended, give_up) == 0);
    FAILED(virAdmConnectRegisterCloseCallback(conn, end, &ended, give_up) == -1, VIR_ERR_OPERATION_INVALID,
           "Requested operation is not valid: A close callback is already registered");
    CHECK(virAdmConnectUnregisterCloseCallback(conn, end) == 0 && given_up == 1);
    CHECK(virAdmConnectRegisterCloseCallback(conn, end, &ended, give_up) == 0);

    /* the daemon ends, maybe before it has answered, and that is told */
    virAdmConnectDaemonShutdown(conn, 0);
    while (!ended)
        CHECK(virEventRunDefaultImpl() == 0);
    CHECK(ended == 1 && given_up == 2 && virAdmConnectIsAlive(conn) == 0);
    virAdmServerFree(srv);
    virAdmConnectClose(conn);
    return 0;
}
