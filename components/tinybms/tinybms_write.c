/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The steps of one write: read, write, verify. Whether it may be written is decided in tinybms_write_gate.c. */
#include "tinybms_write.h"

#include <string.h>

#include "tinybms_addresses.h"
#include "tinybms_events.h"
#include "tinybms_write_gate.h"

#define VERIFY_TRIES       6 /**< the BMS measures every 100 ms; a reset takes it longer to be back */
#define VERIFY_PAUSE_MS    120
#define RESET_TRIES        12
#define RESET_PAUSE_MS     500
#define RECENT_S           30   /**< events after a clear or reset are this young at most */
#define SOC_UNITS_PER_STEP 2000 /**< 328 counts 0.002 %, 46-47 count 1e-6 % */
#define SOC_TOLERANCE      10   /**< the battery goes on charging or discharging: 0.02 % */

static tinybms_write_result_t result_of(tinybms_write_status_t status)
{
    return (tinybms_write_result_t){.status = status};
}

tinybms_write_result_t tinybms_write_check(const tinybms_write_request_t *request)
{
    const tinybms_register_t *const entry = request->entry;
    if (request->kind == TINYBMS_WRITE_OPTIONS &&
        (request->raw < TINYBMS_OPTION_MIN || request->raw > TINYBMS_OPTION_CURRENT)) {
        return result_of(TINYBMS_WRITE_OUT_OF_RANGE);
    }
    if (request->kind != TINYBMS_WRITE_SETTING) {
        return result_of(TINYBMS_WRITE_PENDING);
    }
    if (entry == NULL) {
        return result_of(TINYBMS_WRITE_UNKNOWN_REGISTER);
    }
    if (entry->access != TINYBMS_READ_WRITE) {
        return result_of(TINYBMS_WRITE_NOT_WRITABLE);
    }
    const int32_t min = entry->min <= entry->max ? entry->min : 0;
    const int32_t max = entry->min <= entry->max ? entry->max : UINT16_MAX;
    if (request->raw < min || request->raw > max) {
        return (tinybms_write_result_t){.status = TINYBMS_WRITE_OUT_OF_RANGE, .min = min, .max = max};
    }
    return result_of(TINYBMS_WRITE_PENDING);
}

void tinybms_write_begin(tinybms_write_t *write, const tinybms_write_request_t *request, tinybms_event_t last_start,
                         uint8_t cells)
{
    const bool by_settings = request->kind == TINYBMS_WRITE_SETTING || request->kind >= TINYBMS_WRITE_NOTHING;
    memset(write, 0, sizeof(*write));
    write->request = *request;
    write->last_start = last_start;
    write->cells = cells;
    write->step = by_settings ? TINYBMS_STEP_READ : TINYBMS_STEP_WRITE;
}

static tinybms_request_t read_request(uint16_t address, uint16_t count)
{
    return (tinybms_request_t){.command = TINYBMS_CMD_READ_MODBUS, .address = address, .count = count};
}

static tinybms_request_t verify_request(const tinybms_write_t *write)
{
    const tinybms_register_t *const entry = write->request.entry;
    switch (write->request.kind) {
    case TINYBMS_WRITE_CLEAR_STATISTICS:
        return read_request(TINYBMS_REG_UNDER_VOLTAGE_COUNT, TINYBMS_PROTECTION_COUNTS);
    case TINYBMS_WRITE_CLEAR_EVENTS:
    case TINYBMS_WRITE_RESET_BMS:
        return (tinybms_request_t){.command = TINYBMS_CMD_ALL_EVENTS};
    case TINYBMS_WRITE_SETTING:
    default:
        break;
    }
    if (entry->address == TINYBMS_REG_STATE_OF_HEALTH_SET) {
        return read_request(TINYBMS_REG_STATE_OF_HEALTH, 1);
    }
    if (entry->address == TINYBMS_REG_STATE_OF_CHARGE_SET) {
        return read_request(TINYBMS_REG_STATE_OF_CHARGE, 2);
    }
    return read_request(entry->address, tinybms_register_words(entry));
}

static tinybms_request_t write_request(const tinybms_write_t *write)
{
    switch (write->request.kind) {
    case TINYBMS_WRITE_CLEAR_EVENTS:
        return (tinybms_request_t){.command = TINYBMS_CMD_RESET, .option = TINYBMS_RESET_CLEAR_EVENTS};
    case TINYBMS_WRITE_CLEAR_STATISTICS:
        return (tinybms_request_t){.command = TINYBMS_CMD_RESET, .option = TINYBMS_RESET_CLEAR_STATISTICS};
    case TINYBMS_WRITE_RESET_BMS:
        return (tinybms_request_t){.command = TINYBMS_CMD_RESET, .option = TINYBMS_RESET_BMS};
    case TINYBMS_WRITE_SETTING:
    default:
        return (tinybms_request_t){.command = TINYBMS_CMD_WRITE_MODBUS,
                                   .address = write->request.entry->address,
                                   .count = tinybms_register_words(write->request.entry),
                                   .values = write->words};
    }
}

