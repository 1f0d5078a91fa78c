/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A TWAI node on the bus of peer_bus.h, with a record of everything that its interrupt has told.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "peer_bus.h"
#include "esp_twai.h"

typedef enum {
    PROBE_TX_DONE,
    PROBE_RX_DONE,
    PROBE_STATE,
    PROBE_ERROR,
} probe_kind_t;

/** @brief One call of a callback, and what the node said of itself at that moment. */
typedef struct {
    probe_kind_t kind;
    bool success;                  /**< of TX_DONE */
    const twai_frame_t *frame;     /**< of TX_DONE */
    twai_frame_header_t received;  /**< of RX_DONE */
    uint8_t data[8];               /**< of RX_DONE: 0xEE where the driver put nothing */
    twai_error_state_t old_sta;    /**< of STATE */
    twai_error_state_t new_sta;    /**< of STATE */
    twai_error_flags_t flags;      /**< of ERROR */
    twai_node_status_t status;     /**< in the callback */
    twai_node_record_t statistics; /**< in the callback */
} probe_event_t;

/** @brief The node, enabled, without a peer and with an empty record; made at the first call. */
twai_node_handle_t probe_begin(int8_t fail_retry_cnt);

/** @brief Ends what a case has begun: the peer leaves, frames that are left go out, the node is disabled. */
void probe_end(void);

/** @brief How often something was told; probe_wait_for() waits for that, for 5 s at most. */
size_t probe_count(probe_kind_t kind);
void probe_wait_for(probe_kind_t kind, size_t count);

/** @brief The first events there were, up to 256 of them. */
const probe_event_t *probe_event(size_t index);
size_t probe_events(void);

/** @brief The event of a kind with this number, from 0 on. */
const probe_event_t *probe_event_of(probe_kind_t kind, size_t number);

/** @brief Called in on_tx_done, in the interrupt; NULL: nothing. */
void probe_on_done(void (*call)(void));

twai_frame_t probe_frame(uint32_t id, uint8_t *data, size_t length);
twai_node_status_t probe_status(void);
uint32_t probe_bus_errors(void);
