/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The diagnostics task: gathers the health of services, tasks, heap and flash into one status, and logs a summary. */
#include "diagnostics.h"

#include <inttypes.h>
#include <stdio.h>

#include "esp_check.h"
#include "esp_log.h"
#include "freertos/semphr.h"
#include "sdkconfig.h"
#include "service_task.h"

static const char *TAG = "diagnostics";

#define FLASH_TEXT_MAX  128
#define GATHER_EVERY_MS 200

struct diagnostics {
    event_bus_handle_t bus;
    event_bus_subscription_t uart;
    event_bus_subscription_t can;
    event_bus_subscription_t health;
    SemaphoreHandle_t lock; /**< guards status; never held while waiting for anything else */
    diagnostics_status_t status;
    int64_t next_log_ms;
    uint32_t erased_told; /**< in the log */
};

const char *diagnostics_boot_reason_text(esp_reset_reason_t reason)
{
    static const struct {
        esp_reset_reason_t reason;
        const char *text;
    } texts[] = {
        {ESP_RST_POWERON, "power on"},
        {ESP_RST_SW, "restart by software"},
        {ESP_RST_PANIC, "panic"},
        {ESP_RST_INT_WDT, "interrupt watchdog"},
        {ESP_RST_TASK_WDT, "task watchdog"},
        {ESP_RST_WDT, "other watchdog"},
        {ESP_RST_BROWNOUT, "brownout"},
        {ESP_RST_DEEPSLEEP, "deep sleep"},
        {ESP_RST_CPU_LOCKUP, "double exception"},
        {ESP_RST_EXT, "reset pin"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].reason == reason) {
            return texts[i].text;
        }
    }
    return "unknown";
}

static void note_health(diagnostics_status_t *status, const event_bus_task_health_t *health)
{
    uint32_t index = 0;
    while (index < status->task_count && status->tasks[index].task != health->task) {
        index++;
    }
    if (index == DIAGNOSTICS_TASKS_MAX) {
        return;
    }
    const uint32_t known_bytes = status->tasks[index].stack_free_bytes;
    status->tasks[index] = *health;
    if (health->overdue) {
        status->tasks[index].stack_free_bytes = known_bytes;
    }
    if (index == status->task_count) {
        status->task_count++;
    }
}

static uint32_t count_overdue(const diagnostics_status_t *status)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < status->task_count; i++) {
        count += status->tasks[i].overdue ? 1 : 0;
    }
    return count;
}

static void gather(diagnostics_handle_t self)
{
    event_bus_task_health_t health;
    diagnostics_status_t *const status = &self->status;
    const boot_guard_status_t boot = boot_guard_status();
    flash_gate_status_t flash;
    flash_gate_status(&flash);
    (void)xSemaphoreTake(self->lock, portMAX_DELAY);
    while (event_bus_receive_uart_status(self->uart, &status->uart, 0)) {
    }
    while (event_bus_receive_can_status(self->can, &status->can, 0)) {
    }
    while (event_bus_receive_task_health(self->health, &health, 0)) {
        note_health(status, &health);
    }
    status->tasks_overdue = count_overdue(status);
    status->boot = boot;
    status->flash = flash;
    status->uptime_ms = service_now_ms();
    status->heap_free_bytes = esp_get_free_heap_size();
    status->heap_least_free_bytes = esp_get_minimum_free_heap_size();
    status->messages_dropped = event_bus_dropped(self->bus);
    (void)xSemaphoreGive(self->lock);
}

static uint32_t least_stack_free(const diagnostics_status_t *status)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < status->task_count; i++) {
        const event_bus_task_health_t *const health = &status->tasks[i];
        least = !health->overdue && health->stack_free_bytes < least ? health->stack_free_bytes : least;
    }
    return least;
}

/** What nobody would see otherwise: the gateway does what it is for. */
static void log_trouble(const diagnostics_status_t *status)
{
    if (status->boot.stage == BOOT_LOOP_REDUCED) {
        ESP_LOGE(TAG, "boot loop: only control runs; next full start in %" PRId64 " min",
                 (status->boot.next_try_ms + 59999) / 60000);
    }
    for (uint32_t i = 0; i < status->task_count; i++) {
        if (status->tasks[i].overdue) {
            ESP_LOGE(TAG, "task %s hangs", status->tasks[i].task);
        }
    }
}

