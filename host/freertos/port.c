/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** What FreeRTOS gets from the processor: the kernel lock, critical sections, and interrupt context. */
#include <stdio.h>
#include <stdlib.h>

#include "host.h"

static pthread_mutex_t s_kernel = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t s_critical = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static _Thread_local int s_isr_depth;

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
        (void)fprintf(stderr, "%s may block but was called in an interrupt: the chip would crash\n", function);
        abort();
    }
}
