/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** A text adapter such as a CANable, on a serial device or behind TCP. Adapters answer a frame with CR, "z", BEL or, as
 * a CANable does, not at all; but all of them do in order what they are told and tell their version when asked. So
 * every exchange ends with that question: its answer says that what stands before it was taken, and a BEL on the way
 * that it was refused. What the adapter makes of a frame afterwards it does not tell, so the channel is closed and
 * opened again, which throws away what the adapter still holds, whenever there is reason for doubt. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

#include "can_bus_backend.h"
#include "esp_log.h"
#include "esp_system.h"
#include "host.h"
#include "serial_device.h"
#include "slcan.h"

static const char *TAG = "slcan";

#define TICK_MS      20
#define ASK_AGAIN_MS 100 /* a CANable loses an answer when it comes while it sends a received frame */
#define GIVE_UP_MS   500
#define DRAIN_MS     100 /* what an adapter has to say of former times */
#define RETRY_MS     250
#define CONNECT_S    2
#define LOOK_MS      1000
#define ALONE_MS     3000 /* a GX says something every second */
#define LEFT_MS      250  /* a frame goes out in less than a millisecond, or there is something wrong */

/* Single shot for a CANable and for a relative of it; others refuse the words. */
#define CLOSE_CHANNEL "C\rA0\r-0\r"
#define VERSION       "V\r"

typedef enum {
    EXCHANGE_NONE,
    EXCHANGE_FRAME,
    EXCHANGE_OTHER,
} exchange_t;

/* The lock is for what put() and the thread share; the rest belongs to the thread. */
static struct {
    pthread_mutex_t lock;
    const char *where;
    char host[256]; /* empty: `where` is a device */
    const char *port;
    char open_channel[8]; /* "": not started */
    int fd;               /* -1 = not there */
    bool ready;
    bool broken;
    bool ended; /* the program ends: nothing more is said */
    exchange_t exchange;
    int64_t asked_ms;
    int64_t ask_again_ms;
    bool asked_again;
    int64_t quiet_until_ms;
    bool refused;  /* in this exchange */
    bool doubtful; /* the last exchange or the status flags give reason for doubt */
    bool holding;  /* it got a frame since the channel was opened */
    int64_t put_ms;
    int64_t heard_ms;
    /* of the thread */
    slcan_reader_t reader;
    char version[SLCAN_LINE_SIZE];
    bool tells_status;
    uint8_t flags;
    bool noisy;    /* said once that it sends what nobody understands */
    bool refusing; /* said once */
    int64_t looked_ms;
    char problem[160]; /* why it is not there, said once */
} s_link = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

/** Under the lock. An adapter that does not even take a few bytes has gone. */
static bool begin(exchange_t exchange, const char *commands)
{
    char text[96];
    const int length = snprintf(text, sizeof(text), "%s" VERSION, commands);
    if (s_link.ended || write(s_link.fd, text, (size_t)length) != length) {
        s_link.broken = true;
        return false;
    }
    s_link.exchange = exchange;
    s_link.asked_ms = can_bus_now_ms();
    s_link.ask_again_ms = s_link.asked_ms + ASK_AGAIN_MS;
    s_link.asked_again = false;
    s_link.refused = false;
    return true;
}

/** Under the lock. Throws away what the adapter has not sent. */
static void begin_reset(void)
{
    char commands[32];
    (void)snprintf(commands, sizeof(commands), CLOSE_CHANNEL "%s", s_link.open_channel);
    s_link.holding = false;
    (void)begin(EXCHANGE_OTHER, commands);
}

/** Under the lock. */
static bool may_hold_old_frame(int64_t now_ms)
{
    return s_link.holding && (s_link.doubtful || now_ms - s_link.heard_ms >= ALONE_MS);
}

/** Under the lock. */
static can_bus_put_t put_when_free(const can_bus_frame_t *frame)
{
    char text[SLCAN_FRAME_SIZE];
    const int64_t now_ms = can_bus_now_ms();
    if (!s_link.ready || s_link.broken) {
        return CAN_BUS_PUT_REFUSED;
    }
    if (s_link.exchange != EXCHANGE_NONE || now_ms < s_link.quiet_until_ms) {
        return CAN_BUS_PUT_NO_ROOM;
    }
    if (may_hold_old_frame(now_ms)) {
        begin_reset();
        return CAN_BUS_PUT_NO_ROOM;
    }
    (void)slcan_encode(frame, text);
    s_link.holding = true;
    s_link.put_ms = now_ms;
    return begin(EXCHANGE_FRAME, text) ? CAN_BUS_PUT_UNDER_WAY : CAN_BUS_PUT_REFUSED;
}

