/* What happens in an event loop, whoever's it is. */
#ifndef LOOP_H
#define LOOP_H

#include <unistd.h>

#include "check.h"

static int started, stopped, networks, pools, freed, late;

static int lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    CHECK(conn != NULL && !strcmp(virDomainGetName(dom), "looped") && opaque == &started && detail >= 0);
    started += event == VIR_DOMAIN_EVENT_STARTED;
    stopped += event == VIR_DOMAIN_EVENT_STOPPED;
    return 0;
}

static void network(virConnectPtr conn, virNetworkPtr net, int event, int detail, void *opaque)
{
    CHECK(conn != NULL && !strcmp(virNetworkGetName(net), "default") && detail == 0 && opaque == NULL);
    networks += event == VIR_NETWORK_EVENT_STOPPED;
}

static void pool(virConnectPtr conn, virStoragePoolPtr pool, int event, int detail, void *opaque)
{
    CHECK(conn != NULL && !strcmp(virStoragePoolGetName(pool), "default-pool") && detail == 0 && opaque == NULL);
    pools += event == VIR_STORAGE_POOL_EVENT_STOPPED;
}

static void gone(void *opaque)
{
    (void)opaque;
    freed++;
}

static void too_late(int timer, void *opaque)
{
    CHECK(timer >= 0 && opaque == NULL);
    late = 1;
}

static int pipes[2], ready;

static void readable(int watch, int fd, int events, void *opaque)
{
    char byte;

    CHECK(watch > 0 && fd == pipes[0] && opaque == &ready && events & VIR_EVENT_HANDLE_READABLE);
    CHECK(read(fd, &byte, 1) == 1);
    ready++;
}

/* Events of domains, networks and pools are told, timers and descriptors are served. */
static void happenings(virConnectPtr conn, int (*turn)(void))
{
    const char *xml =
        "<domain type='test'><name>looped</name><memory>8192</memory><os><type>hvm</type></os></domain>";
    virNetworkPtr net = virNetworkLookupByName(conn, "default");
    virStoragePoolPtr home = virStoragePoolLookupByName(conn, "default-pool");
    virDomainPtr dom;
    int ids[3], watch, timer;

    CHECK(net != NULL && home != NULL);
    timer = virEventAddTimeout(30000, too_late, NULL, NULL);
    CHECK(timer >= 0 && pipe(pipes) == 0);
    watch = virEventAddHandle(pipes[0], VIR_EVENT_HANDLE_READABLE, readable, &ready, gone);
    CHECK(watch > 0 && write(pipes[1], "x", 1) == 1);

    ids[0] = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                              VIR_DOMAIN_EVENT_CALLBACK(lifecycle), &started, gone);
    ids[1] = virConnectNetworkEventRegisterAny(conn, net, VIR_NETWORK_EVENT_ID_LIFECYCLE,
                                               VIR_NETWORK_EVENT_CALLBACK(network), NULL, gone);
    ids[2] = virConnectStoragePoolEventRegisterAny(conn, NULL, VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE,
                                                   VIR_STORAGE_POOL_EVENT_CALLBACK(pool), NULL, gone);
    CHECK(ids[0] >= 0 && ids[1] >= 0 && ids[2] >= 0);
    FAILED(virConnectNetworkEventRegisterAny(conn, NULL, 99, VIR_NETWORK_EVENT_CALLBACK(network), NULL, NULL) == -1,
           VIR_ERR_INVALID_ARG, "eventID in virConnectNetworkEventRegisterAny must be less than 2");

    dom = virDomainCreateXML(conn, xml, 0);
    CHECK(dom != NULL && virDomainDestroy(dom) == 0 && virDomainFree(dom) == 0);
    CHECK(virNetworkDestroy(net) == 0 && virNetworkCreate(net) == 0);
    CHECK(virStoragePoolDestroy(home) == 0 && virStoragePoolCreate(home, 0) == 0);

    while (!late && (started < 1 || stopped < 1 || networks < 1 || pools < 1 || ready < 1))
        CHECK(turn() == 0);
    CHECK(!late && started == 1 && stopped == 1 && networks == 1 && pools == 1 && ready == 1);

    CHECK(virConnectDomainEventDeregisterAny(conn, ids[0]) == 0);
    CHECK(virConnectNetworkEventDeregisterAny(conn, ids[1]) == 0);
    CHECK(virConnectStoragePoolEventDeregisterAny(conn, ids[2]) == 0);
    CHECK(virConnectNetworkEventDeregisterAny(conn, ids[1]) == -1);
    virEventUpdateHandle(watch, 0);
    CHECK(virEventRemoveHandle(watch) == 0 && virEventRemoveHandle(watch) == -1);
    /* what was given with a watch or a callback is freed by the loop */
    virEventUpdateTimeout(timer, 50);
    while (freed < 4)
        CHECK(turn() == 0);
    CHECK(virEventRemoveTimeout(timer) == 0);
    CHECK(freed == 4);
    virNetworkFree(net);
    virStoragePoolFree(home);
    close(pipes[0]);
    close(pipes[1]);
}

#endif
