/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* WebSockets of the HTTP server of the Linux build, frame by frame; for Linux only. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../row.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "http_peer.h"
#include "unity.h"

#define LARGEST 70000

/* The key and the answer to it are those of RFC 6455, 1.3. */
#define HANDSHAKE                                                                                                      \
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"                         \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
#define ANSWER                                                                                                         \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                                \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static httpd_handle_t s_server;
static httpd_uri_t s_route;
static SemaphoreHandle_t s_greeted;
static atomic_int s_socket;
static atomic_int s_received; /* frames that reached the handler */
static atomic_int s_last;     /* type of the last one, with 0x80 when it was final */
static atomic_int s_limit;    /* that the handler gives httpd_ws_recv_frame(); 0: the length of the frame */

/** Sends data back as they came. */
static esp_err_t echo(httpd_req_t *req)
{
    httpd_ws_frame_t frame = {.len = 0};
    esp_err_t err = httpd_ws_recv_frame(req, &frame, 0);
    if (err != ESP_OK) {
        return err;
    }
    s_received++;
    s_last = (int)frame.type | (frame.final ? 0x80 : 0);
    frame.payload = calloc(1, LARGEST);
    if (frame.len > 0) {
        err = httpd_ws_recv_frame(req, &frame, s_limit > 0 ? (size_t)s_limit : LARGEST);
    }
    if (err == ESP_OK && frame.type <= HTTPD_WS_TYPE_BINARY) {
        frame.fragmented = !frame.final;
        err = httpd_ws_send_frame(req, &frame);
    }
    free(frame.payload);
    return err;
}

static esp_err_t greet(httpd_req_t *req)
{
    s_socket = httpd_req_to_sockfd(req);
    return xSemaphoreGive(s_greeted) == pdTRUE ? ESP_OK : ESP_FAIL;
}

static void begin(void)
{
    const httpd_config_t config = http_peer_config();
    s_received = 0;
    s_last = 0;
    s_limit = 0;
    s_socket = -1;
    s_greeted = xSemaphoreCreateBinary();
    s_server = http_peer_start(&config);
    TEST_ASSERT_EQUAL(ESP_OK, httpd_register_uri_handler(s_server, &s_route));
    http_peer_route(s_server, "/", HTTP_GET, http_peer_ok);
}

static void plain_route(void)
{
    s_route = (httpd_uri_t){
        .uri = "/ws", .method = HTTP_GET, .handler = echo, .is_websocket = true, .ws_post_handshake_cb = greet};
}

static void end(void)
{
    http_peer_stop(s_server);
    vSemaphoreDelete(s_greeted);
}

static int open_websocket(void)
{
    const int fd = http_peer_connect();
    http_peer_say(fd, HANDSHAKE "\r\n");
    TEST_ASSERT_EQUAL_STRING(ANSWER "\r\n", http_peer_hear(fd));
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(s_greeted, pdMS_TO_TICKS(5000)));
    return fd;
}

/** A masked frame, its first two bytes as told. */
static void say_frame(int fd, uint8_t first, const void *payload, size_t length)
{
    static uint8_t bytes[LARGEST + 14];
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    const uint8_t *const from = payload;
    size_t at = 2;
    bytes[0] = first;
    if (length < 126) {
        bytes[1] = (uint8_t)(0x80U | length);
    } else {
        const size_t size = length < 65536 ? 2 : 8;
        bytes[1] = size == 2 ? 0x80 | 126 : 0x80 | 127;
        for (size_t i = 0; i < size; i++) {
            bytes[at++] = (uint8_t)((uint64_t)length >> (8U * (size - 1 - i)));
        }
    }
    memcpy(&bytes[at], mask, sizeof(mask));
    at += sizeof(mask);
    for (size_t i = 0; i < length; i++) {
        bytes[at++] = (uint8_t)(from[i] ^ mask[i % 4]);
    }
    http_peer_say_bytes(fd, bytes, at);
}

static void expect_frame(int fd, const uint8_t *header, size_t header_length, const void *payload, size_t length)
{
    static uint8_t bytes[LARGEST + 10];
    TEST_ASSERT_TRUE(http_peer_hear_bytes(fd, bytes, header_length + length));
    TEST_ASSERT_EQUAL_MEMORY(header, bytes, header_length);
    if (length > 0) {
        TEST_ASSERT_EQUAL_MEMORY(payload, &bytes[header_length], length);
    }
}

TEST_CASE("a handshake is answered as the RFC says", "[host]")
{
    plain_route();
    begin();
    const int fd = open_websocket();
    TEST_ASSERT_EQUAL(HTTPD_WS_CLIENT_WEBSOCKET, httpd_ws_get_fd_info(s_server, s_socket));
    TEST_ASSERT_EQUAL(HTTPD_WS_CLIENT_INVALID, httpd_ws_get_fd_info(s_server, 9999));
    TEST_ASSERT_EQUAL(0, s_received); /* the handler is not called for the handshake */
    (void)close(fd);
    end();
}

