/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Publishes the bytes on the serial line, for those who want to read along. On the control path: no allocation,
 * one copy into a buffer of its own, and not even that while nobody subscribes to EVENT_BUS_UART_FRAME.
 */

#include <stddef.h>
#include <stdint.h>

#include "event_bus.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief What has come and is not published yet; the caller owns it, the members are private to uart_traffic.c. */
typedef struct {
    event_bus_handle_t bus;
    event_bus_uart_frame_t piece; /**< length 0 = nothing waits */
    int64_t heard_ms;             /**< when the last byte was read */
} uart_traffic_t;

/** @brief Starts with nothing heard. */
void uart_traffic_init(uart_traffic_t *traffic, event_bus_handle_t bus);

/** @brief A request has been sent at `now_ms`: publishes what came before it, then the request. */
void uart_traffic_sent(uart_traffic_t *traffic, const uint8_t *bytes, size_t length, int64_t now_ms);

/** @brief Bytes were read at `now_ms`: publishes them when the buffer is full; the rest waits. */
void uart_traffic_heard(uart_traffic_t *traffic, const uint8_t *bytes, size_t length, int64_t now_ms);

/** @brief Publishes what waits if nothing has come for 20 ms. */
void uart_traffic_note_quiet(uart_traffic_t *traffic, int64_t now_ms);

#ifdef __cplusplus
}
#endif
