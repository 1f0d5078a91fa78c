/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Everything that touches the TWAI driver: one frame in flight, bus-off, stalls, and a node that refuses to be enabled.
 * What to send, and when, is decided in can_turn.c and victron_schedule.
 */
#include "can_node.h"

#include <inttypes.h>
#include <string.h>

#include "esp_attr.h"
#include "esp_check.h"
#include "esp_log.h"
#include "esp_twai_onchip.h"
#include "sdkconfig.h"
#include "service_task.h"

static const char *TAG = "can_victron";

#define STALLED_AFTER_MS    250 /* a frame of 8 bytes takes 0.3 ms; after this long nobody is there at all */
#define FIRST_RECOVERY_MS   50
#define WARNING_LIMIT       96   /* ISO 11898-1 */
#define RECOVERY_TIMEOUT_MS 1000 /* 128 x 11 recessive bits take 3 ms; on a bus held dominant they never come */
#define RECOVERIES          5    /* that end in nothing, until the driver is told to look at the controller itself */
#define TRY_AGAIN_MS        250  /* a node that refuses; the driver writes a line for each try */
#define COMPLAIN_EVERY_MS   60000
#define SURELY_DONE         2 /* frames received meanwhile: a frame of ours would have gone out between them, or lost */

enum {
    TX_RESULT_NONE = 0,
    TX_RESULT_ACKNOWLEDGED = 1,
    TX_RESULT_FAILED = 2,
};

static IRAM_ATTR bool wake_task(const can_node_t *self)
{
    BaseType_t woken = pdFALSE;
    vTaskNotifyGiveFromISR(self->task, &woken);
    return woken == pdTRUE;
}

static IRAM_ATTR bool on_tx_done(twai_node_handle_t node, const twai_tx_done_event_data_t *event, void *context)
{
    can_node_t *const self = context;
    (void)node;
    atomic_store(&self->tx_result, event->is_tx_success ? TX_RESULT_ACKNOWLEDGED : TX_RESULT_FAILED);
    return wake_task(self);
}

static IRAM_ATTR bool on_rx_done(twai_node_handle_t node, const twai_rx_done_event_data_t *event, void *context)
{
    can_node_t *const self = context;
    event_bus_can_frame_t received = {.sent = false};
    twai_frame_t frame = {.buffer = received.data, .buffer_len = sizeof(received.data)};
    BaseType_t woken = pdFALSE;
    (void)event;
    atomic_fetch_add(&self->heard, 1);
    if (twai_node_receive_from_isr(node, &frame) != ESP_OK) {
        return false;
    }
    received.id = frame.header.id;
    received.extended = frame.header.ide;
    received.remote = frame.header.rtr;
    received.dlc = (uint8_t)(frame.header.dlc <= sizeof(received.data) ? frame.header.dlc : sizeof(received.data));
    if (xQueueSendFromISR(self->received, &received, &woken) != pdTRUE) {
        atomic_fetch_add(&self->rx_dropped, 1);
    }
    return wake_task(self) || woken == pdTRUE;
}

static IRAM_ATTR bool on_state_change(twai_node_handle_t node, const twai_state_change_event_data_t *event,
                                      void *context)
{
    (void)node;
    (void)event;
    return wake_task(context);
}

static void note_refusal(can_node_t *self, esp_err_t err, int64_t now_ms)
{
    if (!self->status.refusing) {
        self->status.refusing = true;
        self->refusing_since_ms = now_ms - self->refused_ms;
    }
    self->try_again_ms = now_ms + TRY_AGAIN_MS;
    if (now_ms >= self->complain_ms) {
        self->complain_ms = now_ms + COMPLAIN_EVERY_MS;
        ESP_LOGE(TAG,
                 "CAN node refuses to start (%s, for %" PRId64
                 " s); nothing is sent. If restarts do not help, switch the power off and on",
                 esp_err_to_name(err), (now_ms - self->refusing_since_ms) / 1000);
    }
}

/** It does what it has to do. */
static void note_works(can_node_t *self)
{
    self->status.refusing = false;
    self->refused_ms = 0;
}

