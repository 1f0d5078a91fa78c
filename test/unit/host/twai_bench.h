/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A TWAI node on the bus of bus_bench.h, with a record of everything that its interrupt has told.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus_bench.h"
#include "esp_twai.h"

typedef enum {
    BENCH_TX_DONE,
    BENCH_RX_DONE,
    BENCH_STATE,
    BENCH_ERROR,
} bench_kind_t;

/** @brief One call of a callback, and what the node said of itself at that moment. */
typedef struct {
    bench_kind_t kind;
    bool success;                  /**< of TX_DONE */
    const twai_frame_t *frame;     /**< of TX_DONE */
    twai_frame_header_t received;  /**< of RX_DONE */
    uint8_t data[8];               /**< of RX_DONE: 0xEE where the driver put nothing */
    twai_error_state_t old_sta;    /**< of STATE */
    twai_error_state_t new_sta;    /**< of STATE */
    twai_error_flags_t flags;      /**< of ERROR */
    twai_node_status_t status;     /**< in the callback */
    twai_node_record_t statistics; /**< in the callback */
} bench_event_t;

/** @brief The node, enabled, without a peer and with an empty record; made at the first call. */
twai_node_handle_t bench_begin(int8_t fail_retry_cnt);

/** @brief Ends what a case has begun: the peer leaves, frames that are left go out, the node is disabled. */
void bench_end(void);

/** @brief How often something was told; bench_wait_for() waits for that, for 5 s at most. */
size_t bench_count(bench_kind_t kind);
void bench_wait_for(bench_kind_t kind, size_t count);

/** @brief The first events there were, up to 256 of them. */
const bench_event_t *bench_event(size_t index);
size_t bench_events(void);

/** @brief The event of a kind with this number, from 0 on. */
const bench_event_t *bench_event_of(bench_kind_t kind, size_t number);

/** @brief Called in on_tx_done, in the interrupt; NULL: nothing. */
void bench_on_done(void (*call)(void));

twai_frame_t bench_frame(uint32_t id, uint8_t *data, size_t length);
twai_node_status_t bench_status(void);
uint32_t bench_bus_errors(void);
