/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The UART of Linux on a pseudo terminal, against what the driver of ESP-IDF v5.5.5 does on an ESP32 (uart.c with its
 * default thresholds, a FIFO of 128 bytes, a ring buffer of bytes). For Linux only. */
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../row.h"
#include "driver/uart.h"
#include "freertos/task.h"
#include "host.h"
#include "unity.h"

#define PORT        1
#define OTHER_PORT  2
#define NO_PORT     3
#define RING_SIZE   256
#define FIFO_SIZE   128
#define THRESHOLD   120
#define PATIENCE_MS 5000

static int s_master = -1;
static QueueHandle_t s_events;
static uint8_t s_next; /* of the bytes that are sent: each is one more than the last */
static atomic_int s_read;

static void drain_master(void)
{
    uint8_t bytes[64];
    struct pollfd poll_fd = {.fd = s_master, .events = POLLIN};
    while (poll(&poll_fd, 1, 0) > 0 && read(s_master, bytes, sizeof(bytes)) > 0) {
    }
}

/** The driver opens the device in a thread of its own, and drops what was there before. */
static void wait_until_open(void)
{
    struct pollfd poll_fd = {.fd = s_master, .events = POLLIN};
    do {
        TEST_ASSERT_EQUAL(1, uart_write_bytes(PORT, "x", 1));
    } while (poll(&poll_fd, 1, 5) <= 0);
    drain_master();
}

static void begin(void)
{
    if (s_master < 0) {
        s_master = posix_openpt(O_RDWR | O_NOCTTY);
        TEST_ASSERT_EQUAL(0, grantpt(s_master) + unlockpt(s_master));
        host_options.uart_device = strdup(ptsname(s_master));
        TEST_ASSERT_EQUAL(ESP_OK, uart_driver_install(PORT, RING_SIZE, 0, 32, &s_events, 0));
        wait_until_open();
    }
    TEST_ASSERT_EQUAL(ESP_OK, uart_flush_input(PORT));
    TEST_ASSERT_EQUAL(pdPASS, xQueueReset(s_events));
    drain_master();
    s_next = 0;
}

static void device_sends(size_t length)
{
    uint8_t bytes[1024];
    for (size_t i = 0; i < length; i++) {
        bytes[i] = s_next++;
    }
    TEST_ASSERT_EQUAL((int64_t)length, write(s_master, bytes, length));
}

static uart_event_t next_event(void)
{
    uart_event_t event = {.type = UART_EVENT_MAX};
    TEST_ASSERT_EQUAL(pdTRUE, xQueueReceive(s_events, &event, pdMS_TO_TICKS(PATIENCE_MS)));
    return event;
}

/** Waits until so many bytes have been told: 120 without a pause, or fewer and a pause. */
static void wait_for_data(size_t length)
{
    uart_event_t event = {.size = 0};
    for (size_t told = 0; told < length; told += event.size) {
        event = next_event();
        TEST_ASSERT_EQUAL(UART_DATA, event.type);
        TEST_ASSERT_LESS_OR_EQUAL(THRESHOLD, event.size);
        TEST_ASSERT_EQUAL(event.size < THRESHOLD, event.timeout_flag);
    }
}

/** How many bytes have been told as data before a piece did not fit; `*stash` is the size of that. */
static size_t fill_ring(size_t length, size_t *stash)
{
    size_t told = 0;
    device_sends(length);
    for (;;) {
        const uart_event_t event = next_event();
        if (event.type != UART_DATA) {
            TEST_ASSERT_EQUAL(UART_BUFFER_FULL, event.type);
            *stash = event.size;
            return told;
        }
        told += event.size;
    }
}

static size_t buffered(void)
{
    size_t length = 0;
    TEST_ASSERT_EQUAL(ESP_OK, uart_get_buffered_data_len(PORT, &length));
    return length;
}

static void expect_bytes(size_t first, size_t length)
{
    uint8_t bytes[1024] = {0};
    TEST_ASSERT_EQUAL((int64_t)length, uart_read_bytes(PORT, bytes, (uint32_t)length, pdMS_TO_TICKS(PATIENCE_MS)));
    for (size_t i = 0; i < length; i++) {
        TEST_ASSERT_EQUAL((uint8_t)(first + i), bytes[i]);
    }
}

TEST_CASE("a short message is told when a pause follows it", "[host]")
{
    begin();
    device_sends(10);
    wait_for_data(10);
    TEST_ASSERT_EQUAL(10, buffered());
    expect_bytes(0, 10);
    TEST_ASSERT_EQUAL(0, buffered());
}

TEST_CASE("a long message is told in pieces of 120 bytes, and its rest behind a pause", "[host]")
{
    begin();
    device_sends(THRESHOLD + 17);
    wait_for_data(THRESHOLD + 17);
    expect_bytes(0, THRESHOLD + 17);
}

