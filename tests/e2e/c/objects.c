/* Handles: who has a share in what, names that belong to objects, lists, and handles that are none. */
#include "check.h"

static void shares(virConnectPtr conn)
{
    virDomainPtr dom = virDomainLookupByName(conn, "test");
    char uuid[VIR_UUID_STRING_BUFLEN];
    unsigned char raw[VIR_UUID_BUFLEN];
    virDomainPtr again;

    CHECK(dom != NULL);
    CHECK(virDomainGetConnect(dom) == conn);
    CHECK(!strcmp(virDomainGetName(dom), "test"));
    CHECK(virDomainGetUUIDString(dom, uuid) == 0 && strlen(uuid) == 36);
    CHECK(virDomainGetUUID(dom, raw) == 0);
    again = virDomainLookupByUUID(conn, raw);
    CHECK(again != NULL && virDomainFree(again) == 0);
    again = virDomainLookupByUUIDString(conn, uuid);
    CHECK(again != NULL && virDomainFree(again) == 0);
    CHECK(virDomainRef(dom) == 0 && virDomainFree(dom) == 0);
    /* a connection lives as long as anything that belongs to it */
    CHECK(virConnectRef(conn) == 0 && virConnectClose(conn) == 1);
    CHECK(virDomainFree(dom) == 0);
}

