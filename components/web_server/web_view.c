/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Keeps the newest of everything that the bus brings; only in the server's task, so without a lock. */
#include "esp_check.h"
#include "service_task.h"
#include "web_private.h"

static const char *TAG = "web_server";

#define CAN_DEPTH          24 /**< a turn every 250 ms sees at most 14 frames */
#define UART_DEPTH         16 /**< likewise, when half of the answers are damaged and asked for again */
#define EVENT_DEPTH        16
#define OPTION_TIMEOUT_MS  1000
#define ASK_AGAIN_AFTER_MS 30000

/** Only the state wakes the relay; the rest is taken along. */
esp_err_t web_view_open(web_server_t *self, TaskHandle_t notify)
{
    web_feeds_t *const feeds = &self->feeds;
    const event_bus_handle_t bus = self->bus;
    ESP_RETURN_ON_ERROR(event_bus_subscribe(bus, EVENT_BUS_STATE, 1, TAG, notify, &feeds->state), TAG,
                        "cannot subscribe to state");
    ESP_RETURN_ON_ERROR(event_bus_subscribe(bus, EVENT_BUS_SNAPSHOT, 1, TAG, NULL, &feeds->snapshot), TAG,
                        "cannot subscribe to snapshot");
    ESP_RETURN_ON_ERROR(event_bus_subscribe(bus, EVENT_BUS_BMS_EVENT, EVENT_DEPTH, TAG, NULL, &feeds->bms_event), TAG,
                        "cannot subscribe to bms_event");
    ESP_RETURN_ON_ERROR(event_bus_subscribe(bus, EVENT_BUS_UART_STATUS, 1, TAG, NULL, &feeds->uart_status), TAG,
                        "cannot subscribe to uart_status");
    ESP_RETURN_ON_ERROR(event_bus_subscribe(bus, EVENT_BUS_CAN_STATUS, 1, TAG, NULL, &feeds->can_status), TAG,
                        "cannot subscribe to can_status");
    ESP_RETURN_ON_ERROR(event_bus_subscribe(bus, EVENT_BUS_SYSTEM_STATUS, 1, TAG, NULL, &feeds->system_status), TAG,
                        "cannot subscribe to system_status");
    ESP_RETURN_ON_ERROR(event_bus_subscribe(bus, EVENT_BUS_CAN_FRAME, CAN_DEPTH, TAG, NULL, &feeds->can_frame), TAG,
                        "cannot subscribe to can_frame");
    return event_bus_subscribe(bus, EVENT_BUS_UART_FRAME, UART_DEPTH, TAG, NULL, &feeds->uart_frame);
}

void web_view_update(web_server_t *self)
{
    report_view_t *const view = &self->view;
    const web_feeds_t *const feeds = &self->feeds;
    tinybms_event_t event;
    view->now_ms = service_now_ms();
    if (event_bus_receive_state(feeds->state, &view->state, 0)) {
        view->has_state = true;
        self->state_is_new = true;
    }
    view->has_snapshot = event_bus_receive_snapshot(feeds->snapshot, &view->snapshot, 0) || view->has_snapshot;
    while (event_bus_receive_bms_event(feeds->bms_event, &event, 0)) {
        report_note_event(view, &event);
    }
    (void)event_bus_receive_uart_status(feeds->uart_status, &view->uart, 0);
    (void)event_bus_receive_can_status(feeds->can_status, &view->can, 0);
    view->has_system = event_bus_receive_system_status(feeds->system_status, &view->system, 0) || view->has_system;
    flash_gate_status(&view->flash);
    view->web.websockets = web_clients_websockets(self);
    view->settings_unconfirmed = settings_restricted(self->settings);
}

static void ask(web_server_t *self, tinybms_option_t option, report_option_t *known)
{
    if (!known->known) {
        known->known =
            self->services.read_option(self->services.context, option, known->words, OPTION_TIMEOUT_MS) == ESP_OK;
        web_view_update(self);
        web_socket_push(self);
    }
}

void web_view_ask_options(web_server_t *self)
{
    report_view_t *const view = &self->view;
    const bool asked = self->options_asked_ms != 0 && view->now_ms - self->options_asked_ms < ASK_AGAIN_AFTER_MS;
    if (self->services.read_option == NULL || asked || !view->uart.answering) {
        return;
    }
    self->options_asked_ms = view->now_ms;
    ask(self, TINYBMS_OPTION_MIN, &view->option_min);
    ask(self, TINYBMS_OPTION_MAX, &view->option_max);
    ask(self, TINYBMS_OPTION_DEFAULT, &view->option_default);
}
