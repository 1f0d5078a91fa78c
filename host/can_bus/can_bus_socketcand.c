/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** A CAN bus among programs of this machine: a server that speaks socketcand. Every client in raw mode is a node of the
 * bus, so a frame of the gateway is acknowledged when there is at least one, and a frame of a client reaches the
 * gateway and all other clients. A client that does not read loses frames, never the bus its pace. */
#include "can_bus_backend.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "esp_log.h"
#include "host.h"

static const char *TAG = "socketcand";

#define MAX_CLIENTS  64
#define COMMAND_SIZE 256 /* the longest command has 50 characters */
#define LINE_SIZE    96
#define BUS_NAME     "can0"
#define HELD_SIZE    4096
#define SETTLE_MS    20 /* python-can takes a frame right behind the "ok" of rawmode for a broken handshake */

typedef struct {
    int fd; /* -1 = free */
    bool opened;
    bool raw;
    bool lossy; /* said once that it reads too slowly */
    char command[COMMAND_SIZE];
    size_t command_length;
    char held[HELD_SIZE]; /* what the socket did not take, or must not get yet */
    size_t held_length;
    int64_t hold_until_ms;
} client_t;

static struct {
    pthread_mutex_t lock;
    int listen_fd;
    client_t clients[MAX_CLIENTS];
    bool stuck;
} s_bus = {.lock = PTHREAD_MUTEX_INITIALIZER, .listen_fd = -1};

static size_t send_now(int fd, const char *bytes, size_t length)
{
    const ssize_t sent = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? (size_t)sent : 0; /* a broken connection is noticed by the reader */
}

/** Under the lock. Sends what is held back, when it may and as far as the socket takes it; true: the way is free. */
static bool flush(client_t *client)
{
    if (can_bus_now_ms() < client->hold_until_ms) {
        return false;
    }
    const size_t sent = send_now(client->fd, client->held, client->held_length);
    client->held_length -= sent;
    memmove(client->held, &client->held[sent], client->held_length);
    return client->held_length == 0;
}

/** Under the lock. Sends a whole line or none of it, so that a slow reader never sees half a frame. */
static void send_line(client_t *client, const char *line)
{
    const size_t length = strlen(line);
    const size_t sent = flush(client) ? send_now(client->fd, line, length) : 0;
    if (length - sent <= sizeof(client->held) - client->held_length) {
        memcpy(&client->held[client->held_length], &line[sent], length - sent);
        client->held_length += length - sent;
    } else if (!client->lossy) {
        client->lossy = true;
        ESP_LOGW(TAG, "a client reads too slowly and loses frames");
    }
}

/** Under the lock. Sends the frame to all clients in raw mode but that with the number `sender`; true: there was one.
 */
static bool relay(const can_bus_frame_t *frame, size_t sender)
{
    char line[LINE_SIZE];
    struct timespec now;
    bool heard = false;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int length = snprintf(line, sizeof(line), frame->extended ? "< frame %08X %lld.%06ld " : "< frame %03X %lld.%06ld ",
                          (unsigned)frame->id, (long long)now.tv_sec, now.tv_nsec / 1000);
    for (int i = 0; i < frame->dlc && !frame->remote; i++) { /* the protocol has no word for a remote frame */
        length += snprintf(&line[length], sizeof(line) - (size_t)length, "%02X", (unsigned)frame->data[i]);
    }
    (void)snprintf(&line[length], sizeof(line) - (size_t)length, " >");
    for (size_t i = 0; i < MAX_CLIENTS; i++) {
        client_t *const client = &s_bus.clients[i];
        if (client->fd >= 0 && client->raw && i != sender) {
            send_line(client, line);
            heard = true;
        }
    }
    return heard;
}

static can_bus_put_t put(const can_bus_frame_t *frame)
{
    can_bus_put_t result = CAN_BUS_PUT_NO_ROOM;
    (void)pthread_mutex_lock(&s_bus.lock);
    if (!s_bus.stuck) {
        result = relay(frame, MAX_CLIENTS) ? CAN_BUS_PUT_ACKNOWLEDGED : CAN_BUS_PUT_REFUSED;
    }
    (void)pthread_mutex_unlock(&s_bus.lock);
    return result;
}

static bool held(void)
{
    (void)pthread_mutex_lock(&s_bus.lock);
    const bool stuck = s_bus.stuck;
    (void)pthread_mutex_unlock(&s_bus.lock);
    return stuck;
}

static bool next_number(char **at, unsigned long largest, size_t *digits, unsigned long *value)
{
    char *end = NULL;
    const char *const word = strtok_r(NULL, " ", at);
    if (word == NULL || strspn(word, "0123456789abcdefABCDEF") != strlen(word)) {
        return false;
    }
    *value = strtoul(word, &end, 16);
    *digits = (size_t)(end - word);
    return *digits > 0 && *digits <= 8 && *value <= largest;
}

