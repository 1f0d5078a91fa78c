/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The OTA task: records which parts of the gateway work, and confirms a new image. Whether an image is good is decided
 * in ota_confirm.c.
 */
#include "ota.h"

#include <inttypes.h>

#include "esp_check.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "flash_gate.h"
#include "freertos/task.h"
#include "nvs.h"
#include "ota_confirm.h"
#include "sdkconfig.h"
#include "service_task.h"

static const char *TAG = "ota";

#define NVS_NAMESPACE  "ota"
#define WORKED         "worked" /**< the parts that worked in the last minute */
#define LOOK_EVERY_MS  1000
#define TURN_WAIT_MS   3000
#define RETRY_MS       60000
#define REMIND_MS      600000
#define STORED_UNKNOWN 0x80 /**< differs from every set of parts */

typedef struct {
    event_bus_handle_t bus;
    event_bus_subscription_t uart;
    event_bus_subscription_t can;
    ota_seen_t seen;
    uint32_t acknowledged; /**< frames, as told last */
    bool pending;          /**< the running image has not confirmed itself */
    uint8_t asked;         /**< for that: what worked before the restart */
    uint8_t stored;        /**< what worked, as it was written last */
    int64_t next_store_ms;
    int64_t next_confirm_ms;
    int64_t next_reminder_ms;
} ota_t;

static bool is_pending(void)
{
    esp_ota_img_states_t state = ESP_OTA_IMG_UNDEFINED;
    const esp_partition_t *const running = esp_ota_get_running_partition();
    return running != NULL && esp_ota_get_state_partition(running, &state) == ESP_OK &&
           state == ESP_OTA_IMG_PENDING_VERIFY;
}

/** What the image before this start has stored: this one must not set its own bar. */
static void read_stored(ota_t *ota)
{
    nvs_handle_t nvs = 0;
    uint8_t stored = 0;
    esp_err_t err = nvs_open(NVS_NAMESPACE, NVS_READONLY, &nvs);
    if (err == ESP_OK) {
        err = nvs_get_u8(nvs, WORKED, &stored);
        nvs_close(nvs);
    }
    ota->stored = err == ESP_OK ? stored : STORED_UNKNOWN;
    ota->asked = ota_confirm_asked(err == ESP_OK ? &stored : NULL);
}

static esp_err_t store(uint8_t worked)
{
    nvs_handle_t nvs = 0;
    ESP_RETURN_ON_ERROR(flash_gate_take(TURN_WAIT_MS), TAG, "no turn at the flash gate to save what works");
    esp_err_t err = nvs_open(NVS_NAMESPACE, NVS_READWRITE, &nvs);
    if (err == ESP_OK) {
        err = nvs_set_u8(nvs, WORKED, worked);
        err = err == ESP_OK ? nvs_commit(nvs) : err;
        nvs_close(nvs);
    }
    flash_gate_give();
    return err;
}

static void look(ota_t *ota, int64_t now_ms)
{
    event_bus_uart_status_t uart;
    event_bus_can_status_t can;
    while (event_bus_receive_uart_status(ota->uart, &uart, 0)) {
        if (uart.answering) {
            ota_seen(&ota->seen, OTA_PART_BMS, now_ms);
        }
    }
    while (event_bus_receive_can_status(ota->can, &can, 0)) {
        if (can.tx_ok != ota->acknowledged) {
            ota_seen(&ota->seen, OTA_PART_CAN, now_ms);
        }
        ota->acknowledged = can.tx_ok;
    }
}

static const char *parts_text(uint8_t parts)
{
    static const char *const texts[] = {"nothing", "the BMS", "the CAN bus", "the BMS and the CAN bus"};
    _Static_assert(sizeof(texts) / sizeof(texts[0]) == OTA_PARTS_ALL + 1U, "a text for each set of parts");
    return texts[parts & OTA_PARTS_ALL];
}

