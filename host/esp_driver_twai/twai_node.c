/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The driver of the TWAI controller, no kinder than that of the ESP32 (esp_twai_onchip.c and twai_hal_v1.c, v5.5.5,
 * with their errata workarounds): it keeps the caller's frame pointer, and reads through it when the transmission
 * starts; what was queued goes out after a bus-off; the state is what the last interrupt made of it, which below the
 * warning limit is not always what the counters say; that all is done is told late, by the timer task. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "can_bus.h"
#include "esp_check.h"
#include "esp_timer.h"
#include "esp_twai.h"
#include "esp_twai_onchip.h"
#include "freertos/FreeRTOS.h"
#include "freertos/event_groups.h"
#include "freertos/queue.h"
#include "gpio_pins.h"
#include "host.h"
#include "twai_controller.h"

static const char *TAG = "esp_twai";

#define IDLE_BIT          1U
#define RETRY_FOR_EVER    (-1)
#define CLOCK_HZ          80000000U
#define LARGEST_PRESCALER 128U /* chips before revision 2.0 */
#define MOST_QUANTA       25U
#define LEAST_QUANTA      4U
#define MOST_SEG_1        16U
#define MOST_SEG_2        8U
#define MOST_JUMP         4U
#define HIGHEST_PRIORITY  3
#define LARGEST_DLC       15U /* of CAN FD; the driver lets it pass */

struct twai_node_base {
    twai_onchip_node_config_t config;
    twai_event_callbacks_t callbacks;
    void *user_data;
    QueueHandle_t queue; /* pointers to frames */
    EventGroupHandle_t idle;
    pthread_mutex_t lock;
    twai_error_state_t state; /* BUS_OFF also while it is not enabled, as in the driver */
    bool enabled;             /* its interrupt */
    bool recovering;
    bool busy; /* a frame belongs to the controller, also while it is disabled */
    const twai_frame_t *current;
    uint32_t bus_errors;
};

static struct twai_node_base *s_node;     /* the ESP32 has one controller */
static const can_bus_frame_t *s_received; /* in the interrupt: the frame that on_rx_done speaks of */

/** Under the lock: the controller gets the content that the caller's frame has at this moment. */
static void start_transmission(const struct twai_node_base *node)
{
    const twai_frame_t *const frame = node->current;
    const size_t dlc = frame->header.dlc != 0 ? frame->header.dlc : frame->buffer_len;
    can_bus_frame_t wire = {
        .id = frame->header.id & (frame->header.ide ? TWAI_EXT_ID_MASK : TWAI_STD_ID_MASK),
        .extended = frame->header.ide,
        .remote = frame->header.rtr,
        .dlc = (uint8_t)(dlc < TWAI_FRAME_MAX_LEN ? dlc : TWAI_FRAME_MAX_LEN),
    };
    if (!wire.remote && wire.dlc > 0) {
        if (frame->buffer == NULL) {
            (void)fprintf(stderr, "frame with a length but without data sent: the chip would crash\n");
            abort();
        }
        memcpy(wire.data, frame->buffer, wire.dlc);
    }
    twai_controller_transmit(&wire);
}

/** Under the lock. */
static bool start_next(struct twai_node_base *node)
{
    node->busy = xQueueReceiveFromISR(node->queue, &node->current, NULL) == pdTRUE;
    if (node->busy) {
        start_transmission(node);
    }
    return node->busy;
}

/** The state that an interrupt makes, as the HAL reads its bits. There is no event for falling below the warning limit,
 * and whoever leaves error-passive is active, although a counter stands at 127. False: none. */
