/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * From the bytes of the bus to the keepalive, with nothing replaced: the socketcand server of the Linux build, its TWAI
 * controller, the interrupt callbacks of can_node, the task of can_victron and the supervision of the GX run as in the
 * gateway. The input is what a client of the bus sends. A frame of ours behind it shows that all of it has been taken.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "can_bus.h"
#include "can_victron.h"
#include "esp_log.h"
#include "esp_timer.h"
#include "event_bus.h"
#include "freertos/task.h"
#include "fuzz.h"
#include "host.h"

#define SENTINEL_ID     0x7FE
#define LONGEST         512 /* more frames than fit into the queues would be lost, as they have to */
#define TIME_SCALE      400 /* the service tells its status every second of its time: here every 2.5 ms */
#define REAL_MS(ms)     pdMS_TO_TICKS((TickType_t)(ms)*TIME_SCALE)
#define START_UPTIME_MS 1000000
#define PATIENCE        400                /* times 25 ms */
#define TOLERANCE_MS    (100 * TIME_SCALE) /* how long a turn of the task may take on a busy machine */
#define STATUS_MS       10000

static struct {
    unsigned port;
    int client;
    uint32_t nonce;
    event_bus_subscription_t frames;
    event_bus_subscription_t statuses;
    int64_t keepalive_ms; /**< when the newest one was received; 0 = never */
    bool heard_305;       /**< in this input, of whatever kind */
} s_fuzz = {.client = -1};

static void open_bus(void)
{
    char directory[] = "/tmp/tinybms-fuzz-XXXXXX";
    char path[64];
    fuzz_check(mkdtemp(directory) != NULL, "a temporary directory");
    fuzz_check(can_bus_open("socketcand:0", directory) == NULL, "a bus on a free port");
    (void)snprintf(path, sizeof(path), "%s/can_port", directory);
    FILE *const file = fopen(path, "re");
    fuzz_check(file != NULL && fscanf(file, "%u", &s_fuzz.port) == 1, "the port of the bus");
    (void)fclose(file);
    (void)unlink(path);
    (void)rmdir(directory);
}

static void start(void)
{
    settings_handle_t settings = NULL;
    event_bus_handle_t bus = NULL;
    esp_log_level_set("*", ESP_LOG_NONE);
    host_options.time_scale = TIME_SCALE;
    host_options.start_uptime_ms = START_UPTIME_MS;
    open_bus();
    TaskHandle_t self = xTaskGetCurrentTaskHandle();
    fuzz_check(settings_open(&settings) == ESP_OK, "factory settings");
    fuzz_check(event_bus_create(&bus) == ESP_OK, "an event bus");
    fuzz_check(event_bus_subscribe(bus, EVENT_BUS_CAN_FRAME, 64, "fuzz", self, &s_fuzz.frames) == ESP_OK, "frames");
    fuzz_check(event_bus_subscribe(bus, EVENT_BUS_CAN_STATUS, 1, "fuzz", NULL, &s_fuzz.statuses) == ESP_OK, "status");
    fuzz_check(can_victron_start(bus, settings) == ESP_OK, "the CAN service");
}

static void connect_client(void)
{
    const int one = 1;
    const struct linger reset = {.l_onoff = 1}; /* leaves no port in TIME_WAIT */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s_fuzz.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (s_fuzz.client >= 0) {
        (void)close(s_fuzz.client);
    }
    s_fuzz.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(s_fuzz.client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    (void)setsockopt(s_fuzz.client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    fuzz_check(connect(s_fuzz.client, (struct sockaddr *)&address, sizeof(address)) == 0, "a client of the bus");
}

/** False: the server has ended the connection, as it does with a client that does not speak its language. */
static bool say(const char *bytes, size_t length)
{
    char answers[4096];
    while (recv(s_fuzz.client, answers, sizeof(answers), MSG_DONTWAIT) > 0) {
    }
    return send(s_fuzz.client, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static bool hung_up(void)
{
    char answers[4096];
    const ssize_t got = recv(s_fuzz.client, answers, sizeof(answers), MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN);
}

static void check_frame(const event_bus_can_frame_t *frame)
{
    fuzz_check(!frame->sent, "nothing is sent without a state of the battery");
    fuzz_check(frame->id <= (frame->extended ? 0x1FFFFFFFU : 0x7FFU), "an id has 11 or 29 bits");
    fuzz_check(frame->dlc <= 8, "a frame has at most 8 bytes");
    for (size_t i = frame->dlc; i < 8; i++) {
        fuzz_check(frame->data[i] == 0, "nothing stands behind the end of a frame");
    }
    s_fuzz.heard_305 = s_fuzz.heard_305 || frame->id == 0x305;
    if (frame->id == 0x305 && !frame->extended && !frame->remote) {
        s_fuzz.keepalive_ms = frame->time_ms;
    }
}

static bool take_frames(uint32_t nonce)
{
    event_bus_can_frame_t frame;
    bool found = false;
    while (event_bus_receive_can_frame(s_fuzz.frames, &frame, 0)) {
        uint32_t value = 0;
        check_frame(&frame);
        memcpy(&value, frame.data, sizeof(value));
        found = found || (frame.id == SENTINEL_ID && frame.dlc == 4 && value == nonce);
    }
    return found;
}

/** What the service says of the GX, against the keepalives that have been on the bus. */
static void check_status(int64_t start_ms)
{
    event_bus_can_status_t status;
    for (int i = 0; i < 2; i++) { /* the first may have been told before the last frame came */
        fuzz_check(event_bus_receive_can_status(s_fuzz.statuses, &status, REAL_MS(STATUS_MS)), "the service is alive");
    }
    const bool expected = s_fuzz.keepalive_ms >= start_ms;
    fuzz_check(status.gx_last_seen_ms <= s_fuzz.keepalive_ms, "a GX is seen only when there was a keepalive");
    fuzz_check(!expected || status.gx_last_seen_ms >= start_ms - TOLERANCE_MS, "no keepalive is overlooked");
}

/** The server cannot be asked whether it has taken everything, so a frame with a number of its own is sent behind. */
static void wait_until_taken(void)
{
    char sentinel[64];
    const uint32_t nonce = ++s_fuzz.nonce;
    const uint8_t *const n = (const uint8_t *)&nonce;
    const int length = snprintf(sentinel, sizeof(sentinel), "< open can0 >< send %03X 4 %02X %02X %02X %02X >",
                                (unsigned)SENTINEL_ID, n[0], n[1], n[2], n[3]);
    bool found = false;
    for (int i = 0; i < PATIENCE && !found; i++) { /* a full queue may have lost it */
        while (!say(sentinel, (size_t)length) || hung_up()) {
            connect_client();
        }
        const TickType_t until = xTaskGetTickCount() + REAL_MS(25);
        while (!found && !hung_up() && (int32_t)(until - xTaskGetTickCount()) > 0) {
            (void)ulTaskNotifyTake(pdTRUE, REAL_MS(2));
            found = take_frames(nonce);
        }
    }
    fuzz_check(found, "the gateway goes on receiving");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* "fault" is no word of the bus: it makes the simulated controller fail. */
    if (size == 0 || size > LONGEST || memmem(data, size, "fault", 5) != NULL) {
        return 0;
    }
    if (s_fuzz.port == 0) {
        start();
        connect_client();
    }
    const int64_t start_ms = esp_timer_get_time() / 1000;
    s_fuzz.heard_305 = false;
    if (say("< open can0 >", 13) && say((const char *)data, size)) {
        wait_until_taken();
    } else {
        connect_client();
    }
    if (s_fuzz.heard_305) {
        check_status(start_ms);
    }
    return 0;
}
