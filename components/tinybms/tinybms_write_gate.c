/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Which settings of the BMS fit together, which changes need a confirmation, and the order of several writes. */
#include "tinybms_write_gate.h"

#include <string.h>

#include "tinybms_addresses.h"

#define COLDEST_DEGC (-20) /**< charging below is for a person to decide, whatever held before */

/** Empty before full, and neither beyond the cutoff that protects it; a charge cutoff above what may be discharged is
 * probably a slip. Those that are refused come first. */
static const tinybms_relation_t s_relations[] = {
    {.lower = TINYBMS_REG_UNDER_VOLTAGE_CUTOFF,
     .upper = TINYBMS_REG_FULLY_DISCHARGED_VOLTAGE,
     .apart = 1,
     .refused = true},
    {.lower = TINYBMS_REG_FULLY_DISCHARGED_VOLTAGE,
     .upper = TINYBMS_REG_FULLY_CHARGED_VOLTAGE,
     .apart = 1,
     .refused = true},
    {.lower = TINYBMS_REG_FULLY_CHARGED_VOLTAGE, .upper = TINYBMS_REG_OVER_VOLTAGE_CUTOFF, .apart = 0, .refused = true},
    {.lower = TINYBMS_REG_CHARGE_OVER_CURRENT_CUTOFF,
     .upper = TINYBMS_REG_PEAK_DISCHARGE_CURRENT_CUTOFF,
     .apart = 0,
     .refused = false},
    {.lower = TINYBMS_REG_CHARGE_OVER_CURRENT_CUTOFF,
     .upper = TINYBMS_REG_DISCHARGE_OVER_CURRENT_CUTOFF,
     .apart = 0,
     .refused = false},
};

const tinybms_relation_t *tinybms_relation_at(size_t index)
{
    return index < sizeof(s_relations) / sizeof(s_relations[0]) ? &s_relations[index] : NULL;
}

/** A peak cutoff that reads 0 is not set: nothing is cut off by it. */
static int32_t meaning(uint16_t address, int32_t raw)
{
    return address == TINYBMS_REG_PEAK_DISCHARGE_CURRENT_CUTOFF && raw == 0 ? INT32_MAX : raw;
}

static int32_t held(const uint16_t *settings, uint16_t address)
{
    return settings[address - TINYBMS_SETTINGS_FIRST];
}

static bool holds(const tinybms_relation_t *relation, const uint16_t *settings)
{
    return held(settings, relation->lower) + relation->apart <=
           meaning(relation->upper, held(settings, relation->upper));
}

/** Raw value of an entry; those of settings fit, checked requests too. */
static int32_t present_raw(const tinybms_register_t *entry, const uint16_t *settings)
{
    return (int32_t)tinybms_register_raw(entry, &settings[entry->address - TINYBMS_SETTINGS_FIRST]);
}

static bool loosens(const tinybms_write_request_t *request, const uint16_t *now)
{
    const tinybms_register_t *const entry = request->entry;
    const int32_t before = meaning(entry->address, present_raw(entry, now));
    const int32_t after = meaning(entry->address, (int32_t)request->raw);
    switch (entry->loosens) {
    case TINYBMS_LOOSENS_UP:
        return after > before;
    case TINYBMS_LOOSENS_DOWN:
        return after < before || (entry->address == TINYBMS_REG_LOW_TEMPERATURE_CHARGER_CUTOFF && after < COLDEST_DEGC);
    case TINYBMS_LOOSENS_ANY:
        return after != before;
    default:
        return false;
    }
}

static tinybms_write_result_t result_of(tinybms_write_status_t status)
{
    return (tinybms_write_result_t){.status = status};
}

static tinybms_write_result_t against(tinybms_write_status_t status, uint16_t address, int32_t value)
{
    return (tinybms_write_result_t){.status = status, .against = address, .read_back = value};
}

/** One write, from the settings that are to those that will be. */
static tinybms_write_result_t judge(const tinybms_write_request_t *request, const uint16_t *now, const uint16_t *then,
                                    uint8_t cells)
{
    const tinybms_register_t *const entry = request->entry;
    const uint16_t address = entry->address;
    const int32_t present = present_raw(entry, now);
    if (request->expects && present != (int32_t)request->from) {
        return against(TINYBMS_WRITE_CHANGED, address, present);
    }
    if (present == request->raw) {
        return result_of(TINYBMS_WRITE_PENDING);
    }
    if (address == TINYBMS_REG_SERIES_CELLS && request->raw != cells) {
        return against(TINYBMS_WRITE_CELL_COUNT, address, cells);
    }
    for (size_t i = 0; tinybms_relation_at(i) != NULL; i++) {
        const tinybms_relation_t *const relation = tinybms_relation_at(i);
        const bool changed = relation->lower == address || relation->upper == address;
        if (changed && (relation->refused || !request->confirmed) && !holds(relation, then)) {
            const uint16_t other = relation->lower == address ? relation->upper : relation->lower;
            return against(relation->refused ? TINYBMS_WRITE_CONTRADICTS : TINYBMS_WRITE_NEEDS_CONFIRMATION, other,
                           held(then, other));
        }
    }
    if (!request->confirmed && loosens(request, now)) {
        return against(TINYBMS_WRITE_NEEDS_CONFIRMATION, address, present);
    }
    return result_of(TINYBMS_WRITE_PENDING);
}

