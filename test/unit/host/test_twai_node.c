/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The TWAI controller of Linux against what the driver of ESP-IDF v5.5.5 does (esp_twai_onchip.c); for Linux only. */
#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "can_bus.h"
#include "esp_twai.h"
#include "esp_twai_onchip.h"
#include "freertos/task.h"
#include "unity.h"

static twai_node_handle_t s_node;
static int s_peer = -1;
static unsigned s_port;
static atomic_int s_done;
static atomic_int s_failed;
static atomic_int s_received;
static atomic_int s_errors;
static atomic_int s_last_state;

static bool on_tx_done(twai_node_handle_t node, const twai_tx_done_event_data_t *event, void *context)
{
    (void)node;
    (void)context;
    atomic_fetch_add(event->is_tx_success ? &s_done : &s_failed, 1);
    return false;
}

static bool on_rx_done(twai_node_handle_t node, const twai_rx_done_event_data_t *event, void *context)
{
    uint8_t data[8];
    twai_frame_t frame = {.buffer = data, .buffer_len = sizeof(data)};
    (void)event;
    (void)context;
    if (twai_node_receive_from_isr(node, &frame) == ESP_OK) {
        atomic_store(&s_received, (int)frame.header.id);
    }
    return false;
}

static bool on_state_change(twai_node_handle_t node, const twai_state_change_event_data_t *event, void *context)
{
    (void)node;
    (void)context;
    atomic_store(&s_last_state, (int)event->new_sta);
    return false;
}

static bool on_error(twai_node_handle_t node, const twai_error_event_data_t *event, void *context)
{
    (void)node;
    (void)context;
    atomic_fetch_add(&s_errors, event->err_flags.ack_err ? 1 : 0);
    return false;
}

static const twai_event_callbacks_t s_callbacks = {
    .on_tx_done = on_tx_done, .on_rx_done = on_rx_done, .on_state_change = on_state_change, .on_error = on_error};

static void wait_ms(uint32_t ms)
{
    vTaskDelay(pdMS_TO_TICKS(ms));
}

static unsigned open_bus(void)
{
    char directory[] = "/tmp/tinybms-can-XXXXXX";
    char path[64];
    unsigned port = 0;
    TEST_ASSERT_NOT_NULL(mkdtemp(directory));
    TEST_ASSERT_NULL(can_bus_open("socketcand:0", directory));
    (void)snprintf(path, sizeof(path), "%s/can_port", directory);
    FILE *const file = fopen(path, "re");
    TEST_ASSERT_NOT_NULL(file);
    TEST_ASSERT_EQUAL(1, fscanf(file, "%u", &port));
    TEST_ASSERT_EQUAL(0, fclose(file));
    TEST_ASSERT_EQUAL(0, unlink(path));
    TEST_ASSERT_EQUAL(0, rmdir(directory));
    return port;
}

static void say(const char *command)
{
    TEST_ASSERT_EQUAL((int64_t)strlen(command), send(s_peer, command, strlen(command), 0));
    wait_ms(60);
}

/** A connection that is no node of the bus: it acknowledges nothing. */
static void connect_bystander(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s_port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s_peer = socket(AF_INET, SOCK_STREAM, 0);
    TEST_ASSERT_EQUAL(0, connect(s_peer, (struct sockaddr *)&address, sizeof(address)));
    say("< open can0 >");
}

static void connect_peer(void)
{
    connect_bystander();
    say("< rawmode >");
}

static void disconnect_peer(void)
{
    (void)close(s_peer);
    wait_ms(60);
}

/** Everything that the peer has heard since the last time. */
static const char *heard(void)
{
    static char text[8192];
    const ssize_t got = recv(s_peer, text, sizeof(text) - 1, MSG_DONTWAIT);
    text[got > 0 ? got : 0] = '\0';
    return text;
}