/** The time goes on counting when something may be sent again: a BMS that comes and goes must not put a restart off. */
static void pause_refusal(can_node_t *self, int64_t now_ms)
{
    self->refused_ms = can_node_refusing_ms(self, now_ms) > 0 ? now_ms - self->refusing_since_ms : self->refused_ms;
    self->status.refusing = false;
}

/**
 * What the driver calculates when it makes a node, from the 80 MHz of the ESP32. The node is set anew rather than made
 * anew: to delete one right behind a frame would give its event group back while the timer task is still to set the
 * idle bit in it, and nothing on this path shall depend on memory after the start.
 */
static bool timing_of(int32_t bitrate, twai_timing_advanced_config_t *timing)
{
    static const twai_timing_advanced_config_t at_500k = {.brp = 8, .prop_seg = 3, .tseg_1 = 12, .tseg_2 = 4, .sjw = 2};
    static const twai_timing_advanced_config_t at_250k = {
        .brp = 16, .prop_seg = 4, .tseg_1 = 12, .tseg_2 = 3, .sjw = 1};
    *timing = bitrate == 500000 ? at_500k : at_250k;
    return bitrate == 500000 || bitrate == 250000;
}

/** The node is disabled. */
static esp_err_t set_wanted_bitrate(can_node_t *self)
{
    twai_timing_advanced_config_t timing;
    if (self->node_has == self->bitrate) {
        return ESP_OK;
    }
    ESP_RETURN_ON_FALSE(timing_of(self->bitrate, &timing), ESP_ERR_INVALID_ARG, TAG, "no such bit rate");
    const esp_err_t err = twai_node_reconfig_timing(self->node, &timing, NULL);
    self->node_has = err == ESP_OK ? self->bitrate : self->node_has;
    return err;
}

static esp_err_t set_and_enable(can_node_t *self)
{
    const esp_err_t err = set_wanted_bitrate(self);
    return err == ESP_OK ? twai_node_enable(self->node) : err;
}

/**
 * The driver takes a node for disabled while its state is "bus-off". An interrupt on the other core that overlaps with
 * twai_node_disable() writes its own state over it: the node is off, but counts as enabled, and refuses to be enabled
 * for ever. Disabled once more, without an interrupt this time, it can be enabled.
 */
static void enable(can_node_t *self, int64_t now_ms)
{
    esp_err_t err = set_and_enable(self);
    if (err != ESP_OK) {
        self->status.enable_refused++;
        (void)twai_node_disable(self->node); /* refused where it was disabled: what counts is the next line */
        err = set_and_enable(self);
    }
    self->halted = err != ESP_OK;
    if (self->halted) {
        note_refusal(self, err, now_ms);
    } else {
        note_works(self);
    }
}

esp_err_t can_node_open(can_node_t *self, TaskHandle_t task, int32_t bitrate, int64_t now_ms)
{
    const twai_onchip_node_config_t config = {
        .io_cfg = {.tx = (gpio_num_t)CONFIG_TINYBMS_CAN_VICTRON_TX_GPIO,
                   .rx = (gpio_num_t)CONFIG_TINYBMS_CAN_VICTRON_RX_GPIO,
                   .quanta_clk_out = GPIO_NUM_NC,
                   .bus_off_indicator = GPIO_NUM_NC},
        .bit_timing = {.bitrate = (uint32_t)bitrate},
        .fail_retry_cnt = 0, /* single shot: a frame that fails must not be repeated with old content */
        .tx_queue_depth = 1, /* not wanted, see can_node.h; the driver asks for one at least */
    };
    const twai_event_callbacks_t callbacks = {
        .on_tx_done = on_tx_done,
        .on_rx_done = on_rx_done,
        .on_state_change = on_state_change,
    };
    memset(self, 0, sizeof(*self));
    self->task = task;
    self->bitrate = bitrate;
    self->node_has = bitrate;
    self->received = xQueueCreate(CONFIG_TINYBMS_CAN_VICTRON_RX_QUEUE, sizeof(event_bus_can_frame_t));
    ESP_RETURN_ON_FALSE(self->received != NULL, ESP_ERR_NO_MEM, TAG, "no memory for received frames");
    ESP_RETURN_ON_ERROR(twai_new_node_onchip(&config, &self->node), TAG, "cannot create the TWAI node");
    ESP_RETURN_ON_ERROR(twai_node_register_event_callbacks(self->node, &callbacks, self), TAG,
                        "cannot register callbacks");
    enable(self, now_ms); /* one that refuses is tried on as later */
    return ESP_OK;
}

