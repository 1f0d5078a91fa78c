/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Limits that an orderly restart keeps; this suite is for Linux only. */
#include "../row.h"
#include "../../../components/battery/limits_store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "esp_rtc_time.h"
#include "host.h"
#include "tinybms_crc.h"
#include "unity.h"

#define RESET_REASON "TINYBMS_RESET_REASON"
#define MEMORY_SIZE  40 /* 64 bits of time, 24 bytes of limits, layout and CRC in 32 bits each */
#define LAYOUT_AT    32
#define CRC_AT       36

extern uint8_t __start_rtc_noinit[]; // NOLINT
extern uint8_t __stop_rtc_noinit[];  // NOLINT

static const charge_control_kept_t s_limits = {.cvl_mv = 57680, .ccl_ma = 18000, .dcl_ma = 54000};
static uint8_t s_image[MEMORY_SIZE];

/** Runs in a process of its own, which ends in order: the handler of a shutdown runs once in the life of a program. */
static void run_gateway(const charge_control_kept_t *const *sent, size_t count, int out)
{
    bool done = limits_store_start() == ESP_OK;
    for (size_t i = 0; i < count; i++) {
        limits_store_put(sent[i]);
    }
    host_run_shutdown_handlers();
    done = write(out, __start_rtc_noinit, MEMORY_SIZE) == MEMORY_SIZE && done;
    _exit(done ? EXIT_SUCCESS : EXIT_FAILURE);
}

/** The gateway has sent these limits, one after the other, and restarts: the memory is as the next start finds it. */
static void restart_after(const charge_control_kept_t *const *sent, size_t count)
{
    int status = -1;
    int ends[2];
    host_options.time_scale = 1.0;
    TEST_ASSERT_EQUAL(MEMORY_SIZE, __stop_rtc_noinit - __start_rtc_noinit);
    memset(__start_rtc_noinit, 0, MEMORY_SIZE);
    TEST_ASSERT_EQUAL(0, pipe2(ends, O_CLOEXEC));
    const pid_t gateway = fork();
    if (gateway == 0) {
        run_gateway(sent, count, ends[1]);
    }
    TEST_ASSERT_GREATER_THAN(0, gateway);
    TEST_ASSERT_EQUAL(MEMORY_SIZE, read(ends[0], s_image, MEMORY_SIZE));
    TEST_ASSERT_EQUAL(gateway, waitpid(gateway, &status, 0));
    TEST_ASSERT_EQUAL(EXIT_SUCCESS, status);
    TEST_ASSERT_EQUAL(0, close(ends[0]));
    TEST_ASSERT_EQUAL(0, close(ends[1]));
    memcpy(__start_rtc_noinit, s_image, MEMORY_SIZE);
    TEST_ASSERT_EQUAL(0, setenv(RESET_REASON, "restart", 1)); // NOLINT(concurrency-mt-unsafe)
}

static void restart_with(const charge_control_kept_t *limits)
{
    restart_after(&limits, 1);
}

static bool found(void)
{
    charge_control_kept_t limits;
    int32_t age_ms = 0;
    return limits_store_take(&limits, &age_ms);
}

static bool found_in_image(void)
{
    memcpy(__start_rtc_noinit, s_image, MEMORY_SIZE);
    return found();
}

TEST_CASE("the limits that were sent last are found after an orderly restart, once", "[limits_store]")
{
    charge_control_kept_t limits = {0};
    int32_t age_ms = -1;
    restart_with(&s_limits);
    TEST_ASSERT_TRUE(limits_store_take(&limits, &age_ms));
    TEST_ASSERT_EQUAL_INT32(57680, limits.cvl_mv);
    TEST_ASSERT_EQUAL_INT32(18000, limits.ccl_ma);
    TEST_ASSERT_EQUAL_INT32(54000, limits.dcl_ma);
    TEST_ASSERT_GREATER_OR_EQUAL(0, age_ms);
    TEST_ASSERT_LESS_THAN(1000, age_ms);
    TEST_ASSERT_FALSE(found());
}

TEST_CASE("of several limits the last ones are kept", "[limits_store]")
{
    const charge_control_kept_t newest = {.cvl_mv = 57000, .ccl_ma = 0, .dcl_ma = 1000};
    const charge_control_kept_t *const sent[] = {&s_limits, NULL, &s_limits, &newest};
    charge_control_kept_t limits = {0};
    int32_t age_ms = 0;
    restart_after(sent, 4);
    TEST_ASSERT_TRUE(limits_store_take(&limits, &age_ms));
    TEST_ASSERT_EQUAL_INT32(57000, limits.cvl_mv);
    TEST_ASSERT_EQUAL_INT32(0, limits.ccl_ma);
    TEST_ASSERT_EQUAL_INT32(1000, limits.dcl_ma);
}