static can_bus_put_t put(const can_bus_frame_t *frame)
{
    (void)pthread_mutex_lock(&s_link.lock);
    const can_bus_put_t result = put_when_free(frame);
    (void)pthread_mutex_unlock(&s_link.lock);
    return result;
}

static void note_refusal(bool refused)
{
    if (refused != s_link.refusing) {
        s_link.refusing = refused;
        ESP_LOGW(TAG, "%s %s", s_link.where,
                 refused ? "refuses frames: bus-off, wiring fault, or no other node on the bus"
                         : "accepts frames again");
    }
}

static void end_exchange(void)
{
    (void)pthread_mutex_lock(&s_link.lock);
    const exchange_t ended = s_link.exchange;
    const bool refused = s_link.refused;
    s_link.exchange = EXCHANGE_NONE;
    if (s_link.asked_again) { /* perhaps both answers come */
        s_link.quiet_until_ms = can_bus_now_ms() + ASK_AGAIN_MS;
    }
    if (ended == EXCHANGE_FRAME) {
        s_link.doubtful = refused || (s_link.flags & (SLCAN_TX_FULL | SLCAN_ERROR_PASSIVE)) != 0;
    }
    (void)pthread_mutex_unlock(&s_link.lock);
    if (ended == EXCHANGE_FRAME) {
        note_refusal(refused);
        can_bus_done(!refused);
    }
}

static void take_flags(uint8_t flags)
{
    s_link.tells_status = true;
    if (flags != s_link.flags) {
        ESP_LOGW(TAG, "%s: status %02X%s%s%s%s", s_link.where, (unsigned)flags,
                 (flags & SLCAN_TX_FULL) != 0 ? ", frames wait" : "",
                 (flags & SLCAN_WARNING) != 0 ? ", error warning" : "",
                 (flags & SLCAN_ERROR_PASSIVE) != 0 ? ", error-passive" : "",
                 (flags & SLCAN_BUS_ERROR) != 0 ? ", bus error" : "");
        s_link.flags = flags;
    }
}

static void take_received(void)
{
    (void)pthread_mutex_lock(&s_link.lock);
    const bool ready = s_link.ready;
    s_link.heard_ms = ready ? can_bus_now_ms() : s_link.heard_ms;
    (void)pthread_mutex_unlock(&s_link.lock);
    if (ready) { /* what it kept from former times is not news */
        can_bus_received(&s_link.reader.frame);
    }
}

static void note_garbage(void)
{
    if (!s_link.noisy) {
        s_link.noisy = true;
        ESP_LOGW(TAG, "%s sent a line that is not slcan; ignored", s_link.where);
    }
}

static void take_event(slcan_event_t event)
{
    switch (event) {
    case SLCAN_FRAME:
        take_received();
        break;
    case SLCAN_STATUS:
        take_flags(s_link.reader.flags);
        break;
    case SLCAN_REFUSED:
        (void)pthread_mutex_lock(&s_link.lock);
        s_link.refused = true;
        (void)pthread_mutex_unlock(&s_link.lock);
        break;
    case SLCAN_TEXT:
        if (s_link.version[0] == '\0') {
            (void)snprintf(s_link.version, sizeof(s_link.version), "%s", s_link.reader.line);
        }
        if (strcmp(s_link.version, s_link.reader.line) == 0) {
            end_exchange();
        } else {
            note_garbage();
        }
        break;
    case SLCAN_GARBAGE:
        note_garbage();
        break;
    case SLCAN_NOTHING:
    default:
        break;
    }
}

/** The question is asked again before the adapter is given up. */
static void watch_exchange(void)
{
    const int64_t now_ms = can_bus_now_ms();
    (void)pthread_mutex_lock(&s_link.lock);
    const bool waiting = s_link.exchange != EXCHANGE_NONE && !s_link.broken;
    if (waiting && now_ms - s_link.asked_ms >= GIVE_UP_MS) {
        s_link.broken = true;
    } else if (waiting && now_ms >= s_link.ask_again_ms) {
        s_link.ask_again_ms = now_ms + ASK_AGAIN_MS;
        s_link.asked_again = true;
        s_link.broken = write(s_link.fd, VERSION, strlen(VERSION)) != (ssize_t)strlen(VERSION);
    }
    (void)pthread_mutex_unlock(&s_link.lock);
}

static void note_problem(const char *text)
{
    if (strcmp(text, s_link.problem) != 0) {
        (void)snprintf(s_link.problem, sizeof(s_link.problem), "%s", text);
        ESP_LOGW(TAG, "%s: %s; retrying until it is available", s_link.where, text);
    }
}

