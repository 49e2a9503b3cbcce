/* A program's own event loop, as small as can be. */
#include <poll.h>
#include <time.h>

#include "loop.h"

#define MANY 32

static struct watch {
    int used, fd, events;
    virEventHandleCallback call;
    void *opaque;
    virFreeCallback free;
} watches[MANY];

static struct timer {
    int used, interval;
    long long due;
    virEventTimeoutCallback call;
    void *opaque;
    virFreeCallback free;
} timers[MANY];

static long long now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static int add_handle(int fd, int events, virEventHandleCallback call, void *opaque, virFreeCallback ff)
{
    int i;

    for (i = 1; i < MANY && watches[i].used; i++)
        ;
    CHECK(i < MANY);
    watches[i] = (struct watch){ 1, fd, events, call, opaque, ff };
    return i;
}

static void update_handle(int watch, int events)
{
    watches[watch].events = events;
}

static int remove_handle(int watch)
{
    if (watch < 1 || watch >= MANY || watches[watch].used != 1)
        return -1;
    /* freed in the loop, not from within the call */
    watches[watch].used = 2;
    return 0;
}

static int add_timeout(int interval, virEventTimeoutCallback call, void *opaque, virFreeCallback ff)
{
    int i;

    for (i = 1; i < MANY && timers[i].used; i++)
        ;
    CHECK(i < MANY);
    timers[i] = (struct timer){ 1, interval, now() + interval, call, opaque, ff };
    return i;
}

static void update_timeout(int timer, int interval)
{
    timers[timer].interval = interval;
    timers[timer].due = now() + interval;
}

static int remove_timeout(int timer)
{
    if (timer < 1 || timer >= MANY || timers[timer].used != 1)
        return -1;
    timers[timer].used = 2;
    return 0;
}

static int turn(void)
{
    struct pollfd fds[MANY];
    int which[MANY], count = 0, i, wait = 1000;

    for (i = 1; i < MANY; i++) {
        if (watches[i].used == 2) {
            watches[i].used = 0;
            if (watches[i].free)
                watches[i].free(watches[i].opaque);
        }
        if (timers[i].used == 2) {
            timers[i].used = 0;
            if (timers[i].free)
                timers[i].free(timers[i].opaque);
        }
        if (watches[i].used == 1 && watches[i].events) {
            short events = (watches[i].events & VIR_EVENT_HANDLE_READABLE ? POLLIN : 0) |
                           (watches[i].events & VIR_EVENT_HANDLE_WRITABLE ? POLLOUT : 0);
            which[count] = i;
            fds[count++] = (struct pollfd){ watches[i].fd, events, 0 };
        }
        if (timers[i].used == 1 && timers[i].interval >= 0) {
            long long left = timers[i].due - now();
            wait = left < 0 ? 0 : left < wait ? (int)left : wait;
        }
    }
    CHECK(poll(fds, count, wait) >= 0);
    for (i = 1; i < MANY; i++) {
        if (timers[i].used == 1 && timers[i].interval >= 0 && timers[i].due <= now()) {
            timers[i].due = now() + timers[i].interval;
            timers[i].call(i, timers[i].opaque);
        }
    }
    for (i = 0; i < count; i++) {
        struct watch *watch = &watches[which[i]];
        int events = (fds[i].revents & POLLIN ? VIR_EVENT_HANDLE_READABLE : 0) |
                     (fds[i].revents & POLLOUT ? VIR_EVENT_HANDLE_WRITABLE : 0) |
                     (fds[i].revents & POLLERR ? VIR_EVENT_HANDLE_ERROR : 0) |
                     (fds[i].revents & POLLHUP ? VIR_EVENT_HANDLE_HANGUP : 0);
        if (events && watch->used == 1)
            watch->call(which[i], watch->fd, events, watch->opaque);
    }
    return 0;
}

int main(int count, char **names)
{
    virConnectPtr conn;

    virEventRegisterImpl(add_handle, update_handle, remove_handle, add_timeout, update_timeout, remove_timeout);
    conn = check_open(count, names);
    happenings(conn, turn);
    CHECK(virConnectClose(conn) == 0);
    return 0;
}