TEST_CASE("a handshake with a mistake is closed without an answer, as on the chip", "[host]")
{
    static const char *const requests[] = {
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
        "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    };
    plain_route();
    begin();
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        ROW("requests[%zu]", i);
        TEST_ASSERT_EQUAL_STRING("", http_peer_ask(requests[i]));
    }
    end();
}

TEST_CASE("a request without an upgrade reaches the handler of a WebSocket as one", "[host]")
{
    plain_route();
    begin();
    TEST_ASSERT_EQUAL_STRING("", http_peer_ask("GET /ws HTTP/1.1\r\nHost: a\r\n\r\n")); /* it finds no frame */
    TEST_ASSERT_EQUAL(0, s_received);
    end();
}

TEST_CASE("an upgrade of a path that is none is an ordinary request", "[host]")
{
    plain_route();
    begin();
    TEST_ASSERT_EQUAL(0, strncmp("HTTP/1.1 200",
                                 http_peer_ask("GET / HTTP/1.1\r\nUpgrade: websocket\r\n"
                                               "Connection: Upgrade\r\n\r\n"),
                                 12));
    end();
}

TEST_CASE("a subprotocol is agreed when both know it", "[host]")
{
    static const struct {
        const char *offer;
        bool agreed;
    } cases[] = {{"tinybms", true}, {"a, tinybms", true}, {"tinybms2", false}, {"a", false}};
    char request[512];
    plain_route();
    s_route.supported_subprotocol = "tinybms";
    begin();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("%s", cases[i].offer);
        (void)snprintf(request, sizeof(request), HANDSHAKE "Sec-WebSocket-Protocol: %s\r\n\r\n", cases[i].offer);
        TEST_ASSERT_EQUAL_STRING(cases[i].agreed ? ANSWER "Sec-WebSocket-Protocol: tinybms\r\n\r\n" : ANSWER "\r\n",
                                 http_peer_ask(request));
        TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(s_greeted, pdMS_TO_TICKS(5000)));
    }
    end();
}

static esp_err_t refuse(httpd_req_t *req)
{
    (void)httpd_resp_set_status(req, "503 Service Unavailable");
    (void)httpd_resp_sendstr(req, "full");
    return ESP_FAIL;
}

TEST_CASE("the callback before the handshake may refuse it", "[host]")
{
    plain_route();
    s_route.ws_pre_handshake_cb = refuse;
    begin();
    const int fd = http_peer_connect();
    http_peer_say(fd, HANDSHAKE "\r\n");
    TEST_ASSERT_EQUAL(0, strncmp("HTTP/1.1 503", http_peer_hear(fd), 12));
    TEST_ASSERT_TRUE(http_peer_closed(fd));
    (void)close(fd);
    end();
}

TEST_CASE("frames of every length come back as they went", "[host]")
{
    static const struct {
        size_t length;
        uint8_t header[10];
        size_t header_length;
    } cases[] = {
        {1, {0x82, 1}, 2},
        {125, {0x82, 125}, 2},
        {126, {0x82, 126, 0, 126}, 4},
        {65534, {0x82, 126, 0xFF, 0xFE}, 4},
        {65535, {0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 10}, /* as on the chip; 16 bits would do */
        {65536, {0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}, 10},
    };
    static uint8_t payload[LARGEST];
    for (size_t i = 0; i < sizeof(payload); i++) {
        payload[i] = (uint8_t)(i * 31 + i / 256);
    }
    plain_route();
    begin();
    const int fd = open_websocket();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("%zu bytes", cases[i].length);
        say_frame(fd, 0x82, payload, cases[i].length);
        expect_frame(fd, cases[i].header, cases[i].header_length, payload, cases[i].length);
    }
    (void)close(fd);
    end();
}

TEST_CASE("parts of a message reach the handler as they are", "[host]")
{
    plain_route();
    begin();
    const int fd = open_websocket();
    say_frame(fd, 0x01, "ab", 2);
    expect_frame(fd, (const uint8_t[]){0x01, 2}, 2, "ab", 2);
    TEST_ASSERT_EQUAL(HTTPD_WS_TYPE_TEXT, s_last);
    say_frame(fd, 0x00, "cd", 2);
    expect_frame(fd, (const uint8_t[]){0x00, 2}, 2, "cd", 2);
    say_frame(fd, 0x80, "ef", 2);
    expect_frame(fd, (const uint8_t[]){0x80, 2}, 2, "ef", 2);
    TEST_ASSERT_EQUAL(0x80 | HTTPD_WS_TYPE_CONTINUE, s_last);
    (void)close(fd);
    end();
}

