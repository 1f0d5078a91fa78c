/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "peer_bus.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "can_bus.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "unity.h"

static unsigned s_port;
static int s_control = -1; /* a bystander: it acknowledges nothing */
static int s_peer = -1;
static SemaphoreHandle_t s_held;
static SemaphoreHandle_t s_release;

static unsigned open_server(void)
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

/** The next message on a connection, with what stands before it; "" when there is none for so long. */
static const char *message(int fd, int patience_ms)
{
    static char text[256];
    for (size_t length = 0; length < sizeof(text) - 1; length++) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (poll(&poll_fd, 1, patience_ms) <= 0 || recv(fd, &text[length], 1, 0) != 1) {
            return "";
        }
        text[length + 1] = '\0';
        if (text[length] == '>') {
            return text;
        }
    }
    return "";
}

static void tell(int fd, const char *command)
{
    TEST_ASSERT_EQUAL((int64_t)strlen(command), send(fd, command, strlen(command), 0));
}

static void expect(int fd, const char *answer)
{
    TEST_ASSERT_EQUAL_STRING(answer, message(fd, BUS_PATIENCE_MS));
}

static int connect_to_bus(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s_port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    TEST_ASSERT_EQUAL(0, connect(fd, (struct sockaddr *)&address, sizeof(address)));
    expect(fd, "< hi >");
    tell(fd, "< open can0 >");
    expect(fd, "< ok >");
    return fd;
}

void bus_open(void)
{
    s_port = open_server();
    s_control = connect_to_bus();
}

void bus_connect_peer(void)
{
    s_peer = connect_to_bus();
    tell(s_peer, "< rawmode >");
    expect(s_peer, "< ok >");
}

/** The bus looks at all its connections before it looks again: two answers later it has seen that this one is closed.
 */
void bus_disconnect_peer(void)
{
    (void)close(s_peer);
    s_peer = -1;
    for (int i = 0; i < 2; i++) {
        tell(s_control, "< echo >");
        expect(s_control, "< echo >");
    }
}

void bus_fault(const char *fault)
{
    char command[64];
    (void)snprintf(command, sizeof(command), "< fault %s >", fault);
    tell(s_control, command);
    expect(s_control, "< ok >");
}

void bus_peer_sends(const char *command)
{
    tell(s_peer, command);
}

const char *bus_peer_hears(void)
{
    return message(s_peer, BUS_PATIENCE_MS);
}

bool bus_has_peer(void)
{
    return s_peer >= 0;
}

bool bus_peer_hears_nothing(void)
{
    return message(s_peer, 100)[0] == '\0';
}

static void hold(void *unused)
{
    (void)unused;
    (void)xSemaphoreGive(s_held);
    (void)xSemaphoreTake(s_release, portMAX_DELAY);
}

void bus_hold_timer_task(void)
{
    static const esp_timer_create_args_t args = {.callback = hold};
    static esp_timer_handle_t timer;
    if (timer == NULL) {
        s_held = xSemaphoreCreateBinary();
        s_release = xSemaphoreCreateBinary();
        TEST_ASSERT_EQUAL(ESP_OK, esp_timer_create(&args, &timer));
    }
    TEST_ASSERT_EQUAL(ESP_OK, esp_timer_start_once(timer, 0));
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(s_held, pdMS_TO_TICKS(BUS_PATIENCE_MS)));
}

void bus_release_timer_task(void)
{
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreGive(s_release));
}