void can_node_set_bitrate(can_node_t *self, int32_t bitrate)
{
    self->bitrate = bitrate;
}

static void load_frame(can_node_t *self, const victron_frame_t *frame)
{
    memcpy(self->data, frame->data, sizeof(self->data));
    self->frame = (twai_frame_t){
        .header = {.id = frame->id, .dlc = frame->dlc},
        .buffer = self->data,
        .buffer_len = frame->dlc,
    };
}

static void frame_in_flight(const can_node_t *self, victron_frame_t *frame)
{
    *frame = (victron_frame_t){.id = (uint16_t)self->frame.header.id, .dlc = (uint8_t)self->frame.header.dlc};
    memcpy(frame->data, self->data, sizeof(frame->data));
}

bool can_node_send(can_node_t *self, const victron_frame_t *frame, int64_t now_ms)
{
    load_frame(self, frame);
    atomic_store(&self->tx_result, TX_RESULT_NONE);
    self->in_flight = true;
    self->sent_at_ms = now_ms;
    self->heard_before = atomic_load(&self->heard);
    const esp_err_t err = twai_node_transmit(self->node, &self->frame, 0);
    if (err != ESP_OK) {
        self->in_flight = false;
        self->status.tx_refused++;
        return false;
    }
    return true;
}

static void start_recovery(can_node_t *self)
{
    twai_node_record_t record = {.bus_err_num = 0};
    (void)twai_node_get_info(self->node, NULL, &record);
    const esp_err_t err = twai_node_recover(self->node); /* this sets the driver's count to 0 */
    if (err != ESP_OK) {
        ESP_LOGW(TAG, "recovery did not start: %s", esp_err_to_name(err));
        return;
    }
    self->bus_errors_before += record.bus_err_num;
}

/**
 * Starts a recovery, and starts it again when the bus did not let it finish; the task goes on meanwhile. The driver
 * leaves bus-off only by the interrupt that ends a recovery. When that was lost, as between two cores it can be, the
 * controller is on the bus and the driver does not know: then the node has to be enabled.
 */
static void look_after_bus_off(can_node_t *self, int64_t now_ms)
{
    if (!self->in_bus_off) {
        self->in_bus_off = true;
        self->status.bus_off_count++;
        self->recoveries_tried = 0;
        self->recover_at_ms = now_ms + FIRST_RECOVERY_MS;
        ESP_LOGE(TAG, "bus-off: check wiring, termination and bit rate; recovering");
        return;
    }
    if (now_ms < self->recover_at_ms) {
        return;
    }
    self->recover_at_ms = now_ms + RECOVERY_TIMEOUT_MS;
    self->recovery_overdue = self->recoveries_tried == RECOVERIES;
    if (self->recovery_overdue) {
        self->recoveries_tried = 0;
    } else {
        self->recoveries_tried++;
        start_recovery(self);
    }
}

static bool poll_bus_off(can_node_t *self, int64_t now_ms)
{
    twai_node_status_t status;
    if (self->halted || twai_node_get_info(self->node, &status, NULL) != ESP_OK) {
        return self->halted;
    }
    if (status.state == TWAI_ERROR_BUS_OFF) {
        look_after_bus_off(self, now_ms);
        return true;
    }
    if (self->in_bus_off) {
        self->in_bus_off = false;
        self->status.recoveries++;
        ESP_LOGI(TAG, "recovered from bus-off");
    }
    return false;
}

