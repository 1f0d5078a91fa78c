/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The service on a pseudo terminal, with a small MODBUS device on its other end; for Linux only. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>

#include "../row.h"
#include "esp_task_wdt.h"
#include "event_bus.h"
#include "freertos/task.h"
#include "host.h"
#include "tinybms_crc.h"
#include "uart_bms.h"
#include "unity.h"

static event_bus_handle_t s_bus;
static event_bus_subscription_t s_snapshots;
static event_bus_subscription_t s_frames;
static settings_handle_t s_settings;
static uart_bms_handle_t s_bms;
static int s_master;
static atomic_bool s_silent;
static atomic_bool s_forgetful;
static atomic_uint s_dies_at; /**< takes a write of this register, and is silent from then on */
static _Atomic uint16_t s_registers[600];
static atomic_int s_writes;
static atomic_bool s_old_firmware; /**< does not know the command 0x1D */
static atomic_bool s_deaf;         /**< to the command 0x1D */

static void answer(uint8_t *frame, size_t length)
{
    const uint16_t crc = tinybms_crc16(frame, length);
    frame[length] = (uint8_t)(crc & 0xFF);
    frame[length + 1] = (uint8_t)(crc >> 8);
    TEST_ASSERT_EQUAL((int64_t)length + 2, write(s_master, frame, length + 2));
}

static void answer_read(const uint8_t *request)
{
    const unsigned first = ((unsigned)request[2] << 8) | request[3];
    uint8_t frame[260] = {0xAA, 0x03, (uint8_t)(2 * request[5])};
    for (unsigned i = 0; i < request[5]; i++) {
        const uint16_t value = atomic_load(&s_registers[first + i]);
        frame[3 + 2 * i] = (uint8_t)(value >> 8);
        frame[4 + 2 * i] = (uint8_t)(value & 0xFF);
    }
    answer(frame, 3U + 2U * request[5]);
}

static void answer_write(const uint8_t *request)
{
    const unsigned first = ((unsigned)request[2] << 8) | request[3];
    uint8_t frame[8] = {0xAA, 0x10, request[2], request[3], 0, request[5]};
    atomic_fetch_add(&s_writes, 1);
    if (!atomic_load(&s_forgetful)) {
        atomic_store(&s_registers[first], (uint16_t)(((unsigned)request[7] << 8) | request[8]));
    }
    if (first == atomic_load(&s_dies_at)) {
        atomic_store(&s_silent, true);
    } else {
        answer(frame, 6);
    }
}

/** What it answers as the least (1), greatest (2) or default (3) value. */
static uint16_t option_word(unsigned option, unsigned address)
{
    return (uint16_t)(option * 0x1100 + address);
}

static void answer_options(const uint8_t *request)
{
    uint8_t frame[260] = {0xAA, 0x1D, (uint8_t)(2 * request[4])};
    if (atomic_load(&s_old_firmware)) {
        uint8_t refusal[6] = {0xAA, 0x00, 0x1D, 0x00};
        answer(refusal, 4);
        return;
    }
    for (unsigned i = 0; i < request[4]; i++) {
        const uint16_t word = option_word(request[2], 300 + i);
        frame[3 + 2 * i] = (uint8_t)(word & 0xFF);
        frame[4 + 2 * i] = (uint8_t)(word >> 8);
    }
    answer(frame, 3U + 2U * request[4]);
}

/** Requests are written in one piece, so that one read brings one of them. */
static void *run_device(void *argument)
{
    (void)argument;
    for (;;) {
        uint8_t request[260];
        const ssize_t got = read(s_master, request, sizeof(request));
        if (got < 4 || atomic_load(&s_silent)) {
            continue;
        }
        if (request[1] == 0x03) {
            answer_read(request);
        } else if (request[1] == 0x10) {
            answer_write(request);
        } else if (request[1] == 0x1D && !atomic_load(&s_deaf)) {
            answer_options(request);
        }
    }
    return NULL;
}

