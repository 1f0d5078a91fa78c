/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The diagnostics task: gathers the health of services, tasks, heap and flash into one status, publishes what of it is
 * the gateway's own, and logs a summary.
 */
#include "diagnostics.h"

#include <inttypes.h>
#include <stdio.h>

#include "esp_check.h"
#include "esp_heap_caps.h"
#include "esp_log.h"
#include "freertos/semphr.h"
#include "sdkconfig.h"
#include "service_task.h"

static const char *TAG = "diagnostics";

#define FLASH_TEXT_MAX   128
#define GATHER_EVERY_MS  200
#define PUBLISH_EVERY_MS 1000

struct diagnostics {
    event_bus_handle_t bus;
    event_bus_subscription_t uart;
    event_bus_subscription_t can;
    event_bus_subscription_t health;
    SemaphoreHandle_t lock; /**< guards status; never held while waiting for anything else */
    diagnostics_status_t status;
    int64_t next_publish_ms;
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

static void note_health(event_bus_system_status_t *system, const event_bus_task_health_t *health)
{
    uint32_t index = 0;
    while (index < system->task_count && system->tasks[index].task != health->task) {
        index++;
    }
    if (index == EVENT_BUS_TASKS_MAX) {
        return;
    }
    const uint32_t known_bytes = system->tasks[index].stack_free_bytes;
    system->tasks[index] = *health;
    if (health->overdue) {
        system->tasks[index].stack_free_bytes = known_bytes;
    }
    if (index == system->task_count) {
        system->task_count++;
    }
}

static uint32_t count_overdue(const event_bus_system_status_t *system)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < system->task_count; i++) {
        count += system->tasks[i].overdue ? 1 : 0;
    }
    return count;
}

/** Walks the whole heap with the interrupts of this core (0) off: only as often as it is published. */
static uint32_t largest_free_block(void)
{
    return (uint32_t)heap_caps_get_largest_free_block(MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
}

static void note_system(event_bus_system_status_t *system, const boot_guard_status_t *boot, uint32_t messages_dropped)
{
    system->reduced = boot->stage == BOOT_LOOP_REDUCED;
    system->crashes = boot->crashes;
    system->uptime_ms = service_now_ms();
    system->heap_free_bytes = esp_get_free_heap_size();
    system->heap_least_free_bytes = esp_get_minimum_free_heap_size();
    system->messages_dropped = messages_dropped;
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
        note_health(&status->system, &health);
    }
    status->tasks_overdue = count_overdue(&status->system);
    status->boot = boot;
    status->flash = flash;
    note_system(&status->system, &boot, event_bus_dropped(self->bus));
    (void)xSemaphoreGive(self->lock);
}

static void publish(diagnostics_handle_t self)
{
    const int64_t now_ms = service_now_ms();
    if (now_ms < self->next_publish_ms) {
        return;
    }
    self->next_publish_ms = now_ms + PUBLISH_EVERY_MS;
    const uint32_t largest_bytes = largest_free_block();
    (void)xSemaphoreTake(self->lock, portMAX_DELAY);
    self->status.system.heap_largest_bytes = largest_bytes;
    (void)xSemaphoreGive(self->lock);
    event_bus_publish_system_status(self->bus, &self->status.system); /* only this task writes it */
}

static uint32_t least_stack_free(const event_bus_system_status_t *system)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < system->task_count; i++) {
        const event_bus_task_health_t *const health = &system->tasks[i];
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
    for (uint32_t i = 0; i < status->system.task_count; i++) {
        if (status->system.tasks[i].overdue) {
            ESP_LOGE(TAG, "task %s hangs", status->system.tasks[i].task);
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
             s->system.uptime_ms / 1000, s->system.heap_free_bytes, s->system.heap_least_free_bytes,
             least_stack_free(&s->system), s->system.messages_dropped, s->uart.session.snapshots,
             s->uart.session.timeouts, s->uart.session.crc_errors, s->can.tx_ok, s->can.tx_failed, s->can.bus_off_count,
             s->can.refusing ? ", node refuses to start" : "", s->can.gx_alive ? "alive" : "not seen");
    log_trouble(s);
    log_flash(self);
}

static void run(service_task_t *task, void *argument)
{
    diagnostics_handle_t self = argument;
    for (;;) {
        vTaskDelay(pdMS_TO_TICKS(GATHER_EVERY_MS));
        gather(self);
        publish(self);
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
    return event_bus_subscribe(self->bus, EVENT_BUS_TASK_HEALTH, EVENT_BUS_TASKS_MAX, TAG, NULL, &self->health);
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
    self->status.system.boot_reason = diagnostics_boot_reason_text(esp_reset_reason());
    self->next_log_ms = service_now_ms() + CONFIG_TINYBMS_DIAGNOSTICS_LOG_S * 1000LL;
    self->lock = xSemaphoreCreateMutex();
    ESP_RETURN_ON_FALSE(self->lock != NULL, ESP_ERR_NO_MEM, TAG, "no memory for the lock");
    ESP_RETURN_ON_ERROR(subscribe(self), TAG, "cannot subscribe");
    ESP_LOGI(TAG, "boot reason: %s", self->status.system.boot_reason);
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