TEST_CASE("a ping is answered with its payload, a pong is for the handler, a close is answered and closes", "[host]")
{
    plain_route();
    begin();
    const int fd = open_websocket();
    say_frame(fd, 0x89, "hello", 5);
    expect_frame(fd, (const uint8_t[]){0x8A, 5}, 2, "hello", 5);
    say_frame(fd, 0x89, "", 0);
    expect_frame(fd, (const uint8_t[]){0x8A, 0}, 2, "", 0);
    TEST_ASSERT_EQUAL(0, s_received);
    say_frame(fd, 0x8A, "x", 1);
    say_frame(fd, 0x81, "y", 1);
    expect_frame(fd, (const uint8_t[]){0x81, 1}, 2, "y", 1);
    TEST_ASSERT_EQUAL(2, s_received);
    say_frame(fd, 0x88, "\x03\xE8", 2);
    expect_frame(fd, (const uint8_t[]){0x88, 0}, 2, "", 0);
    TEST_ASSERT_TRUE(http_peer_closed(fd));
    TEST_ASSERT_EQUAL(2, s_received);
    (void)close(fd);
    end();
}

TEST_CASE("a handler that wants control frames gets them, and nobody answers for it", "[host]")
{
    plain_route();
    s_route.handle_ws_control_frames = true;
    begin();
    const int fd = open_websocket();
    say_frame(fd, 0x89, "hello", 5);
    say_frame(fd, 0x81, "y", 1);
    expect_frame(fd, (const uint8_t[]){0x81, 1}, 2, "y", 1);
    TEST_ASSERT_EQUAL(2, s_received);
    say_frame(fd, 0x88, "\x03\xE8", 2);
    TEST_ASSERT_TRUE(http_peer_closed(fd));
    TEST_ASSERT_EQUAL(3, s_received);
    TEST_ASSERT_EQUAL(0x80 | HTTPD_WS_TYPE_CLOSE, s_last);
    (void)close(fd);
    end();
}

TEST_CASE("frames that the server does not take end the connection", "[host]")
{
    static const struct {
        const char *what;
        uint8_t bytes[16];
        size_t length;
    } cases[] = {
        {"not masked", {0x81, 1, 'a'}, 3},
        {"a ping that is not masked", {0x89, 0}, 2},
        {"a ping that is too long", {0x89, 0x80 | 126, 0, 200, 1, 2, 3, 4}, 8},
        {"longer than the handler takes", {0x82, 0x80 | 126, 0x01, 0x00, 1, 2, 3, 4}, 8},
        {"4 GB", {0x82, 0x80 | 127, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4}, 14},
        {"a byte that never comes", {0x81, 0x80 | 2, 1, 2, 3, 4, 'a'}, 7},
        {"a length that never comes", {0x81, 0x80 | 126, 0}, 3},
    };
    plain_route();
    begin();
    s_limit = 128;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("%s", cases[i].what);
        const int fd = open_websocket();
        http_peer_say_bytes(fd, cases[i].bytes, cases[i].length);
        TEST_ASSERT_TRUE(http_peer_closed(fd));
        (void)close(fd);
    }
    end();
}

TEST_CASE("of a length of 64 bits the chip sees 32", "[host]")
{
    static const uint8_t frame[] = {0x82, 0x80 | 127, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 'a'};
    plain_route();
    begin();
    const int fd = open_websocket();
    http_peer_say_bytes(fd, frame, sizeof(frame));
    expect_frame(fd, (const uint8_t[]){0x82, 1}, 2, "a", 1);
    (void)close(fd);
    end();
}

TEST_CASE("a WebSocket that vanishes frees its session", "[host]")
{
    plain_route();
    begin();
    for (int i = 0; i < 20; i++) { /* more than there are sessions */
        (void)close(open_websocket());
    }
    TEST_ASSERT_EQUAL(0, strncmp("HTTP/1.1 200", http_peer_ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 12));
    end();
}

static void send_hundred(void *argument)
{
    httpd_ws_frame_t frame = {.type = HTTPD_WS_TYPE_TEXT, .payload = (uint8_t *)"state", .len = 5};
    for (int i = 0; i < 100; i++) {
        (void)httpd_ws_send_frame_async(s_server, s_socket, &frame);
    }
    *(atomic_bool *)argument = true;
    vTaskDelete(NULL);
}

TEST_CASE("another task sends frames", "[host]")
{
    static atomic_bool done;
    httpd_ws_frame_t frame = {.type = HTTPD_WS_TYPE_TEXT, .payload = (uint8_t *)"state", .len = 5};
    plain_route();
    begin();
    const int fd = open_websocket();
    done = false;
    TEST_ASSERT_EQUAL(pdPASS, xTaskCreate(send_hundred, "sender", 4096, &done, 5, NULL));
    for (int i = 0; i < 100; i++) {
        expect_frame(fd, (const uint8_t[]){0x81, 5}, 2, "state", 5);
    }
    while (!done) {
        vTaskDelay(1);
    }
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_ws_send_frame_async(s_server, 9999, &frame));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_ws_send_frame_async(s_server, s_socket, NULL));
    (void)close(fd);
    end();
}