static void hold_voltages(uint16_t full, uint16_t empty, uint16_t over, uint16_t under)
{
    atomic_store(&s_registers[300], full);
    atomic_store(&s_registers[301], empty);
    atomic_store(&s_registers[315], over);
    atomic_store(&s_registers[316], under);
}

static void begin(void)
{
    const esp_task_wdt_config_t watchdog = {.timeout_ms = 5000, .trigger_panic = true};
    atomic_store(&s_silent, false);
    atomic_store(&s_forgetful, false);
    atomic_store(&s_writes, 0);
    atomic_store(&s_dies_at, 0);
    atomic_store(&s_old_firmware, false);
    atomic_store(&s_deaf, false);
    if (s_bms != NULL) {
        return;
    }
    atomic_store(&s_registers[36], 7864);
    atomic_store(&s_registers[37], 16991);
    atomic_store(&s_registers[50], 0x97);
    atomic_store(&s_registers[53], 14);
    for (size_t i = 2; i < 16; i++) {
        atomic_store(&s_registers[i], 39843);
    }
    hold_voltages(4150, 3000, 4200, 2900);
    s_master = posix_openpt(O_RDWR | O_NOCTTY);
    TEST_ASSERT_EQUAL(0, grantpt(s_master) + unlockpt(s_master));
    host_options.uart_device = strdup(ptsname(s_master));
    host_start_thread("device", run_device, NULL);
    TEST_ASSERT_EQUAL(ESP_OK, esp_task_wdt_init(&watchdog));
    TEST_ASSERT_EQUAL(ESP_OK, settings_open(&s_settings)); /* no storage: factory values */
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_create(&s_bus));
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(s_bus, EVENT_BUS_SNAPSHOT, 1, "test", NULL, &s_snapshots));
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(s_bus, EVENT_BUS_UART_FRAME, 64, "test", NULL, &s_frames));
    TEST_ASSERT_EQUAL(ESP_OK, uart_bms_start(s_bus, s_settings, &s_bms));
}

static tinybms_write_request_t setting(const char *name, int64_t raw)
{
    return (tinybms_write_request_t){
        .kind = TINYBMS_WRITE_SETTING, .confirmed = true, .entry = tinybms_register_by_name(name), .raw = raw};
}

static bool next_snapshot(tinybms_snapshot_t *snapshot)
{
    return event_bus_receive_snapshot(s_snapshots, snapshot, pdMS_TO_TICKS(5000));
}

TEST_CASE("snapshots of the line reach the bus", "[uart_bms]")
{
    tinybms_snapshot_t snapshot;
    begin();
    TEST_ASSERT_TRUE(next_snapshot(&snapshot));
    TEST_ASSERT_EQUAL_UINT16(7864, snapshot.live[36]);
    TEST_ASSERT_EQUAL_UINT16(14, snapshot.live[53]);
}

/** What the line brought between a request for the live block and the next request: its length. */
static size_t next_live_answer(uint8_t *bytes, size_t capacity, const event_bus_uart_frame_t *request)
{
    event_bus_uart_frame_t frame;
    size_t length = 0;
    for (;;) {
        TEST_ASSERT_TRUE(event_bus_receive_uart_frame(s_frames, &frame, pdMS_TO_TICKS(5000)));
        if (frame.sent) {
            return length;
        }
        TEST_ASSERT_LESS_OR_EQUAL(capacity - length, frame.length);
        TEST_ASSERT_GREATER_OR_EQUAL(request->time_ms, frame.time_ms);
        memcpy(&bytes[length], frame.bytes, frame.length);
        length += frame.length;
    }
}

static bool asks_for_live_block(const event_bus_uart_frame_t *frame)
{
    static const uint8_t live_block[] = {0xAA, 0x03, 0x00, 0x00, 0x00, 0x38};
    return frame->sent && frame->length == 8 && memcmp(frame->bytes, live_block, sizeof(live_block)) == 0;
}