TEST_CASE("what does not fit into the ring buffer waits until all of it does, and nothing is lost", "[host]")
{
    size_t stash = 0;
    begin();
    const size_t in_ring = fill_ring(RING_SIZE + THRESHOLD, &stash); /* the FIFO holds the rest */
    TEST_ASSERT_GREATER_THAN(RING_SIZE, in_ring + stash);
    TEST_ASSERT_EQUAL(in_ring, buffered());
    const size_t too_few = in_ring + stash - RING_SIZE - 1;
    expect_bytes(0, too_few);
    TEST_ASSERT_EQUAL(in_ring - too_few, buffered());
    expect_bytes(too_few, 1);
    TEST_ASSERT_EQUAL(RING_SIZE, buffered());
    expect_bytes(too_few + 1, RING_SIZE + THRESHOLD - too_few - 1);
    TEST_ASSERT_EQUAL(0, buffered());
}

TEST_CASE("a FIFO that nobody empties overflows, and then all of it is lost", "[host]")
{
    const size_t sent = 600;
    size_t stash = 0;
    begin();
    const size_t kept = fill_ring(sent, &stash) + stash;
    const size_t overflows = (sent - kept) / (FIFO_SIZE + 1);
    for (size_t i = 0; i < overflows; i++) {
        const uart_event_t event = next_event();
        TEST_ASSERT_EQUAL(UART_FIFO_OVF, event.type);
        TEST_ASSERT_EQUAL(0, event.size);
    }
    expect_bytes(0, kept);
    const size_t hole = overflows * (FIFO_SIZE + 1);
    expect_bytes(kept + hole, sent - kept - hole);
    TEST_ASSERT_EQUAL(0, buffered());
}

TEST_CASE("flushing drops the ring buffer, the stash and the FIFO, and the line is heard again", "[host]")
{
    size_t stash = 0;
    begin();
    (void)fill_ring(RING_SIZE + THRESHOLD, &stash);
    vTaskDelay(pdMS_TO_TICKS(5)); /* the FIFO tells nobody when it has got its part of this one message */
    TEST_ASSERT_EQUAL(ESP_OK, uart_flush_input(PORT));
    TEST_ASSERT_EQUAL(0, buffered());
    TEST_ASSERT_EQUAL(0, uxQueueMessagesWaiting(s_events));
    s_next = 50;
    device_sends(7);
    wait_for_data(7);
    TEST_ASSERT_EQUAL(7, buffered());
    expect_bytes(50, 7);
}

TEST_CASE("flushing leaves the events of what it drops", "[host]")
{
    begin();
    device_sends(2);
    while (buffered() < 2) {
        vTaskDelay(1);
    }
    TEST_ASSERT_EQUAL(ESP_OK, uart_flush_input(PORT));
    wait_for_data(2);
    TEST_ASSERT_EQUAL(0, buffered());
}

TEST_CASE("a read that waits gives up when nothing has come for so long", "[host]")
{
    uint8_t bytes[8];
    begin();
    device_sends(3);
    wait_for_data(3);
    const TickType_t start = xTaskGetTickCount();
    TEST_ASSERT_EQUAL(3, uart_read_bytes(PORT, bytes, sizeof(bytes), pdMS_TO_TICKS(30)));
    TEST_ASSERT_GREATER_OR_EQUAL(pdMS_TO_TICKS(29), xTaskGetTickCount() - start);
    TEST_ASSERT_EQUAL(0, uart_read_bytes(PORT, bytes, sizeof(bytes), 0));
    TEST_ASSERT_EQUAL(0, uart_read_bytes(PORT, bytes, 0, portMAX_DELAY));
}

static _Atomic TickType_t s_sent_at;

static void send_one_later(void *argument)
{
    const uint8_t byte = 0x55;
    (void)argument;
    vTaskDelay(pdMS_TO_TICKS(40));
    atomic_store(&s_sent_at, xTaskGetTickCount());
    TEST_ASSERT_EQUAL(1, write(s_master, &byte, 1));
    vTaskDelete(NULL);
}

TEST_CASE("the time of a read begins anew with every arrival", "[host]")
{
    uint8_t bytes[2];
    int got = 0;
    begin();
    TEST_ASSERT_EQUAL(pdPASS, xTaskCreate(send_one_later, "later", 4096, NULL, 5, NULL));
    while (got == 0) { /* on a busy machine the byte may be late for the first read */
        got = uart_read_bytes(PORT, bytes, sizeof(bytes), pdMS_TO_TICKS(80));
    }
    TEST_ASSERT_EQUAL(1, got);
    TEST_ASSERT_GREATER_OR_EQUAL(pdMS_TO_TICKS(79), xTaskGetTickCount() - atomic_load(&s_sent_at));
}

static void read_one(void *argument)
{
    uint8_t byte;
    (void)argument;
    atomic_store(&s_read, uart_read_bytes(PORT, &byte, 1, pdMS_TO_TICKS(PATIENCE_MS)));
    vTaskDelete(NULL);
}

