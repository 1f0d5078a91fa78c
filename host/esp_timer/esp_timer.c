/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Timers, and the thread that serves them: esp_timer's, those of FreeRTOS, and the calls that interrupts leave for it.
 */
#include "esp_timer.h"

#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/timers.h"
#include "host.h"

#define QUEUE_LENGTH 10 /* CONFIG_FREERTOS_TIMER_QUEUE_LENGTH */

/** All timers, of esp_timer and of FreeRTOS, in one list that one thread serves. */
struct esp_timer {
    esp_timer_create_args_t args;
    int64_t due_us;    /**< INT64_MAX = stopped */
    int64_t period_us; /**< 0 = once */
    struct esp_timer *next;
};

/** What an interrupt has left for the timer task, which has nearly the lowest priority of the chip: everything that the
 * interrupt has woken runs first. So it is not called before the next tick. */
typedef struct {
    PendedFunction_t function;
    void *argument;
    uint32_t value;
    int64_t due_us;
} pended_t;

static pthread_once_t s_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t s_changed;
static struct esp_timer *s_first;
static pended_t s_pended[QUEUE_LENGTH];
static size_t s_pended_count;

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

/** Under the lock, which it lets go during the call. False: nothing is due. */
static bool call_pended(void)
{
    if (s_pended_count == 0 || s_pended[0].due_us > host_now_us()) {
        return false;
    }
    const pended_t pended = s_pended[0];
    s_pended_count--;
    memmove(&s_pended[0], &s_pended[1], s_pended_count * sizeof(s_pended[0]));
    (void)pthread_mutex_unlock(&s_lock);
    pended.function(pended.argument, pended.value);
    (void)pthread_mutex_lock(&s_lock);
    return true;
}

static int64_t next_due_us(const struct esp_timer *timer)
{
    const int64_t timer_us = timer == NULL ? INT64_MAX : timer->due_us;
    const int64_t pended_us = s_pended_count == 0 ? INT64_MAX : s_pended[0].due_us;
    return timer_us < pended_us ? timer_us : pended_us;
}

static void *serve(void *argument)
{
    (void)argument;
    (void)pthread_mutex_lock(&s_lock);
    for (;;) {
        if (call_pended()) {
            continue;
        }
        struct esp_timer *const timer = earliest();
        if (timer == NULL || timer->due_us > host_now_us()) {
            (void)host_wait_until(&s_changed, &s_lock, next_due_us(timer));
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
    host_start_thread("Tmr Svc", serve, NULL);
}

BaseType_t xTimerPendFunctionCallFromISR(PendedFunction_t function, void *argument, uint32_t value, BaseType_t *woken)
{
    BaseType_t done = pdFAIL;
    (void)pthread_once(&s_once, start_service);
    (void)pthread_mutex_lock(&s_lock);
    if (s_pended_count < QUEUE_LENGTH) {
        const int64_t due_us = host_now_us() + 1000000 / configTICK_RATE_HZ;
        s_pended[s_pended_count++] =
            (pended_t){.function = function, .argument = argument, .value = value, .due_us = due_us};
        (void)pthread_cond_signal(&s_changed);
        done = pdPASS;
    }
    (void)pthread_mutex_unlock(&s_lock);
    if (woken != NULL && done == pdPASS) {
        *woken = pdTRUE;
    }
    return done;
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

int64_t esp_timer_get_time(void)
{
    return host_now_us();
}