TEST_CASE("the requests and answers on the line can be read on the bus", "[uart_bms]")
{
    event_bus_uart_frame_t request;
    uint8_t bytes[512];
    size_t length = 0;
    begin();
    for (int tries = 0; length != 3 + 112 + 2 && tries < 20; tries++) { /* one may be late and asked for again */
        do {
            TEST_ASSERT_TRUE(event_bus_receive_uart_frame(s_frames, &request, pdMS_TO_TICKS(5000)));
        } while (!asks_for_live_block(&request));
        length = next_live_answer(bytes, sizeof(bytes), &request);
    }
    TEST_ASSERT_EQUAL_UINT16(tinybms_crc16(request.bytes, 6), request.bytes[6] | ((unsigned)request.bytes[7] << 8));
    TEST_ASSERT_EQUAL(3 + 112 + 2, length);
    TEST_ASSERT_EQUAL_HEX8(0x03, bytes[1]);
    TEST_ASSERT_EQUAL_HEX8(0x70, bytes[2]);
    TEST_ASSERT_EQUAL_UINT16(tinybms_crc16(bytes, 115), bytes[115] | ((unsigned)bytes[116] << 8));
}

TEST_CASE("noise on the line can be read on the bus", "[uart_bms]")
{
    static const char broadcast[] = "12\t53.1\t0\r\n";
    static char heard[64 * EVENT_BUS_UART_BYTES_MAX]; /* as much as can wait, and more */
    size_t length = 0;
    begin();
    atomic_store(&s_silent, true);
    TEST_ASSERT_EQUAL(sizeof(broadcast) - 1, write(s_master, broadcast, sizeof(broadcast) - 1));
    while (memmem(heard, length, broadcast, sizeof(broadcast) - 1) == NULL) {
        event_bus_uart_frame_t frame;
        TEST_ASSERT_TRUE(event_bus_receive_uart_frame(s_frames, &frame, pdMS_TO_TICKS(5000)));
        if (!frame.sent) {
            TEST_ASSERT_LESS_OR_EQUAL(sizeof(heard) - length, frame.length);
            memcpy(&heard[length], frame.bytes, frame.length);
            length += frame.length;
        }
    }
    atomic_store(&s_silent, false);
}

TEST_CASE("there is one serial line", "[uart_bms]")
{
    uart_bms_handle_t other = NULL;
    begin();
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, uart_bms_start(s_bus, s_settings, &other));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, uart_bms_start(NULL, s_settings, &other));
}

TEST_CASE("a caller's write is performed and verified", "[uart_bms]")
{
    const tinybms_write_request_t request = setting("fully_charged_voltage", 4100);
    tinybms_write_result_t result;
    begin();
    TEST_ASSERT_EQUAL(ESP_OK, uart_bms_write(s_bms, &request, 5000, &result));
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, result.status);
    TEST_ASSERT_EQUAL_INT64(4100, result.read_back);
    TEST_ASSERT_EQUAL_UINT16(4100, atomic_load(&s_registers[300]));
}

TEST_CASE("a caller's nonsense is refused with the range, and nothing is sent", "[uart_bms]")
{
    const tinybms_write_request_t request = setting("fully_charged_voltage", 9999);
    tinybms_write_result_t result;
    begin();
    TEST_ASSERT_EQUAL(ESP_OK, uart_bms_write(s_bms, &request, 5000, &result));
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OUT_OF_RANGE, result.status);
    TEST_ASSERT_EQUAL_INT32(1200, result.min);
    TEST_ASSERT_EQUAL_INT32(4500, result.max);
    TEST_ASSERT_EQUAL(0, atomic_load(&s_writes));
}

TEST_CASE("a write that is not kept is reported", "[uart_bms]")
{
    const tinybms_write_request_t request = setting("fully_charged_voltage", 4000);
    tinybms_write_result_t result;
    begin();
    atomic_store(&s_forgetful, true);
    TEST_ASSERT_EQUAL(ESP_OK, uart_bms_write(s_bms, &request, 5000, &result));
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_VERIFIED, result.status);
    TEST_ASSERT_EQUAL_INT64(4100, result.read_back);
}