static bool state_of(struct twai_node_base *node, const twai_interrupt_t *interrupt, twai_error_state_t *state)
{
    const twai_registers_t registers = twai_controller_registers();
    const bool passive = registers.tec >= TWAI_PASSIVE_LIMIT || registers.rec >= TWAI_PASSIVE_LIMIT;
    if (interrupt->status_changed && registers.bus_off) {
        *state = TWAI_ERROR_BUS_OFF;
        return true;
    }
    if (interrupt->passive_changed && passive) {
        *state = TWAI_ERROR_PASSIVE;
        return true;
    }
    if (interrupt->status_changed && registers.error_status) {
        *state = TWAI_ERROR_WARNING;
        return true;
    }
    const bool recovered = interrupt->status_changed && node->recovering;
    *state = TWAI_ERROR_ACTIVE;
    node->recovering = node->recovering && !recovered;
    return recovered || interrupt->passive_changed;
}

static void tell_state(struct twai_node_base *node, twai_error_state_t old, twai_error_state_t new)
{
    const twai_state_change_event_data_t event = {.old_sta = old, .new_sta = new};
    if (node->callbacks.on_state_change != NULL) {
        (void)node->callbacks.on_state_change(node, &event, node->user_data);
    }
    if (old == TWAI_ERROR_BUS_OFF && new == TWAI_ERROR_ACTIVE) {
        (void)pthread_mutex_lock(&node->lock);
        if (!start_next(node)) {
            (void)xEventGroupSetBitsFromISR(node->idle, IDLE_BIT, NULL);
        }
        (void)pthread_mutex_unlock(&node->lock);
    }
}

/** In bus-off the queue waits, and nobody is told that the node is idle. */
static void tell_done(struct twai_node_base *node, bool success)
{
    const twai_tx_done_event_data_t event = {.is_tx_success = success, .done_tx_frame = node->current};
    if (node->callbacks.on_tx_done != NULL) {
        (void)node->callbacks.on_tx_done(node, &event, node->user_data);
    }
    (void)pthread_mutex_lock(&node->lock);
    if (node->state == TWAI_ERROR_BUS_OFF) {
        node->busy = false;
    } else if (!start_next(node)) {
        (void)xEventGroupSetBitsFromISR(node->idle, IDLE_BIT, NULL);
    }
    (void)pthread_mutex_unlock(&node->lock);
}

static void tell_received(struct twai_node_base *node, const can_bus_frame_t *frame)
{
    const twai_rx_done_event_data_t event = {.unused = 0};
    if (node->callbacks.on_rx_done != NULL) {
        s_received = frame;
        (void)node->callbacks.on_rx_done(node, &event, node->user_data);
        s_received = NULL;
    }
}

static void on_interrupt(const twai_interrupt_t *interrupt)
{
    struct twai_node_base *const node = s_node;
    const twai_error_event_data_t error = {.err_flags = interrupt->errors};
    twai_error_state_t state = TWAI_ERROR_ACTIVE;
    (void)pthread_mutex_lock(&node->lock);
    const bool enabled = node->enabled;
    const twai_error_state_t old = node->state;
    const bool has_state = enabled && state_of(node, interrupt, &state);
    node->state = has_state ? state : old;
    node->bus_errors += enabled && error.err_flags.val != 0 ? 1U : 0U;
    (void)pthread_mutex_unlock(&node->lock);
    if (!enabled) {
        return;
    }
    if (error.err_flags.val != 0 && node->callbacks.on_error != NULL) {
        (void)node->callbacks.on_error(node, &error, node->user_data);
    }
    if (has_state) {
        tell_state(node, old, state);
    }
    if (interrupt->received != NULL) {
        tell_received(node, interrupt->received);
    }
    if (interrupt->released) {
        tell_done(node, interrupt->complete);
    }
}

/** Whether the chip can be set to it: the first prescaler that divides the clock into few enough quanta a bit decides,
 * and has to be even. */
static bool bitrate_possible(uint32_t bitrate)
{
    const uint32_t clocks = bitrate == 0 ? 0 : (CLOCK_HZ + bitrate / 2) / bitrate;
    for (uint32_t prescaler = 2; prescaler <= LARGEST_PRESCALER; prescaler++) {
        const uint32_t quanta = clocks / prescaler;
        if (quanta * prescaler == clocks && quanta <= MOST_QUANTA) {
            return quanta >= LEAST_QUANTA && prescaler % 2 == 0;
        }
    }
    return false;
}