/**
 * Whether the driver holds no frame. On two cores it may still count itself busy when it has told that the last frame
 * is done; a frame that it got then would go into its queue, and could be read there while the next one is being
 * written. It says nothing about a frame in flight: the driver's idle bit is set by the timer task, which may come to
 * it when the next frame is under way already.
 */
static bool driver_idle(const can_node_t *self)
{
    return twai_node_transmit_wait_all_done(self->node, 0) == ESP_OK;
}

/** Nothing of ours is in flight; a frame that the driver holds all the same is looked after like one of ours. */
static can_node_tx_t poll_idle(can_node_t *self, int64_t now_ms)
{
    if (driver_idle(self)) {
        self->busy_since_ms = 0;
        return CAN_NODE_IDLE;
    }
    if (self->busy_since_ms == 0) {
        self->busy_since_ms = now_ms;
    } else if (now_ms - self->busy_since_ms >= STALLED_AFTER_MS) {
        self->busy_since_ms = 0;
        self->in_flight = true;
        self->sent_at_ms = now_ms;
    }
    return CAN_NODE_BUSY;
}

/**
 * Whether the driver has lost the frame in flight: it would not send it again when it is enabled, and not tell it as
 * done. That it says that it holds none is not enough, see driver_idle(); but on a bus on which others are heard a
 * frame cannot wait.
 */
static bool forgotten(const can_node_t *self)
{
    return driver_idle(self) && atomic_load(&self->heard) - self->heard_before >= SURELY_DONE;
}

/** What a frame that nobody has told as done comes to. */
static can_node_tx_t poll_untold(can_node_t *self, int64_t now_ms)
{
    if (now_ms - self->sent_at_ms < STALLED_AFTER_MS) {
        return CAN_NODE_BUSY;
    }
    if (!forgotten(self)) {
        return CAN_NODE_STALLED;
    }
    self->in_flight = false;
    self->status.tx_failed++;
    return CAN_NODE_FAILED;
}

/** False: it is not disabled. In bus-off it cannot be, and can_node_poll() takes over; anything else is a refusal. */
static bool disable(can_node_t *self, int64_t now_ms)
{
    twai_node_status_t status = {.state = TWAI_ERROR_ACTIVE};
    const esp_err_t err = twai_node_disable(self->node);
    self->halted = err == ESP_OK;
    if (self->halted) {
        return true;
    }
    (void)twai_node_get_info(self->node, &status, NULL);
    if (status.state != TWAI_ERROR_BUS_OFF) {
        note_refusal(self, err, now_ms);
    }
    return false;
}

static bool has_wanted_bitrate(const can_node_t *self)
{
    return self->node_has == self->bitrate;
}

/**
 * Takes a node with another bit rate than the wanted one off the bus. A frame in flight is not waited for: a fresh one
 * takes its place, as for one that is stuck. Without one nothing can be sent that is old, and the node goes on at once.
 */
static void follow_bitrate(can_node_t *self, int64_t now_ms)
{
    const bool wait = self->status.refusing && now_ms < self->try_again_ms;
    if (has_wanted_bitrate(self) || wait || self->halted || self->in_bus_off) {
        return;
    }
    const bool empty = !self->in_flight && driver_idle(self);
    if (!disable(self, now_ms)) {
        return;
    }
    self->sent_at_ms = now_ms - STALLED_AFTER_MS;
    if (empty) {
        enable(self, now_ms);
    }
}

can_node_tx_t can_node_poll(can_node_t *self, int64_t now_ms, victron_frame_t *frame)
{
    bool off = poll_bus_off(self, now_ms);
    follow_bitrate(self, now_ms);
    off = off || self->halted;
    frame_in_flight(self, frame);
    if (!self->halted && has_wanted_bitrate(self) && (off || !self->in_flight)) {
        note_works(self);
    }
    if (!self->in_flight) {
        if (self->halted || self->recovery_overdue) {
            return CAN_NODE_STALLED;
        }
        return off || !has_wanted_bitrate(self) ? CAN_NODE_BUSY : poll_idle(self, now_ms);
    }
    const int result = atomic_exchange(&self->tx_result, TX_RESULT_NONE);
    if (result == TX_RESULT_ACKNOWLEDGED) {
        self->in_flight = false;
        self->status.tx_ok++;
        return CAN_NODE_SENT;
    }
    if (result == TX_RESULT_FAILED || self->in_bus_off) { /* bus-off may take the frame away before it is told */
        self->in_flight = false;
        self->status.tx_failed++;
        return CAN_NODE_FAILED;
    }
    return poll_untold(self, now_ms);
}

