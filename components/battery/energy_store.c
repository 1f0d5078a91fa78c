/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Saves the energy counters and the battery memory to flash, in a task of its own: an erase takes up to 400 ms, and the
 * battery task must not wait for it.
 */
#include "energy_store.h"

#include <inttypes.h>
#include <stdatomic.h>

#include "energy_log.h"
#include "esp_check.h"
#include "esp_log.h"
#include "esp_partition.h"
#include "esp_system.h"
#include "flash_gate.h"
#include "freertos/queue.h"
#include "freertos/semphr.h"
#include "sdkconfig.h"
#include "service_task.h"

static const char *TAG = "energy";

#define PARTITION        "energy"
#define RETRY_MS         60000
#define PUT_EVERY_MS     1000
#define LOOK_EVERY_MS    500
#define TURN_WAIT_MS     2000
#define SHUTDOWN_WAIT_MS 1000

/** What the battery task hands over. */
typedef struct {
    energy_totals_t totals;
    settings_memory_t memory;
} to_keep_t;

typedef struct {
    event_bus_handle_t bus;
    settings_handle_t settings;
    QueueHandle_t newest;             /**< one to_keep_t, from the battery task */
    const esp_partition_t *partition; /**< NULL = the counters are not kept */
    SemaphoreHandle_t lock;           /**< guards what follows; the battery task never takes it */
    energy_log_t log;
    energy_totals_t saved;
    settings_memory_t remembered;
    settings_memory_t told; /**< that may differ from what is remembered */
    int64_t told_due_ms;
    int64_t good_due_ms; /**< when the two places of the settings are made alike, if they are not */
    int32_t save_ms;
    int64_t due_ms;
    bool failing; /**< the last save failed, which has been logged */
} energy_store_t;

static energy_store_t s_store;
static atomic_int s_save_s;   /* as the battery task has it from the settings */
static int64_t s_next_put_ms; /* of the battery task */

static bool read_flash(void *context, uint32_t offset, void *data, uint32_t length)
{
    return esp_partition_read(((energy_store_t *)context)->partition, offset, data, length) == ESP_OK;
}

static bool write_flash(void *context, uint32_t offset, const void *data, uint32_t length)
{
    return esp_partition_write(((energy_store_t *)context)->partition, offset, data, length) == ESP_OK;
}

static bool erase_flash(void *context, uint32_t offset)
{
    return esp_partition_erase_range(((energy_store_t *)context)->partition, offset, ENERGY_LOG_SECTOR_SIZE) == ESP_OK;
}

static bool same(const energy_totals_t *a, const energy_totals_t *b)
{
    return a->in_mwh == b->in_mwh && a->out_mwh == b->out_mwh && a->in_mah == b->in_mah && a->out_mah == b->out_mah &&
           a->full_count == b->full_count && a->metered_min == b->metered_min && a->full_at_min == b->full_at_min;
}

static void note_outcome(energy_store_t *store, bool saved)
{
    if (saved != store->failing) {
        return;
    }
    store->failing = !saved;
    if (saved) {
        ESP_LOGI(TAG, "counters can be saved again");
    } else {
        ESP_LOGE(TAG, "cannot save the counters; retrying every minute");
    }
}

/** Under the lock. */
static void save(energy_store_t *store)
{
    to_keep_t newest;
    const int64_t now_ms = service_now_ms();
    store->due_ms = now_ms + store->save_ms;
    if (store->partition == NULL || xQueuePeek(store->newest, &newest, 0) != pdTRUE ||
        same(&newest.totals, &store->saved)) {
        return;
    }
    bool saved = flash_gate_take(TURN_WAIT_MS) == ESP_OK;
    if (saved) {
        saved = energy_log_save(&store->log, &newest.totals);
        flash_gate_give();
    }
    if (saved) {
        store->saved = newest.totals;
    } else {
        store->due_ms = now_ms + (store->save_ms < RETRY_MS ? store->save_ms : RETRY_MS);
    }
    note_outcome(store, saved);
}

/** Under the lock. It changes once in a long while: it is remembered at once, a failure tried again every minute. */
static void remember(energy_store_t *store)
{
    if (settings_memory_same(&store->told, &store->remembered)) {
        return;
    }
    store->told_due_ms = service_now_ms() + RETRY_MS;
    if (settings_remember(store->settings, &store->remembered, &store->told) == ESP_OK) {
        store->remembered = store->told;
    } else {
        ESP_LOGE(TAG, "cannot save the known temperature sensors and ended events; retrying every minute");
    }
}

/** Under the lock. */
static void note_memory(energy_store_t *store)
{
    to_keep_t newest;
    if (xQueuePeek(store->newest, &newest, 0) == pdTRUE && !settings_memory_same(&newest.memory, &store->told)) {
        store->told = newest.memory;
        store->told_due_ms = service_now_ms();
    }
}

