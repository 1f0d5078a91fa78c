/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Collects the bytes of the serial line into messages of the bus: a request each, and what came since. */
#include "uart_traffic.h"

#include <string.h>

#define QUIET_MS 20 /**< USB adapters deliver in lumps of 16 ms */

void uart_traffic_init(uart_traffic_t *traffic, event_bus_handle_t bus)
{
    *traffic = (uart_traffic_t){.bus = bus};
}

static void publish(uart_traffic_t *traffic)
{
    if (traffic->piece.length > 0) {
        event_bus_publish_uart_frame(traffic->bus, &traffic->piece);
        traffic->piece.length = 0;
    }
}

static void collect(uart_traffic_t *traffic, const uint8_t *bytes, size_t length, int64_t now_ms, bool sent)
{
    event_bus_uart_frame_t *const piece = &traffic->piece;
    for (size_t taken = 0; taken < length;) {
        if (piece->length == 0) {
            piece->time_ms = now_ms;
            piece->sent = sent;
        }
        const size_t room = sizeof(piece->bytes) - piece->length;
        const size_t count = length - taken < room ? length - taken : room;
        memcpy(&piece->bytes[piece->length], &bytes[taken], count);
        piece->length = (uint8_t)(piece->length + count);
        taken += count;
        if (piece->length == sizeof(piece->bytes)) {
            publish(traffic);
        }
    }
}

void uart_traffic_sent(uart_traffic_t *traffic, const uint8_t *bytes, size_t length, int64_t now_ms)
{
    publish(traffic);
    if (event_bus_has_subscriber(traffic->bus, EVENT_BUS_UART_FRAME)) {
        collect(traffic, bytes, length, now_ms, true);
        publish(traffic);
    }
}

void uart_traffic_heard(uart_traffic_t *traffic, const uint8_t *bytes, size_t length, int64_t now_ms)
{
    if (event_bus_has_subscriber(traffic->bus, EVENT_BUS_UART_FRAME)) {
        collect(traffic, bytes, length, now_ms, false);
        traffic->heard_ms = now_ms;
    }
}

void uart_traffic_note_quiet(uart_traffic_t *traffic, int64_t now_ms)
{
    if (now_ms - traffic->heard_ms >= QUIET_MS) {
        publish(traffic);
    }
}