/** What the driver looks at before it looks for a controller. */
static esp_err_t check_before(const twai_onchip_node_config_t *config)
{
    ESP_RETURN_ON_FALSE(config->tx_queue_depth > 0, ESP_ERR_INVALID_ARG, TAG, "tx_queue_depth at least 1");
    ESP_RETURN_ON_FALSE(config->intr_priority >= 0 && config->intr_priority <= HIGHEST_PRIORITY, ESP_ERR_INVALID_ARG,
                        TAG, "Invalid intr_priority level");
    ESP_RETURN_ON_FALSE(!config->flags.sleep_allow_pd, ESP_ERR_NOT_SUPPORTED, TAG,
                        "sleep retention is not supported on this target");
    ESP_RETURN_ON_FALSE(!config->flags.enable_listen_only && !config->flags.enable_self_test &&
                            !config->flags.enable_loopback,
                        ESP_ERR_NOT_SUPPORTED, TAG, "listen only, self test and loopback are not supported on Linux");
    return ESP_OK;
}

/** What it looks at afterwards. */
static esp_err_t check_after(const twai_onchip_node_config_t *config)
{
    const uint32_t bitrate = config->bit_timing.bitrate;
    const uint32_t data_bitrate = config->data_timing.bitrate;
    ESP_RETURN_ON_FALSE(config->timestamp_resolution_hz <= 1000000U, ESP_ERR_INVALID_ARG, TAG,
                        "Timestamp resolution is at most 1MHz");
    ESP_RETURN_ON_FALSE(data_bitrate == 0 || data_bitrate == bitrate, ESP_ERR_INVALID_ARG, TAG,
                        "FD stage bitrate is not supported");
    ESP_RETURN_ON_FALSE(bitrate_possible(bitrate), ESP_ERR_INVALID_ARG, TAG, "bitrate can't achieve!");
    ESP_RETURN_ON_FALSE(gpio_pin_drives(config->io_cfg.tx), ESP_ERR_INVALID_ARG, TAG, "Invalid tx gpio num");
    ESP_RETURN_ON_FALSE(gpio_pin_exists(config->io_cfg.rx), ESP_ERR_INVALID_ARG, TAG, "Invalid rx gpio num");
    return ESP_OK;
}

/** NULL: no memory. */
static struct twai_node_base *make_node(const twai_onchip_node_config_t *config)
{
    struct twai_node_base *const node = calloc(1, sizeof(*node));
    const QueueHandle_t queue = xQueueCreate(config->tx_queue_depth, sizeof(const twai_frame_t *));
    const EventGroupHandle_t idle = xEventGroupCreate();
    if (node == NULL || queue == NULL || idle == NULL) {
        free(node);
        free(queue);
        free(idle);
        return NULL;
    }
    *node = (struct twai_node_base){.config = *config, .queue = queue, .idle = idle, .state = TWAI_ERROR_BUS_OFF};
    (void)pthread_mutex_init(&node->lock, NULL);
    return node;
}

esp_err_t twai_new_node_onchip(const twai_onchip_node_config_t *node_config, twai_node_handle_t *node_ret)
{
    esp_err_t err = check_before(node_config);
    if (err != ESP_OK) {
        return err;
    }
    ESP_RETURN_ON_FALSE(s_node == NULL, ESP_ERR_NOT_FOUND, TAG, "Controller not available");
    err = check_after(node_config);
    if (err != ESP_OK) {
        return err;
    }
    s_node = make_node(node_config);
    ESP_RETURN_ON_FALSE(s_node != NULL, ESP_ERR_NO_MEM, TAG, "No mem");
    *node_ret = s_node;
    ESP_LOGD(TAG, "interrupt on core %d", xPortGetCoreID());
    twai_controller_open(node_config->bit_timing.bitrate, node_config->fail_retry_cnt != RETRY_FOR_EVER, on_interrupt);
    return ESP_OK;
}