void tinybms_write_request(const tinybms_write_t *write, tinybms_request_t *request, int16_t *payload_length)
{
    switch (write->step) {
    case TINYBMS_STEP_READ:
        *request = read_request(TINYBMS_SETTINGS_FIRST, TINYBMS_SETTINGS_COUNT);
        if (write->request.kind == TINYBMS_WRITE_OPTIONS) {
            request->command = TINYBMS_CMD_SETTINGS;
            request->option = (uint8_t)write->request.raw;
        }
        break;
    case TINYBMS_STEP_WRITE:
        *request = write_request(write);
        break;
    case TINYBMS_STEP_VERIFY:
    default:
        *request = verify_request(write);
        break;
    }
    const bool reads = request->command == TINYBMS_CMD_READ_MODBUS || request->command == TINYBMS_CMD_SETTINGS;
    *payload_length = reads ? (int16_t)(2 * request->count) : -1;
}

/** The address and count that the BMS says it has written. */
static bool confirms_write(const tinybms_write_t *write, const tinybms_answer_t *answer)
{
    const tinybms_request_t sent = write_request(write);
    if (sent.command == TINYBMS_CMD_RESET) {
        return answer->command == TINYBMS_CMD_ACK;
    }
    const uint8_t expected[4] = {(uint8_t)(sent.address >> 8), (uint8_t)(sent.address & 0xFF), 0, (uint8_t)sent.count};
    return answer->command == TINYBMS_CMD_WRITE_MODBUS && answer->payload_length == sizeof(expected) &&
           memcmp(answer->payload, expected, sizeof(expected)) == 0;
}

static bool events_show_it(const tinybms_write_t *write, const tinybms_answer_t *answer)
{
    tinybms_event_t events[TINYBMS_EVENTS_MAX];
    uint32_t bms_time_s = 0;
    size_t count = 0;
    if (!tinybms_answer_events(answer, &bms_time_s, events, TINYBMS_EVENTS_MAX, &count)) {
        return false;
    }
    bool all_recent = true;
    bool started = false;
    for (size_t i = 0; i < count; i++) {
        const bool recent = tinybms_event_age_s(&events[i], bms_time_s) <= RECENT_S;
        all_recent = all_recent && recent;
        const bool known = write->last_start.id != 0 && events[i].time_s == write->last_start.time_s;
        started = started || (recent && events[i].id == TINYBMS_EVENT_SYSTEM_STARTED && !known);
    }
    return write->request.kind == TINYBMS_WRITE_RESET_BMS ? started : all_recent;
}

static bool setting_shows_it(const tinybms_write_t *write, const uint16_t *words, int64_t *read_back)
{
    const tinybms_register_t *const entry = write->request.entry;
    if (entry->address == TINYBMS_REG_STATE_OF_CHARGE_SET) {
        const uint32_t soc = words[0] | ((uint32_t)words[1] << 16);
        *read_back = soc / SOC_UNITS_PER_STEP;
        const int64_t difference = *read_back - write->request.raw;
        return difference >= -SOC_TOLERANCE && difference <= SOC_TOLERANCE;
    }
    *read_back = entry->address == TINYBMS_REG_STATE_OF_HEALTH_SET ? words[0] : tinybms_register_raw(entry, words);
    return *read_back == write->request.raw;
}

static bool verified(const tinybms_write_t *write, const tinybms_answer_t *answer, int64_t *read_back)
{
    uint16_t words[TINYBMS_PROTECTION_COUNTS] = {0};
    switch (write->request.kind) {
    case TINYBMS_WRITE_CLEAR_EVENTS:
    case TINYBMS_WRITE_RESET_BMS:
        return events_show_it(write, answer);
    case TINYBMS_WRITE_CLEAR_STATISTICS:
        return tinybms_answer_registers(answer, words, TINYBMS_PROTECTION_COUNTS) == TINYBMS_PROTECTION_COUNTS &&
               (words[0] | words[1] | words[2] | words[3] | words[4]) == 0;
    case TINYBMS_WRITE_SETTING:
    default:
        return tinybms_answer_registers(answer, words, TINYBMS_PROTECTION_COUNTS) > 0 &&
               setting_shows_it(write, words, read_back);
    }
}

