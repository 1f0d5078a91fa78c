/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "twai_probe.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "esp_twai_onchip.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "freertos/timers.h"
#include "unity.h"

#define MOST_EVENTS 256
#define MOST_ERRORS 64 /* of a frame that is repeated for ever: the others are only counted */

static twai_node_handle_t s_node;
static probe_event_t s_events[MOST_EVENTS];
static size_t s_count;
static size_t s_kinds[PROBE_ERROR + 1];
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static SemaphoreHandle_t s_news;
static _Atomic(void (*)(void)) s_on_done;
static const twai_frame_t *s_last_done;

static bool record(twai_node_handle_t node, probe_event_t event)
{
    (void)twai_node_get_info(node, &event.status, &event.statistics);
    (void)pthread_mutex_lock(&s_lock);
    if (s_count < MOST_EVENTS && (event.kind != PROBE_ERROR || s_kinds[PROBE_ERROR] < MOST_ERRORS)) {
        s_events[s_count++] = event;
    }
    s_kinds[event.kind]++;
    s_last_done = event.kind == PROBE_TX_DONE ? event.frame : s_last_done;
    (void)pthread_mutex_unlock(&s_lock);
    (void)xSemaphoreGiveFromISR(s_news, NULL);
    return false;
}

static bool on_tx_done(twai_node_handle_t node, const twai_tx_done_event_data_t *event, void *context)
{
    void (*const call)(void) = atomic_load(&s_on_done);
    (void)context;
    if (call != NULL) {
        call();
    }
    return record(
        node, (probe_event_t){.kind = PROBE_TX_DONE, .success = event->is_tx_success, .frame = event->done_tx_frame});
}

static bool on_rx_done(twai_node_handle_t node, const twai_rx_done_event_data_t *event, void *context)
{
    probe_event_t got = {.kind = PROBE_RX_DONE};
    twai_frame_t frame = {.buffer = got.data, .buffer_len = sizeof(got.data)};
    (void)event;
    (void)context;
    memset(got.data, 0xEE, sizeof(got.data));
    if (twai_node_receive_from_isr(node, &frame) == ESP_OK) {
        got.received = frame.header;
        return record(node, got);
    }
    return false;
}

static bool on_state_change(twai_node_handle_t node, const twai_state_change_event_data_t *event, void *context)
{
    (void)context;
    return record(node, (probe_event_t){.kind = PROBE_STATE, .old_sta = event->old_sta, .new_sta = event->new_sta});
}

static bool on_error(twai_node_handle_t node, const twai_error_event_data_t *event, void *context)
{
    (void)context;
    return record(node, (probe_event_t){.kind = PROBE_ERROR, .flags = event->err_flags});
}

static void make_node(int8_t fail_retry_cnt)
{
    const twai_onchip_node_config_t config = {.io_cfg = {.tx = 5, .rx = 4},
                                              .bit_timing = {.bitrate = 500000},
                                              .fail_retry_cnt = fail_retry_cnt,
                                              .tx_queue_depth = 2};
    const twai_event_callbacks_t callbacks = {
        .on_tx_done = on_tx_done, .on_rx_done = on_rx_done, .on_state_change = on_state_change, .on_error = on_error};
    s_news = xSemaphoreCreateBinary();
    bus_open();
    TEST_ASSERT_EQUAL(ESP_OK, twai_new_node_onchip(&config, &s_node));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_register_event_callbacks(s_node, &callbacks, NULL));
}

twai_node_handle_t probe_begin(int8_t fail_retry_cnt)
{
    if (s_node == NULL) {
        make_node(fail_retry_cnt);
    }
    probe_on_done(NULL);
    (void)pthread_mutex_lock(&s_lock);
    s_count = 0;
    s_last_done = NULL;
    memset(s_kinds, 0, sizeof(s_kinds));
    (void)pthread_mutex_unlock(&s_lock);
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(s_node));
    return s_node;
}

static const twai_frame_t *last_done(void)
{
    (void)pthread_mutex_lock(&s_lock);
    const twai_frame_t *const last = s_last_done;
    (void)pthread_mutex_unlock(&s_lock);
    return last;
}

static void give(void *semaphore, uint32_t unused)
{
    (void)unused;
    (void)xSemaphoreGive(semaphore);
}

/** What interrupts have left for the timer task is done then: no late word that the node is idle reaches the next case.
 */
static void wait_for_timer_task(void)
{
    const SemaphoreHandle_t done = xSemaphoreCreateBinary();
    while (xTimerPendFunctionCallFromISR(give, done, 0, NULL) != pdPASS) { /* its queue is full */
        vTaskDelay(1);
    }
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(done, pdMS_TO_TICKS(BUS_PATIENCE_MS)));
    vSemaphoreDelete(done);
}

void probe_end(void)
{
    static const twai_frame_t behind_all = {.header = {.id = 0x7FF}};
    probe_on_done(NULL);
    bus_fault("none");
    if (!bus_has_peer()) {
        bus_connect_peer();
    }
    if (probe_status().state == TWAI_ERROR_BUS_OFF) {
        TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(s_node));
    }
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(s_node, &behind_all, BUS_PATIENCE_MS));
    while (last_done() != &behind_all) {
        TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(s_news, pdMS_TO_TICKS(BUS_PATIENCE_MS)));
    }
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(s_node));
    wait_for_timer_task();
    bus_disconnect_peer();
}

size_t probe_count(probe_kind_t kind)
{
    (void)pthread_mutex_lock(&s_lock);
    const size_t count = s_kinds[kind];
    (void)pthread_mutex_unlock(&s_lock);
    return count;
}

void probe_wait_for(probe_kind_t kind, size_t count)
{
    while (probe_count(kind) < count) {
        TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(s_news, pdMS_TO_TICKS(BUS_PATIENCE_MS)));
    }
}

size_t probe_events(void)
{
    (void)pthread_mutex_lock(&s_lock);
    const size_t count = s_count;
    (void)pthread_mutex_unlock(&s_lock);
    return count;
}

/** What was recorded is not touched any more before the next probe_begin(). */
const probe_event_t *probe_event(size_t index)
{
    TEST_ASSERT_LESS_THAN(probe_events(), index);
    return &s_events[index];
}

const probe_event_t *probe_event_of(probe_kind_t kind, size_t number)
{
    const size_t count = probe_events();
    for (size_t i = 0; i < count; i++) {
        if (s_events[i].kind == kind && number-- == 0) {
            return &s_events[i];
        }
    }
    TEST_ASSERT_TRUE_MESSAGE(false, "there is no such event");
    return NULL;
}

void probe_on_done(void (*call)(void))
{
    atomic_store(&s_on_done, call);
}

twai_frame_t probe_frame(uint32_t id, uint8_t *data, size_t length)
{
    return (twai_frame_t){.header = {.id = id, .dlc = (uint16_t)length}, .buffer = data, .buffer_len = length};
}

twai_node_status_t probe_status(void)
{
    twai_node_status_t status;
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_get_info(s_node, &status, NULL));
    return status;
}

uint32_t probe_bus_errors(void)
{
    twai_node_record_t statistics;
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_get_info(s_node, NULL, &statistics));
    return statistics.bus_err_num;
}
