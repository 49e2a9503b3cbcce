/* Threads: one connection for all, and each has its own last error. */
#include <pthread.h>

#include "check.h"

#define THREADS 8
#define ROUNDS 50

static virConnectPtr conn;

static void *work(void *data)
{
    int number = (int)(long)data;
    char name[32], xml[256];
    int i;

    for (i = 0; i < ROUNDS; i++) {
        virDomainPtr dom, found;

        snprintf(name, sizeof(name), "guest-%d-%d", number, i);
        snprintf(xml, sizeof(xml),
                 "<domain type='test'><name>%s</name><memory>8192</memory><os><type>hvm</type></os></domain>", name);
        dom = virDomainDefineXML(conn, xml);
        CHECK(dom != NULL && virDomainCreate(dom) == 0);
        found = virDomainLookupByName(conn, name);
        CHECK(found != NULL && virDomainIsActive(found) == 1);
        if (number % 2) {
            char text[128];

            snprintf(text, sizeof(text), "internal error: Domain '%s' is already running", name);
            FAILED(virDomainCreate(found) == -1, VIR_ERR_INTERNAL_ERROR, text);
        } else {
            FAILED(virDomainGetName(NULL) == NULL, VIR_ERR_INVALID_DOMAIN,
                   "invalid domain pointer in virDomainGetName");
        }
        CHECK(virDomainDestroy(dom) == 0 && virGetLastError() == NULL);
        CHECK(virDomainUndefine(dom) == 0);
        virDomainFree(found);
        virDomainFree(dom);
    }
    return NULL;
}

int main(int count, char **names)
{
    pthread_t threads[THREADS];
    long i;

    conn = check_open(count, names);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(virConnectNumOfDomains(conn) == 1 && virConnectNumOfDefinedDomains(conn) == 0);
    CHECK(virConnectClose(conn) == 0);
    return 0;
}
