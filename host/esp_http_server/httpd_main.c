/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The HTTP server as ESP-IDF makes it: one task that waits for all its sockets and serves one request at a time. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "esp_log.h"
#include "httpd_address.h"
#include "httpd_private.h"

static const char *TAG = "httpd";

#define OWN_SOCKETS    3 /* on the chip: to listen, to control, to be controlled */
#define STOP_POLL_MS   100
#define KEEP_ALIVE_S   5
#define KEEP_ALIVE_TRY 3

ESP_EVENT_DEFINE_BASE(ESP_HTTP_SERVER_EVENT);

/** What the control socket carries. */
typedef struct {
    enum {
        CONTROL_WORK,
        CONTROL_STOP,
        CONTROL_WAKE
    } what;
    httpd_work_fn_t work;
    void *argument;
} control_t;

void httpd_event(esp_http_server_event_id_t id, const void *data, size_t size)
{
    const TickType_t ticks = CONFIG_HTTPD_SERVER_EVENT_POST_TIMEOUT < 0
                                 ? portMAX_DELAY
                                 : pdMS_TO_TICKS(CONFIG_HTTPD_SERVER_EVENT_POST_TIMEOUT);
    const esp_err_t err = esp_event_post(ESP_HTTP_SERVER_EVENT, (int32_t)id, data, size, ticks);
    if (err != ESP_OK) {
        ESP_LOGE(TAG, "cannot post an event: %s", esp_err_to_name(err));
    }
}

static int or_else(int value, int otherwise)
{
    return value != 0 ? value : otherwise;
}

static bool set_keep_alive(int fd, const httpd_config_t *config)
{
    const int on = 1;
    const int idle_s = or_else(config->keep_alive_idle, KEEP_ALIVE_S);
    const int interval_s = or_else(config->keep_alive_interval, KEEP_ALIVE_S);
    const int count = or_else(config->keep_alive_count, KEEP_ALIVE_TRY);
    return setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == 0 &&
           setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s)) == 0 &&
           setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s)) == 0 &&
           setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count)) == 0;
}

/** Real seconds: the peer lives in real time, whatever --time-scale says. */
static bool set_timeouts(int fd, const httpd_config_t *config)
{
    const struct timeval receive = {.tv_sec = config->recv_wait_timeout};
    const struct timeval send = {.tv_sec = config->send_wait_timeout};
    return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive, sizeof(receive)) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, sizeof(send)) == 0;
}

static esp_err_t make_room(server_t *server)
{
    session_t *const oldest = httpd_session_oldest(server);
    if (oldest == NULL) {
        return ESP_OK;
    }
#ifdef CONFIG_HTTPD_QUEUE_WORK_BLOCKING
    httpd_session_delete(server, oldest); /* to wait for a place in its own queue would be for ever */
    return ESP_OK;
#else
    oldest->purged = true;
    return httpd_session_close_later(oldest);
#endif
}

/** With no session free it only makes room: the socket is still there when the loop comes by again. */
static esp_err_t accept_connection(server_t *server)
{
    if (server->config.lru_purge_enable && !httpd_session_free(server)) {
        return make_room(server);
    }
    const int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        ESP_LOGE(TAG, "cannot accept a connection: error %d", errno);
        return ESP_FAIL;
    }
    if (fd >= FD_SETSIZE || !set_timeouts(fd, &server->config) ||
        (server->config.keep_alive_enable && !set_keep_alive(fd, &server->config))) {
        ESP_LOGE(TAG, "cannot set up a connection: error %d", errno);
        (void)close(fd);
        return ESP_FAIL;
    }
    if (httpd_session_new(server, fd) != ESP_OK) {
        ESP_LOGE(TAG, "no session for a connection");
        return ESP_FAIL;
    }
    httpd_event(HTTP_SERVER_EVENT_ON_CONNECTED, &fd, sizeof(fd));
    return ESP_OK;
}