/** False: the adapter has gone. */
static bool read_bytes(bool heed)
{
    char bytes[512];
    struct pollfd poll_fd = {.fd = s_link.fd, .events = POLLIN};
    if (poll(&poll_fd, 1, TICK_MS) <= 0) {
        return true;
    }
    const ssize_t got = read(s_link.fd, bytes, sizeof(bytes));
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        return false;
    }
    for (ssize_t i = 0; heed && i < got; i++) {
        take_event(slcan_feed(&s_link.reader, bytes[i]));
    }
    return true;
}

static bool ended(void)
{
    (void)pthread_mutex_lock(&s_link.lock);
    const bool result = s_link.ended;
    (void)pthread_mutex_unlock(&s_link.lock);
    return result;
}

/** Reads for a moment; false: the adapter has gone, or does not answer. */
static bool turn(void)
{
    if (!read_bytes(true)) {
        return false;
    }
    watch_exchange();
    (void)pthread_mutex_lock(&s_link.lock);
    const bool works = !s_link.broken;
    (void)pthread_mutex_unlock(&s_link.lock);
    return works;
}

/** An exchange of the thread itself, while no frame is sent. */
static bool converse(const char *commands, bool *refused)
{
    (void)pthread_mutex_lock(&s_link.lock);
    bool works = begin(EXCHANGE_OTHER, commands);
    bool waiting = works;
    (void)pthread_mutex_unlock(&s_link.lock);
    while (works && waiting) {
        works = turn();
        (void)pthread_mutex_lock(&s_link.lock);
        waiting = s_link.exchange != EXCHANGE_NONE;
        *refused = s_link.refused;
        (void)pthread_mutex_unlock(&s_link.lock);
    }
    return works;
}

/** Closes the channel whatever the adapter was doing, and opens it; NULL, or what is wrong. */
static const char *greet(void)
{
    static const char hush[] = "\r\rC\r";
    const int64_t drained_ms = can_bus_now_ms() + DRAIN_MS;
    bool refused = false;
    char open_channel[sizeof(s_link.open_channel)];
    (void)pthread_mutex_lock(&s_link.lock);
    memcpy(open_channel, s_link.open_channel, sizeof(open_channel));
    (void)pthread_mutex_unlock(&s_link.lock);
    bool works = write(s_link.fd, hush, strlen(hush)) == (ssize_t)strlen(hush);
    while (works && can_bus_now_ms() < drained_ms) {
        works = read_bytes(false);
    }
    if (!works || !converse(CLOSE_CHANNEL, &refused)) {
        return "does not answer like an slcan adapter";
    }
    if (!converse(open_channel, &refused)) {
        return "does not answer like an slcan adapter";
    }
    if (refused) {
        return "the adapter refuses the bit rate or refuses to open its channel";
    }
    return converse("F\r", &refused) ? NULL : "does not answer like an slcan adapter";
}

/** What is to be done without being asked. False: the name leads to another device by now. */
static bool look_after(void)
{
    const int64_t now_ms = can_bus_now_ms();
    const bool look = now_ms - s_link.looked_ms >= LOOK_MS;
    (void)pthread_mutex_lock(&s_link.lock);
    if (s_link.exchange == EXCHANGE_NONE && now_ms >= s_link.quiet_until_ms) {
        if (may_hold_old_frame(now_ms) && now_ms - s_link.put_ms >= LEFT_MS) {
            begin_reset();
        } else if (look) {
            (void)begin(EXCHANGE_OTHER, s_link.tells_status ? "F\r" : "");
        }
    }
    (void)pthread_mutex_unlock(&s_link.lock);
    if (look) {
        s_link.looked_ms = now_ms;
    }
    return !look || s_link.host[0] != '\0' || serial_device_is(s_link.fd, s_link.where);
}