/** "nvs 3, energy 12"; only when something was erased since it was told last. */
static void log_flash(diagnostics_handle_t self)
{
    const flash_gate_status_t *const flash = &self->status.flash;
    char text[FLASH_TEXT_MAX] = "";
    uint32_t erased = 0;
    int length = 0;
    for (uint32_t i = 0; i < flash->partitions && length < (int)sizeof(text); i++) {
        erased += flash->erases[i].sectors;
        length += snprintf(&text[length], sizeof(text) - (size_t)length, "%s%s %" PRIu32, i == 0 ? "" : ", ",
                           flash->erases[i].label, flash->erases[i].sectors);
    }
    if (erased != self->erased_told) {
        self->erased_told = erased;
        ESP_LOGI(TAG, "flash: sectors erased since start: %s; longest turn %" PRIu32 " ms, without a turn %" PRIu32,
                 text, flash->longest_ms, flash->without_turn);
    }
}

static void log_summary(diagnostics_handle_t self)
{
    const int64_t now_ms = service_now_ms();
    if (CONFIG_TINYBMS_DIAGNOSTICS_LOG_S == 0 || now_ms < self->next_log_ms) {
        return;
    }
    self->next_log_ms = now_ms + CONFIG_TINYBMS_DIAGNOSTICS_LOG_S * 1000LL;
    const diagnostics_status_t *const s = &self->status; /* only this task writes it */
    ESP_LOGI(TAG,
             "up %" PRId64 " s, heap %" PRIu32 " (least %" PRIu32 "), stack %" PRIu32 ", dropped %" PRIu32
             "; BMS: %" PRIu32 " snapshots, %" PRIu32 " timeouts, %" PRIu32 " CRC errors; CAN: %" PRIu32
             " sent, %" PRIu32 " failed, %" PRIu32 " bus-off%s, GX %s",
             s->uptime_ms / 1000, s->heap_free_bytes, s->heap_least_free_bytes, least_stack_free(s),
             s->messages_dropped, s->uart.session.snapshots, s->uart.session.timeouts, s->uart.session.crc_errors,
             s->can.tx_ok, s->can.tx_failed, s->can.bus_off_count, s->can.refusing ? ", node refuses to start" : "",
             s->can.gx_alive ? "alive" : "not seen");
    log_trouble(s);
    log_flash(self);
}

static void run(service_task_t *task, void *argument)
{
    diagnostics_handle_t self = argument;
    for (;;) {
        vTaskDelay(pdMS_TO_TICKS(GATHER_EVERY_MS));
        gather(self);
        log_summary(self);
        service_task_alive(task);
    }
}

static esp_err_t subscribe(diagnostics_handle_t self)
{
    ESP_RETURN_ON_ERROR(event_bus_subscribe(self->bus, EVENT_BUS_UART_STATUS, 1, TAG, NULL, &self->uart), TAG,
                        "cannot subscribe to the UART status");
    ESP_RETURN_ON_ERROR(event_bus_subscribe(self->bus, EVENT_BUS_CAN_STATUS, 1, TAG, NULL, &self->can), TAG,
                        "cannot subscribe to the CAN status");
    return event_bus_subscribe(self->bus, EVENT_BUS_TASK_HEALTH, DIAGNOSTICS_TASKS_MAX, TAG, NULL, &self->health);
}

void diagnostics_get(diagnostics_handle_t handle, diagnostics_status_t *status)
{
    (void)xSemaphoreTake(handle->lock, portMAX_DELAY);
    *status = handle->status;
    (void)xSemaphoreGive(handle->lock);
}

esp_err_t diagnostics_start(event_bus_handle_t bus, diagnostics_handle_t *handle)
{
    ESP_RETURN_ON_FALSE(bus != NULL && handle != NULL, ESP_ERR_INVALID_ARG, TAG, "NULL argument");
    static struct diagnostics diagnostics; /* there is one, as long as the program lives */
    diagnostics_handle_t self = &diagnostics;
    ESP_RETURN_ON_FALSE(self->bus == NULL, ESP_ERR_INVALID_STATE, TAG, "already started");
    self->bus = bus;
    self->status.boot_reason = esp_reset_reason();
    self->next_log_ms = service_now_ms() + CONFIG_TINYBMS_DIAGNOSTICS_LOG_S * 1000LL;
    self->lock = xSemaphoreCreateMutex();
    ESP_RETURN_ON_FALSE(self->lock != NULL, ESP_ERR_NO_MEM, TAG, "no memory for the lock");
    ESP_RETURN_ON_ERROR(subscribe(self), TAG, "cannot subscribe");
    ESP_LOGI(TAG, "boot reason: %s", diagnostics_boot_reason_text(self->status.boot_reason));
    const service_task_config_t task = {
        .name = TAG,
        .kind = SERVICE_TASK_BACKGROUND,
        .stack_bytes = CONFIG_TINYBMS_DIAGNOSTICS_TASK_STACK,
        .priority = CONFIG_TINYBMS_DIAGNOSTICS_TASK_PRIORITY,
        .run = run,
    };
    ESP_RETURN_ON_ERROR(service_task_start(&task, bus, self), TAG, "cannot start the task");
    *handle = self;
    return ESP_OK;
}