static void lists(virConnectPtr conn)
{
    virDomainPtr *domains = NULL;
    virNetworkPtr *networks = NULL;
    virStoragePoolPtr *pools = NULL;
    char *names[4] = { NULL };
    int ids[4];
    int count, i;

    count = virConnectListAllDomains(conn, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    CHECK(count == 1 && domains[1] == NULL);
    CHECK(virDomainIsActive(domains[0]) == 1);
    CHECK(virConnectListAllDomains(conn, NULL, 0) == count);
    CHECK(virConnectNumOfDomains(conn) == 1 && virConnectListDomains(conn, ids, 4) == 1);
    CHECK((int)virDomainGetID(domains[0]) == ids[0]);
    virDomainFree(domains[0]);
    free(domains);

    CHECK(virConnectListAllNetworks(conn, &networks, 0) == 1 && networks[1] == NULL);
    CHECK(virNetworkIsActive(networks[0]) == 1 && virNetworkIsPersistent(networks[0]) == 1);
    virNetworkFree(networks[0]);
    free(networks);

    CHECK(virConnectListAllStoragePools(conn, &pools, 0) == 1);
    virStoragePoolFree(pools[0]);
    free(pools);

    count = virConnectListInterfaces(conn, names, 4);
    CHECK(count == virConnectNumOfInterfaces(conn));
    for (i = 0; i < count; i++)
        free(names[i]);
    CHECK(virConnectListNetworks(conn, names, 0) == 0);
}

static void storage(virConnectPtr conn)
{
    virStoragePoolPtr pool = virStoragePoolLookupByName(conn, "default-pool"), home;
    virStorageVolPtr vol, copy;
    virStoragePoolInfo info;
    virStorageVolInfo volinfo;
    char *path, *names[2];

    CHECK(pool != NULL && virStoragePoolGetInfo(pool, &info) == 0);
    CHECK(info.state == VIR_STORAGE_POOL_RUNNING && info.capacity == info.allocation + info.available);
    vol = virStorageVolCreateXML(pool, "<volume><name>a</name><capacity unit='MiB'>2</capacity></volume>", 0);
    CHECK(vol != NULL && virStorageVolGetInfo(vol, &volinfo) == 0 && volinfo.capacity == 2 << 20);
    CHECK(virStoragePoolNumOfVolumes(pool) == 1 && virStoragePoolListVolumes(pool, names, 2) == 1);
    CHECK(!strcmp(names[0], "a"));
    free(names[0]);
    path = virStorageVolGetPath(vol);
    copy = virStorageVolLookupByPath(conn, path);
    CHECK(copy != NULL && !strcmp(virStorageVolGetKey(copy), virStorageVolGetKey(vol)));
    home = virStoragePoolLookupByVolume(copy);
    CHECK(home != NULL && !strcmp(virStoragePoolGetName(home), "default-pool"));
    FAILED(virStorageVolResize(vol, 0, 0) == -1, VIR_ERR_INVALID_ARG,
           "capacity in virStorageVolResize cannot be zero without 'delta' or 'shrink' flags set");
    CHECK(virStorageVolDelete(vol, 0) == 0);
    free(path);
    virStoragePoolFree(home);
    virStorageVolFree(copy);
    virStorageVolFree(vol);
    virStoragePoolFree(pool);
}

static void devices(virConnectPtr conn)
{
    virNodeDevicePtr dev = virNodeDeviceLookupByName(conn, "computer");
    char *caps[2];

    CHECK(dev != NULL && !strcmp(virNodeDeviceGetName(dev), "computer"));
    CHECK(virNodeDeviceGetParent(dev) == NULL);
    CHECK(virNodeDeviceNumOfCaps(dev) == 1 && virNodeDeviceListCaps(dev, caps, 2) == 1);
    CHECK(!strcmp(caps[0], "system"));
    free(caps[0]);
    virNodeDeviceFree(dev);
}

static void none(virConnectPtr conn)
{
    virDomainPtr dom = virDomainLookupByName(conn, "test");

    FAILED(virDomainGetName(NULL) == NULL, VIR_ERR_INVALID_DOMAIN, "invalid domain pointer in virDomainGetName");
    FAILED(virConnectGetHostname(NULL) == NULL, VIR_ERR_INVALID_CONN,
           "invalid connection pointer in virConnectGetHostname");
    FAILED(virNetworkGetName(NULL) == NULL, VIR_ERR_INVALID_NETWORK,
           "invalid network pointer in virNetworkGetName");
    FAILED(virStorageVolGetKey(NULL) == NULL, VIR_ERR_INVALID_STORAGE_VOL,
           "invalid storage volume pointer in virStorageVolGetKey");
    FAILED(virDomainLookupByName(conn, NULL) == NULL, VIR_ERR_INVALID_ARG,
           "name in virDomainLookupByName must not be NULL");
    FAILED(virNetworkLookupByUUIDString(conn, "no uuid") == NULL, VIR_ERR_INVALID_ARG,
           "uuidstr in virNetworkLookupByUUIDString must be a valid UUID");
    FAILED(virConnectListNetworks(conn, NULL, 3) == -1, VIR_ERR_INVALID_ARG,
           "names in virConnectListNetworks must not be NULL");
    FAILED(virConnectListDefinedDomains(conn, NULL, -3) == -1, VIR_ERR_INVALID_ARG,
           "maxnames in virConnectListDefinedDomains must be zero or greater");
    /* what libvirt's own library may crash of */
    if (getenv("FREED")) {
        int local = 0;
        CHECK(virDomainFree(dom) == 0);
        FAILED(virDomainGetName(dom) == NULL, VIR_ERR_INVALID_DOMAIN,
               "invalid domain pointer in virDomainGetName");
        FAILED(virDomainFree(dom) == -1, VIR_ERR_INVALID_DOMAIN, "invalid domain pointer in virDomainFree");
        FAILED(virDomainGetName((virDomainPtr)conn) == NULL, VIR_ERR_INVALID_DOMAIN,
               "invalid domain pointer in virDomainGetName");
        FAILED(virNetworkGetName((virNetworkPtr)&local) == NULL, VIR_ERR_INVALID_NETWORK,
               "invalid network pointer in virNetworkGetName");
        return;
    }
    virDomainFree(dom);
}

int main(int count, char **names)
{
    virConnectPtr conn = check_open(count, names);

    shares(conn);
    lists(conn);
    storage(conn);
    devices(conn);
    none(conn);
    CHECK(virConnectClose(conn) == 0);
    return 0;
}