static void remind(ota_t *ota, uint8_t works, int64_t now_ms)
{
    if (now_ms < OTA_CONFIRM_AT_MS || now_ms < ota->next_reminder_ms) {
        return;
    }
    ota->next_reminder_ms = now_ms + REMIND_MS;
    ESP_LOGW(TAG, "this image is not confirmed; a restart returns to the previous one. Worked before, but not now: %s",
             parts_text((uint8_t)(ota->asked & ~works)));
}

static void confirm(ota_t *ota, int64_t now_ms)
{
    const uint8_t works = ota_seen_within(&ota->seen, now_ms, OTA_WORKS_MS);
    if (!ota_confirm_good(ota->asked, works, now_ms)) {
        remind(ota, works, now_ms);
        return;
    }
    if (now_ms < ota->next_confirm_ms) {
        return;
    }
    ota->next_confirm_ms = now_ms + RETRY_MS;
    esp_err_t err = flash_gate_take(TURN_WAIT_MS);
    if (err == ESP_OK) {
        err = esp_ota_mark_app_valid_cancel_rollback();
        flash_gate_give();
    }
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "this image works but cannot be confirmed: %s; retrying every minute", esp_err_to_name(err));
        return;
    }
    ota->pending = false;
    ESP_LOGI(TAG, "this image is confirmed; required: %s", parts_text(ota->asked));
}

/** Not soon after a start, where nothing works yet: what worked before it may be asked of the next image. */
static void keep_what_works(ota_t *ota, int64_t now_ms)
{
    const uint8_t worked = ota_seen_within(&ota->seen, now_ms, OTA_WORKED_MS);
    if (now_ms < OTA_CONFIRM_AT_MS || now_ms < ota->next_store_ms || worked == ota->stored) {
        return;
    }
    ota->next_store_ms = now_ms + OTA_STORE_EVERY_MS;
    const esp_err_t err = store(worked);
    if (err == ESP_OK) {
        ota->stored = worked;
    } else {
        ESP_LOGW(TAG, "cannot save what works: %s", esp_err_to_name(err));
    }
}

static void run(service_task_t *task, void *argument)
{
    ota_t *const ota = argument;
    for (;;) {
        vTaskDelay(pdMS_TO_TICKS(LOOK_EVERY_MS));
        const int64_t now_ms = service_now_ms();
        look(ota, now_ms);
        if (ota->pending) {
            confirm(ota, now_ms);
        } else {
            keep_what_works(ota, now_ms);
        }
        service_task_alive(task);
    }
}

esp_err_t ota_start(event_bus_handle_t bus)
{
    static ota_t the_ota; /* there is one, as long as the program lives */
    ota_t *const ota = &the_ota;
    ESP_RETURN_ON_FALSE(bus != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    ESP_RETURN_ON_FALSE(ota->bus == NULL, ESP_ERR_INVALID_STATE, TAG, "already started");
    ota->bus = bus;
    ota->pending = is_pending();
    read_stored(ota);
    if (ota->pending) {
        ESP_LOGW(TAG, "new image: confirms itself after %d s; required because it worked before: %s",
                 OTA_CONFIRM_AT_MS / 1000, parts_text(ota->asked));
    }
    ESP_RETURN_ON_ERROR(event_bus_subscribe(bus, EVENT_BUS_UART_STATUS, 1, TAG, NULL, &ota->uart), TAG,
                        "cannot subscribe to the UART status");
    ESP_RETURN_ON_ERROR(event_bus_subscribe(bus, EVENT_BUS_CAN_STATUS, 1, TAG, NULL, &ota->can), TAG,
                        "cannot subscribe to the CAN status");
    const service_task_config_t task = {
        .name = TAG,
        .kind = SERVICE_TASK_BACKGROUND,
        .stack_bytes = CONFIG_TINYBMS_OTA_TASK_STACK,
        .priority = CONFIG_TINYBMS_OTA_TASK_PRIORITY,
        .run = run,
    };
    return service_task_start(&task, bus, ota);
}
