/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Software timers, made of those of esp_timer: one thread serves both. */
#include "freertos/FreeRTOS.h"
#include "freertos/timers.h"

#include <stdbool.h>
#include <stdlib.h>

#include "esp_timer.h"

struct host_sw_timer {
    esp_timer_handle_t timer;
    TimerCallbackFunction_t callback;
    void *id;
    TickType_t period;
    bool auto_reload;
};

static void call_back(void *argument)
{
    TimerHandle_t timer = argument;
    timer->callback(timer);
}

TimerHandle_t xTimerCreate(const char *name, TickType_t period, BaseType_t auto_reload, void *id,
                           TimerCallbackFunction_t callback)
{
    TimerHandle_t timer = calloc(1, sizeof(*timer));
    if (timer == NULL) {
        return NULL;
    }
    *timer =
        (struct host_sw_timer){.callback = callback, .id = id, .period = period, .auto_reload = auto_reload != pdFALSE};
    const esp_timer_create_args_t args = {.callback = call_back, .arg = timer, .name = name};
    if (esp_timer_create(&args, &timer->timer) != ESP_OK) {
        free(timer);
        return NULL;
    }
    return timer;
}

BaseType_t xTimerStart(TimerHandle_t timer, TickType_t ticks)
{
    const uint64_t period_us = (uint64_t)timer->period * 1000000U / configTICK_RATE_HZ;
    (void)ticks;
    (void)esp_timer_stop(timer->timer);
    const esp_err_t err = timer->auto_reload ? esp_timer_start_periodic(timer->timer, period_us)
                                             : esp_timer_start_once(timer->timer, period_us);
    return err == ESP_OK ? pdPASS : pdFAIL;
}

BaseType_t xTimerStop(TimerHandle_t timer, TickType_t ticks)
{
    (void)ticks;
    (void)esp_timer_stop(timer->timer);
    return pdPASS;
}

void *pvTimerGetTimerID(TimerHandle_t timer)
{
    return timer->id;
}
