/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The open connections. ESP-IDF's server waits for each piece of a request by itself, so a byte now and then would keep
 * its only task busy for ever: here every exchange has one deadline, and a connection without one is closed when idle.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service_task.h"
#include "web_private.h"

#define REQUEST_MS         5000 /**< from its first byte to its last */
#define REQUEST_LEAST_MS   1000 /**< when the patience with slow clients is used up */
#define PATIENCE_DIVISOR   5    /**< it comes back in five times the time that they took */
#define ANSWER_FACTOR      2 /**< from the first byte of a request to the last of its answer, in times of a request */
#define FROM_WEBSOCKET_MS  1000 /**< a frame of a client */
#define TO_WEBSOCKET_MS    200  /**< a socket that said it was writable */
#define IDLE_MS            5000
#define IDLE_CROWDED_MS    250 /**< the longest idle connection, while all are taken */
#define WEBSOCKET_STUCK_MS 10000
#define CLOSE_MS           1000 /**< of a WebSocket that we have closed */
#define MS_PER_S           1000
#define US_PER_MS          1000
#define START_TRIES        100
#define START_TRY_MS       10
#define DRAIN_MAX          4096

static web_server_t *self_of(httpd_handle_t server)
{
    return httpd_get_global_user_ctx(server);
}

void web_clients_init(web_server_t *self)
{
    self->patience_ms = REQUEST_MS;
    for (unsigned i = 0; i < WEB_CLIENTS_MAX; i++) {
        self->clients[i].fd = -1;
    }
}

web_client_t *web_client_find(web_server_t *self, int fd)
{
    for (unsigned i = 0; i < WEB_CLIENTS_MAX; i++) {
        if (self->clients[i].fd == fd) {
            return &self->clients[i];
        }
    }
    return NULL;
}

unsigned web_clients_websockets(const web_server_t *self)
{
    unsigned count = 0;
    for (unsigned i = 0; i < WEB_CLIENTS_MAX; i++) {
        count += self->clients[i].fd >= 0 && self->clients[i].websocket ? 1U : 0U;
    }
    return count;
}

static bool wait_for(int fd, bool to_write, int64_t longest_ms)
{
    fd_set set;
    struct timeval timeout = {.tv_sec = (time_t)(longest_ms / MS_PER_S),
                              .tv_usec = (suseconds_t)(longest_ms % MS_PER_S * US_PER_MS)};
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return select(fd + 1, to_write ? NULL : &set, to_write ? &set : NULL, NULL, &timeout) > 0;
}

bool web_client_writable(int fd)
{
    return wait_for(fd, true, 0);
}

/**
 * A slow client holds the server, which cannot even accept another one meanwhile. So all share a patience, which comes
 * back slowly: when several are slow one after the other, those behind the first get less time.
 */
static void begin_exchange(web_server_t *self, web_client_t *client)
{
    const int64_t now_ms = service_now_ms();
    if (client->busy_since_ms != 0) {
        return;
    }
    const int64_t patience_ms = self->patience_ms + (now_ms - self->patience_at_ms) / PATIENCE_DIVISOR;
    self->patience_ms = patience_ms < REQUEST_MS ? (int32_t)patience_ms : REQUEST_MS;
    self->patience_at_ms = now_ms;
    client->busy_since_ms = now_ms;
    client->allowed_ms = self->patience_ms > REQUEST_LEAST_MS ? self->patience_ms : REQUEST_LEAST_MS;
}

/** Until when the exchange in progress must have got somewhere; false: it has not. */
static bool wait_until(web_server_t *self, const web_client_t *client, bool to_write, int32_t allowed_ms)
{
    const int64_t begin_ms = service_now_ms();
    const int64_t left_ms = client->busy_since_ms + allowed_ms - begin_ms;
    const bool ready = wait_for(client->fd, to_write, left_ms > 0 ? left_ms : 0);
    const int64_t patience_ms = self->patience_ms - (service_now_ms() - begin_ms);
    self->patience_ms = patience_ms > 0 ? (int32_t)patience_ms : 0;
    return ready;
}