/** "ID DLC B B ..." in hexadecimal; an identifier of 8 digits is a 29-bit one. */
static bool parse_frame(char **at, can_bus_frame_t *frame)
{
    unsigned long value = 0;
    size_t digits = 0;
    *frame = (can_bus_frame_t){.id = 0};
    if (!next_number(at, 0x1FFFFFFFUL, &digits, &value) || (digits < 8 && value > 0x7FFUL)) {
        return false;
    }
    frame->id = (uint32_t)value;
    frame->extended = digits == 8;
    if (!next_number(at, 8, &digits, &value)) {
        return false;
    }
    frame->dlc = (uint8_t)value;
    for (int i = 0; i < frame->dlc; i++) {
        if (!next_number(at, 0xFF, &digits, &value)) {
            return false;
        }
        frame->data[i] = (uint8_t)value;
    }
    return strtok_r(NULL, " ", at) == NULL;
}

static void take_frame(client_t *client, const can_bus_frame_t *frame)
{
    (void)pthread_mutex_lock(&s_bus.lock);
    (void)relay(frame, (size_t)(client - s_bus.clients));
    (void)pthread_mutex_unlock(&s_bus.lock);
    can_bus_received(frame);
}

static const char *command_send(client_t *client, char **at)
{
    can_bus_frame_t frame;
    if (!client->opened) {
        return "< error open a bus first >";
    }
    if (!parse_frame(at, &frame)) {
        return "< error send ID DLC BYTE..., all hexadecimal >";
    }
    take_frame(client, &frame);
    return NULL;
}

static const char *command_open(client_t *client, char **at)
{
    const char *const name = strtok_r(NULL, " ", at);
    if (name == NULL || strcmp(name, BUS_NAME) != 0) {
        return "< error the only bus is " BUS_NAME " >";
    }
    client->opened = true;
    return "< ok >";
}

static const char *command_rawmode(client_t *client)
{
    if (!client->opened) {
        return "< error open a bus first >";
    }
    (void)pthread_mutex_lock(&s_bus.lock);
    send_line(client, "< ok >");
    client->raw = true;
    client->hold_until_ms = can_bus_now_ms() + SETTLE_MS;
    (void)pthread_mutex_unlock(&s_bus.lock);
    return NULL;
}

/** "fault busoff": what a short circuit does to the gateway's controller. "fault stuck": a bus that never gets free. */
static const char *command_fault(char **at)
{
    const char *const word = strtok_r(NULL, " ", at);
    const char *const name = word == NULL ? "" : word;
    const bool bus_off = strcmp(name, "busoff") == 0;
    const bool stuck = strcmp(name, "stuck") == 0;
    if (!bus_off && !stuck && strcmp(name, "none") != 0) {
        return "< error there are the faults busoff, stuck and none >";
    }
    (void)pthread_mutex_lock(&s_bus.lock);
    s_bus.stuck = bus_off ? s_bus.stuck : stuck;
    (void)pthread_mutex_unlock(&s_bus.lock);
    if (bus_off) {
        can_bus_went_off();
    }
    return "< ok >";
}

static void perform(client_t *client, char *command)
{
    char *at = NULL;
    const char *answer = "< error unknown command >";
    const char *const word = strtok_r(command, " ", &at);
    if (word == NULL) {
        return;
    }
    if (strcmp(word, "send") == 0) {
        answer = command_send(client, &at);
    } else if (strcmp(word, "open") == 0) {
        answer = command_open(client, &at);
    } else if (strcmp(word, "rawmode") == 0) {
        answer = command_rawmode(client);
    } else if (strcmp(word, "echo") == 0) {
        answer = "< echo >";
    } else if (strcmp(word, "fault") == 0) {
        answer = command_fault(&at);
    }
    if (answer != NULL) {
        (void)pthread_mutex_lock(&s_bus.lock);
        send_line(client, answer);
        (void)pthread_mutex_unlock(&s_bus.lock);
    }
}

static void drop(client_t *client, const char *why)
{
    ESP_LOGI(TAG, "client left: %s", why);
    (void)pthread_mutex_lock(&s_bus.lock);
    (void)close(client->fd);
    *client = (client_t){.fd = -1};
    (void)pthread_mutex_unlock(&s_bus.lock);
}

