/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Keeps the last limits in RTC memory over an orderly restart. They change too often for flash, and after a power cut
 * they are too old.
 */
#include "limits_store.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_check.h"
#include "esp_rtc_time.h"
#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "tinybms_crc.h"

static const char *TAG = "battery";

#define LAYOUT 1

/** Limits, and when they were told. */
typedef struct {
    uint64_t told_us; /**< on the clock that runs through a reset */
    charge_control_kept_t limits;
} told_limits_t;

typedef struct {
    told_limits_t told;
    uint32_t layout;
    uint32_t crc; /**< CRC-16 of what stands before it */
} kept_limits_t;

static RTC_NOINIT_ATTR kept_limits_t s_kept;
static QueueHandle_t s_newest; /**< one told_limits_t, or none */

static uint16_t crc_of(const kept_limits_t *kept)
{
    return tinybms_crc16((const uint8_t *)kept, offsetof(kept_limits_t, crc));
}

bool limits_store_take(charge_control_kept_t *limits, int32_t *age_ms)
{
    kept_limits_t kept;
    memcpy(&kept, &s_kept, sizeof(kept));
    memset(&s_kept, 0, sizeof(s_kept)); /* a crash right after this start must not find them */
    const uint64_t now_us = esp_rtc_get_time_us();
    if (esp_reset_reason() != ESP_RST_SW || kept.layout != LAYOUT || kept.crc != crc_of(&kept) ||
        now_us < kept.told.told_us || now_us - kept.told.told_us > INT32_MAX) {
        return false;
    }
    *limits = kept.told.limits;
    *age_ms = (int32_t)((now_us - kept.told.told_us) / 1000);
    return true;
}

static void keep_at_shutdown(void)
{
    kept_limits_t kept;
    memset(&kept, 0, sizeof(kept)); /* what lies between the members counts for the CRC */
    if (xQueuePeek(s_newest, &kept.told, 0) != pdTRUE) {
        return;
    }
    kept.layout = LAYOUT;
    kept.crc = crc_of(&kept);
    memcpy(&s_kept, &kept, sizeof(kept));
}

esp_err_t limits_store_start(void)
{
    s_newest = xQueueCreate(1, sizeof(told_limits_t));
    ESP_RETURN_ON_FALSE(s_newest != NULL, ESP_ERR_NO_MEM, TAG, "no memory");
    return esp_register_shutdown_handler(keep_at_shutdown);
}

void limits_store_put(const charge_control_kept_t *limits)
{
    if (limits != NULL) {
        const told_limits_t told = {.told_us = esp_rtc_get_time_us(), .limits = *limits};
        (void)xQueueOverwrite(s_newest, &told);
    } else {
        (void)xQueueReset(s_newest);
    }
}
