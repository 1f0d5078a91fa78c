/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The pure components as one shared library, and what ctypes needs to call them: struct sizes and calls by name. */
#include "battery_pipeline.h"
#include "energy_log.h"
#include "pure_library.h"
#include "tinybms_frame.h"
#include "tinybms_session.h"
#include "tinybms_write_gate.h"
#include "web_plan.h"
#include "victron_pgn.h"

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

/* Factory values, for a caller who cannot read the macro. */
extern const battery_pipeline_config_t tinybms_pure_default_config;
const battery_pipeline_config_t tinybms_pure_default_config = BATTERY_PIPELINE_DEFAULT_CONFIG();

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

/* The same, planned: what differs, its number, and why in words. */
web_verdict_t tinybms_pure_plan(const uint16_t *settings, uint8_t cells, const size_t *entries, const int64_t *raws,
                                size_t *count, size_t *order, char *why, size_t size);

web_verdict_t tinybms_pure_plan(const uint16_t *settings, uint8_t cells, const size_t *entries, const int64_t *raws,
                                size_t *count, size_t *order, char *why, size_t size)
{
    tinybms_write_request_t requests[64];
    if (*count > sizeof(requests) / sizeof(requests[0])) {
        return WEB_VERDICT_REFUSED;
    }
    for (size_t i = 0; i < *count; i++) {
        requests[i] = (tinybms_write_request_t){
            .kind = TINYBMS_WRITE_SETTING, .entry = tinybms_register_at(entries[i]), .raw = raws[i]};
    }
    const web_verdict_t verdict = web_plan(settings, cells, requests, count, why, size);
    for (size_t i = 0; i < *count; i++) {
        order[i] = (size_t)(requests[i].entry - tinybms_register_at(0));
    }
    return verdict;
}
