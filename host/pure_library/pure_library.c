/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The pure components as one shared library, and what ctypes needs to call them: struct sizes and calls by name. */
#include <stdio.h>

#include "battery_pipeline.h"
#include "energy_log.h"
#include "settings_keep.h"
#include "settings_pipeline.h"
#include "settings_rules.h"
#include "tinybms_frame.h"
#include "tinybms_session.h"
#include "tinybms_write_gate.h"
#include "victron_pgn.h"

/* Sizes of the structs that a caller in another language has to make room for. */
#define SIZE_OF(name, type)                                                                                            \
    extern const size_t tinybms_pure_size_of_##name;                                                                   \
    const size_t tinybms_pure_size_of_##name = sizeof(type)

SIZE_OF(parser, tinybms_parser_t);
SIZE_OF(snapshot, tinybms_snapshot_t);
SIZE_OF(state, battery_state_t);
SIZE_OF(alarm_change, battery_alarm_change_t);
SIZE_OF(identity, victron_identity_t);
SIZE_OF(frame, victron_frame_t);
SIZE_OF(energy_log, energy_log_t);
SIZE_OF(energy_totals, energy_totals_t);
SIZE_OF(pipeline, battery_pipeline_t);
SIZE_OF(pipeline_config, battery_pipeline_config_t);
SIZE_OF(session, tinybms_session_t);
SIZE_OF(event_log, tinybms_event_log_t);
SIZE_OF(settings, settings_values_t);
SIZE_OF(settings_refusal, settings_refusal_t);
SIZE_OF(settings_saved, settings_saved_t);
SIZE_OF(settings_keep, settings_keep_t);
SIZE_OF(settings_room, settings_room_t);

/* Factory values, for a caller who cannot read the macro. */
extern const battery_pipeline_config_t tinybms_pure_default_config;
const battery_pipeline_config_t tinybms_pure_default_config = BATTERY_PIPELINE_DEFAULT_CONFIG();

/* Settings by their keys, for a caller that does not know the ids. */
bool tinybms_pure_settings_set(settings_values_t *values, const char *key, int32_t number, settings_refusal_t *refusal);
void tinybms_pure_settings_pipeline(const settings_values_t *values, battery_pipeline_config_t *config);

bool tinybms_pure_settings_set(settings_values_t *values, const char *key, int32_t number, settings_refusal_t *refusal)
{
    const settings_id_t id = settings_find(key);
    const settings_value_t value = {.number = number};
    if (id == SETTINGS_COUNT || settings_is_text(id)) {
        (void)snprintf(refusal->text, sizeof(refusal->text), "no such number: %s", key);
        return false;
    }
    if (!settings_value_valid(id, &value, refusal)) {
        return false;
    }
    settings_set(values, id, &value);
    return true;
}

void tinybms_pure_settings_pipeline(const settings_values_t *values, battery_pipeline_config_t *config)
{
    *config = settings_pipeline(values);
}

/* What is saved, by keys. */
void tinybms_pure_saved_set(settings_saved_t *saved, const char *key, int32_t number);
int32_t tinybms_pure_saved_number(const settings_saved_t *saved, const char *key);
bool tinybms_pure_saved_unconfirmed(const settings_saved_t *saved);

void tinybms_pure_saved_set(settings_saved_t *saved, const char *key, int32_t number)
{
    const settings_value_t value = {.number = number};
    settings_saved_set(saved, settings_find(key), &value);
}

int32_t tinybms_pure_saved_number(const settings_saved_t *saved, const char *key)
{
    return saved->values.number[settings_find(key)];
}

bool tinybms_pure_saved_unconfirmed(const settings_saved_t *saved)
{
    return saved->unconfirmed;
}

/* Many writes at once, by the places of their entries in the table; `order` gets these places in the order of writing.
 */
tinybms_write_status_t tinybms_pure_gate_order(const uint16_t *settings, uint8_t cells, const size_t *entries,
                                               const int64_t *raws, size_t count, bool confirmed, size_t *order);

tinybms_write_status_t tinybms_pure_gate_order(const uint16_t *settings, uint8_t cells, const size_t *entries,
                                               const int64_t *raws, size_t count, bool confirmed, size_t *order)
{
    tinybms_write_request_t requests[64];
    if (count > sizeof(requests) / sizeof(requests[0])) {
        return TINYBMS_WRITE_BUSY;
    }
    for (size_t i = 0; i < count; i++) {
        requests[i] = (tinybms_write_request_t){.kind = TINYBMS_WRITE_SETTING,
                                                .confirmed = confirmed,
                                                .entry = tinybms_register_at(entries[i]),
                                                .raw = raws[i]};
    }
    const tinybms_write_result_t result = tinybms_write_gate_order(settings, cells, requests, count);
    for (size_t i = 0; i < count; i++) {
        order[i] = (size_t)(requests[i].entry - tinybms_register_at(0));
    }
    return result.status;
}
