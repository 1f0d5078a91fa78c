/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "esp_timer.h"

host_options_t host_options = {.time_scale = 1.0};

static pthread_once_t s_once = PTHREAD_ONCE_INIT;
static struct timespec s_start;
static pthread_mutex_t s_kernel = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t s_critical;
static _Thread_local int s_isr_depth;

static void start_clock(void)
{
    pthread_mutexattr_t attributes;
    (void)clock_gettime(CLOCK_MONOTONIC, &s_start);
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&s_critical, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
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

int64_t esp_timer_get_time(void)
{
    return host_now_us();
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

void host_kernel_lock(void)
{
    (void)pthread_mutex_lock(&s_kernel);
}

void host_kernel_unlock(void)
{
    (void)pthread_mutex_unlock(&s_kernel);
}

bool host_kernel_wait(pthread_cond_t *cond, int64_t deadline_us)
{
    return host_wait_until(cond, &s_kernel, deadline_us);
}

void host_enter_critical(void)
{
    (void)pthread_once(&s_once, start_clock);
    (void)pthread_mutex_lock(&s_critical);
}

void host_exit_critical(void)
{
    (void)pthread_mutex_unlock(&s_critical);
}

void host_isr_enter(void)
{
    s_isr_depth++;
}

void host_isr_exit(void)
{
    s_isr_depth--;
}

BaseType_t xPortInIsrContext(void)
{
    return s_isr_depth > 0 ? pdTRUE : pdFALSE;
}

void host_refuse_in_isr(const char *function, TickType_t ticks)
{
    if (s_isr_depth > 0 && ticks > 0) {
        (void)fprintf(stderr, "%s may block and was called in an interrupt: on the chip this is a crash\n", function);
        abort();
    }
}

void host_name_thread(const char *name)
{
    (void)prctl(PR_SET_NAME, name);
}

void host_start_thread(const char *name, void *(*run)(void *), void *argument)
{
    sigset_t before;
    pthread_t thread;
    host_block_signals(&before);
    if (pthread_create(&thread, NULL, run, argument) != 0) {
        (void)fprintf(stderr, "cannot start a thread\n");
        abort();
    }
    (void)pthread_setname_np(thread, name); /* else it would have that of its starter */
    (void)pthread_detach(thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}
