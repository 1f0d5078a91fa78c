/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Writes what is known about battery and gateway as JSON and as Prometheus metrics. No RTOS, no clock, no heap.
 *
 * docs/openapi.yaml describes every document. Whoever shows them (web server, MQTT) keeps a report_view_t.
 *
 * @code{.c}
 * static report_view_t view; // zeroed: nothing is known yet
 * char buffer[512];
 * json_stream_t json;
 * json_stream_init(&json, buffer, sizeof(buffer), NULL, NULL);
 * report_energy(&json, &view);
 * const bool whole = json_stream_end(&json);
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "battery_state.h"
#include "event_bus_messages.h"
#include "flash_gate.h"
#include "json_stream.h"
#include "tinybms_snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Most events of the BMS that are kept: as many as it keeps itself. */
#define REPORT_EVENTS_MAX 49

/** @brief One event of the BMS, and when the gateway learnt of it. */
typedef struct {
    int64_t seen_ms;
    tinybms_event_t event;
} report_event_t;

/** @brief The newest events, in a ring. */
typedef struct {
    report_event_t at[REPORT_EVENTS_MAX];
    uint32_t count; /**< since the start; the newest is at (count - 1) % REPORT_EVENTS_MAX */
} report_events_t;

/** @brief What the BMS itself allows for its settings (command 0x1D), registers 300..343. */
typedef struct {
    bool known;
    uint16_t words[TINYBMS_SETTINGS_COUNT];
} report_option_t;

/** @brief How the web server is used, since the start. */
typedef struct {
    uint32_t requests; /**< answered, errors included */
    uint32_t errors;   /**< answered with 400 and above */
    uint32_t shed;     /**< connections closed or refused: too slow, idle while others wait, too many */
    uint32_t websockets;
    uint32_t websocket_messages_lost;
} report_web_t;

/** @brief Everything that is shown. */
typedef struct {
    int64_t now_ms;
    const char *version; /**< of the firmware */
    const char *device;  /**< name of the gateway */
    bool has_state;
    battery_state_t state;
    bool has_snapshot;
    tinybms_snapshot_t snapshot;
    report_events_t events;
    report_option_t option_min;
    report_option_t option_max;
    report_option_t option_default;
    event_bus_uart_status_t uart;
    event_bus_can_status_t can;
    bool has_system;
    event_bus_system_status_t system;
    flash_gate_status_t flash;
    report_web_t web;
    bool settings_unconfirmed; /**< lost settings hold the battery down until a person confirms them */
} report_view_t;

/** @brief Notes an event of the BMS; the oldest gives way. */
void report_note_event(report_view_t *view, const tinybms_event_t *event);

/* JSON documents, each one object. They hold at any moment, also when nothing is known yet. */
void report_status(json_stream_t *json, const report_view_t *view);
void report_limits(json_stream_t *json, const report_view_t *view);
void report_cells(json_stream_t *json, const report_view_t *view);
void report_alarms(json_stream_t *json, const report_view_t *view);
void report_energy(json_stream_t *json, const report_view_t *view);
void report_statistics(json_stream_t *json, const report_view_t *view);
void report_events(json_stream_t *json, const report_view_t *view);
void report_registers(json_stream_t *json, const report_view_t *view);
void report_can(json_stream_t *json, const report_view_t *view);
void report_uart(json_stream_t *json, const report_view_t *view);
void report_diagnostics(json_stream_t *json, const report_view_t *view);

/** @brief Most bytes of report_state(): a whole state fits into one message of a WebSocket. */
#define REPORT_STATE_MAX 2560

/** @brief The battery's state as one object, as an element or under `key`. */
void report_state(json_stream_t *json, const char *key, const report_view_t *view);

/** @brief Frames of the CAN bus and of the serial line, as elements of an array. */
void report_can_frame(json_stream_t *json, const event_bus_can_frame_t *frame);
void report_uart_frame(json_stream_t *json, const event_bus_uart_frame_t *frame);

/** @brief All metrics, in Prometheus's text format 0.0.4. A value that is not known is absent. */
void report_metrics(json_stream_t *text, const report_view_t *view);

/** @brief Name of a reason in JSON and metrics ("bms_setting"); "unknown" outside the enumeration. */
const char *report_reason_name(battery_limit_reason_t reason);

/** @brief Name of an alarm field in JSON and metrics ("high_voltage"); "unknown" outside the enumeration. */
const char *report_alarm_name(battery_alarm_id_t id);

/** @brief Name of a state of the CAN node ("error_active"); "unknown" outside the enumeration. */
const char *report_can_state_name(event_bus_can_state_t state);

/** @brief Name of a battery status ("online"); "unknown" outside the enumeration. */
const char *report_status_name(battery_status_t status);

#ifdef __cplusplus
}
#endif