/** A node in bus-off may be enabled too, which ends the bus-off at once. While it recovers it is not: it stays off. */
esp_err_t twai_node_enable(twai_node_handle_t node)
{
    ESP_RETURN_ON_FALSE(node != NULL, ESP_ERR_INVALID_ARG, TAG, "invalid argument: null handle");
    (void)pthread_mutex_lock(&node->lock);
    const bool off = node->state == TWAI_ERROR_BUS_OFF;
    if (off) {
        twai_controller_start();
        node->enabled = true;
        node->state = twai_controller_registers().bus_off ? TWAI_ERROR_BUS_OFF : TWAI_ERROR_ACTIVE;
        if (node->busy && node->state != TWAI_ERROR_BUS_OFF) {
            start_transmission(node); /* reads the caller's frame anew */
        }
    }
    (void)pthread_mutex_unlock(&node->lock);
    ESP_RETURN_ON_FALSE(off, ESP_ERR_INVALID_STATE, TAG, "node already enabled");
    return ESP_OK;
}

esp_err_t twai_node_disable(twai_node_handle_t node)
{
    ESP_RETURN_ON_FALSE(node != NULL, ESP_ERR_INVALID_ARG, TAG, "invalid argument: null handle");
    (void)pthread_mutex_lock(&node->lock);
    const bool on = node->state != TWAI_ERROR_BUS_OFF;
    if (on) {
        node->enabled = false;
        node->state = TWAI_ERROR_BUS_OFF;
        twai_controller_stop();
    }
    (void)pthread_mutex_unlock(&node->lock);
    ESP_RETURN_ON_FALSE(on, ESP_ERR_INVALID_STATE, TAG, "node already disabled");
    return ESP_OK;
}

/** A second call does not begin anew; a call for a node that is only disabled leaves it listening, and off. */
esp_err_t twai_node_recover(twai_node_handle_t node)
{
    ESP_RETURN_ON_FALSE(node != NULL, ESP_ERR_INVALID_ARG, TAG, "invalid argument: null handle");
    (void)pthread_mutex_lock(&node->lock);
    const bool off = node->state == TWAI_ERROR_BUS_OFF;
    if (off) {
        node->recovering = true;
        node->bus_errors = 0;
        twai_controller_recover();
    }
    (void)pthread_mutex_unlock(&node->lock);
    ESP_RETURN_ON_FALSE(off, ESP_ERR_INVALID_STATE, TAG, "node not in bus off");
    return ESP_OK;
}

esp_err_t twai_node_register_event_callbacks(twai_node_handle_t node, const twai_event_callbacks_t *cbs,
                                             void *user_data)
{
    ESP_RETURN_ON_FALSE(node != NULL && cbs != NULL, ESP_ERR_INVALID_ARG, TAG, "invalid argument: null");
    (void)pthread_mutex_lock(&node->lock);
    const bool off = node->state == TWAI_ERROR_BUS_OFF;
    if (off) {
        node->callbacks = *cbs;
        node->user_data = user_data;
    }
    (void)pthread_mutex_unlock(&node->lock);
    ESP_RETURN_ON_FALSE(off, ESP_ERR_INVALID_STATE, TAG, "register callback must when node stopped");
    return ESP_OK;
}

/** The driver looks at the propagation segment as little as this does: together with segment 1 it has four bits. */
static bool timing_valid(const twai_timing_advanced_config_t *timing)
{
    return timing == NULL || (timing->brp >= 2 && timing->brp <= LARGEST_PRESCALER && timing->brp % 2 == 0 &&
                              timing->sjw >= 1 && timing->sjw <= MOST_JUMP && timing->tseg_1 >= 1 &&
                              timing->tseg_1 <= MOST_SEG_1 && timing->tseg_2 >= 1 && timing->tseg_2 <= MOST_SEG_2);
}

