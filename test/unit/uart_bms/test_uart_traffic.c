/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The pieces that the traffic of a serial line is published in. */
#include "../../../components/uart_bms/uart_traffic.h"

#include <string.h>

#include "unity.h"

static event_bus_handle_t s_bus;
static event_bus_subscription_t s_frames;
static uart_traffic_t s_traffic;

/** There is one bus with a subscriber, as nothing of it can be taken away again. */
static void begin(void)
{
    event_bus_uart_frame_t frame;
    if (s_bus == NULL) {
        TEST_ASSERT_EQUAL(ESP_OK, event_bus_create(&s_bus));
        TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(s_bus, EVENT_BUS_UART_FRAME, 8, "test", NULL, &s_frames));
    }
    while (event_bus_receive_uart_frame(s_frames, &frame, 0)) {
    }
    uart_traffic_init(&s_traffic, s_bus);
}

static void heard(const char *text, int64_t now_ms)
{
    uart_traffic_heard(&s_traffic, (const uint8_t *)text, strlen(text), now_ms);
}

static void sent(const char *text, int64_t now_ms)
{
    uart_traffic_sent(&s_traffic, (const uint8_t *)text, strlen(text), now_ms);
}

static void expect(bool by_us, const char *text, int64_t time_ms)
{
    event_bus_uart_frame_t frame;
    TEST_ASSERT_TRUE_MESSAGE(event_bus_receive_uart_frame(s_frames, &frame, 0), text);
    TEST_ASSERT_EQUAL(by_us, frame.sent);
    TEST_ASSERT_EQUAL_INT64(time_ms, frame.time_ms);
    TEST_ASSERT_EQUAL(strlen(text), frame.length);
    TEST_ASSERT_EQUAL_MEMORY(text, frame.bytes, frame.length);
}

static void expect_nothing(void)
{
    event_bus_uart_frame_t frame;
    TEST_ASSERT_FALSE(event_bus_receive_uart_frame(s_frames, &frame, 0));
}

TEST_CASE("a request is published at once, and what came after it in one piece with the next request", "[uart_traffic]")
{
    begin();
    sent("ask", 1000);
    expect(true, "ask", 1000);
    heard("answ", 1003);
    heard("er", 1005);
    expect_nothing();
    sent("again", 1200);
    expect(false, "answer", 1003);
    expect(true, "again", 1200);
    expect_nothing();
}

TEST_CASE("what came is published when the line has been quiet for 20 ms, whether it is an answer or not",
          "[uart_traffic]")
{
    begin();
    heard("#1\t2", 500);
    uart_traffic_note_quiet(&s_traffic, 519);
    expect_nothing();
    heard("\t3", 519);
    uart_traffic_note_quiet(&s_traffic, 538);
    expect_nothing();
    uart_traffic_note_quiet(&s_traffic, 539);
    expect(false, "#1\t2\t3", 500);
    uart_traffic_note_quiet(&s_traffic, 800);
    expect_nothing();
}

TEST_CASE("a flood is published in pieces of the size of the buffer, and no byte is missing", "[uart_traffic]")
{
    uint8_t flood[3 * EVENT_BUS_UART_BYTES_MAX + 7];
    event_bus_uart_frame_t frame;
    size_t got = 0;
    begin();
    for (size_t i = 0; i < sizeof(flood); i++) {
        flood[i] = (uint8_t)i;
    }
    uart_traffic_heard(&s_traffic, flood, 100, 10);
    uart_traffic_heard(&s_traffic, &flood[100], sizeof(flood) - 100, 15);
    for (int i = 0; i < 3; i++) {
        TEST_ASSERT_TRUE(event_bus_receive_uart_frame(s_frames, &frame, 0));
        TEST_ASSERT_EQUAL_UINT8(EVENT_BUS_UART_BYTES_MAX, frame.length);
        TEST_ASSERT_EQUAL_INT64(i == 0 ? 10 : 15, frame.time_ms);
        TEST_ASSERT_EQUAL_MEMORY(&flood[got], frame.bytes, frame.length);
        got += frame.length;
    }
    expect_nothing();
    uart_traffic_note_quiet(&s_traffic, 1000);
    TEST_ASSERT_TRUE(event_bus_receive_uart_frame(s_frames, &frame, 0));
    TEST_ASSERT_EQUAL_UINT8(7, frame.length);
    TEST_ASSERT_EQUAL_MEMORY(&flood[got], frame.bytes, frame.length);
}

TEST_CASE("a request that is longer than a message comes in pieces", "[uart_traffic]")
{
    char request[EVENT_BUS_UART_BYTES_MAX + 3] = "";
    begin();
    memset(request, 'w', sizeof(request) - 1);
    sent(request, 70);
    request[EVENT_BUS_UART_BYTES_MAX] = '\0';
    expect(true, request, 70);
    expect(true, "ww", 70);
    expect_nothing();
}

TEST_CASE("nothing is kept while nobody reads along", "[uart_traffic]")
{
    static event_bus_handle_t quiet_bus;
    event_bus_subscription_t frames = NULL;
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_create(&quiet_bus));
    uart_traffic_init(&s_traffic, quiet_bus);
    sent("ask", 1000);
    heard("answer", 1003);
    TEST_ASSERT_EQUAL_UINT8(0, s_traffic.piece.length);
    TEST_ASSERT_EQUAL(ESP_OK, event_bus_subscribe(quiet_bus, EVENT_BUS_UART_FRAME, 8, "test", NULL, &frames));
    uart_traffic_note_quiet(&s_traffic, 2000);
    sent("again", 2001);
    event_bus_uart_frame_t frame;
    TEST_ASSERT_TRUE(event_bus_receive_uart_frame(frames, &frame, 0));
    TEST_ASSERT_EQUAL_INT64(2001, frame.time_ms);
    TEST_ASSERT_FALSE(event_bus_receive_uart_frame(frames, &frame, 0));
}