/** Commands stand between '<' and '>'; what is outside of them is ignored. False: the client does not speak this. */
static bool take_byte(client_t *client, char byte)
{
    if (byte == '<') {
        client->command_length = 1;
        return true;
    }
    if (client->command_length == 0) {
        return true;
    }
    if (byte == '>') {
        client->command[client->command_length] = '\0';
        client->command_length = 0;
        perform(client, &client->command[1]);
        return true;
    }
    if (client->command_length == sizeof(client->command) - 1) {
        return false;
    }
    client->command[client->command_length++] = byte;
    return true;
}

static void read_client(client_t *client)
{
    char bytes[4096];
    const ssize_t got = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        drop(client, got == 0 ? "closed" : strerror(errno));
        return;
    }
    for (ssize_t i = 0; i < got; i++) {
        if (!take_byte(client, bytes[i])) {
            drop(client, "unterminated command");
            return;
        }
    }
}

static void accept_client(void)
{
    const int one = 1;
    const int fd = accept4(s_bus.listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)pthread_mutex_lock(&s_bus.lock);
    client_t *client = NULL;
    for (size_t i = 0; i < MAX_CLIENTS && client == NULL; i++) {
        client = s_bus.clients[i].fd < 0 ? &s_bus.clients[i] : NULL;
    }
    if (client != NULL) {
        *client = (client_t){.fd = fd};
        send_line(client, "< hi >");
    }
    (void)pthread_mutex_unlock(&s_bus.lock);
    if (client == NULL) {
        ESP_LOGW(TAG, "too many clients");
        (void)close(fd);
    }
}

/** Sends what was held back; true: somebody has to be served again soon. */
static bool flush_held(void)
{
    bool waiting = false;
    (void)pthread_mutex_lock(&s_bus.lock);
    for (size_t i = 0; i < MAX_CLIENTS; i++) {
        client_t *const client = &s_bus.clients[i];
        waiting = (client->fd >= 0 && !flush(client)) || waiting;
    }
    (void)pthread_mutex_unlock(&s_bus.lock);
    return waiting;
}

static void *serve(void *argument)
{
    (void)argument;
    for (;;) {
        struct pollfd fds[MAX_CLIENTS + 1] = {{.fd = s_bus.listen_fd, .events = POLLIN}};
        for (size_t i = 0; i < MAX_CLIENTS; i++) {
            fds[i + 1] = (struct pollfd){.fd = s_bus.clients[i].fd, .events = POLLIN}; /* poll skips -1 */
        }
        if (poll(fds, MAX_CLIENTS + 1, flush_held() ? SETTLE_MS : -1) < 0) {
            continue;
        }
        for (size_t i = 0; i < MAX_CLIENTS; i++) {
            if (fds[i + 1].revents != 0) {
                read_client(&s_bus.clients[i]);
            }
        }
        if (fds[0].revents != 0) {
            accept_client();
        }
    }
    return NULL;
}

static bool write_port_file(const char *data_dir, unsigned port)
{
    char path[512];
    char temporary[520];
    (void)snprintf(path, sizeof(path), "%s/can_port", data_dir);
    (void)snprintf(temporary, sizeof(temporary), "%s.new", path);
    FILE *const file = fopen(temporary, "we");
    if (file == NULL) {
        return false;
    }
    const bool written = fprintf(file, "%u\n", port) > 0;
    return fclose(file) == 0 && written && rename(temporary, path) == 0;
}

static const char *listen_on(uint16_t port, const char *data_dir)
{
    const int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t length = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s_bus.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s_bus.listen_fd < 0 || setsockopt(s_bus.listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(s_bus.listen_fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(s_bus.listen_fd, 16) != 0 ||
        getsockname(s_bus.listen_fd, (struct sockaddr *)&address, &length) != 0) {
        return strerror(errno);
    }
    const unsigned actual = ntohs(address.sin_port);
    if (data_dir != NULL && !write_port_file(data_dir, actual)) {
        return "cannot write can_port in the data directory";
    }
    ESP_LOGI(TAG, "CAN bus %s on 127.0.0.1:%u", BUS_NAME, actual);
    return NULL;
}

static const char *open_server(const char *where, const char *data_dir)
{
    char *end = NULL;
    const unsigned long port = strtoul(where, &end, 10);
    if (where[0] < '0' || where[0] > '9' || *end != '\0' || port > 65535UL) {
        return "the port must be 0 (any free one) or 1..65535";
    }
    for (size_t i = 0; i < MAX_CLIENTS; i++) {
        s_bus.clients[i].fd = -1;
    }
    const char *const problem = listen_on((uint16_t)port, data_dir);
    if (problem == NULL) {
        host_start_thread("can_link", serve, NULL);
    }
    return problem;
}

const can_bus_backend_t can_bus_socketcand = {.name = "socketcand", .open = open_server, .put = put, .held = held};
