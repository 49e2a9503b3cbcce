/* The library's own event loop. */
#include "loop.h"

int main(int count, char **names)
{
    virConnectPtr conn;

    virSetErrorFunc(NULL, check_quiet);
    CHECK(virEventRegisterDefaultImpl() == 0);
    conn = check_open(count, names);
    happenings(conn, virEventRunDefaultImpl);
    CHECK(virConnectClose(conn) == 0);
    return 0;
}