static int connect_to(const struct addrinfo *address)
{
    const int one = 1;
    const struct timeval patience = {.tv_sec = CONNECT_S};
    const struct linger at_once = {.l_onoff = 1}; /* what was not sent when it is closed is never sent */
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
        connect(fd, address->ai_addr, address->ai_addrlen) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        const int reason = errno == EINPROGRESS ? ETIMEDOUT : errno;
        (void)close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

/** -1: noted why. */
static int open_link(void)
{
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int fd = -1;
    if (s_link.host[0] == '\0') {
        fd = serial_device_open(s_link.where);
    } else {
        const int error = getaddrinfo(s_link.host, s_link.port, &wanted, &found);
        if (error != 0) {
            note_problem(gai_strerror(error));
            return -1;
        }
        for (const struct addrinfo *next = found; next != NULL && fd < 0; next = next->ai_next) {
            fd = connect_to(next);
        }
        freeaddrinfo(found);
    }
    if (fd < 0) {
        note_problem(strerror(errno));
    }
    return fd;
}

static void take_up(int fd)
{
    (void)pthread_mutex_lock(&s_link.lock);
    s_link.fd = fd;
    s_link.broken = false;
    s_link.doubtful = false;
    s_link.holding = false;
    s_link.quiet_until_ms = 0;
    s_link.heard_ms = can_bus_now_ms() - ALONE_MS;
    (void)pthread_mutex_unlock(&s_link.lock);
    s_link.reader = (slcan_reader_t){.length = 0};
    s_link.version[0] = '\0';
    s_link.tells_status = false;
    s_link.flags = 0;
    s_link.noisy = false;
    s_link.looked_ms = 0;
}

static void hang_up(void)
{
    (void)pthread_mutex_lock(&s_link.lock);
    const int fd = s_link.fd;
    s_link.fd = -1;
    s_link.ready = false;
    s_link.exchange = EXCHANGE_NONE;
    (void)pthread_mutex_unlock(&s_link.lock);
    can_bus_done(false);
    (void)tcflush(fd, TCIOFLUSH); /* what the adapter did not take must not reach it later */
    (void)close(fd);              /* without the lock: a device that hangs may hold this up */
}

static void set_ready(void)
{
    ESP_LOGI(TAG, "%s: open, version %s", s_link.where, s_link.version);
    s_link.problem[0] = '\0';
    (void)pthread_mutex_lock(&s_link.lock);
    s_link.ready = true;
    (void)pthread_mutex_unlock(&s_link.lock);
}

static void *serve(void *argument)
{
    (void)argument;
    while (!ended()) {
        const int fd = open_link();
        if (fd >= 0) {
            take_up(fd);
            const char *const problem = greet();
            if (problem == NULL) {
                set_ready();
                while (turn() && look_after()) {
                }
            }
            if (ended()) {
                break; /* hanging up could drop the last word */
            }
            hang_up();
            note_problem(problem != NULL ? problem : "disconnected or silent");
        }
        (void)usleep(RETRY_MS * 1000U);
    }
    return NULL;
}

/** The adapter would stay on the bus, and go on with a frame that nobody has acknowledged. */
static void close_channel(void)
{
    static const char close_it[] = "C\r";
    (void)pthread_mutex_lock(&s_link.lock);
    if (s_link.fd >= 0 && write(s_link.fd, close_it, strlen(close_it)) < 0) {
        (void)tcflush(s_link.fd, TCIOFLUSH);
    }
    s_link.ended = true;
    s_link.broken = true;
    (void)pthread_mutex_unlock(&s_link.lock);
}

/** A device has a slash in its name, HOST:PORT has none. */
static bool parse_where(const char *where)
{
    const char *const colon = strrchr(where, ':');
    char *end = NULL;
    s_link.where = where;
    if (strchr(where, '/') != NULL) {
        return true;
    }
    if (colon == NULL || colon == where || (size_t)(colon - where) >= sizeof(s_link.host) || colon[1] < '0' ||
        colon[1] > '9') {
        return false;
    }
    const unsigned long port = strtoul(&colon[1], &end, 10);
    memcpy(s_link.host, where, (size_t)(colon - where));
    s_link.port = &colon[1];
    return *end == '\0' && port >= 1 && port <= 65535UL;
}

static const char *open_adapter(const char *where, const char *data_dir)
{
    (void)data_dir;
    if (!parse_where(where)) {
        return "must be slcan:DEVICE, such as slcan:/dev/ttyACM0, or slcan:HOST:PORT with port 1..65535";
    }
    return esp_register_shutdown_handler(close_channel) == ESP_OK ? NULL : "too many shutdown handlers";
}

static void start(uint32_t bitrate)
{
    const char code = slcan_bit_rate_code(bitrate);
    if (code == '\0') {
        ESP_LOGE(TAG, "%s: slcan has no bit rate of %u bit/s; not opened", s_link.where, (unsigned)bitrate);
        return;
    }
    (void)pthread_mutex_lock(&s_link.lock);
    const bool begins = s_link.open_channel[0] == '\0';
    (void)snprintf(s_link.open_channel, sizeof(s_link.open_channel), "S%c\rO\r", code);
    s_link.broken = true; /* greeted anew, at this bit rate */
    (void)pthread_mutex_unlock(&s_link.lock);
    if (begins) {
        host_start_thread("can_link", serve, NULL);
    }
}

const can_bus_backend_t can_bus_slcan = {.name = "slcan", .open = open_adapter, .start = start, .put = put};
