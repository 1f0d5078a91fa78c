/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Serves turns to the tasks that write flash, and counts erases by wrapping esp_partition_erase_range(). When a turn
 * may begin is decided in flash_pace.c.
 */
#include "flash_gate.h"

#include <stdatomic.h>
#include <string.h>

#include "esp_log.h"
#include "esp_partition.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "flash_pace.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

static const char *TAG = "flash_gate";

#define SECTOR_SIZE      4096
#define LONGEST_WAIT_MS  1000
#define SHUTDOWN_WAIT_MS 1500

static SemaphoreHandle_t s_turn; /**< who has it has the turn, or is the next one to get it */
static SemaphoreHandle_t s_lock; /**< guards s_status; held for a copy at most */
static QueueHandle_t s_sent;     /**< int64_t: when the newest 0x351 went out */
static flash_pace_t s_pace;      /**< of the task that has s_turn */
static atomic_bool s_paced;
static atomic_uint s_waiting;         /**< tasks that want a turn */
static _Atomic(TaskHandle_t) s_owner; /**< NULL: nobody has the turn */
static int64_t s_began_ms;            /**< of the task that has s_turn */
static flash_gate_status_t s_status;

static int64_t now_ms(void)
{
    return esp_timer_get_time() / 1000;
}

static TickType_t ticks_of(int64_t wait_ms)
{
    const int64_t bounded_ms = wait_ms < LONGEST_WAIT_MS ? wait_ms : LONGEST_WAIT_MS;
    return bounded_ms <= 0 ? 0 : pdMS_TO_TICKS((uint32_t)bounded_ms);
}

/** Registered before all others and so the last to run: the reset that comes now must cut nobody who is writing. There
 * is nothing to keep clear of any more. */
static void hold_at_shutdown(void)
{
    if (xSemaphoreTake(s_turn, pdMS_TO_TICKS(SHUTDOWN_WAIT_MS)) != pdTRUE) {
        ESP_LOGW(TAG, "restarting while a task writes flash");
    }
}

esp_err_t flash_gate_init(void)
{
    if (s_turn != NULL) {
        return ESP_OK;
    }
    s_lock = xSemaphoreCreateMutex();
    s_sent = xQueueCreate(1, sizeof(int64_t));
    s_turn = s_lock == NULL || s_sent == NULL ? NULL : xSemaphoreCreateMutex();
    return s_turn == NULL ? ESP_ERR_NO_MEM : esp_register_shutdown_handler(hold_at_shutdown);
}

void flash_gate_pace(void)
{
    atomic_store(&s_paced, true);
}

void flash_gate_limits_sent(void)
{
    const int64_t sent_ms = now_ms();
    if (s_sent != NULL) {
        (void)xQueueOverwrite(s_sent, &sent_ms); /* always succeeds on a queue of one */
    }
}

/** Under s_turn. Waits for the next 0x351 as long as the pace says, and looks again. */
static bool wait_for_pace(int64_t deadline_ms)
{
    int64_t sent_ms = 0;
    int32_t wait_ms = 0;
    do {
        const int64_t left_ms = deadline_ms - now_ms();
        if (xQueueReceive(s_sent, &sent_ms, ticks_of(wait_ms < left_ms ? wait_ms : left_ms)) == pdTRUE) {
            flash_pace_sent(&s_pace, sent_ms);
        }
        wait_ms = flash_pace_wait_ms(&s_pace, now_ms());
    } while (wait_ms > 0 && now_ms() < deadline_ms);
    return wait_ms == 0;
}

esp_err_t flash_gate_take(int32_t longest_ms)
{
    const int64_t deadline_ms = now_ms() + longest_ms;
    if (s_turn == NULL || flash_gate_is_mine()) {
        return ESP_ERR_INVALID_STATE;
    }
    (void)atomic_fetch_add(&s_waiting, 1U);
    const bool next = xSemaphoreTake(s_turn, pdMS_TO_TICKS((uint32_t)longest_ms)) == pdTRUE;
    (void)atomic_fetch_sub(&s_waiting, 1U);
    if (!next) {
        return ESP_ERR_TIMEOUT;
    }
    if (atomic_load(&s_paced)) {
        if (!wait_for_pace(deadline_ms)) {
            (void)xSemaphoreGive(s_turn);
            return ESP_ERR_TIMEOUT;
        }
        flash_pace_turn(&s_pace, now_ms());
    }
    s_began_ms = now_ms();
    atomic_store(&s_owner, xTaskGetCurrentTaskHandle());
    return ESP_OK;
}

void flash_gate_give(void)
{
    const uint32_t took_ms = (uint32_t)(now_ms() - s_began_ms);
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
    s_status.turns++;
    s_status.longest_ms = took_ms > s_status.longest_ms ? took_ms : s_status.longest_ms;
    (void)xSemaphoreGive(s_lock);
    atomic_store(&s_owner, NULL);
    (void)xSemaphoreGive(s_turn);
    if (atomic_load(&s_waiting) > 0) {
        vTaskDelay(1); /* a mutex is not handed over: who writes in a loop would have it again before the others */
    }
}

bool flash_gate_is_mine(void)
{
    return atomic_load(&s_owner) == xTaskGetCurrentTaskHandle();
}

void flash_gate_status(flash_gate_status_t *status)
{
    memset(status, 0, sizeof(*status));
    if (s_lock == NULL) {
        return;
    }
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
    *status = s_status;
    (void)xSemaphoreGive(s_lock);
}

/** Under s_lock. */
static flash_gate_erases_t *erases_of(const esp_partition_t *partition)
{
    uint32_t i = 0;
    while (i < s_status.partitions && strcmp(s_status.erases[i].label, partition->label) != 0) {
        i++;
    }
    if (i == FLASH_GATE_PARTITIONS_MAX) {
        return &s_status.erases[FLASH_GATE_PARTITIONS_MAX - 1];
    }
    if (i == s_status.partitions) {
        s_status.partitions++;
        memcpy(s_status.erases[i].label, partition->label, sizeof(s_status.erases[i].label));
    }
    return &s_status.erases[i];
}

static void count_erase(const esp_partition_t *partition)
{
    if (s_lock == NULL) {
        return; /* before flash_gate_init() nothing of ours runs */
    }
    const bool mine = flash_gate_is_mine();
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
    erases_of(partition)->sectors++;
    s_status.without_turn += mine ? 0 : 1;
    (void)xSemaphoreGive(s_lock);
    if (!mine) {
        ESP_LOGE(TAG, "a sector of %s was erased without a turn", partition->label);
    }
}

/* The linker puts these two around ESP-IDF's function: see CMakeLists.txt. */
esp_err_t __real_esp_partition_erase_range(const esp_partition_t *partition, size_t offset, size_t size); // NOLINT
esp_err_t __wrap_esp_partition_erase_range(const esp_partition_t *partition, size_t offset, size_t size); // NOLINT

/** Sector by sector: a range that holds a block of 64 kB would be erased as one, which takes up to 2 s. */
esp_err_t __wrap_esp_partition_erase_range(const esp_partition_t *partition, size_t offset, size_t size) // NOLINT
{
    esp_err_t err = ESP_OK;
    const bool whole =
        partition != NULL && size % SECTOR_SIZE == 0 && offset <= partition->size && size <= partition->size - offset;
    if (!whole || size == 0) { /* is refused as a whole */
        return __real_esp_partition_erase_range(partition, offset, size);
    }
    for (size_t at = 0; at < size && err == ESP_OK; at += SECTOR_SIZE) {
        count_erase(partition);
        err = __real_esp_partition_erase_range(partition, offset + at, SECTOR_SIZE);
    }
    return err;
}