static void begin(void)
{
    const twai_onchip_node_config_t config = {.io_cfg = {.tx = 5, .rx = 4},
                                              .bit_timing = {.bitrate = 500000},
                                              .fail_retry_cnt = -1, /* for ever */
                                              .tx_queue_depth = 2};
    if (s_node == NULL) {
        s_port = open_bus();
        TEST_ASSERT_EQUAL(ESP_OK, twai_new_node_onchip(&config, &s_node));
        TEST_ASSERT_EQUAL(ESP_OK, twai_node_register_event_callbacks(s_node, &s_callbacks, NULL));
    }
    atomic_store(&s_done, 0);
    atomic_store(&s_failed, 0);
    atomic_store(&s_errors, 0);
    atomic_store(&s_received, 0);
}

static twai_frame_t frame_of(uint32_t id, uint8_t *data, size_t length)
{
    return (twai_frame_t){.header = {.id = id, .dlc = (uint16_t)length}, .buffer = data, .buffer_len = length};
}

TEST_CASE("a node that is not enabled neither sends nor hears", "[host]")
{
    uint8_t data[1] = {1};
    const twai_frame_t frame = frame_of(0x100, data, 1);
    begin();
    connect_peer();
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_transmit(s_node, &frame, 0));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_disable(s_node));
    say("< send 123 0 >");
    TEST_ASSERT_EQUAL(0, atomic_load(&s_received));
    disconnect_peer();
}

TEST_CASE("an enabled node sends, hears, and refuses another set of callbacks", "[host]")
{
    uint8_t data[2] = {0xAB, 0xCD};
    const twai_frame_t frame = frame_of(0x351, data, 2);
    begin();
    connect_peer();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(s_node));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_enable(s_node));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_register_event_callbacks(s_node, &s_callbacks, NULL));
    (void)heard();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(s_node, &frame, 0));
    wait_ms(60);
    TEST_ASSERT_EQUAL(1, atomic_load(&s_done));
    TEST_ASSERT_NOT_NULL(strstr(heard(), "< frame 351 "));
    say("< send 305 8 0 0 0 0 0 0 0 0 >");
    TEST_ASSERT_EQUAL(0x305, atomic_load(&s_received));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(s_node));
    disconnect_peer();
}

TEST_CASE("lengths that do not agree are refused", "[host]")
{
    uint8_t data[8] = {0};
    twai_frame_t frame = frame_of(0x100, data, 8);
    begin();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(s_node));
    frame.header.dlc = 4;
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_transmit(s_node, &frame, 0));
    frame.header.dlc = 9;
    frame.buffer_len = 9;
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_transmit(s_node, &frame, 0));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(s_node));
}

TEST_CASE("without a peer a frame is repeated, the node grows error-passive and never goes bus-off", "[host]")
{
    static uint8_t data[1] = {1};
    static twai_frame_t frame;
    twai_node_status_t status;
    frame = frame_of(0x100, data, 1);
    begin();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(s_node));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(s_node, &frame, 0));
    wait_ms(150);
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_get_info(s_node, &status, NULL));
    TEST_ASSERT_EQUAL(TWAI_ERROR_PASSIVE, status.state);
    TEST_ASSERT_EQUAL(128, status.tx_error_count);
    TEST_ASSERT_EQUAL(TWAI_ERROR_PASSIVE, atomic_load(&s_last_state));
    TEST_ASSERT_GREATER_THAN(16, atomic_load(&s_errors));
    TEST_ASSERT_EQUAL(0, atomic_load(&s_done) + atomic_load(&s_failed));
    connect_peer(); /* now it goes out */
    wait_ms(60);
    TEST_ASSERT_EQUAL(1, atomic_load(&s_done));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(s_node));
    disconnect_peer();
}

