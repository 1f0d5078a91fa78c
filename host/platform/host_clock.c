/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The clock: monotonic time, scaled by --time-scale and moved by --start-uptime-ms, and waits on it. */
#include "host.h"

#include <errno.h>
#include <time.h>

host_options_t host_options = {.time_scale = 1.0};

static pthread_once_t s_once = PTHREAD_ONCE_INIT;
static struct timespec s_start;

static void start_clock(void)
{
    (void)clock_gettime(CLOCK_MONOTONIC, &s_start);
}

static double real_elapsed_us(void)
{
    struct timespec now;
    (void)pthread_once(&s_once, start_clock);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - s_start.tv_sec) * 1e6 + (double)(now.tv_nsec - s_start.tv_nsec) / 1e3;
}

int64_t host_now_us(void)
{
    return host_options.start_uptime_ms * 1000 + (int64_t)(real_elapsed_us() * host_options.time_scale);
}

static struct timespec real_deadline(int64_t deadline_us)
{
    (void)pthread_once(&s_once, start_clock);
    const double real_us = (double)(deadline_us - host_options.start_uptime_ms * 1000) / host_options.time_scale;
    const int64_t real_ns = (int64_t)(real_us * 1e3);
    struct timespec at = s_start;
    at.tv_sec += real_ns / 1000000000;
    at.tv_nsec += real_ns % 1000000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    } else if (at.tv_nsec < 0) {
        at.tv_nsec += 1000000000;
        at.tv_sec--;
    }
    return at;
}

bool host_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_us)
{
    if (deadline_us == INT64_MAX) {
        return pthread_cond_wait(cond, mutex) == 0;
    }
    const struct timespec at = real_deadline(deadline_us);
    return pthread_cond_timedwait(cond, mutex, &at) != ETIMEDOUT;
}

void host_sleep_us(int64_t us)
{
    const struct timespec at = real_deadline(host_now_us() + us);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {
    }
}

int64_t host_deadline_us(TickType_t ticks)
{
    return ticks == portMAX_DELAY ? INT64_MAX : host_now_us() + (int64_t)ticks * 1000000 / configTICK_RATE_HZ;
}

void host_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}
