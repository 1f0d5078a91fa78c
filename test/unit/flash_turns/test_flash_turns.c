/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Turns of real tasks on the flash that Linux plays. The cases follow one another: there is one gate. */
#include "flash_gate.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "esp_partition.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host.h"
#include "unity.h"

static atomic_int s_in_turn;
static atomic_int s_most_in_turn;
static atomic_int s_done;

static const esp_partition_t *energy(void)
{
    return esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "energy");
}

static int64_t now_ms(void)
{
    return esp_timer_get_time() / 1000;
}

static uint32_t erases_of(const flash_gate_status_t *status, const char *label)
{
    for (uint32_t i = 0; i < status->partitions; i++) {
        if (strcmp(status->erases[i].label, label) == 0) {
            return status->erases[i].sectors;
        }
    }
    return 0;
}

TEST_CASE("without a gate there is no turn", "[flash_turns]")
{
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, flash_gate_take(0));
    TEST_ASSERT_FALSE(flash_gate_is_mine());
}

TEST_CASE("before control starts turns come one behind the other", "[flash_turns]")
{
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_init());
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_init());
    for (int i = 0; i < 100; i++) {
        TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
        TEST_ASSERT_TRUE(flash_gate_is_mine());
        flash_gate_give();
    }
    TEST_ASSERT_FALSE(flash_gate_is_mine());
}

TEST_CASE("who has a turn does not get another", "[flash_turns]")
{
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, flash_gate_take(1000));
    flash_gate_give();
}

TEST_CASE("erases are counted for each partition", "[flash_turns]")
{
    flash_gate_status_t before;
    flash_gate_status_t after;
    flash_gate_status(&before);
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(ESP_OK, esp_partition_erase_range(energy(), 4096, 4096));
    TEST_ASSERT_EQUAL(ESP_OK, esp_partition_erase_range(energy(), 0, 8192));
    flash_gate_give();
    flash_gate_status(&after);
    TEST_ASSERT_EQUAL(erases_of(&before, "energy") + 3, erases_of(&after, "energy"));
    TEST_ASSERT_EQUAL(before.turns + 1, after.turns);
    TEST_ASSERT_GREATER_OR_EQUAL(300, after.longest_ms); /* Linux plays 100 ms for a sector */
    TEST_ASSERT_EQUAL(0, after.without_turn);
}

TEST_CASE("an erase that is refused as a whole erases nothing", "[flash_turns]")
{
    flash_gate_status_t before;
    flash_gate_status_t after;
    flash_gate_status(&before);
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_SIZE, esp_partition_erase_range(energy(), 4096, 8192));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_SIZE, esp_partition_erase_range(energy(), 0, 100));
    flash_gate_give();
    flash_gate_status(&after);
    TEST_ASSERT_EQUAL(erases_of(&before, "energy"), erases_of(&after, "energy"));
}

static int signal_of(void (*change)(void))
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        (void)close(STDERR_FILENO);
        change();
        _exit(0);
    }
    TEST_ASSERT_EQUAL(child, waitpid(child, &status, 0));
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void write_flash(void)
{
    (void)esp_partition_write(energy(), 0, "", 1);
}

static void erase_flash(void)
{
    (void)esp_partition_erase_range(energy(), 0, 4096);
}

TEST_CASE("flash that is changed without a turn ends the Linux program", "[flash_turns]")
{
    TEST_ASSERT_EQUAL(SIGABRT, signal_of(write_flash));
    TEST_ASSERT_EQUAL(SIGABRT, signal_of(erase_flash));
}

static void take_turns(void *argument)
{
    (void)argument;
    for (int i = 0; i < 3; i++) {
        TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(20000));
        const int inside = atomic_fetch_add(&s_in_turn, 1) + 1;
        if (inside > atomic_load(&s_most_in_turn)) {
            atomic_store(&s_most_in_turn, inside);
        }
        vTaskDelay(1);
        (void)atomic_fetch_sub(&s_in_turn, 1);
        flash_gate_give();
    }
    (void)atomic_fetch_add(&s_done, 1);
    vTaskDelete(NULL);
}

TEST_CASE("several tasks take turns one at a time, and at most two after each 0x351", "[flash_turns]")
{
    flash_gate_status_t before;
    flash_gate_status_t after;
    flash_gate_pace();
    flash_gate_limits_sent();
    flash_gate_status(&before);
    const int64_t began_ms = now_ms();
    for (int i = 0; i < 2; i++) {
        TEST_ASSERT_EQUAL(pdPASS, xTaskCreate(take_turns, "turns", 4096, NULL, 1, NULL));
    }
    int frames = 1;
    while (atomic_load(&s_done) < 2) {
        vTaskDelay(pdMS_TO_TICKS(10));
        if (now_ms() - began_ms >= 1000 * frames) {
            flash_gate_limits_sent();
            frames++;
        }
        flash_gate_status(&after);
        TEST_ASSERT_LESS_OR_EQUAL(before.turns + 2 * (uint32_t)frames, after.turns);
    }
    TEST_ASSERT_EQUAL(1, atomic_load(&s_most_in_turn));
    TEST_ASSERT_GREATER_OR_EQUAL(3, frames);
}

TEST_CASE("a turn that does not come in time is refused, and the next one comes all the same", "[flash_turns]")
{
    flash_gate_limits_sent();
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(1000));
    flash_gate_give();
    TEST_ASSERT_EQUAL(ESP_ERR_TIMEOUT, flash_gate_take(50));
    TEST_ASSERT_FALSE(flash_gate_is_mine());
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(2000));
    flash_gate_give();
}

TEST_CASE("an orderly restart takes the last turn", "[flash_turns]")
{
    host_run_shutdown_handlers();
    TEST_ASSERT_EQUAL(ESP_ERR_TIMEOUT, flash_gate_take(50));
}
