/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Metrics of serial line, CAN bus, memory, tasks, flash and web server. */
#include "metric.h"

#define MILLI 3

static void counter(json_stream_t *text, const char *name, const char *help, uint32_t value)
{
    metric(text, METRIC_COUNTER, name, help, value, 0);
}

static void gauge(json_stream_t *text, const char *name, const char *help, int64_t value)
{
    metric(text, METRIC_GAUGE, name, help, value, 0);
}

static void serial_line(json_stream_t *text, const event_bus_uart_status_t *uart)
{
    const tinybms_counters_t *const session = &uart->session;
    gauge(text, "tinybms_bms_answering", "1 while the BMS answers", uart->answering);
    counter(text, "tinybms_uart_requests_total", "Requests to the BMS, retries included", session->requests);
    counter(text, "tinybms_uart_answers_total", "Answers that matched a request", session->answers);
    counter(text, "tinybms_uart_retries_total", "Requests sent a second time", session->retries);
    counter(text, "tinybms_uart_timeouts_total", "Requests without an answer", session->timeouts);
    counter(text, "tinybms_uart_nacks_total", "Negative answers", session->nacks);
    counter(text, "tinybms_uart_crc_errors_total", "Frames with a wrong CRC", session->crc_errors);
    counter(text, "tinybms_uart_bytes_skipped_total", "Bytes that belonged to no frame", session->bytes_skipped);
    counter(text, "tinybms_uart_unexpected_total", "Frames that answer no request", session->unexpected);
    counter(text, "tinybms_uart_implausible_total", "Answers with impossible values", session->implausible);
    counter(text, "tinybms_uart_snapshots_total", "Snapshots of the battery", session->snapshots);
    counter(text, "tinybms_uart_events_total", "New events of the BMS", session->events);
    counter(text, "tinybms_uart_writes_total", "Writes to the BMS that were verified", session->writes);
    counter(text, "tinybms_uart_writes_failed_total", "Writes to the BMS that failed", session->writes_failed);
    counter(text, "tinybms_uart_rx_overflows_total", "Times the driver lost bytes", uart->rx_overflows);
    counter(text, "tinybms_uart_line_errors_total", "Breaks on the line", uart->line_errors);
}

static void can_bus(json_stream_t *text, const event_bus_can_status_t *can)
{
    metric_head(text, METRIC_GAUGE, "tinybms_can_state", "1 for the present state of the CAN node");
    for (event_bus_can_state_t state = EVENT_BUS_CAN_STOPPED; state <= EVENT_BUS_CAN_BUS_OFF; state++) {
        metric_sample(text, "tinybms_can_state", "state", report_can_state_name(state), can->state == state, 0);
    }
    gauge(text, "tinybms_can_tx_error_count", "Transmit error counter of the node", can->tx_error_count);
    gauge(text, "tinybms_can_rx_error_count", "Receive error counter of the node", can->rx_error_count);
    counter(text, "tinybms_can_tx_ok_total", "Frames acknowledged", can->tx_ok);
    counter(text, "tinybms_can_tx_failed_total", "Frames not acknowledged", can->tx_failed);
    counter(text, "tinybms_can_tx_refused_total", "Frames that the driver did not accept", can->tx_refused);
    counter(text, "tinybms_can_tx_stalled_total", "Times a frame was stuck in the controller", can->tx_stalled);
    counter(text, "tinybms_can_rx_frames_total", "Frames received", can->rx_frames);
    counter(text, "tinybms_can_rx_dropped_total", "Received frames that were lost", can->rx_dropped);
    counter(text, "tinybms_can_bus_errors_total", "Errors on the bus and lost arbitrations", can->bus_errors);
    counter(text, "tinybms_can_bus_off_total", "Times the node was bus-off", can->bus_off_count);
    counter(text, "tinybms_can_recoveries_total", "Recoveries from bus-off", can->recoveries);
    counter(text, "tinybms_can_enable_refused_total", "Times the driver refused to enable the node",
            can->enable_refused);
    gauge(text, "tinybms_can_refusing", "1 while the node refuses to be enabled", can->refusing);
    gauge(text, "tinybms_gx_alive", "1 while the GX sends its keepalive", can->gx_alive);
}

static void tasks(json_stream_t *text, const event_bus_system_status_t *system)
{
    static const char stack[] = "tinybms_task_stack_free_bytes";
    static const char overdue[] = "tinybms_task_overdue";
    metric_head(text, METRIC_GAUGE, stack, "Least free stack of a task since the start");
    for (uint32_t i = 0; i < system->task_count && i < EVENT_BUS_TASKS_MAX; i++) {
        metric_sample(text, stack, "task", system->tasks[i].task, system->tasks[i].stack_free_bytes, 0);
    }
    metric_head(text, METRIC_GAUGE, overdue, "1 while a task hangs");
    for (uint32_t i = 0; i < system->task_count && i < EVENT_BUS_TASKS_MAX; i++) {
        metric_sample(text, overdue, "task", system->tasks[i].task, system->tasks[i].overdue, 0);
    }
}

/** Not known until diagnostics has looked for the first time, a second after the start. */
static void memory(json_stream_t *text, const event_bus_system_status_t *system)
{
    if (system->boot_reason == NULL) {
        return;
    }
    gauge(text, "tinybms_heap_free_bytes", "Free heap", system->heap_free_bytes);
    gauge(text, "tinybms_heap_least_free_bytes", "Least free heap since the start", system->heap_least_free_bytes);
    gauge(text, "tinybms_heap_largest_block_bytes", "Largest free block of the heap", system->heap_largest_bytes);
    counter(text, "tinybms_bus_messages_dropped_total", "Messages lost by slow subscribers of the event bus",
            system->messages_dropped);
}

static void flash(json_stream_t *text, const flash_gate_status_t *status)
{
    static const char erased[] = "tinybms_flash_erased_sectors_total";
    metric_head(text, METRIC_COUNTER, erased, "Sectors of 4 kB erased in each partition");
    for (uint32_t i = 0; i < status->partitions && i < FLASH_GATE_PARTITIONS_MAX; i++) {
        metric_sample(text, erased, "partition", status->erases[i].label, status->erases[i].sectors, 0);
    }
    metric(text, METRIC_GAUGE, "tinybms_flash_longest_turn_seconds", "Longest turn at the flash since the start",
           status->longest_ms, MILLI);
    counter(text, "tinybms_flash_erased_without_turn_total", "Sectors erased out of turn: a firmware bug",
            status->without_turn);
}

static void web(json_stream_t *text, const report_web_t *status)
{
    counter(text, "tinybms_http_requests_total", "Requests answered", status->requests);
    counter(text, "tinybms_http_errors_total", "Requests answered with an error", status->errors);
    counter(text, "tinybms_http_shed_total", "Connections refused or closed: too slow, idle, or too many",
            status->shed);
    gauge(text, "tinybms_websocket_clients", "Open WebSockets", status->websockets);
    counter(text, "tinybms_websocket_messages_lost_total", "Messages that slow WebSocket clients lost",
            status->websocket_messages_lost);
}

void report_metrics_of_gateway(json_stream_t *text, const report_view_t *view)
{
    serial_line(text, &view->uart);
    can_bus(text, &view->can);
    if (view->has_system) {
        memory(text, &view->system);
    }
    tasks(text, &view->system);
    flash(text, &view->flash);
    web(text, &view->web);
    gauge(text, "tinybms_settings_unconfirmed", "1 while lost settings hold the battery down",
          view->settings_unconfirmed);
}