static int receive(httpd_handle_t server, int fd, char *buffer, size_t size, int flags)
{
    web_client_t *const client = web_client_find(self_of(server), fd);
    if (fd < 0 || client == NULL || buffer == NULL) {
        return HTTPD_SOCK_ERR_INVALID;
    }
    if (client->ending_since_ms != 0 && !client->websocket) {
        return HTTPD_SOCK_ERR_FAIL;
    }
    begin_exchange(self_of(server), client);
    if (!wait_until(self_of(server), client, false, client->websocket ? FROM_WEBSOCKET_MS : client->allowed_ms)) {
        self_of(server)->view.web.shed++;
        return HTTPD_SOCK_ERR_TIMEOUT;
    }
    const int got = (int)recv(fd, buffer, size, flags);
    if (got < 0) {
        return errno == EAGAIN || errno == EINTR ? HTTPD_SOCK_ERR_TIMEOUT : HTTPD_SOCK_ERR_FAIL;
    }
    client->active_ms = service_now_ms();
    client->has_spoken = true;
    return got;
}

/**
 * All or nothing: the server does not send the rest of a WebSocket frame that went out in part. Tried before it is
 * waited for: lwIP calls a socket writable while 2881 bytes and some pieces are free, and the head of a frame alone may
 * take it below that, with enough room left for the rest.
 */
static int send_all(httpd_handle_t server, int fd, const char *bytes, size_t length, int flags)
{
    web_client_t *const client = web_client_find(self_of(server), fd);
    size_t sent = 0;
    if (fd < 0 || client == NULL || bytes == NULL) {
        return HTTPD_SOCK_ERR_INVALID;
    }
    begin_exchange(self_of(server), client);
    while (sent < length) {
        const int part = (int)send(fd, &bytes[sent], length - sent, flags | MSG_DONTWAIT);
        if (part > 0) {
            sent += (size_t)part;
            continue;
        }
        if (part < 0 && errno != EAGAIN && errno != EINTR) {
            return HTTPD_SOCK_ERR_FAIL;
        }
        if (!wait_until(self_of(server), client, true,
                        client->websocket ? TO_WEBSOCKET_MS : ANSWER_FACTOR * client->allowed_ms)) {
            client->takes_nothing = true;
            self_of(server)->view.web.shed++;
            return HTTPD_SOCK_ERR_TIMEOUT;
        }
    }
    client->active_ms = service_now_ms();
    return (int)length;
}

/** Else the first client of all would be told that there is nothing. */
static bool wait_until_ready(web_server_t *self)
{
    for (int i = 0; i < START_TRIES && !atomic_load(&self->ready); i++) {
        vTaskDelay(pdMS_TO_TICKS(START_TRY_MS));
    }
    return atomic_load(&self->ready);
}