TEST_CASE("while no limits are sent none are kept", "[limits_store]")
{
    const charge_control_kept_t *const sent[] = {&s_limits, NULL};
    restart_after(sent, 2);
    TEST_ASSERT_FALSE(found());
    restart_with(NULL);
    TEST_ASSERT_FALSE(found());
    restart_after(NULL, 0);
    TEST_ASSERT_FALSE(found());
}

TEST_CASE("a crash or a power cut finds no limits, nor does the orderly restart after it", "[limits_store]")
{
    restart_with(&s_limits);
    TEST_ASSERT_EQUAL(0, unsetenv(RESET_REASON)); // NOLINT(concurrency-mt-unsafe)
    TEST_ASSERT_FALSE(found());
    TEST_ASSERT_EQUAL(0, setenv(RESET_REASON, "restart", 1)); // NOLINT(concurrency-mt-unsafe)
    TEST_ASSERT_FALSE(found());
    TEST_ASSERT_TRUE(found_in_image());
}

TEST_CASE("what a power-on leaves in the memory is no limits", "[limits_store]")
{
    restart_with(&s_limits);
    memset(__start_rtc_noinit, 0, MEMORY_SIZE);
    TEST_ASSERT_FALSE(found());
    memset(__start_rtc_noinit, 0xFF, MEMORY_SIZE);
    TEST_ASSERT_FALSE(found());
    host_rtc_memory_load();
    TEST_ASSERT_FALSE(found());
}

TEST_CASE("a bit that is wrong anywhere makes the limits void", "[limits_store]")
{
    restart_with(&s_limits);
    for (int bit = 0; bit < 8 * MEMORY_SIZE; bit++) {
        ROW("bit %d", bit);
        memcpy(__start_rtc_noinit, s_image, MEMORY_SIZE);
        __start_rtc_noinit[bit / 8] = (uint8_t)(__start_rtc_noinit[bit / 8] ^ (1U << bit % 8));
        TEST_ASSERT_FALSE(found());
    }
    TEST_ASSERT_TRUE(found_in_image());
}

TEST_CASE("limits that another version has kept in its own way are void", "[limits_store]")
{
    restart_with(&s_limits);
    for (uint16_t layout = 0; layout <= 2; layout++) {
        ROW("layout %u", layout);
        memcpy(&s_image[LAYOUT_AT], &layout, sizeof(layout));
        const uint16_t crc = tinybms_crc16(s_image, CRC_AT);
        memcpy(&s_image[CRC_AT], &crc, sizeof(crc));
        TEST_ASSERT_EQUAL(layout == 1, found_in_image());
    }
}

/** The clock that runs through a restart has gone on by this since the limits were kept. */
static void let_pass(double seconds)
{
    const double now_us = (double)esp_rtc_get_time_us();
    host_options.time_scale *= (now_us + seconds * 1e6) / now_us;
}

TEST_CASE("the age of the limits is told in milliseconds, and none that is longer than half an hour", "[limits_store]")
{
    charge_control_kept_t limits;
    int32_t age_ms = 0;
    restart_with(&s_limits);
    let_pass(100);
    TEST_ASSERT_TRUE(limits_store_take(&limits, &age_ms));
    TEST_ASSERT_GREATER_OR_EQUAL(99990, age_ms);
    TEST_ASSERT_LESS_THAN(101000, age_ms);
    restart_with(&s_limits);
    let_pass(1800);
    TEST_ASSERT_TRUE(found());
    restart_with(&s_limits);
    let_pass(2200); /* what 31 bits of microseconds cannot hold */
    TEST_ASSERT_FALSE(found());
}

TEST_CASE("limits of a clock that went back are of unknown age, and void", "[limits_store]")
{
    restart_with(&s_limits);
    let_pass(-1);
    TEST_ASSERT_FALSE(found());
}

TEST_CASE("what a program keeps is passed on to the one that takes its place, and to no other", "[limits_store]")
{
    restart_with(&s_limits);
    host_rtc_memory_pass_on();
    memset(__start_rtc_noinit, 0, MEMORY_SIZE);
    host_rtc_memory_load();
    TEST_ASSERT_TRUE(found());
    host_rtc_memory_load();
    TEST_ASSERT_FALSE(found());
    TEST_ASSERT_EQUAL(0, unsetenv(RESET_REASON)); // NOLINT(concurrency-mt-unsafe)
}