TEST_CASE("the queue holds pointers: what goes out late is what stands there then", "[host]")
{
    static uint8_t shared[1];
    static twai_frame_t frame;
    frame = frame_of(0x100, shared, 1);
    begin();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(s_node));
    shared[0] = 1;
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(s_node, &frame, 0)); /* in the controller: 1 */
    wait_ms(10);
    shared[0] = 2;
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(s_node, &frame, 0)); /* queued */
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(s_node, &frame, 0)); /* queued */
    TEST_ASSERT_EQUAL(ESP_ERR_TIMEOUT, twai_node_transmit(s_node, &frame, 0));
    shared[0] = 9;
    connect_peer();
    wait_ms(60);
    const char *const text = heard();
    TEST_ASSERT_EQUAL(3, atomic_load(&s_done));
    TEST_ASSERT_NOT_NULL(strstr(text, " 01 >"));
    TEST_ASSERT_NOT_NULL(strstr(text, " 09 >"));
    TEST_ASSERT_NULL(strstr(text, " 02 >"));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(s_node));
    disconnect_peer();
}

TEST_CASE("bus-off loses the frame in flight without a word and keeps the queue for after the recovery", "[host]")
{
    static uint8_t first[1] = {1};
    static uint8_t second[1] = {2};
    static twai_frame_t frames[2];
    twai_node_status_t status;
    frames[0] = frame_of(0x101, first, 1);
    frames[1] = frame_of(0x102, second, 1);
    begin();
    connect_bystander();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(s_node));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(s_node, &frames[0], 0)); /* in flight: nobody acknowledges it */
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(s_node, &frames[1], 0)); /* queued */
    say("< fault busoff >");
    TEST_ASSERT_EQUAL(TWAI_ERROR_BUS_OFF, atomic_load(&s_last_state));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_get_info(s_node, &status, NULL));
    TEST_ASSERT_EQUAL(TWAI_ERROR_BUS_OFF, status.state);
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_transmit(s_node, &frames[0], 0));
    say("< rawmode >");
    (void)heard();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_recover(s_node));
    wait_ms(60);
    TEST_ASSERT_EQUAL(TWAI_ERROR_ACTIVE, atomic_load(&s_last_state));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_recover(s_node));
    const char *const text = heard();
    TEST_ASSERT_NULL(strstr(text, "< frame 101 "));
    TEST_ASSERT_NOT_NULL(strstr(text, "< frame 102 "));
    TEST_ASSERT_EQUAL(1, atomic_load(&s_done));
    TEST_ASSERT_EQUAL(0, atomic_load(&s_failed));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(s_node));
    disconnect_peer();
}

TEST_CASE("enabling again sends the frame in flight anew, from where it stands", "[host]")
{
    static uint8_t data[1] = {1};
    static twai_frame_t frame;
    frame = frame_of(0x103, data, 1);
    begin();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(s_node));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_transmit(s_node, &frame, 0));
    wait_ms(20);
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(s_node));
    data[0] = 7;
    connect_peer();
    (void)heard();
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(s_node));
    wait_ms(60);
    TEST_ASSERT_NOT_NULL(strstr(heard(), " 07 >"));
    TEST_ASSERT_EQUAL(1, atomic_load(&s_done));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(s_node));
    disconnect_peer();
}

TEST_CASE("a frame can be received in the callback only", "[host]")
{
    uint8_t data[8];
    twai_frame_t frame = {.buffer = data, .buffer_len = sizeof(data)};
    begin();
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_receive_from_isr(s_node, &frame));
}

TEST_CASE("there is one controller", "[host]")
{
    const twai_onchip_node_config_t config = {
        .io_cfg = {.tx = 5, .rx = 4}, .bit_timing = {.bitrate = 500000}, .tx_queue_depth = 1};
    twai_onchip_node_config_t wrong = config;
    twai_node_handle_t other = NULL;
    begin();
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_FOUND, twai_new_node_onchip(&config, &other));
    wrong.tx_queue_depth = 0;
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_new_node_onchip(&wrong, &other));
    wrong = config;
    wrong.io_cfg.tx = 34; /* input only */
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_new_node_onchip(&wrong, &other));
}
