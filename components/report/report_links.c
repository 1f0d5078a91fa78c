/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Serial line, CAN bus, and the gateway's own health. */
#include "report.h"
#include "report_private.h"

static void hex(json_stream_t *json, const char *key, const uint8_t *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * EVENT_BUS_UART_BYTES_MAX + 1];
    size_t at = 0;
    for (size_t i = 0; i < length && i < EVENT_BUS_UART_BYTES_MAX; i++) {
        text[at++] = digits[bytes[i] >> 4];
        text[at++] = digits[bytes[i] & 0xF];
    }
    text[at] = '\0';
    json_text(json, key, text);
}

void report_can_frame(json_stream_t *json, const event_bus_can_frame_t *frame)
{
    json_object(json, NULL);
    json_int(json, "time_ms", frame->time_ms);
    json_bool(json, "sent", frame->sent);
    json_int(json, "id", frame->id);
    json_bool(json, "extended", frame->extended);
    json_bool(json, "remote", frame->remote);
    hex(json, "data", frame->data, frame->remote ? 0 : frame->dlc);
    json_close(json);
}

void report_uart_frame(json_stream_t *json, const event_bus_uart_frame_t *frame)
{
    json_object(json, NULL);
    json_int(json, "time_ms", frame->time_ms);
    json_bool(json, "sent", frame->sent);
    hex(json, "data", frame->bytes, frame->length);
    json_close(json);
}

void report_can(json_stream_t *json, const report_view_t *view)
{
    const event_bus_can_status_t *const can = &view->can;
    json_object(json, NULL);
    json_text(json, "state", report_can_state_name(can->state));
    json_int(json, "tx_error_count", can->tx_error_count);
    json_int(json, "rx_error_count", can->rx_error_count);
    json_bool(json, "publishing", can->publishing);
    json_int(json, "tx_ok", can->tx_ok);
    json_int(json, "tx_failed", can->tx_failed);
    json_int(json, "tx_refused", can->tx_refused);
    json_int(json, "tx_stalled", can->tx_stalled);
    json_int(json, "rx_frames", can->rx_frames);
    json_int(json, "rx_dropped", can->rx_dropped);
    json_int(json, "bus_errors", can->bus_errors);
    json_int(json, "bus_off_count", can->bus_off_count);
    json_int(json, "recoveries", can->recoveries);
    json_bool(json, "refusing", can->refusing);
    json_int(json, "enable_refused", can->enable_refused);
    json_int(json, "restarts", can->restarts);
    json_bool(json, "gx_alive", can->gx_alive);
    json_int_or_null(json, "gx_last_seen_age_ms", can->gx_last_seen_ms != 0, report_age_ms(view, can->gx_last_seen_ms));
    json_close(json);
}

void report_uart(json_stream_t *json, const report_view_t *view)
{
    const event_bus_uart_status_t *const uart = &view->uart;
    const tinybms_counters_t *const session = &uart->session;
    json_object(json, NULL);
    json_bool(json, "answering", uart->answering);
    json_int_or_null(json, "last_snapshot_age_ms", uart->last_snapshot_ms != 0,
                     report_age_ms(view, uart->last_snapshot_ms));
    json_int(json, "requests", session->requests);
    json_int(json, "answers", session->answers);
    json_int(json, "retries", session->retries);
    json_int(json, "timeouts", session->timeouts);
    json_int(json, "nacks", session->nacks);
    json_int(json, "crc_errors", session->crc_errors);
    json_int(json, "bytes_skipped", session->bytes_skipped);
    json_int(json, "unexpected", session->unexpected);
    json_int(json, "implausible", session->implausible);
    json_int(json, "snapshots", session->snapshots);
    json_int(json, "events", session->events);
    json_int(json, "writes", session->writes);
    json_int(json, "writes_failed", session->writes_failed);
    json_int(json, "rx_overflows", uart->rx_overflows);
    json_int(json, "line_errors", uart->line_errors);
    json_close(json);
}

static void tasks(json_stream_t *json, const event_bus_system_status_t *system)
{
    json_array(json, "tasks");
    for (uint32_t i = 0; i < system->task_count && i < EVENT_BUS_TASKS_MAX; i++) {
        json_object(json, NULL);
        json_text(json, "name", system->tasks[i].task);
        json_int(json, "stack_free_bytes", system->tasks[i].stack_free_bytes);
        json_bool(json, "overdue", system->tasks[i].overdue);
        json_close(json);
    }
    json_close(json);
}

static void flash(json_stream_t *json, const flash_gate_status_t *status)
{
    json_object(json, "flash");
    json_int(json, "turns", status->turns);
    json_int(json, "longest_ms", status->longest_ms);
    json_int(json, "without_turn", status->without_turn);
    json_object(json, "erases");
    for (uint32_t i = 0; i < status->partitions && i < FLASH_GATE_PARTITIONS_MAX; i++) {
        json_int(json, status->erases[i].label, status->erases[i].sectors);
    }
    json_close(json);
    json_close(json);
}

static void web(json_stream_t *json, const report_web_t *status)
{
    json_object(json, "web");
    json_int(json, "requests", status->requests);
    json_int(json, "errors", status->errors);
    json_int(json, "shed", status->shed);
    json_int(json, "websockets", status->websockets);
    json_int(json, "websocket_messages_lost", status->websocket_messages_lost);
    json_close(json);
}

void report_diagnostics(json_stream_t *json, const report_view_t *view)
{
    const event_bus_system_status_t *const system = &view->system;
    json_object(json, NULL);
    json_text(json, "boot_reason", system->boot_reason == NULL ? "unknown" : system->boot_reason);
    json_bool(json, "reduced", system->reduced);
    json_int(json, "crashes", system->crashes);
    json_int(json, "uptime_ms", view->now_ms);
    json_object(json, "heap");
    json_int_or_null(json, "free_bytes", view->has_system, system->heap_free_bytes);
    json_int_or_null(json, "least_free_bytes", view->has_system, system->heap_least_free_bytes);
    json_int_or_null(json, "largest_block_bytes", view->has_system, system->heap_largest_bytes);
    json_close(json);
    json_int(json, "messages_dropped", system->messages_dropped);
    tasks(json, system);
    flash(json, &view->flash);
    web(json, &view->web);
    json_close(json);
}
