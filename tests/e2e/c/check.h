/* What the programs here have in common: a check that says what did not hold. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#define CHECK(what) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #what, virGetLastErrorMessage()); \
            exit(1); \
        } \
    } while (0)

/* The call failed, with this number and text. */
#define FAILED(what, number, text) \
    do { \
        CHECK(what); \
        if (virGetLastErrorCode() != (number) || strcmp(virGetLastErrorMessage(), text)) { \
            fprintf(stderr, "%s:%d: error %d: %s\n", __FILE__, __LINE__, virGetLastErrorCode(), \
                    virGetLastErrorMessage()); \
            exit(1); \
        } \
    } while (0)

static inline void check_quiet(void *data, virErrorPtr error)
{
    (void)data;
    (void)error;
}

static inline virConnectPtr check_open(int count, char **names)
{
    virConnectPtr conn;
    virSetErrorFunc(NULL, check_quiet);
    conn = virConnectOpen(count > 1 ? names[1] : "test:///default");
    CHECK(conn != NULL);
    return conn;
}

#endif