static bool halt(can_node_t *self, int64_t now_ms)
{
    const bool halted = disable(self, now_ms);
    self->status.tx_stalled += halted ? 1U : 0U;
    return halted;
}

/** Whatever the driver still holds it sends when it is enabled, from where it stands: that is fresh by then. */
static void resume(can_node_t *self, const victron_frame_t *fresh, int64_t now_ms)
{
    load_frame(self, fresh);
    self->sent_at_ms = now_ms;
    enable(self, now_ms);
}

/** On a bus that is held the controller goes on recovering; where the driver has missed the end it looks again. */
static void end_recovery(can_node_t *self, const victron_frame_t *fresh)
{
    self->recovery_overdue = false;
    if (fresh != NULL) {
        load_frame(self, fresh);
        (void)twai_node_enable(self->node); /* refused: it has just come out of bus-off by itself */
    }
}

void can_node_restart(can_node_t *self, const victron_frame_t *fresh, int64_t now_ms)
{
    if (self->in_bus_off) {
        end_recovery(self, fresh);
        return;
    }
    const bool wait = self->status.refusing && now_ms < self->try_again_ms;
    if (!self->halted && (wait || !halt(self, now_ms))) {
        return;
    }
    if (fresh == NULL) {
        pause_refusal(self, now_ms); /* from here on it is disabled because nothing may be sent */
        return;
    }
    const bool done_meanwhile = self->in_flight && atomic_load(&self->tx_result) != TX_RESULT_NONE;
    if (!wait && !done_meanwhile) { /* can_node_poll() tells first what was done while the node was being stopped */
        resume(self, fresh, now_ms);
    }
}

int64_t can_node_refusing_ms(const can_node_t *self, int64_t now_ms)
{
    return self->status.refusing ? now_ms - self->refusing_since_ms : 0;
}

bool can_node_works(const can_node_t *self)
{
    return !self->halted && !self->in_bus_off && !self->status.refusing;
}

bool can_node_receive(can_node_t *self, event_bus_can_frame_t *frame)
{
    if (xQueueReceive(self->received, frame, 0) != pdTRUE) {
        return false;
    }
    frame->time_ms = service_now_ms();
    self->status.rx_frames++;
    return true;
}

/** The driver has no event for the end of a warning, and keeps it. */
static event_bus_can_state_t state_of(const can_node_t *self, const twai_node_status_t *status)
{
    if (self->halted) {
        return EVENT_BUS_CAN_STOPPED;
    }
    switch (status->state) {
    case TWAI_ERROR_ACTIVE:
        return EVENT_BUS_CAN_ERROR_ACTIVE;
    case TWAI_ERROR_WARNING:
        return status->tx_error_count < WARNING_LIMIT && status->rx_error_count < WARNING_LIMIT
                   ? EVENT_BUS_CAN_ERROR_ACTIVE
                   : EVENT_BUS_CAN_ERROR_WARNING;
    case TWAI_ERROR_PASSIVE:
        return EVENT_BUS_CAN_ERROR_PASSIVE;
    default:
        return EVENT_BUS_CAN_BUS_OFF;
    }
}

const event_bus_can_status_t *can_node_status(can_node_t *self)
{
    twai_node_status_t status;
    twai_node_record_t record;
    if (twai_node_get_info(self->node, &status, &record) == ESP_OK) {
        self->status.state = state_of(self, &status);
        self->status.tx_error_count = status.tx_error_count;
        self->status.rx_error_count = status.rx_error_count;
        self->status.bus_errors = self->bus_errors_before + record.bus_err_num;
    }
    self->status.rx_dropped = atomic_load(&self->rx_dropped);
    return &self->status;
}