static void serve_control(server_t *server)
{
    control_t control = {.what = CONTROL_WAKE};
    const ssize_t length = recv(server->control[0], &control, sizeof(control), 0);
    if (length != (ssize_t)sizeof(control)) {
        ESP_LOGW(TAG, "cannot read the control socket: error %d", errno);
    } else if (control.what == CONTROL_WORK) {
        control.work(control.argument);
    } else if (control.what == CONTROL_STOP) {
        server->status = SERVER_STOPPING;
    }
    (void)xSemaphoreGive(server->room); /* behind the work: what it queues itself finds its own place taken */
}

static int collect(const server_t *server, bool listening, fd_set *set)
{
    int highest = server->control[0];
    FD_ZERO(set);
    FD_SET(server->control[0], set);
    if (listening) {
        FD_SET(server->listen_fd, set);
        highest = server->listen_fd > highest ? server->listen_fd : highest;
    }
    for (unsigned i = 0; i < server->config.max_open_sockets; i++) {
        const int fd = server->sessions[i].fd;
        if (fd >= 0 && !server->sessions[i].in_other_hands) {
            FD_SET(fd, set);
            highest = fd > highest ? fd : highest;
        }
    }
    return highest;
}

/** Bytes that a session has kept wait until select() returns for another reason, as on the chip. False: stop. */
static bool serve_once(server_t *server)
{
    fd_set set;
    const bool listening = server->listen_fd >= 0 && (server->config.lru_purge_enable || httpd_session_free(server));
    const int highest = collect(server, listening, &set);
    if (select(highest + 1, &set, NULL, NULL, NULL) < 0) {
        ESP_LOGE(TAG, "error %d in select", errno);
        return true;
    }
    if (FD_ISSET(server->control[0], &set)) {
        serve_control(server);
        if (server->status == SERVER_STOPPING) {
            return false;
        }
    }
    for (unsigned i = 0; i < server->config.max_open_sockets; i++) {
        session_t *const session = &server->sessions[i];
        if (session->fd >= 0 && !session->in_other_hands &&
            (FD_ISSET(session->fd, &set) || httpd_session_has_kept(server, session)) &&
            httpd_session_serve(server, session) != ESP_OK) {
            httpd_session_delete(server, session);
        }
    }
    if (listening && FD_ISSET(server->listen_fd, &set) && accept_connection(server) != ESP_OK) {
        ESP_LOGW(TAG, "a connection was refused");
    }
    return true;
}

static void close_all(server_t *server)
{
    (void)close(server->control[0]);
    (void)close(server->control[1]);
    for (unsigned i = 0; i < server->config.max_open_sockets; i++) {
        httpd_session_delete(server, &server->sessions[i]);
    }
    if (server->listen_fd >= 0) {
        (void)close(server->listen_fd);
    }
}

static void serve(void *argument)
{
    server_t *const server = argument;
    while (serve_once(server)) {
    }
    close_all(server);
    server->status = SERVER_STOPPED; /* httpd_stop() releases the server now */
    vTaskDelete(NULL);
}

static void release(server_t *server)
{
    if (server->handlers != NULL) {
        httpd_unregister_all(server);
    }
    if (server->room != NULL) {
        vSemaphoreDelete(server->room);
    }
    (void)pthread_mutex_destroy(&server->lock);
    free(server->request.response_headers);
    free(server->sessions);
    free(server->handlers);
    free(server);
}

static server_t *create(const httpd_config_t *config)
{
    server_t *const server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return NULL;
    }
    (void)pthread_mutex_init(&server->lock, NULL);
    server->config = *config;
    server->listen_fd = -1;
    server->handlers = calloc(config->max_uri_handlers, sizeof(httpd_uri_t *));
    server->sessions = calloc(config->max_open_sockets, sizeof(session_t));
    server->request.response_headers = calloc(config->max_resp_headers, sizeof(response_header_t));
    server->room = xSemaphoreCreateCounting(CONFIG_LWIP_UDP_RECVMBOX_SIZE, CONFIG_LWIP_UDP_RECVMBOX_SIZE);
    if (server->handlers == NULL || server->sessions == NULL || server->request.response_headers == NULL ||
        server->room == NULL) {
        release(server);
        return NULL;
    }
    for (unsigned i = 0; i < config->max_open_sockets; i++) {
        server->sessions[i].fd = -1;
    }
    return server;
}