TEST_CASE("while somebody reads nobody else can", "[host]")
{
    uint8_t byte;
    begin();
    atomic_store(&s_read, 99);
    TEST_ASSERT_EQUAL(pdPASS, xTaskCreate(read_one, "reader", 4096, NULL, 5, NULL));
    while (uart_read_bytes(PORT, &byte, 1, 0) != -1) { /* until the reader waits */
        TEST_ASSERT_EQUAL(99, atomic_load(&s_read));
    }
    device_sends(1);
    while (atomic_load(&s_read) == 99) {
        vTaskDelay(1);
    }
    TEST_ASSERT_EQUAL(1, atomic_load(&s_read));
}

TEST_CASE("what is written reaches the device", "[host]")
{
    uint8_t bytes[8] = {0};
    begin();
    struct pollfd poll_fd = {.fd = s_master, .events = POLLIN};
    TEST_ASSERT_EQUAL(5, uart_write_bytes(PORT, "hello", 5));
    TEST_ASSERT_EQUAL(1, poll(&poll_fd, 1, PATIENCE_MS));
    TEST_ASSERT_EQUAL(5, read(s_master, bytes, sizeof(bytes)));
    TEST_ASSERT_EQUAL_MEMORY("hello", bytes, 5);
    TEST_ASSERT_EQUAL(0, uart_write_bytes(PORT, "", 0));
}

TEST_CASE("ports that are not there or not installed, and NULL, are refused", "[host]")
{
    static const uart_port_t wrong[] = {OTHER_PORT, NO_PORT, -1};
    uint8_t byte = 0;
    size_t length = 0;
    begin();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ROW("wrong[%zu]", i);
        TEST_ASSERT_EQUAL(-1, uart_read_bytes(wrong[i], &byte, 1, 0));
        TEST_ASSERT_EQUAL(-1, uart_write_bytes(wrong[i], &byte, 1));
        TEST_ASSERT_EQUAL(ESP_FAIL, uart_flush_input(wrong[i]));
        TEST_ASSERT_EQUAL(ESP_FAIL, uart_get_buffered_data_len(wrong[i], &length));
    }
    TEST_ASSERT_EQUAL(-1, uart_read_bytes(PORT, NULL, 1, 0));
    TEST_ASSERT_EQUAL(-1, uart_write_bytes(PORT, NULL, 1));
}

TEST_CASE("a driver is installed once, with buffers larger than the FIFO", "[host]")
{
    begin();
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_driver_install(PORT, RING_SIZE, 0, 0, NULL, 0));
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_driver_install(NO_PORT, RING_SIZE, 0, 0, NULL, 0));
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_driver_install(OTHER_PORT, FIFO_SIZE, 0, 0, NULL, 0));
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_driver_install(OTHER_PORT, RING_SIZE, FIFO_SIZE, 0, NULL, 0));
}

TEST_CASE("a configuration that cannot be is refused", "[host]")
{
    const uart_config_t good = {.baud_rate = 115200,
                                .data_bits = UART_DATA_8_BITS,
                                .parity = UART_PARITY_DISABLE,
                                .stop_bits = UART_STOP_BITS_1,
                                .flow_ctrl = UART_HW_FLOWCTRL_DISABLE};
    uart_config_t config = good;
    TEST_ASSERT_EQUAL(ESP_OK, uart_param_config(OTHER_PORT, &good)); /* also without a driver */
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_param_config(NO_PORT, &good));
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_param_config(PORT, NULL));
    config.rx_flow_ctrl_thresh = FIFO_SIZE;
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_param_config(PORT, &config));
    config = good;
    config.baud_rate = 0;
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_param_config(PORT, &config));
    config.baud_rate = 9600; /* the chip has it, Linux does not */
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_SUPPORTED, uart_param_config(PORT, &config));
}

TEST_CASE("pins are those of an ESP32", "[host]")
{
    TEST_ASSERT_EQUAL(ESP_OK, uart_set_pin(PORT, 17, 39, UART_PIN_NO_CHANGE, UART_PIN_NO_CHANGE));
    TEST_ASSERT_EQUAL(ESP_OK, uart_set_pin(PORT, -1, -1, -1, -1));
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_set_pin(NO_PORT, 17, 16, -1, -1));
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_set_pin(PORT, 34, 16, -1, -1)); /* input only */
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_set_pin(PORT, 17, 40, -1, -1));
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_set_pin(PORT, 24, 16, -1, -1)); /* 24 and 28 to 31 are not there */
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_set_pin(PORT, 17, 31, -1, -1));
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_set_pin(PORT, 17, 16, 35, -1));
    TEST_ASSERT_EQUAL(ESP_FAIL, uart_set_pin(PORT, 17, 16, -1, 28));
}