/** Under the lock. */
static void make_good(energy_store_t *store)
{
    if (service_now_ms() >= store->good_due_ms) {
        store->good_due_ms = service_now_ms() + RETRY_MS;
        if (settings_make_good(store->settings) != ESP_OK) {
            ESP_LOGE(TAG, "settings are saved in one of two places; retrying every minute");
        }
    }
}

/** Under the lock. A shorter period counts from now on, a longer one from the next save on. */
static void follow_period(energy_store_t *store)
{
    const int32_t save_ms = atomic_load(&s_save_s) * 1000;
    const int64_t due_ms = service_now_ms() + save_ms;
    store->save_ms = save_ms;
    store->due_ms = due_ms < store->due_ms ? due_ms : store->due_ms;
}

static void save_when_due(energy_store_t *store)
{
    (void)xSemaphoreTake(store->lock, portMAX_DELAY);
    follow_period(store);
    note_memory(store);
    if (service_now_ms() >= store->due_ms) {
        save(store);
    } else if (service_now_ms() >= store->told_due_ms) {
        remember(store);
    } else {
        make_good(store);
    }
    (void)xSemaphoreGive(store->lock);
}

static void save_at_shutdown(void)
{
    if (xSemaphoreTake(s_store.lock, pdMS_TO_TICKS(SHUTDOWN_WAIT_MS)) == pdTRUE) {
        save(&s_store);
        note_memory(&s_store);
        remember(&s_store);
        (void)xSemaphoreGive(s_store.lock);
    }
}

static void run(service_task_t *task, void *argument)
{
    energy_store_t *const store = argument;
    for (;;) {
        vTaskDelay(pdMS_TO_TICKS(LOOK_EVERY_MS));
        save_when_due(store);
        service_task_alive(task);
    }
}

static bool open_log(energy_store_t *store, energy_totals_t *totals, bool *has_totals)
{
    const energy_flash_t flash = {.context = store, .read = read_flash, .write = write_flash, .erase = erase_flash};
    store->partition =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_UNDEFINED, PARTITION);
    if (store->partition == NULL || store->partition->size < ENERGY_LOG_SECTORS * ENERGY_LOG_SECTOR_SIZE) {
        ESP_LOGE(TAG, "no partition \"" PARTITION "\" of 8 kB; a restart loses the counters");
        return false;
    }
    *has_totals = energy_log_open(&store->log, &flash, totals);
    if (!*has_totals) {
        ESP_LOGW(TAG, "no saved counters; starting at 0");
        return true;
    }
    store->saved = *totals;
    ESP_LOGI(TAG, "energy in %" PRId64 ".%" PRId64 " kWh, out %" PRId64 ".%" PRId64 " kWh", totals->in_mwh / 1000000,
             totals->in_mwh / 100000 % 10, totals->out_mwh / 1000000, totals->out_mwh / 100000 % 10);
    return true;
}

esp_err_t energy_store_start(event_bus_handle_t bus, settings_handle_t settings, const settings_memory_t *memory,
                             int32_t save_s, energy_totals_t *totals, bool *has_totals)
{
    energy_store_t *const store = &s_store;
    *has_totals = false;
    if (!open_log(store, totals, has_totals)) {
        store->partition = NULL;
    }
    store->bus = bus;
    store->settings = settings;
    store->remembered = *memory;
    store->told = *memory;
    atomic_store(&s_save_s, save_s);
    store->save_ms = save_s * 1000;
    store->due_ms = service_now_ms() + store->save_ms;
    store->lock = xSemaphoreCreateMutex();
    store->newest = xQueueCreate(1, sizeof(to_keep_t));
    ESP_RETURN_ON_FALSE(store->lock != NULL && store->newest != NULL, ESP_ERR_NO_MEM, TAG, "no memory");
    ESP_RETURN_ON_ERROR(esp_register_shutdown_handler(save_at_shutdown), TAG, "too many shutdown handlers");
    const service_task_config_t task = {
        .name = TAG,
        .kind = SERVICE_TASK_BACKGROUND,
        .stack_bytes = CONFIG_TINYBMS_ENERGY_TASK_STACK,
        .priority = CONFIG_TINYBMS_ENERGY_TASK_PRIORITY,
        .run = run,
    };
    return service_task_start(&task, bus, store);
}

void energy_store_set_period(int32_t save_s)
{
    atomic_store(&s_save_s, save_s);
}

void energy_store_put(const energy_totals_t *totals, const settings_memory_t *memory)
{
    const to_keep_t newest = {.totals = *totals, .memory = *memory};
    const int64_t now_ms = service_now_ms();
    if (s_store.newest != NULL && now_ms >= s_next_put_ms) {
        s_next_put_ms = now_ms + PUT_EVERY_MS;
        (void)xQueueOverwrite(s_store.newest, &newest);
    }
}