TEST_CASE("a caller that gives up gets no later answer of that write", "[uart_bms]")
{
    const tinybms_write_request_t first = setting("fully_charged_voltage", 4000);
    const tinybms_write_request_t second = setting("fully_discharged_voltage", 2950);
    tinybms_write_result_t result;
    begin();
    atomic_store(&s_silent, true);
    TEST_ASSERT_EQUAL(ESP_ERR_TIMEOUT, uart_bms_write(s_bms, &first, 50, &result));
    vTaskDelay(pdMS_TO_TICKS(3000)); /* the first write ends without an answer */
    atomic_store(&s_silent, false);
    TEST_ASSERT_EQUAL(ESP_OK, uart_bms_write(s_bms, &second, 5000, &result));
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, result.status);
    TEST_ASSERT_EQUAL_INT64(2950, result.read_back);
}

static void *write_often(void *argument)
{
    const char *const name = argument;
    for (int64_t raw = 30; raw < 40; raw++) {
        const tinybms_write_request_t request = setting(name, raw);
        tinybms_write_result_t result;
        if (uart_bms_write(s_bms, &request, 20000, &result) != ESP_OK || result.status != TINYBMS_WRITE_OK ||
            result.read_back != raw) {
            return argument;
        }
    }
    return NULL;
}

TEST_CASE("callers at the same time take turns", "[uart_bms]")
{
    static char names[3][32] = {"over_heat_cutoff", "allowed_disbalance", "charger_startup_delay"};
    pthread_t threads[3];
    begin();
    for (size_t i = 0; i < 3; i++) {
        TEST_ASSERT_EQUAL(0, pthread_create(&threads[i], NULL, write_often, names[i]));
    }
    for (size_t i = 0; i < 3; i++) {
        ROW("%s", names[i]);
        void *failed = NULL;
        TEST_ASSERT_EQUAL(0, pthread_join(threads[i], &failed));
        TEST_ASSERT_NULL(failed);
    }
    TEST_ASSERT_EQUAL_UINT16(39, atomic_load(&s_registers[319]));
    TEST_ASSERT_EQUAL_UINT16(39, atomic_load(&s_registers[308]));
    TEST_ASSERT_EQUAL_UINT16(39, atomic_load(&s_registers[310]));
}

/** The voltages of LFP cells, in an order in which they cannot be written. */
static void lfp(tinybms_write_request_t requests[4])
{
    requests[0] = setting("over_voltage_cutoff", 3650);
    requests[1] = setting("fully_charged_voltage", 3450);
    requests[2] = setting("under_voltage_cutoff", 2800);
    requests[3] = setting("fully_discharged_voltage", 2850);
}

TEST_CASE("a profile is written whole, whatever the order it is given in", "[uart_bms]")
{
    tinybms_write_request_t requests[4];
    tinybms_write_result_t result;
    size_t written = 99;
    begin();
    hold_voltages(4150, 3000, 4200, 2900);
    lfp(requests);
    TEST_ASSERT_EQUAL(ESP_OK, uart_bms_write_all(s_bms, requests, 4, 10000, &result, &written));
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_OK, result.status);
    TEST_ASSERT_EQUAL(4, written);
    TEST_ASSERT_EQUAL(4, atomic_load(&s_writes));
    TEST_ASSERT_EQUAL_UINT16(3450, atomic_load(&s_registers[300]));
    TEST_ASSERT_EQUAL_UINT16(2850, atomic_load(&s_registers[301]));
    TEST_ASSERT_EQUAL_UINT16(3650, atomic_load(&s_registers[315]));
    TEST_ASSERT_EQUAL_UINT16(2800, atomic_load(&s_registers[316]));
    for (size_t i = 0; i < 4; i++) {
        TEST_ASSERT_EQUAL_INT64(requests[i].raw, requests[i].read_back);
    }
}