static uint32_t bitrate_of(const twai_timing_advanced_config_t *timing)
{
    const uint32_t first = (timing->prop_seg + timing->tseg_1 - 1U) % MOST_SEG_1 + 1U;
    return CLOCK_HZ / timing->brp / (1U + first + timing->tseg_2);
}

esp_err_t twai_node_reconfig_timing(twai_node_handle_t node, const twai_timing_advanced_config_t *bit_timing,
                                    const twai_timing_advanced_config_t *data_timing)
{
    ESP_RETURN_ON_FALSE(node != NULL && (bit_timing != NULL || data_timing != NULL), ESP_ERR_INVALID_ARG, TAG,
                        "invalid argument: null");
    (void)pthread_mutex_lock(&node->lock);
    const bool off = node->state == TWAI_ERROR_BUS_OFF;
    (void)pthread_mutex_unlock(&node->lock);
    ESP_RETURN_ON_FALSE(off, ESP_ERR_INVALID_STATE, TAG, "config timing must when node stopped");
    ESP_RETURN_ON_FALSE(timing_valid(bit_timing) && timing_valid(data_timing), ESP_ERR_INVALID_ARG, TAG,
                        "invalid param");
    if (bit_timing != NULL) {
        twai_controller_set_bitrate(bitrate_of(bit_timing));
    }
    return ESP_OK;
}

esp_err_t twai_node_get_info(twai_node_handle_t node, twai_node_status_t *status_ret,
                             twai_node_record_t *statistics_ret)
{
    ESP_RETURN_ON_FALSE(node != NULL, ESP_ERR_INVALID_ARG, TAG, "invalid argument: null handle");
    (void)pthread_mutex_lock(&node->lock);
    if (status_ret != NULL) {
        const twai_registers_t registers = twai_controller_registers();
        status_ret->state = node->state;
        status_ret->tx_error_count = registers.tec;
        status_ret->rx_error_count = registers.rec;
        status_ret->tx_queue_remaining = uxQueueSpacesAvailable(node->queue);
    }
    if (statistics_ret != NULL) {
        statistics_ret->bus_err_num = node->bus_errors;
    }
    (void)pthread_mutex_unlock(&node->lock);
    return ESP_OK;
}

static esp_err_t check_frame(const twai_frame_t *frame)
{
    const bool lengths_agree =
        frame->header.dlc == 0 || frame->buffer_len == 0 || frame->header.dlc == (uint16_t)frame->buffer_len;
    ESP_RETURN_ON_FALSE(lengths_agree, ESP_ERR_INVALID_ARG, TAG, "unmatched dlc(%u) and buffer_len(%zu)",
                        (unsigned)frame->header.dlc, frame->buffer_len);
    ESP_RETURN_ON_FALSE(frame->header.dlc <= LARGEST_DLC && frame->buffer_len <= TWAI_FRAME_MAX_LEN,
                        ESP_ERR_INVALID_ARG, TAG, "illegal transfer length (buffer_len %zu)", frame->buffer_len);
    ESP_RETURN_ON_FALSE(!frame->header.brs, ESP_ERR_INVALID_ARG, TAG, "brs can't be used without config data_timing");
    return ESP_OK;
}

static TickType_t ticks_of(int timeout_ms)
{
    return timeout_ms == -1 ? portMAX_DELAY : pdMS_TO_TICKS((TickType_t)timeout_ms);
}

/** True: the controller has taken it. From here on the node does not count as idle, until the timer task says so. */
static bool take_at_once(struct twai_node_base *node, const twai_frame_t *frame, bool *off)
{
    (void)pthread_mutex_lock(&node->lock);
    *off = node->state == TWAI_ERROR_BUS_OFF;
    const bool taken = !*off && !node->busy;
    if (!*off) {
        (void)xEventGroupClearBits(node->idle, IDLE_BIT);
    }
    if (taken) {
        node->busy = true;
        node->current = frame;
        start_transmission(node);
    }
    (void)pthread_mutex_unlock(&node->lock);
    return taken;
}