void tinybms_write_gate_put(uint16_t settings[TINYBMS_SETTINGS_COUNT], const tinybms_write_request_t *request)
{
    uint16_t *const words = &settings[request->entry->address - TINYBMS_SETTINGS_FIRST];
    if (tinybms_register_words(request->entry) == 2) {
        words[0] = (uint16_t)(request->raw & 0xFFFF);
        words[1] = (uint16_t)((request->raw >> 16) & 0xFFFF);
    } else {
        words[0] = tinybms_register_merge(request->entry, words[0], request->raw);
    }
}

tinybms_write_result_t tinybms_write_gate_judge(const uint16_t settings[TINYBMS_SETTINGS_COUNT], uint8_t cells,
                                                const tinybms_write_request_t *request)
{
    uint16_t then[TINYBMS_SETTINGS_COUNT];
    memcpy(then, settings, sizeof(then));
    tinybms_write_gate_put(then, request);
    return judge(request, settings, then, cells);
}

static void to_front(tinybms_write_request_t *requests, size_t index)
{
    const tinybms_write_request_t request = requests[index];
    memmove(&requests[1], &requests[0], index * sizeof(requests[0]));
    requests[0] = request;
}

/** Each for itself: a setting, in its range, and not named before. */
static tinybms_write_result_t check(const tinybms_write_request_t *requests, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (requests[i].entry == requests[index].entry) {
            return result_of(TINYBMS_WRITE_REPEATED);
        }
    }
    return requests[index].kind == TINYBMS_WRITE_SETTING ? tinybms_write_check(&requests[index])
                                                         : result_of(TINYBMS_WRITE_NOT_WRITABLE);
}

/** All of them, by the settings that they end with. On a refusal the one that it is about is in front. */
static tinybms_write_result_t judge_all(const uint16_t *settings, uint8_t cells, tinybms_write_request_t *requests,
                                        size_t count)
{
    uint16_t end[TINYBMS_SETTINGS_COUNT];
    memcpy(end, settings, sizeof(end));
    for (size_t i = 0; i < count; i++) {
        const tinybms_write_result_t result = check(requests, i);
        if (result.status != TINYBMS_WRITE_PENDING) {
            to_front(requests, i);
            return result;
        }
        tinybms_write_gate_put(end, &requests[i]);
    }
    for (size_t i = 0; i < count; i++) {
        const tinybms_write_result_t result = judge(&requests[i], settings, end, cells);
        if (result.status != TINYBMS_WRITE_PENDING) {
            to_front(requests, i);
            return result;
        }
    }
    return result_of(TINYBMS_WRITE_PENDING);
}

/** The first that may be written now, one that loosens nothing before one that does; `count`: none. */
static size_t first_allowed(const uint16_t *now, uint8_t cells, const tinybms_write_request_t *requests, size_t count)
{
    size_t found = count;
    for (size_t i = 0; i < count; i++) {
        const bool loose = loosens(&requests[i], now);
        if ((found == count || !loose) &&
            tinybms_write_gate_judge(now, cells, &requests[i]).status == TINYBMS_WRITE_PENDING) {
            if (!loose) {
                return i;
            }
            found = i;
        }
    }
    return found;
}

tinybms_write_result_t tinybms_write_gate_order(const uint16_t settings[TINYBMS_SETTINGS_COUNT], uint8_t cells,
                                                tinybms_write_request_t *requests, size_t count)
{
    uint16_t now[TINYBMS_SETTINGS_COUNT];
    const tinybms_write_result_t result = judge_all(settings, cells, requests, count);
    if (result.status != TINYBMS_WRITE_PENDING) {
        return result;
    }
    memcpy(now, settings, sizeof(now));
    for (size_t done = 0; done < count; done++) {
        const size_t next = first_allowed(now, cells, &requests[done], count - done);
        if (next == count - done) {
            to_front(requests, done);
            return result_of(TINYBMS_WRITE_NO_ORDER);
        }
        to_front(&requests[done], next);
        tinybms_write_gate_put(now, &requests[done]);
    }
    return result;
}