/** The settings that the BMS has now: whether the write may follow, and the words of it. */
static tinybms_write_result_t answer_to_read(tinybms_write_t *write, const tinybms_answer_t *answer)
{
    uint16_t settings[TINYBMS_SETTINGS_COUNT];
    if (tinybms_answer_registers(answer, settings, TINYBMS_SETTINGS_COUNT) != TINYBMS_SETTINGS_COUNT) {
        return result_of(TINYBMS_WRITE_NOT_ANSWERED);
    }
    if (write->request.kind == TINYBMS_WRITE_OPTIONS) {
        memcpy(write->request.words, settings, sizeof(settings));
    }
    if (write->request.kind != TINYBMS_WRITE_SETTING) {
        return result_of(TINYBMS_WRITE_OK);
    }
    const tinybms_write_result_t result = tinybms_write_gate_judge(settings, write->cells, &write->request);
    if (result.status == TINYBMS_WRITE_PENDING) {
        const tinybms_register_t *const entry = write->request.entry;
        tinybms_write_gate_put(settings, &write->request);
        memcpy(write->words, &settings[entry->address - TINYBMS_SETTINGS_FIRST],
               tinybms_register_words(entry) * sizeof(settings[0]));
        write->step = TINYBMS_STEP_WRITE;
    }
    return result;
}

static tinybms_write_result_t answer_to_verify(tinybms_write_t *write, const tinybms_answer_t *answer,
                                               int32_t *again_after_ms)
{
    const bool reset = write->request.kind == TINYBMS_WRITE_RESET_BMS;
    tinybms_write_result_t result = result_of(TINYBMS_WRITE_OK);
    if (verified(write, answer, &result.read_back)) {
        return result;
    }
    write->verify_tries++;
    if (write->verify_tries >= (reset ? RESET_TRIES : VERIFY_TRIES)) {
        result.status = TINYBMS_WRITE_NOT_VERIFIED;
        return result;
    }
    *again_after_ms = reset ? RESET_PAUSE_MS : VERIFY_PAUSE_MS;
    return result_of(TINYBMS_WRITE_PENDING);
}

tinybms_write_result_t tinybms_write_answer(tinybms_write_t *write, const tinybms_answer_t *answer,
                                            int32_t *again_after_ms)
{
    *again_after_ms = 0;
    if (answer->command == TINYBMS_CMD_NACK) {
        return result_of(TINYBMS_WRITE_REFUSED_BY_BMS);
    }
    switch (write->step) {
    case TINYBMS_STEP_READ:
        return answer_to_read(write, answer);
    case TINYBMS_STEP_WRITE:
        if (!confirms_write(write, answer)) {
            return result_of(TINYBMS_WRITE_NOT_VERIFIED);
        }
        write->step = TINYBMS_STEP_VERIFY;
        *again_after_ms = write->request.kind == TINYBMS_WRITE_RESET_BMS ? RESET_PAUSE_MS : 0;
        return result_of(TINYBMS_WRITE_PENDING);
    case TINYBMS_STEP_VERIFY:
    default:
        return answer_to_verify(write, answer, again_after_ms);
    }
}

const char *tinybms_write_status_text(tinybms_write_status_t status)
{
    static const char *const texts[] = {
        [TINYBMS_WRITE_PENDING] = "in progress",
        [TINYBMS_WRITE_OK] = "written and verified",
        [TINYBMS_WRITE_UNKNOWN_REGISTER] = "unknown register",
        [TINYBMS_WRITE_NOT_WRITABLE] = "register cannot be written",
        [TINYBMS_WRITE_OUT_OF_RANGE] = "value out of range",
        [TINYBMS_WRITE_CONTRADICTS] = "contradicts another setting",
        [TINYBMS_WRITE_CELL_COUNT] = "differs from the measured number of cells",
        [TINYBMS_WRITE_NEEDS_CONFIRMATION] = "loosens a protection: must be confirmed",
        [TINYBMS_WRITE_REPEATED] = "named twice",
        [TINYBMS_WRITE_NO_ORDER] = "no order of these writes avoids a contradiction",
        [TINYBMS_WRITE_BUSY] = "another write is in progress",
        [TINYBMS_WRITE_NOT_ANSWERED] = "the BMS did not answer",
        [TINYBMS_WRITE_REFUSED_BY_BMS] = "refused by the BMS",
        [TINYBMS_WRITE_NOT_VERIFIED] = "a different value was read back",
        [TINYBMS_WRITE_CHANGED] = "has changed meanwhile",
    };
    return (size_t)status < sizeof(texts) / sizeof(texts[0]) ? texts[status] : "unknown";
}