/** The controller may have become free while the frame went into the queue. */
static void look_again(struct twai_node_base *node)
{
    (void)pthread_mutex_lock(&node->lock);
    if (!node->busy && node->state != TWAI_ERROR_BUS_OFF) {
        (void)start_next(node);
    }
    (void)pthread_mutex_unlock(&node->lock);
}

esp_err_t twai_node_transmit(twai_node_handle_t node, const twai_frame_t *frame, int timeout_ms)
{
    bool off = false;
    ESP_RETURN_ON_FALSE(node != NULL && frame != NULL, ESP_ERR_INVALID_ARG, TAG, "invalid argument: null");
    const esp_err_t err = check_frame(frame);
    if (err != ESP_OK) {
        return err;
    }
    if (take_at_once(node, frame, &off)) {
        return ESP_OK;
    }
    ESP_RETURN_ON_FALSE(!off, ESP_ERR_INVALID_STATE, TAG, "node is bus off");
    const bool queued = xPortInIsrContext() == pdTRUE ? xQueueSendFromISR(node->queue, &frame, NULL) == pdTRUE
                                                      : xQueueSend(node->queue, &frame, ticks_of(timeout_ms)) == pdTRUE;
    ESP_RETURN_ON_FALSE(queued, ESP_ERR_TIMEOUT, TAG, "tx queue full");
    look_again(node);
    return ESP_OK;
}

/** The bit that it waits for belongs to no frame in particular: one that was set late may speak of the last frame while
 * this one is under way. */
esp_err_t twai_node_transmit_wait_all_done(twai_node_handle_t node, int timeout_ms)
{
    ESP_RETURN_ON_FALSE(node != NULL, ESP_ERR_INVALID_ARG, TAG, "invalid argument: null handle");
    (void)pthread_mutex_lock(&node->lock);
    const bool off = node->state == TWAI_ERROR_BUS_OFF;
    const bool done = !node->busy && uxQueueMessagesWaiting(node->queue) == 0;
    (void)pthread_mutex_unlock(&node->lock);
    ESP_RETURN_ON_FALSE(!off, ESP_ERR_INVALID_STATE, TAG, "node is bus off");
    host_refuse_in_isr(__func__, done ? 0 : 1);
    if (!done && xEventGroupWaitBits(node->idle, IDLE_BIT, pdFALSE, pdFALSE, ticks_of(timeout_ms)) != IDLE_BIT) {
        return ESP_ERR_TIMEOUT;
    }
    return ESP_OK;
}

esp_err_t twai_node_receive_from_isr(twai_node_handle_t node, twai_frame_t *rx_frame)
{
    ESP_RETURN_ON_FALSE(node != NULL && rx_frame != NULL, ESP_ERR_INVALID_ARG, TAG, "invalid argument: null");
    ESP_RETURN_ON_FALSE(rx_frame->buffer_len == 0 || rx_frame->buffer != NULL, ESP_ERR_INVALID_ARG, TAG,
                        "invalid 'rx_frame->buffer' pointer or buffer_len");
    ESP_RETURN_ON_FALSE(xPortInIsrContext() == pdTRUE && s_received != NULL, ESP_ERR_INVALID_STATE, TAG,
                        "rx can only called in `rx_done` callback");
    const uint32_t resolution_hz = node->config.timestamp_resolution_hz;
    const size_t length = s_received->dlc < rx_frame->buffer_len ? s_received->dlc : rx_frame->buffer_len;
    rx_frame->header = (twai_frame_header_t){.id = s_received->id, .dlc = s_received->dlc};
    rx_frame->header.ide = s_received->extended ? 1U : 0U;
    rx_frame->header.rtr = s_received->remote ? 1U : 0U;
    if (resolution_hz > 0) {
        rx_frame->header.timestamp = (uint64_t)esp_timer_get_time() / (1000000U / resolution_hz);
    }
    if (!s_received->remote && length > 0) {
        memcpy(rx_frame->buffer, s_received->data, length);
    }
    return ESP_OK;
}
