/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Event groups, under the kernel lock. */
#include "freertos/FreeRTOS.h"
#include "freertos/event_groups.h"

#include <stdlib.h>

#include "freertos/timers.h"
#include "host.h"

struct host_event_group {
    EventBits_t bits;
    pthread_cond_t changed;
};

EventGroupHandle_t xEventGroupCreate(void)
{
    EventGroupHandle_t group = calloc(1, sizeof(*group));
    if (group != NULL) {
        host_cond_init(&group->changed);
    }
    return group;
}

void vEventGroupDelete(EventGroupHandle_t group)
{
    (void)pthread_cond_destroy(&group->changed);
    free(group);
}

EventBits_t xEventGroupSetBits(EventGroupHandle_t group, EventBits_t bits)
{
    host_kernel_lock();
    group->bits |= bits;
    const EventBits_t now = group->bits;
    (void)pthread_cond_broadcast(&group->changed);
    host_kernel_unlock();
    return now;
}

static void set_pended_bits(void *group, uint32_t bits)
{
    (void)xEventGroupSetBits(group, bits);
}

BaseType_t xEventGroupSetBitsFromISR(EventGroupHandle_t group, EventBits_t bits, BaseType_t *woken)
{
    return xTimerPendFunctionCallFromISR(set_pended_bits, group, bits, woken);
}

EventBits_t xEventGroupClearBits(EventGroupHandle_t group, EventBits_t bits)
{
    host_kernel_lock();
    const EventBits_t before = group->bits;
    group->bits &= ~bits;
    host_kernel_unlock();
    return before;
}

EventBits_t xEventGroupGetBits(EventGroupHandle_t group)
{
    return xEventGroupClearBits(group, 0);
}

EventBits_t xEventGroupWaitBits(EventGroupHandle_t group, EventBits_t bits, BaseType_t clear_on_exit,
                                BaseType_t wait_for_all, TickType_t ticks)
{
    const int64_t deadline_us = host_deadline_us(ticks);
    host_refuse_in_isr(__func__, ticks);
    host_kernel_lock();
    for (;;) {
        const EventBits_t set = group->bits & bits;
        const bool enough = wait_for_all != pdFALSE ? set == bits : set != 0;
        const EventBits_t now = group->bits;
        if (enough && clear_on_exit != pdFALSE) {
            group->bits &= ~bits;
        }
        if (enough || ticks == 0 || !host_kernel_wait(&group->changed, deadline_us)) {
            host_kernel_unlock();
            return now;
        }
    }
}
