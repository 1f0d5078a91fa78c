/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Starts the services in order and connects them; nothing else. */
#include <inttypes.h>

#include "access.h"
#include "battery.h"
#include "boot_guard.h"
#include "can_victron.h"
#include "device_console.h"
#include "diagnostics.h"
#include "esp_app_desc.h"
#include "esp_check.h"
#include "esp_err.h"
#include "esp_event.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "event_bus.h"
#include "flash_gate.h"
#include "log_ring.h"
#include "ota.h"
#include "settings.h"
#include "uart_bms.h"
#include "web_server.h"
#include "work.h"

#ifdef NDEBUG
#error "assertions belong to the protection: a gateway that has gone wrong restarts, and its limits ramp"
#endif

static const char *TAG = "main";

/** What a step took: a GX waits 3 s for the first frame. @return the time now, in us since the start */
static int64_t tell_step(const char *step, int64_t since_us)
{
    const int64_t now_us = esp_timer_get_time();
    ESP_LOGD(TAG, "start: %s took %" PRId64 " us", step, now_us - since_us);
    return now_us;
}

static esp_err_t read_option(void *context, tinybms_option_t option, uint16_t *words, uint32_t timeout_ms)
{
    return uart_bms_read_options(context, option, words, TINYBMS_SETTINGS_COUNT, timeout_ms);
}

static size_t read_log(void *context, uint32_t *position, char *buffer, size_t size)
{
    (void)context;
    return log_ring_read(position, buffer, size);
}

static esp_err_t write_registers(void *context, tinybms_write_request_t *requests, size_t count, uint32_t timeout_ms,
                                 tinybms_write_result_t *result, size_t *written)
{
    return uart_bms_write_all(context, requests, count, timeout_ms, result, written);
}

static esp_err_t forget_sensor(void *context, uint8_t sensor)
{
    (void)context;
    return battery_forget_sensor(sensor);
}

static void restart(void *context)
{
    (void)context;
    esp_restart();
}

/** What control does not need: a failure here is told, and control goes on without it. */
static esp_err_t start_network(event_bus_handle_t bus, settings_handle_t settings, uart_bms_handle_t bms)
{
    access_handle_t access = NULL;
    const web_server_services_t services = {
        .context = bms,
        .read_option = read_option,
        .read_log = read_log,
        .write_registers = write_registers,
        .forget_sensor = forget_sensor,
        .restart = restart,
    };
    const esp_err_t err = access_open(&access);
    ESP_RETURN_ON_FALSE(err == ESP_OK || access != NULL, err, TAG, "nobody can log in");
    const bool has_console = device_console_open(access) == ESP_OK;
    ESP_RETURN_ON_ERROR(work_start(bus, has_console ? device_console_poll : NULL), TAG, "changes cannot be made");
    ESP_RETURN_ON_ERROR(esp_netif_init(), TAG, "no network stack");
    ESP_RETURN_ON_ERROR(esp_event_loop_create_default(), TAG, "no event loop");
    return web_server_start(bus, settings, access, &services);
}

void app_main(void)
{
    settings_handle_t settings = NULL;
    event_bus_handle_t bus = NULL;
    uart_bms_handle_t bms = NULL;
    diagnostics_handle_t diagnostics = NULL;

    log_ring_begin();
    ESP_LOGI(TAG, "TinyBMS Web Gateway %s", esp_app_get_description()->version);
    ESP_ERROR_CHECK(boot_guard_begin());
    int64_t at_us = tell_step("the system after the boot loader", 0);
    ESP_ERROR_CHECK(settings_open(&settings));
    at_us = tell_step("settings", at_us);
    flash_gate_pace();
    ESP_ERROR_CHECK(event_bus_create(&bus));
    ESP_ERROR_CHECK(diagnostics_start(bus, &diagnostics));
    at_us = tell_step("event bus and diagnostics", at_us);
    ESP_ERROR_CHECK(can_victron_start(bus, settings));
    at_us = tell_step("CAN", at_us);
    ESP_ERROR_CHECK(battery_start(bus, settings));
    at_us = tell_step("battery and its counters", at_us);
    ESP_ERROR_CHECK(uart_bms_start(bus, settings, &bms));
    (void)tell_step("serial line", at_us);
    ESP_ERROR_CHECK(ota_start(bus));
    boot_guard_wait(); /* in a boot loop what control does not need comes later; its start belongs behind this line */
    if (start_network(bus, settings, bms) != ESP_OK) {
        ESP_LOGE(TAG, "the network has not started; control goes on without it");
    }
    ESP_LOGI(TAG, "start complete");
}
