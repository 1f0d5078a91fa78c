/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "esp_timer.h"
#include "freertos/timers.h"
#include "host.h"

/** All timers, of esp_timer and of FreeRTOS, in one list that one thread serves. */
struct esp_timer {
    esp_timer_create_args_t args;
    int64_t due_us;    /**< INT64_MAX = stopped */
    int64_t period_us; /**< 0 = once */
    struct esp_timer *next;
};

static pthread_once_t s_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t s_changed;
static struct esp_timer *s_first;

static struct esp_timer *earliest(void)
{
    struct esp_timer *found = NULL;
    for (struct esp_timer *t = s_first; t != NULL; t = t->next) {
        if (t->due_us != INT64_MAX && (found == NULL || t->due_us < found->due_us)) {
            found = t;
        }
    }
    return found;
}

static void *serve(void *argument)
{
    (void)argument;
    (void)pthread_mutex_lock(&s_lock);
    for (;;) {
        struct esp_timer *const timer = earliest();
        if (timer == NULL || timer->due_us > host_now_us()) {
            (void)host_wait_until(&s_changed, &s_lock, timer == NULL ? INT64_MAX : timer->due_us);
            continue;
        }
        timer->due_us = timer->period_us > 0 ? timer->due_us + timer->period_us : INT64_MAX;
        const esp_timer_create_args_t args = timer->args;
        (void)pthread_mutex_unlock(&s_lock);
        args.callback(args.arg);
        (void)pthread_mutex_lock(&s_lock);
    }
    return NULL;
}

static void start_service(void)
{
    host_cond_init(&s_changed);
    host_start_thread(serve, NULL);
}

esp_err_t esp_timer_create(const esp_timer_create_args_t *create_args, esp_timer_handle_t *out_handle)
{
    if (create_args == NULL || create_args->callback == NULL || out_handle == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    (void)pthread_once(&s_once, start_service);
    esp_timer_handle_t timer = calloc(1, sizeof(*timer));
    if (timer == NULL) {
        return ESP_ERR_NO_MEM;
    }
    timer->args = *create_args;
    timer->due_us = INT64_MAX;
    (void)pthread_mutex_lock(&s_lock);
    timer->next = s_first;
    s_first = timer;
    (void)pthread_mutex_unlock(&s_lock);
    *out_handle = timer;
    return ESP_OK;
}

static esp_err_t start(esp_timer_handle_t timer, uint64_t timeout_us, uint64_t period_us)
{
    esp_err_t err = ESP_OK;
    (void)pthread_mutex_lock(&s_lock);
    if (timer->due_us != INT64_MAX) {
        err = ESP_ERR_INVALID_STATE;
    } else {
        timer->due_us = host_now_us() + (int64_t)timeout_us;
        timer->period_us = (int64_t)period_us;
        (void)pthread_cond_signal(&s_changed);
    }
    (void)pthread_mutex_unlock(&s_lock);
    return err;
}

esp_err_t esp_timer_start_once(esp_timer_handle_t timer, uint64_t timeout_us)
{
    return start(timer, timeout_us, 0);
}

esp_err_t esp_timer_start_periodic(esp_timer_handle_t timer, uint64_t period)
{
    return start(timer, period, period);
}

esp_err_t esp_timer_stop(esp_timer_handle_t timer)
{
    (void)pthread_mutex_lock(&s_lock);
    const bool was_running = timer->due_us != INT64_MAX;
    timer->due_us = INT64_MAX;
    (void)pthread_mutex_unlock(&s_lock);
    return was_running ? ESP_OK : ESP_ERR_INVALID_STATE;
}

esp_err_t esp_timer_delete(esp_timer_handle_t timer)
{
    esp_err_t err = ESP_ERR_INVALID_STATE; /* running, as on the chip */
    (void)pthread_mutex_lock(&s_lock);
    if (timer->due_us == INT64_MAX) {
        struct esp_timer **place = &s_first;
        while (*place != timer) {
            place = &(*place)->next;
        }
        *place = timer->next;
        free(timer);
        err = ESP_OK;
    }
    (void)pthread_mutex_unlock(&s_lock);
    return err;
}

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
    return start(timer->timer, period_us, timer->auto_reload ? period_us : 0) == ESP_OK ? pdPASS : pdFAIL;
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