static bool open_sockets(server_t *server)
{
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, server->control) != 0) {
        ESP_LOGE(TAG, "no control socket: error %d", errno);
        return false;
    }
    server->listen_fd = httpd_address_listen(server->config.backlog_conn);
    if (server->listen_fd < -1) {
        (void)close(server->control[0]);
        (void)close(server->control[1]);
        return false;
    }
    return true;
}

esp_err_t httpd_start(httpd_handle_t *handle, const httpd_config_t *config)
{
    if (handle == NULL || config == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (config->max_open_sockets + OWN_SOCKETS > CONFIG_LWIP_MAX_SOCKETS) {
        ESP_LOGE(TAG, "max_open_sockets is above %d", CONFIG_LWIP_MAX_SOCKETS - OWN_SOCKETS);
        return ESP_ERR_INVALID_ARG;
    }
    server_t *const server = create(config);
    if (server == NULL) {
        return ESP_ERR_HTTPD_ALLOC_MEM;
    }
    if (!open_sockets(server)) {
        release(server);
        return ESP_FAIL;
    }
    if (xTaskCreatePinnedToCore(serve, "httpd", (uint16_t)config->stack_size, server, config->task_priority, NULL,
                                config->core_id) != pdPASS) {
        close_all(server);
        release(server);
        return ESP_ERR_HTTPD_TASK;
    }
    *handle = server;
    httpd_event(HTTP_SERVER_EVENT_START, NULL, 0);
    return ESP_OK;
}

static esp_err_t send_control(server_t *server, const control_t *control, TickType_t ticks)
{
    if (xSemaphoreTake(server->room, ticks) != pdTRUE) {
        ESP_LOGW(TAG, "the queue of the server is full");
        return ESP_FAIL;
    }
    if (send(server->control[1], control, sizeof(*control), MSG_NOSIGNAL) < 0) {
        ESP_LOGW(TAG, "cannot write the control socket: error %d", errno);
        (void)xSemaphoreGive(server->room);
        return ESP_FAIL;
    }
    return ESP_OK;
}

esp_err_t httpd_queue_work(httpd_handle_t handle, httpd_work_fn_t work, void *arg)
{
#ifdef CONFIG_HTTPD_QUEUE_WORK_BLOCKING
    const TickType_t ticks = portMAX_DELAY;
#else
    const TickType_t ticks = 0;
#endif
    if (handle == NULL || work == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    return send_control(handle, &(control_t){.what = CONTROL_WORK, .work = work, .argument = arg}, ticks);
}

esp_err_t httpd_wake(server_t *server)
{
    return send_control(server, &(control_t){.what = CONTROL_WAKE}, portMAX_DELAY);
}

esp_err_t httpd_stop(httpd_handle_t handle)
{
    server_t *const server = handle;
    if (server == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (send_control(server, &(control_t){.what = CONTROL_STOP}, portMAX_DELAY) != ESP_OK) {
        return ESP_FAIL;
    }
    while (server->status != SERVER_STOPPED) {
        vTaskDelay(pdMS_TO_TICKS(STOP_POLL_MS));
    }
    httpd_free_ctx(&server->config.global_user_ctx, server->config.global_user_ctx_free_fn);
    httpd_free_ctx(&server->config.global_transport_ctx, server->config.global_transport_ctx_free_fn);
    release(server);
    httpd_event(HTTP_SERVER_EVENT_STOP, NULL, 0);
    return ESP_OK;
}

void *httpd_get_global_user_ctx(httpd_handle_t handle)
{
    return ((server_t *)handle)->config.global_user_ctx;
}

void *httpd_get_global_transport_ctx(httpd_handle_t handle)
{
    return ((server_t *)handle)->config.global_transport_ctx;
}