esp_err_t web_client_opened(httpd_handle_t server, int fd)
{
    web_client_t *const client = web_client_find(self_of(server), -1);
    const int yes = 1;
    /* Without a count the server would not close a connection on which there was no request yet. */
    if (!wait_until_ready(self_of(server)) || client == NULL ||
        httpd_sess_set_recv_override(server, fd, receive) != ESP_OK ||
        httpd_sess_set_send_override(server, fd, send_all) != ESP_OK ||
        httpd_sess_update_lru_counter(server, fd) != ESP_OK) {
        return ESP_FAIL;
    }
    /* A frame's head would wait for the acknowledgement of what was sent before it. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    *client = (web_client_t){.fd = fd, .active_ms = service_now_ms()};
    return ESP_OK;
}

/** What a client does not take must not stay in memory for the minutes in which TCP would offer it again. */
static void forget_unsent(int fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

/** A socket that is closed with unread bytes resets the connection, and the client may never see the answer. */
void web_client_closed(httpd_handle_t server, int fd)
{
    char rest[128];
    web_client_t *const client = web_client_find(self_of(server), fd);
    if (client != NULL) {
        if (client->takes_nothing || client->stuck_since_ms != 0) {
            forget_unsent(fd);
        }
        *client = (web_client_t){.fd = -1};
    }
    web_job_abandon(self_of(server), fd);
    (void)shutdown(fd, SHUT_WR);
    for (size_t drained = 0; drained < DRAIN_MAX; drained += sizeof(rest)) {
        if (recv(fd, rest, sizeof(rest), MSG_DONTWAIT) <= 0) {
            break;
        }
    }
    (void)close(fd);
}

/** Only what both TCP/IP stacks have: the text of an IPv4 address that comes as one of IPv6 is that of IPv4. */
void web_client_address(int fd, char address[ACCESS_ADDRESS_MAX + 1])
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    struct sockaddr_storage peer = {0};
    socklen_t size = sizeof(peer);
    address[0] = '\0';
    if (getpeername(fd, (struct sockaddr *)&peer, &size) != 0) {
        return;
    }
    const void *bytes = &((const struct sockaddr_in *)&peer)->sin_addr;
    int family = AF_INET;
    if (peer.ss_family == AF_INET6) {
        const uint8_t *const long_bytes = (const uint8_t *)&((const struct sockaddr_in6 *)&peer)->sin6_addr;
        const bool is_mapped = memcmp(long_bytes, mapped, sizeof(mapped)) == 0;
        bytes = is_mapped ? &long_bytes[sizeof(mapped)] : long_bytes;
        family = is_mapped ? AF_INET : AF_INET6;
    }
    (void)inet_ntop(family, bytes, address, ACCESS_ADDRESS_MAX + 1);
}

/** The server sees that nothing more comes, and closes. Unlike a close that is queued, this can hit nobody else. */
void web_client_end(const web_client_t *client)
{
    (void)shutdown(client->fd, SHUT_RD);
}

/** Once: the server would close whoever takes its place as well. When its queue is full, the next turn tries again. */
void web_client_shed(web_server_t *self, web_client_t *client)
{
    if (!client->closing && httpd_sess_trigger_close(self->server, client->fd) == ESP_OK) {
        client->closing = true;
        self->view.web.shed++;
    }
}

/** A request connection is idle; a WebSocket may be silent, but must take what it is sent. */
static bool overdue(const web_server_t *self, const web_client_t *client, int64_t now_ms)
{
    if (web_job_holds(self, client->fd)) {
        return false;
    }
    if (client->websocket) {
        return client->stuck_since_ms != 0 && now_ms - client->stuck_since_ms >= WEBSOCKET_STUCK_MS;
    }
    return now_ms - client->active_ms >= IDLE_MS;
}

/** A WebSocket closes its connection by itself when it has seen our close, or should. */
static bool ignores_close(const web_client_t *client, int64_t now_ms)
{
    return client->websocket && client->ending_since_ms != 0 && now_ms - client->ending_since_ms >= CLOSE_MS;
}

/** While all connections are taken: those on which nothing came, and of the others the one that is idle for longest. */
static void make_room(web_server_t *self, int64_t now_ms)
{
    const web_client_t *longest = NULL;
    for (unsigned i = 0; i < WEB_CLIENTS_MAX; i++) {
        const web_client_t *const client = &self->clients[i];
        if (client->fd < 0) {
            return;
        }
        const bool idle = !client->websocket && !web_job_holds(self, client->fd);
        if (idle && (longest == NULL || client->active_ms < longest->active_ms)) {
            longest = client;
        }
    }
    for (unsigned i = 0; i < WEB_CLIENTS_MAX; i++) {
        web_client_t *const client = &self->clients[i];
        const bool gives_way = client == longest || (!client->websocket && !client->has_spoken); /* none has a job */
        if (gives_way && now_ms - client->active_ms >= IDLE_CROWDED_MS) {
            web_client_shed(self, client);
        }
    }
}

/** No request is in progress here: this runs in the task that answers them. */
void web_clients_tend(web_server_t *self)
{
    const int64_t now_ms = service_now_ms();
    make_room(self, now_ms);
    for (unsigned i = 0; i < WEB_CLIENTS_MAX; i++) {
        web_client_t *const client = &self->clients[i];
        if (client->fd < 0) {
            continue;
        }
        client->busy_since_ms = 0;
        if (ignores_close(client, now_ms)) {
            web_client_end(client);
        } else if (overdue(self, client, now_ms)) {
            web_client_shed(self, client);
        }
    }
}
