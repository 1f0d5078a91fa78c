/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Which kind of bus it is, what became of the frame under way, and who is told. There is one frame under way at most:
 * an abandoned one that the bus cannot take back keeps its place until the bus is done with it. */
#include "can_bus.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "can_bus_backend.h"

typedef enum {
    FLIGHT_NONE,
    FLIGHT_UNDER_WAY,
    FLIGHT_ABANDONED, /* under way, but nobody waits for it */
    FLIGHT_ACKNOWLEDGED,
    FLIGHT_NOT_ACKNOWLEDGED,
} flight_t;

/* The lock is taken after the controller's and before that of a backend. */
static struct {
    pthread_mutex_t lock;
    const can_bus_backend_t *backend;
    const can_bus_listener_t *listener;
    flight_t flight;
} s_bus = {.lock = PTHREAD_MUTEX_INITIALIZER};

const char *can_bus_open(const char *backend, const char *data_dir)
{
    static const can_bus_backend_t *const backends[] = {&can_bus_socketcand, &can_bus_socketcan, &can_bus_slcan};
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        const size_t length = strlen(backends[i]->name);
        if (strncmp(backend, backends[i]->name, length) == 0 && backend[length] == ':') {
            (void)pthread_mutex_lock(&s_bus.lock);
            s_bus.backend = backends[i];
            (void)pthread_mutex_unlock(&s_bus.lock);
            return backends[i]->open(&backend[length + 1], data_dir);
        }
    }
    return "must be socketcand:PORT, socketcan:INTERFACE, slcan:DEVICE or slcan:HOST:PORT";
}

void can_bus_start(uint32_t bitrate)
{
    (void)pthread_mutex_lock(&s_bus.lock);
    const can_bus_backend_t *const backend = s_bus.backend;
    (void)pthread_mutex_unlock(&s_bus.lock);
    if (backend != NULL && backend->start != NULL) {
        backend->start(bitrate);
    }
}

void can_bus_listen(const can_bus_listener_t *listener)
{
    (void)pthread_mutex_lock(&s_bus.lock);
    s_bus.listener = listener;
    (void)pthread_mutex_unlock(&s_bus.lock);
}

/** Under the lock. */
static can_bus_result_t put(const can_bus_frame_t *frame)
{
    switch (s_bus.backend == NULL ? CAN_BUS_PUT_REFUSED : s_bus.backend->put(frame)) {
    case CAN_BUS_PUT_ACKNOWLEDGED:
        return CAN_BUS_ACKNOWLEDGED;
    case CAN_BUS_PUT_REFUSED:
        return CAN_BUS_NOT_ACKNOWLEDGED;
    case CAN_BUS_PUT_UNDER_WAY:
        s_bus.flight = FLIGHT_UNDER_WAY;
        return CAN_BUS_BUSY;
    case CAN_BUS_PUT_NO_ROOM:
    default:
        return CAN_BUS_BUSY;
    }
}

can_bus_result_t can_bus_transmit(const can_bus_frame_t *frame)
{
    can_bus_result_t result = CAN_BUS_BUSY;
    (void)pthread_mutex_lock(&s_bus.lock);
    if (s_bus.flight == FLIGHT_NONE) {
        result = put(frame);
    } else if (s_bus.flight == FLIGHT_ACKNOWLEDGED || s_bus.flight == FLIGHT_NOT_ACKNOWLEDGED) {
        result = s_bus.flight == FLIGHT_ACKNOWLEDGED ? CAN_BUS_ACKNOWLEDGED : CAN_BUS_NOT_ACKNOWLEDGED;
        s_bus.flight = FLIGHT_NONE;
    }
    (void)pthread_mutex_unlock(&s_bus.lock);
    return result;
}

bool can_bus_held(void)
{
    (void)pthread_mutex_lock(&s_bus.lock);
    const can_bus_backend_t *const backend = s_bus.backend;
    (void)pthread_mutex_unlock(&s_bus.lock);
    return backend != NULL && backend->held != NULL && backend->held();
}

void can_bus_abandon(void)
{
    (void)pthread_mutex_lock(&s_bus.lock);
    if (s_bus.flight == FLIGHT_UNDER_WAY) {
        s_bus.flight = FLIGHT_ABANDONED;
        if (s_bus.backend->take_back != NULL) {
            s_bus.backend->take_back();
        }
    } else if (s_bus.flight != FLIGHT_ABANDONED) {
        s_bus.flight = FLIGHT_NONE;
    }
    (void)pthread_mutex_unlock(&s_bus.lock);
}

void can_bus_done(bool acknowledged)
{
    (void)pthread_mutex_lock(&s_bus.lock);
    if (s_bus.flight == FLIGHT_UNDER_WAY) {
        s_bus.flight = acknowledged ? FLIGHT_ACKNOWLEDGED : FLIGHT_NOT_ACKNOWLEDGED;
    } else if (s_bus.flight == FLIGHT_ABANDONED) {
        s_bus.flight = FLIGHT_NONE;
    }
    (void)pthread_mutex_unlock(&s_bus.lock);
}

/** The listener is called without the lock: it may call can_bus_transmit(). */
static const can_bus_listener_t *listener(void)
{
    static const can_bus_listener_t nobody;
    (void)pthread_mutex_lock(&s_bus.lock);
    const can_bus_listener_t *const found = s_bus.listener != NULL ? s_bus.listener : &nobody;
    (void)pthread_mutex_unlock(&s_bus.lock);
    return found;
}

void can_bus_received(const can_bus_frame_t *frame)
{
    const can_bus_listener_t *const told = listener();
    if (told->on_frame != NULL) {
        told->on_frame(frame);
    }
}

void can_bus_went_off(void)
{
    const can_bus_listener_t *const told = listener();
    if (told->on_bus_off != NULL) {
        told->on_bus_off();
    }
}

void can_bus_counted(uint16_t tec, uint16_t rec)
{
    const can_bus_listener_t *const told = listener();
    if (told->on_counters != NULL) {
        told->on_counters(tec, rec);
    }
}

int64_t can_bus_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
