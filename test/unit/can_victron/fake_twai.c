/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fake_twai.h"

#include <string.h>

#include "esp_twai_onchip.h"
#include "freertos/FreeRTOS.h"
#include "host.h"

struct twai_node_base {
    twai_event_callbacks_t callbacks;
    void *user_data;
    twai_error_state_t state; /* BUS_OFF also while it is disabled */
    bool interrupt;
    bool busy;
    const twai_frame_t *current;
    const twai_frame_t *queued;
    bool idle;      /* the bit */
    bool idle_soon; /* the timer task has been asked to set it */
    bool made;

    /* the controller */
    bool running;     /* not in reset mode */
    bool listen_only; /* written in reset mode only */
    bool off;
    bool recovering; /* the flag of the HAL: the next change of the state is the end of a recovery */
    bool occupied;   /* the transmit buffer */
};

fake_twai_t fake_twai;
static struct twai_node_base s_node;
static const uint32_t *s_received; /* in the interrupt: the id of the frame */

void fake_twai_reset(void)
{
    memset(&fake_twai, 0, sizeof(fake_twai));
    memset(&s_node, 0, sizeof(s_node));
}

static bool happens(int32_t *times)
{
    const bool yes = *times > 0;
    *times -= yes && *times != FAKE_FOR_EVER ? 1 : 0;
    return yes;
}

static void start(const twai_frame_t *frame)
{
    s_node.occupied = true;
    fake_twai.started++;
    if (fake_twai.on_start != NULL) {
        fake_twai.on_start(frame);
    }
}

static void next_or_idle(void)
{
    s_node.busy = s_node.queued != NULL;
    if (s_node.busy) {
        s_node.current = s_node.queued;
        s_node.queued = NULL;
        start(s_node.current);
    } else {
        s_node.idle_soon = true;
    }
}

static void tell_state(twai_error_state_t state)
{
    const twai_state_change_event_data_t event = {.old_sta = s_node.state, .new_sta = state};
    s_node.state = state;
    (void)s_node.callbacks.on_state_change(&s_node, &event, s_node.user_data);
    if (event.old_sta == TWAI_ERROR_BUS_OFF && state == TWAI_ERROR_ACTIVE) {
        next_or_idle();
    }
}

static void tell_done(bool success)
{
    const twai_tx_done_event_data_t event = {.is_tx_success = success, .done_tx_frame = s_node.current};
    (void)s_node.callbacks.on_tx_done(&s_node, &event, s_node.user_data);
    if (s_node.state == TWAI_ERROR_BUS_OFF) {
        s_node.busy = false;
    } else {
        next_or_idle();
    }
}

void fake_twai_tell_done(void)
{
    host_isr_enter();
    tell_done(true);
    host_isr_exit();
}

static void finish(bool success)
{
    s_node.occupied = false;
    fake_twai.sent += success ? 1U : 0U;
    if (fake_twai.hold_callbacks || happens(&fake_twai.lose_interrupts)) {
        return;
    }
    if (happens(&fake_twai.lose_callbacks)) {
        next_or_idle();
    } else {
        tell_done(success);
    }
}

static void end_recovery(void)
{
    s_node.off = false;
    if (s_node.interrupt && s_node.recovering && !happens(&fake_twai.lose_recoveries)) {
        s_node.recovering = false;
        tell_state(TWAI_ERROR_ACTIVE);
    }
}

void fake_twai_run(void)
{
    host_isr_enter();
    const bool moves = s_node.running && fake_twai.wires != WIRES_HELD;
    if (moves && s_node.off) {
        end_recovery();
    }
    if (moves && !s_node.listen_only && s_node.occupied) {
        finish(fake_twai.wires == WIRES_FREE);
    }
    host_isr_exit();
    if (s_node.idle_soon && !fake_twai.hold_timer_task) {
        s_node.idle_soon = false;
        s_node.idle = true;
    }
}

void fake_twai_receive(uint32_t id)
{
    const twai_rx_done_event_data_t event = {.unused = 0};
    if (!s_node.running || s_node.off || !s_node.interrupt) {
        return;
    }
    host_isr_enter();
    s_received = &id;
    (void)s_node.callbacks.on_rx_done(&s_node, &event, s_node.user_data);
    s_received = NULL;
    host_isr_exit();
}

void fake_twai_go_bus_off(void)
{
    s_node.off = true;
    s_node.running = false;
    s_node.occupied = false;
    host_isr_enter();
    tell_state(TWAI_ERROR_BUS_OFF);
    host_isr_exit();
}

esp_err_t twai_new_node_onchip(const twai_onchip_node_config_t *node_config, twai_node_handle_t *node_ret)
{
    if (node_config->tx_queue_depth != 1 || s_node.made) {
        return ESP_ERR_INVALID_ARG;
    }
    s_node = (struct twai_node_base){.made = true, .state = TWAI_ERROR_BUS_OFF, .listen_only = true};
    fake_twai.bitrate = node_config->bit_timing.bitrate;
    *node_ret = &s_node;
    return ESP_OK;
}

