/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Keeps the boot loop state in RTC memory across resets, and delays the start of what control does not need. The rules
 * are in boot_loop.c.
 */
#include "boot_guard.h"

#include <inttypes.h>
#include <string.h>

#include "esp_attr.h"
#include "esp_check.h"
#include "esp_log.h"
#include "esp_rtc_time.h"
#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "tinybms_crc.h"

static const char *TAG = "boot_guard";

#define LAYOUT          1
#define LONGEST_WAIT_MS 60000

typedef struct {
    boot_loop_t loop;
    uint32_t layout;
    uint32_t crc; /**< CRC-16 of what stands before it */
} kept_loop_t;

static RTC_NOINIT_ATTR kept_loop_t s_kept;
static SemaphoreHandle_t s_lock; /**< guards s_kept; never held while waiting for anything else */

static uint16_t crc_of(const kept_loop_t *kept)
{
    return tinybms_crc16((const uint8_t *)kept, offsetof(kept_loop_t, crc));
}

static void seal(void)
{
    s_kept.layout = LAYOUT;
    s_kept.crc = crc_of(&s_kept);
}

static int64_t now_us(void)
{
    return (int64_t)esp_rtc_get_time_us();
}

/** Not a brownout, which says nothing of the program, and not a restart that was asked for. */
static bool crashed(esp_reset_reason_t reason)
{
    return reason == ESP_RST_PANIC || reason == ESP_RST_INT_WDT || reason == ESP_RST_TASK_WDT ||
           reason == ESP_RST_WDT || reason == ESP_RST_CPU_LOCKUP;
}

static int64_t in_minutes(int64_t us)
{
    return (us + 59999999) / 60000000;
}

static void tell_start(const boot_loop_t *loop, bool after_crash)
{
    if (after_crash) {
        ESP_LOGW(TAG, "crash %" PRIu32 " since power-on", loop->crashes);
    }
    if (loop->stage == BOOT_LOOP_REDUCED) {
        ESP_LOGE(TAG,
                 "repeated crashes: only control is started, without network and history; next full start in %" PRId64
                 " min",
                 in_minutes(boot_loop_wait_us(loop, now_us())));
    }
}

esp_err_t boot_guard_begin(void)
{
    const esp_reset_reason_t reason = esp_reset_reason();
    if (s_lock == NULL) {
        s_lock = xSemaphoreCreateMutex();
    }
    ESP_RETURN_ON_FALSE(s_lock != NULL, ESP_ERR_NO_MEM, TAG, "no memory for the lock");
    if (reason == ESP_RST_POWERON || s_kept.layout != LAYOUT || s_kept.crc != crc_of(&s_kept)) {
        boot_loop_init(&s_kept.loop);
    }
    boot_loop_on_start(&s_kept.loop, crashed(reason), now_us());
    seal();
    tell_start(&s_kept.loop, crashed(reason));
    return ESP_OK;
}

void boot_guard_wait(void)
{
    for (;;) {
        (void)xSemaphoreTake(s_lock, portMAX_DELAY);
        const int64_t wait_ms = (boot_loop_wait_us(&s_kept.loop, now_us()) + 999) / 1000;
        const bool trying = wait_ms == 0 && boot_loop_begin_try(&s_kept.loop, now_us());
        if (trying) {
            seal();
        }
        (void)xSemaphoreGive(s_lock);
        if (trying) {
            ESP_LOGW(TAG, "trying a full start");
        }
        if (wait_ms == 0) {
            return;
        }
        vTaskDelay(pdMS_TO_TICKS(wait_ms < LONGEST_WAIT_MS ? wait_ms : LONGEST_WAIT_MS));
    }
}

boot_guard_status_t boot_guard_status(void)
{
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
    const bool settled = boot_loop_settle(&s_kept.loop, now_us());
    if (settled) {
        seal();
    }
    const boot_guard_status_t status = {
        .stage = (boot_loop_stage_t)s_kept.loop.stage,
        .crashes = s_kept.loop.crashes,
        .next_try_ms = boot_loop_wait_us(&s_kept.loop, now_us()) / 1000,
    };
    (void)xSemaphoreGive(s_lock);
    if (settled) {
        ESP_LOGI(TAG, "no crash for ten minutes: the full start succeeded");
    }
    return status;
}
