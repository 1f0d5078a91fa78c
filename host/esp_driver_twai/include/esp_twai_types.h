/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stddef.h>

#include "hal/twai_types.h"

typedef struct twai_node_base *twai_node_handle_t;

typedef struct {
    uint32_t bitrate;
    uint16_t sp_permill;
    uint16_t ssp_permill;
} twai_timing_basic_config_t;

typedef struct {
    twai_frame_header_t header;
    uint8_t *buffer;
    size_t buffer_len;
} twai_frame_t;

typedef struct {
    twai_error_state_t state;
    uint16_t tx_error_count;
    uint16_t rx_error_count;
    uint32_t tx_queue_remaining;
} twai_node_status_t;

typedef struct {
    uint32_t bus_err_num;
} twai_node_record_t;

typedef struct {
    bool is_tx_success;
    const twai_frame_t *done_tx_frame;
} twai_tx_done_event_data_t;

typedef struct {
    int unused; /**< empty on the chip, which is not C11 */
} twai_rx_done_event_data_t;

typedef struct {
    twai_error_state_t old_sta;
    twai_error_state_t new_sta;
} twai_state_change_event_data_t;

typedef struct {
    twai_error_flags_t err_flags;
} twai_error_event_data_t;

typedef struct {
    bool (*on_tx_done)(twai_node_handle_t handle, const twai_tx_done_event_data_t *edata, void *user_ctx);
    bool (*on_rx_done)(twai_node_handle_t handle, const twai_rx_done_event_data_t *edata, void *user_ctx);
    bool (*on_state_change)(twai_node_handle_t handle, const twai_state_change_event_data_t *edata, void *user_ctx);
    bool (*on_error)(twai_node_handle_t handle, const twai_error_event_data_t *edata, void *user_ctx);
} twai_event_callbacks_t;
