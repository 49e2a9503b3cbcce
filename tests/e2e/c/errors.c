/* Errors: the thread's last one, the connection's, copies, and functions that are told. */
#include "check.h"

static int told;
static int told_of_connection;

static void tell(void *data, virErrorPtr error)
{
    CHECK(data == &told && error->code == VIR_ERR_NO_DOMAIN && error->level == VIR_ERR_ERROR);
    told++;
}

static void tell_of_connection(void *data, virErrorPtr error)
{
    CHECK(data == NULL && error->domain == VIR_FROM_TEST);
    told_of_connection++;
}

int main(int count, char **names)
{
    virConnectPtr conn = check_open(count, names);
    virError copy;
    virErrorPtr saved;
    virDomainPtr dom;

    CHECK(virGetLastError() == NULL && virGetLastErrorCode() == VIR_ERR_OK);
    CHECK(!strcmp(virGetLastErrorMessage(), "no error") && virGetLastErrorDomain() == VIR_FROM_NONE);

    virSetErrorFunc(&told, tell);
    CHECK(virDomainLookupByName(conn, "nobody") == NULL);
    CHECK(told == 1 && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN && virGetLastErrorDomain() == VIR_FROM_TEST);
    CHECK(!strcmp(virGetLastErrorMessage(), "Domain not found"));
    saved = virSaveLastError();
    CHECK(virCopyLastError(&copy) == VIR_ERR_NO_DOMAIN);

    /* a call that goes well forgets it; copies stay */
    dom = virDomainLookupByName(conn, "test");
    CHECK(dom != NULL && virGetLastError() == NULL);
    CHECK(saved->code == VIR_ERR_NO_DOMAIN && !strcmp(copy.message, saved->message));
    virResetError(&copy);
    CHECK(copy.message == NULL && copy.code == 0);
    virFreeError(saved);

    /* the connection keeps its own, and a function of its own goes before the common one */
    CHECK(virConnGetLastError(conn)->code == VIR_ERR_NO_DOMAIN);
    virConnSetErrorFunc(conn, NULL, tell_of_connection);
    CHECK(virDomainLookupByName(conn, "nobody") == NULL);
    CHECK(told == 1 && told_of_connection == 1);
    CHECK(virConnCopyLastError(conn, &copy) == VIR_ERR_NO_DOMAIN);
    virResetError(&copy);
    virConnResetLastError(conn);
    CHECK(virConnGetLastError(conn) == NULL || virConnGetLastError(conn)->code == VIR_ERR_OK);

    virResetLastError();
    CHECK(virGetLastErrorCode() == VIR_ERR_OK);
    virDomainFree(dom);
    CHECK(virConnectClose(conn) == 0);
    return 0;
}
