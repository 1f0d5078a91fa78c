/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "battery_pipeline.h"
#include "tinybms_frame.h"
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
SIZE_OF(pipeline, battery_pipeline_t);

/* Factory values, for a caller who cannot read the macro. */
extern const battery_pipeline_config_t tinybms_pure_default_config;
const battery_pipeline_config_t tinybms_pure_default_config = BATTERY_PIPELINE_DEFAULT_CONFIG();
