/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The TWAI controller and its driver, no kinder than those of the ESP32 (esp_twai_onchip.c, v5.5.5): the driver keeps
 * the caller's frame pointer, and reads through it when the transmission starts; what was queued goes out after a
 * bus-off; a node without a peer repeats a frame for ever unless it is single-shot, and becomes error-passive, never
 * bus-off. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "can_bus.h"
#include "esp_check.h"
#include "esp_log.h"
#include "esp_twai.h"
#include "esp_twai_onchip.h"
#include "host.h"

static const char *TAG = "twai";

#define WARNING_LIMIT  96U
#define PASSIVE_LIMIT  128U
#define RECOVERY_BITS  (128 * 11)
#define FRAME_BITS     47 /* an 11-bit data frame with its intermission, before data and stuff bits */
#define BITS_PER_BYTE  10 /* 8 and the stuff bits that random data needs */
#define RETRY_FOR_EVER (-1)
#define LOOK_EVERY_US  1000

struct twai_node_base {
    twai_onchip_node_config_t config;
    twai_event_callbacks_t callbacks;
    void *user_data;
    twai_error_state_t state; /* BUS_OFF also before it is enabled, as in the driver */
    uint16_t tec;
    uint16_t rec;
    uint32_t bus_errors;
    bool busy; /* a frame belongs to the controller, also while it is disabled or in bus-off */
    const twai_frame_t *current;
    const twai_frame_t **queue;
    uint32_t queued;
    bool sending; /* `wire` is to go out */
    can_bus_frame_t wire;
    uint32_t generation; /* tells a transmission from the next */
    bool recovering;
    int64_t recovered_us;
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

static struct twai_node_base *s_node; /* the ESP32 has one controller */
static pthread_mutex_t s_isr = PTHREAD_MUTEX_INITIALIZER;
static const can_bus_frame_t *s_received; /* under s_isr: the frame that on_rx_done speaks of */

static void enter_isr(void)
{
    (void)pthread_mutex_lock(&s_isr);
    host_isr_enter();
}

static void leave_isr(void)
{
    host_isr_exit();
    (void)pthread_mutex_unlock(&s_isr);
}

/** Under the lock, which it lets go: waits for news of the node, for a millisecond at most. */
static esp_err_t wait_a_little(struct twai_node_base *node, int64_t deadline_us)
{
    const int64_t now_us = host_now_us();
    if (now_us >= deadline_us) {
        return ESP_ERR_TIMEOUT;
    }
    const int64_t step_us = now_us + LOOK_EVERY_US;
    (void)host_wait_until(&node->wake, &node->lock, step_us < deadline_us ? step_us : deadline_us);
    return ESP_OK;
}

static int64_t bits_us(const struct twai_node_base *node, int64_t bits)
{
    return bits * 1000000 / (int64_t)node->config.bit_timing.bitrate;
}

/** Under the lock: the controller's buffer takes the content that the caller's frame has at this moment. */
static void start_transmission(struct twai_node_base *node)
{
    const twai_frame_t *const frame = node->current;
    node->wire = (can_bus_frame_t){
        .id = frame->header.id & (frame->header.ide ? TWAI_EXT_ID_MASK : TWAI_STD_ID_MASK),
        .extended = frame->header.ide,
        .dlc = (uint8_t)(frame->header.dlc != 0 ? frame->header.dlc : frame->buffer_len),
    };
    if (frame->buffer != NULL) {
        memcpy(node->wire.data, frame->buffer, node->wire.dlc);
    }
    node->sending = true;
    node->generation++;
    (void)pthread_cond_broadcast(&node->wake);
}

/** Under the lock. */
static void start_next_or_rest(struct twai_node_base *node)
{
    if (node->state != TWAI_ERROR_BUS_OFF && node->queued > 0) {
        node->current = node->queue[0];
        node->queued--;
        memmove(&node->queue[0], &node->queue[1], node->queued * sizeof(node->queue[0]));
        node->busy = true;
        start_transmission(node);
    } else {
        node->busy = false;
    }
}

/** Under the lock, which it lets go during the callback. */
static void change_state(struct twai_node_base *node, twai_error_state_t state)
{
    const twai_state_change_event_data_t event = {.old_sta = node->state, .new_sta = state};
    if (event.old_sta == event.new_sta) {
        return;
    }
    node->state = state;
    (void)pthread_mutex_unlock(&node->lock);
    if (node->callbacks.on_state_change != NULL) {
        enter_isr();
        (void)node->callbacks.on_state_change(node, &event, node->user_data);
        leave_isr();
    }
    (void)pthread_mutex_lock(&node->lock);
}

static twai_error_state_t state_by_counters(const struct twai_node_base *node)
{
    const uint16_t worst = node->tec > node->rec ? node->tec : node->rec;
    if (worst >= PASSIVE_LIMIT) {
        return TWAI_ERROR_PASSIVE;
    }
    return worst >= WARNING_LIMIT ? TWAI_ERROR_WARNING : TWAI_ERROR_ACTIVE;
}

/** Under the lock, which it lets go during callbacks. */
static void finish_transmission(struct twai_node_base *node, bool success)
{
    const twai_tx_done_event_data_t event = {.is_tx_success = success, .done_tx_frame = node->current};
    node->sending = false;
    node->generation++;
    (void)pthread_mutex_unlock(&node->lock);
    if (node->callbacks.on_tx_done != NULL) {
        enter_isr();
        (void)node->callbacks.on_tx_done(node, &event, node->user_data);
        leave_isr();
    }
    (void)pthread_mutex_lock(&node->lock);
    start_next_or_rest(node);
}

/** Under the lock. An acknowledge that did not come: an error-passive node does not count it further (ISO 11898-1). */
static void note_missing_acknowledge(struct twai_node_base *node)
{
    const twai_error_event_data_t event = {.err_flags = {.ack_err = 1}};
    const uint32_t generation = node->generation;
    node->bus_errors++;
    if (node->state != TWAI_ERROR_PASSIVE) {
        node->tec = (uint16_t)(node->tec + 8U);
    }
    (void)pthread_mutex_unlock(&node->lock);
    if (node->callbacks.on_error != NULL) {
        enter_isr();
        (void)node->callbacks.on_error(node, &event, node->user_data);
        leave_isr();
    }
    (void)pthread_mutex_lock(&node->lock);
    if (node->generation == generation) {
        change_state(node, state_by_counters(node));
    }
    if (node->generation == generation && node->config.fail_retry_cnt != RETRY_FOR_EVER) {
        finish_transmission(node, false);
    }
}

/** Under the lock: one attempt to send `wire`, for as long as it takes on the wires. */
static void attempt(struct twai_node_base *node)
{
    const uint32_t generation = node->generation;
    const int64_t done_us = host_now_us() + bits_us(node, FRAME_BITS + BITS_PER_BYTE * node->wire.dlc);
    while (node->generation == generation && host_wait_until(&node->wake, &node->lock, done_us)) {
    }
    can_bus_result_t result = CAN_BUS_BUSY;
    while (node->generation == generation && (result = can_bus_transmit(&node->wire)) == CAN_BUS_BUSY) {
        (void)wait_a_little(node, INT64_MAX);
    }
    if (node->generation != generation) {
        can_bus_abandon(); /* disabled, or bus-off */
        return;
    }
    if (result == CAN_BUS_NOT_ACKNOWLEDGED) {
        note_missing_acknowledge(node);
        return;
    }
    node->tec = (uint16_t)(node->tec > 0 ? node->tec - 1U : 0U);
    change_state(node, state_by_counters(node));
    if (node->generation == generation) {
        finish_transmission(node, true);
    }
}

/** Under the lock. */
static void finish_recovery(struct twai_node_base *node)
{
    node->recovering = false;
    node->tec = 0;
    node->rec = 0;
    change_state(node, TWAI_ERROR_ACTIVE);
    start_next_or_rest(node);
}

static void *run_controller(void *argument)
{
    struct twai_node_base *const node = argument;
    (void)pthread_mutex_lock(&node->lock);
    for (;;) {
        if (node->sending) {
            attempt(node);
        } else if (!node->recovering) {
            (void)host_wait_until(&node->wake, &node->lock, INT64_MAX);
        } else if (host_now_us() >= node->recovered_us) {
            finish_recovery(node);
        } else {
            (void)host_wait_until(&node->wake, &node->lock, node->recovered_us);
        }
    }
    return NULL;
}

static void take_frame(const can_bus_frame_t *frame)
{
    struct twai_node_base *const node = s_node;
    (void)pthread_mutex_lock(&node->lock);
    const bool on_bus = node->state != TWAI_ERROR_BUS_OFF;
    (void)pthread_mutex_unlock(&node->lock);
    if (on_bus && node->callbacks.on_rx_done != NULL) {
        const twai_rx_done_event_data_t event = {.unused = 0};
        enter_isr();
        s_received = frame;
        (void)node->callbacks.on_rx_done(node, &event, node->user_data);
        s_received = NULL;
        leave_isr();
    }
}

/** The frame in flight is lost without a word; what is queued stays queued. */
static void take_bus_off(void)
{
    struct twai_node_base *const node = s_node;
    (void)pthread_mutex_lock(&node->lock);
    if (node->state != TWAI_ERROR_BUS_OFF) {
        node->sending = false;
        node->generation++;
        node->tec = PASSIVE_LIMIT;
        node->bus_errors++;
        change_state(node, TWAI_ERROR_BUS_OFF);
    }
    (void)pthread_mutex_unlock(&node->lock);
}

/** A bus with a controller of its own knows better than what is counted here. */
static void take_counters(uint16_t tec, uint16_t rec)
{
    struct twai_node_base *const node = s_node;
    (void)pthread_mutex_lock(&node->lock);
    if (node->state != TWAI_ERROR_BUS_OFF) {
        node->tec = tec;
        node->rec = rec;
        change_state(node, state_by_counters(node));
    }
    (void)pthread_mutex_unlock(&node->lock);
}

esp_err_t twai_new_node_onchip(const twai_onchip_node_config_t *node_config, twai_node_handle_t *node_ret)
{
    static const can_bus_listener_t listener = {
        .on_frame = take_frame, .on_bus_off = take_bus_off, .on_counters = take_counters};
    ESP_RETURN_ON_FALSE(node_config->tx_queue_depth > 0, ESP_ERR_INVALID_ARG, TAG, "tx_queue_depth at least 1");
    ESP_RETURN_ON_FALSE(node_config->io_cfg.tx >= 0 && node_config->io_cfg.tx < 34, ESP_ERR_INVALID_ARG, TAG,
                        "Invalid tx gpio num");
    ESP_RETURN_ON_FALSE(node_config->io_cfg.rx >= 0 && node_config->io_cfg.rx < 40, ESP_ERR_INVALID_ARG, TAG,
                        "Invalid rx gpio num");
    ESP_RETURN_ON_FALSE(node_config->bit_timing.bitrate >= 25000 && node_config->bit_timing.bitrate <= 1000000,
                        ESP_ERR_INVALID_ARG, TAG, "bitrate can't achieve!");
    ESP_RETURN_ON_FALSE(s_node == NULL, ESP_ERR_NOT_FOUND, TAG, "Controller not available");
    struct twai_node_base *const node = calloc(1, sizeof(*node));
    const twai_frame_t **const queue = calloc(node_config->tx_queue_depth, sizeof(*queue));
    if (node == NULL || queue == NULL) {
        free(node);
        free(queue);
        return ESP_ERR_NO_MEM;
    }
    node->config = *node_config;
    node->queue = queue;
    node->state = TWAI_ERROR_BUS_OFF;
    (void)pthread_mutex_init(&node->lock, NULL);
    host_cond_init(&node->wake);
    s_node = node;
    can_bus_listen(&listener);
    can_bus_start(node_config->bit_timing.bitrate);
    host_start_thread(run_controller, node);
    *node_ret = node;
    return ESP_OK;
}

esp_err_t twai_node_enable(twai_node_handle_t node)
{
    esp_err_t err = ESP_ERR_INVALID_STATE;
    (void)pthread_mutex_lock(&node->lock);
    if (node->state == TWAI_ERROR_BUS_OFF) {
        node->state = TWAI_ERROR_ACTIVE;
        node->tec = 0;
        node->rec = 0;
        node->recovering = false;
        if (node->busy) {
            start_transmission(node); /* reads the caller's frame anew */
        }
        err = ESP_OK;
    }
    (void)pthread_mutex_unlock(&node->lock);
    return err;
}

esp_err_t twai_node_disable(twai_node_handle_t node)
{
    esp_err_t err = ESP_ERR_INVALID_STATE;
    (void)pthread_mutex_lock(&node->lock);
    if (node->state != TWAI_ERROR_BUS_OFF) {
        node->state = TWAI_ERROR_BUS_OFF;
        node->sending = false;
        node->generation++;
        (void)pthread_cond_broadcast(&node->wake);
        err = ESP_OK;
    }
    (void)pthread_mutex_unlock(&node->lock);
    return err;
}

esp_err_t twai_node_recover(twai_node_handle_t node)
{
    esp_err_t err = ESP_ERR_INVALID_STATE;
    (void)pthread_mutex_lock(&node->lock);
    if (node->state == TWAI_ERROR_BUS_OFF) {
        node->recovering = true;
        node->recovered_us = host_now_us() + bits_us(node, RECOVERY_BITS);
        node->bus_errors = 0;
        (void)pthread_cond_broadcast(&node->wake);
        err = ESP_OK;
    }
    (void)pthread_mutex_unlock(&node->lock);
    return err;
}

esp_err_t twai_node_register_event_callbacks(twai_node_handle_t node, const twai_event_callbacks_t *cbs,
                                             void *user_data)
{
    esp_err_t err = ESP_ERR_INVALID_STATE;
    (void)pthread_mutex_lock(&node->lock);
    if (node->state == TWAI_ERROR_BUS_OFF) {
        node->callbacks = *cbs;
        node->user_data = user_data;
        err = ESP_OK;
    }
    (void)pthread_mutex_unlock(&node->lock);
    return err;
}

esp_err_t twai_node_get_info(twai_node_handle_t node, twai_node_status_t *status_ret,
                             twai_node_record_t *statistics_ret)
{
    (void)pthread_mutex_lock(&node->lock);
    if (status_ret != NULL) {
        status_ret->state = node->state;
        status_ret->tx_error_count = node->tec;
        status_ret->rx_error_count = node->rec;
        status_ret->tx_queue_remaining = node->config.tx_queue_depth - node->queued;
    }
    if (statistics_ret != NULL) {
        statistics_ret->bus_err_num = node->bus_errors;
    }
    (void)pthread_mutex_unlock(&node->lock);
    return ESP_OK;
}

/** Under the lock. True: taken, by the controller or by the queue. */
static bool take_for_transmission(struct twai_node_base *node, const twai_frame_t *frame)
{
    if (!node->busy) {
        node->busy = true;
        node->current = frame;
        start_transmission(node);
        return true;
    }
    if (node->queued == node->config.tx_queue_depth) {
        return false;
    }
    node->queue[node->queued++] = frame;
    return true;
}

esp_err_t twai_node_transmit(twai_node_handle_t node, const twai_frame_t *frame, int timeout_ms)
{
    const TickType_t ticks = timeout_ms < 0 ? portMAX_DELAY : pdMS_TO_TICKS((TickType_t)timeout_ms);
    const int64_t deadline_us = host_deadline_us(ticks);
    const bool lengths_agree =
        frame->header.dlc == 0 || frame->buffer_len == 0 || frame->header.dlc == (uint16_t)frame->buffer_len;
    ESP_RETURN_ON_FALSE(lengths_agree, ESP_ERR_INVALID_ARG, TAG, "unmatched dlc(%u) and buffer_len(%zu)",
                        (unsigned)frame->header.dlc, frame->buffer_len);
    ESP_RETURN_ON_FALSE(frame->header.dlc <= TWAI_FRAME_MAX_LEN && frame->buffer_len <= TWAI_FRAME_MAX_LEN,
                        ESP_ERR_INVALID_ARG, TAG, "illegal transfer length (buffer_len %zu)", frame->buffer_len);
    host_refuse_in_isr(__func__, ticks);
    (void)pthread_mutex_lock(&node->lock);
    esp_err_t err = node->state == TWAI_ERROR_BUS_OFF ? ESP_ERR_INVALID_STATE : ESP_OK;
    while (err == ESP_OK && !take_for_transmission(node, frame)) {
        err = wait_a_little(node, deadline_us);
    }
    (void)pthread_mutex_unlock(&node->lock);
    return err;
}

esp_err_t twai_node_transmit_wait_all_done(twai_node_handle_t node, int timeout_ms)
{
    const int64_t deadline_us =
        host_deadline_us(timeout_ms < 0 ? portMAX_DELAY : pdMS_TO_TICKS((TickType_t)timeout_ms));
    (void)pthread_mutex_lock(&node->lock);
    esp_err_t err = node->state == TWAI_ERROR_BUS_OFF ? ESP_ERR_INVALID_STATE : ESP_OK;
    while (err == ESP_OK && (node->busy || node->queued > 0)) {
        err = wait_a_little(node, deadline_us);
    }
    (void)pthread_mutex_unlock(&node->lock);
    return err;
}

esp_err_t twai_node_receive_from_isr(twai_node_handle_t node, twai_frame_t *rx_frame)
{
    (void)node;
    if (s_received == NULL || xPortInIsrContext() != pdTRUE) {
        return ESP_ERR_INVALID_STATE;
    }
    const size_t length = s_received->dlc < rx_frame->buffer_len ? s_received->dlc : rx_frame->buffer_len;
    rx_frame->header = (twai_frame_header_t){.id = s_received->id, .dlc = s_received->dlc};
    rx_frame->header.ide = s_received->extended ? 1U : 0U;
    rx_frame->header.rtr = s_received->remote ? 1U : 0U;
    memcpy(rx_frame->buffer, s_received->data, length);
    return ESP_OK;
}