esp_err_t twai_node_register_event_callbacks(twai_node_handle_t node, const twai_event_callbacks_t *cbs,
                                             void *user_data)
{
    if (node->state != TWAI_ERROR_BUS_OFF) {
        return ESP_ERR_INVALID_STATE;
    }
    node->callbacks = *cbs;
    node->user_data = user_data;
    return ESP_OK;
}

/** The registers can be written in reset mode only. */
esp_err_t twai_node_reconfig_timing(twai_node_handle_t node, const twai_timing_advanced_config_t *bit_timing,
                                    const twai_timing_advanced_config_t *data_timing)
{
    if (happens(&fake_twai.refuse_timing)) {
        return ESP_FAIL;
    }
    if (node->state != TWAI_ERROR_BUS_OFF || data_timing != NULL) {
        return ESP_ERR_INVALID_STATE;
    }
    if (!node->running) {
        fake_twai.bitrate =
            80000000U / bit_timing->brp / (1U + bit_timing->prop_seg + bit_timing->tseg_1 + bit_timing->tseg_2);
    }
    return ESP_OK;
}

/** The registers of the mode and of the counters can be written in reset mode only. */
esp_err_t twai_node_enable(twai_node_handle_t node)
{
    fake_twai.enables++;
    if (happens(&fake_twai.refuse_enable)) {
        return ESP_FAIL;
    }
    if (node->state != TWAI_ERROR_BUS_OFF) {
        return ESP_ERR_INVALID_STATE;
    }
    if (!node->running) {
        node->listen_only = false;
        node->off = false;
    }
    node->running = true;
    node->state = node->off ? TWAI_ERROR_BUS_OFF : TWAI_ERROR_ACTIVE;
    if (node->busy && !node->off) {
        start(node->current);
    }
    node->interrupt = true;
    return ESP_OK;
}

static void race(struct twai_node_base *node)
{
    if (fake_twai.race == RACE_NONE || !happens(&fake_twai.races)) {
        return;
    }
    host_isr_enter();
    switch (fake_twai.race) {
    case RACE_STATE:
        tell_state(TWAI_ERROR_PASSIVE);
        break;
    case RACE_BUS_OFF:
        tell_state(TWAI_ERROR_BUS_OFF);
        break;
    case RACE_FORGETS:
        tell_state(TWAI_ERROR_ACTIVE);
        break;
    case RACE_DONE:
        if (node->busy) {
            tell_done(true);
        }
        break;
    case RACE_NONE:
    default:
        break;
    }
    host_isr_exit();
}

esp_err_t twai_node_disable(twai_node_handle_t node)
{
    fake_twai.disables++;
    if (happens(&fake_twai.refuse_disable)) {
        return ESP_FAIL;
    }
    if (node->state == TWAI_ERROR_BUS_OFF) {
        return ESP_ERR_INVALID_STATE;
    }
    node->interrupt = false;
    node->state = TWAI_ERROR_BUS_OFF;
    node->running = false;
    node->listen_only = true;
    node->occupied = false;
    race(node);
    return happens(&fake_twai.disable_unsure) ? ESP_FAIL : ESP_OK;
}

esp_err_t twai_node_recover(twai_node_handle_t node)
{
    fake_twai.recoveries++;
    if (node->state != TWAI_ERROR_BUS_OFF) {
        return ESP_ERR_INVALID_STATE;
    }
    node->recovering = true;
    node->running = true;
    return ESP_OK;
}

esp_err_t twai_node_get_info(twai_node_handle_t node, twai_node_status_t *status_ret,
                             twai_node_record_t *statistics_ret)
{
    if (status_ret != NULL) {
        *status_ret = (twai_node_status_t){.state = node->state, .tx_queue_remaining = node->queued == NULL ? 1 : 0};
    }
    if (statistics_ret != NULL) {
        statistics_ret->bus_err_num = 0;
    }
    return ESP_OK;
}

esp_err_t twai_node_transmit(twai_node_handle_t node, const twai_frame_t *frame, int timeout_ms)
{
    (void)timeout_ms;
    if (node->state == TWAI_ERROR_BUS_OFF) {
        return ESP_ERR_INVALID_STATE;
    }
    node->idle = false;
    if (!node->busy) {
        node->busy = true;
        node->current = frame;
        start(frame);
        return ESP_OK;
    }
    if (node->queued != NULL) {
        return ESP_ERR_TIMEOUT;
    }
    node->queued = frame;
    fake_twai.queued++;
    return ESP_OK;
}

esp_err_t twai_node_transmit_wait_all_done(twai_node_handle_t node, int timeout_ms)
{
    if (node->state == TWAI_ERROR_BUS_OFF) {
        return ESP_ERR_INVALID_STATE;
    }
    const bool done = !node->busy && node->queued == NULL;
    return done || node->idle || timeout_ms != 0 ? ESP_OK : ESP_ERR_TIMEOUT;
}

esp_err_t twai_node_receive_from_isr(twai_node_handle_t node, twai_frame_t *rx_frame)
{
    (void)node;
    if (s_received == NULL || xPortInIsrContext() != pdTRUE) {
        return ESP_ERR_INVALID_STATE;
    }
    rx_frame->header = (twai_frame_header_t){.id = *s_received, .dlc = TWAI_FRAME_MAX_LEN};
    memset(rx_frame->buffer, 0, rx_frame->buffer_len);
    return ESP_OK;
}