TEST_CASE("a profile of which a setting has changed meanwhile writes nothing", "[uart_bms]")
{
    tinybms_write_request_t requests[4];
    tinybms_write_result_t result;
    size_t written = 99;
    begin();
    hold_voltages(4150, 3000, 4200, 2900);
    lfp(requests);
    requests[2].expects = true;
    requests[2].from = 2850;
    TEST_ASSERT_EQUAL(ESP_OK, uart_bms_write_all(s_bms, requests, 4, 10000, &result, &written));
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_CHANGED, result.status);
    TEST_ASSERT_EQUAL_UINT16(316, requests[0].entry->address);
    TEST_ASSERT_EQUAL_INT64(2900, result.read_back);
    TEST_ASSERT_EQUAL(0, written);
    TEST_ASSERT_EQUAL(0, atomic_load(&s_writes));
}

TEST_CASE("a profile that contradicts itself, or loosens unasked, writes nothing", "[uart_bms]")
{
    tinybms_write_request_t requests[4];
    tinybms_write_result_t result;
    size_t written = 99;
    begin();
    hold_voltages(4150, 3000, 4200, 2900);
    lfp(requests);
    requests[1].raw = 3700;
    TEST_ASSERT_EQUAL(ESP_OK, uart_bms_write_all(s_bms, requests, 4, 10000, &result, &written));
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_CONTRADICTS, result.status);
    TEST_ASSERT_EQUAL(0, written);
    lfp(requests);
    requests[2].confirmed = false;
    TEST_ASSERT_EQUAL(ESP_OK, uart_bms_write_all(s_bms, requests, 4, 10000, &result, &written));
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NEEDS_CONFIRMATION, result.status);
    TEST_ASSERT_EQUAL_UINT16(316, requests[0].entry->address);
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, uart_bms_write_all(s_bms, requests, 0, 10000, &result, &written));
    TEST_ASSERT_EQUAL(0, atomic_load(&s_writes));
}

TEST_CASE("a profile that is cut tells what was written and where it ended", "[uart_bms]")
{
    tinybms_write_request_t requests[4];
    tinybms_write_result_t result;
    size_t written = 99;
    begin();
    hold_voltages(4150, 3000, 4200, 2900);
    lfp(requests);
    atomic_store(&s_dies_at, 315); /* after 300 */
    TEST_ASSERT_EQUAL(ESP_OK, uart_bms_write_all(s_bms, requests, 4, 10000, &result, &written));
    atomic_store(&s_silent, false);
    TEST_ASSERT_EQUAL(TINYBMS_WRITE_NOT_ANSWERED, result.status);
    TEST_ASSERT_EQUAL(1, written);
    TEST_ASSERT_EQUAL_UINT16(300, requests[0].entry->address);
    TEST_ASSERT_EQUAL_UINT16(315, requests[1].entry->address);
    TEST_ASSERT_EQUAL_UINT16(3450, atomic_load(&s_registers[300]));
    TEST_ASSERT_EQUAL_UINT16(3000, atomic_load(&s_registers[301]));
    TEST_ASSERT_EQUAL_UINT16(2900, atomic_load(&s_registers[316]));
}

TEST_CASE("a profile for a silent BMS ends with nothing written", "[uart_bms]")
{
    tinybms_write_request_t requests[4];
    tinybms_write_result_t result;
    size_t written = 99;
    begin();
    lfp(requests);
    atomic_store(&s_silent, true);
    TEST_ASSERT_EQUAL(ESP_ERR_TIMEOUT, uart_bms_write_all(s_bms, requests, 4, 50, &result, &written));
    TEST_ASSERT_EQUAL(0, written);
    TEST_ASSERT_EQUAL(0, atomic_load(&s_writes));
    atomic_store(&s_silent, false);
}

TEST_CASE("a caller reads the least, greatest and default values of the settings", "[uart_bms]")
{
    uint16_t words[TINYBMS_SETTINGS_COUNT + 1];
    begin();
    for (unsigned option = 1; option <= 3; option++) {
        memset(words, 0, sizeof(words));
        TEST_ASSERT_EQUAL(ESP_OK,
                          uart_bms_read_options(s_bms, (tinybms_option_t)option, words, TINYBMS_SETTINGS_COUNT, 5000));
        for (unsigned i = 0; i < TINYBMS_SETTINGS_COUNT; i++) {
            ROW("option %u, register %u", option, 300 + i);
            TEST_ASSERT_EQUAL_HEX16(option_word(option, 300 + i), words[i]);
        }
        TEST_ASSERT_EQUAL_HEX16(0, words[TINYBMS_SETTINGS_COUNT]);
    }
    memset(words, 0, sizeof(words));
    TEST_ASSERT_EQUAL(ESP_OK, uart_bms_read_options(s_bms, TINYBMS_OPTION_MAX, words, 2, 5000));
    TEST_ASSERT_EQUAL_HEX16(option_word(2, 301), words[1]);
    TEST_ASSERT_EQUAL_HEX16(0, words[2]);
}

TEST_CASE("a caller learns whether the BMS refuses to tell its ranges or does not answer", "[uart_bms]")
{
    uint16_t words[TINYBMS_SETTINGS_COUNT] = {7};
    begin();
    atomic_store(&s_old_firmware, true);
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_SUPPORTED,
                      uart_bms_read_options(s_bms, TINYBMS_OPTION_MIN, words, TINYBMS_SETTINGS_COUNT, 5000));
    atomic_store(&s_deaf, true);
    TEST_ASSERT_EQUAL(ESP_ERR_TIMEOUT,
                      uart_bms_read_options(s_bms, TINYBMS_OPTION_MIN, words, TINYBMS_SETTINGS_COUNT, 50));
    TEST_ASSERT_EQUAL(ESP_ERR_TIMEOUT,
                      uart_bms_read_options(s_bms, TINYBMS_OPTION_MIN, words, TINYBMS_SETTINGS_COUNT, 20000));
    TEST_ASSERT_EQUAL_UINT16(7, words[0]);
    atomic_store(&s_old_firmware, false);
    atomic_store(&s_deaf, false);
    TEST_ASSERT_EQUAL(ESP_OK, uart_bms_read_options(s_bms, TINYBMS_OPTION_MIN, words, TINYBMS_SETTINGS_COUNT, 10000));
    TEST_ASSERT_EQUAL_HEX16(option_word(1, 300), words[0]);
}

TEST_CASE("a caller that asks for what there is not is told so at once", "[uart_bms]")
{
    uint16_t words[TINYBMS_SETTINGS_COUNT];
    begin();
    static const struct {
        int option;
        size_t count;
    } wrong[] = {{0, 1}, {5, 1}, {1, 0}, {1, TINYBMS_SETTINGS_COUNT + 1}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ROW("wrong[%zu]", i);
        TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG,
                          uart_bms_read_options(s_bms, (tinybms_option_t)wrong[i].option, words, wrong[i].count, 5000));
    }
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, uart_bms_read_options(NULL, TINYBMS_OPTION_MIN, words, 1, 5000));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, uart_bms_read_options(s_bms, TINYBMS_OPTION_MIN, NULL, 1, 5000));
}

static void *read_often(void *argument)
{
    uint16_t words[TINYBMS_SETTINGS_COUNT];
    for (unsigned round = 0; round < 6; round++) {
        const unsigned option = 1 + round % 3;
        if (uart_bms_read_options(s_bms, (tinybms_option_t)option, words, TINYBMS_SETTINGS_COUNT, 20000) != ESP_OK ||
            words[0] != option_word(option, 300) || words[43] != option_word(option, 343)) {
            return argument;
        }
    }
    return NULL;
}

TEST_CASE("ranges are read and settings written at the same time, each whole", "[uart_bms]")
{
    static char name[] = "over_heat_cutoff";
    pthread_t threads[3];
    void *(*const work[3])(void *) = {read_often, read_often, write_often};
    begin();
    for (size_t i = 0; i < 3; i++) {
        TEST_ASSERT_EQUAL(0, pthread_create(&threads[i], NULL, work[i], name));
    }
    for (size_t i = 0; i < 3; i++) {
        ROW("thread %zu", i);
        void *failed = NULL;
        TEST_ASSERT_EQUAL(0, pthread_join(threads[i], &failed));
        TEST_ASSERT_NULL(failed);
    }
}
