/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * WebSockets: the state to all, frames to those that asked. A message is written once and sent to each client that can
 * take it at once; the others lose it, and learn how many they have lost with the next one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "esp_log.h"
#include "service_task.h"
#include "web_private.h"

static const char *TAG = "web_server";

#define QUERY_MAX         64
#define KEY_LENGTH        24  /**< 16 bytes in base64 */
#define HEAD_SIZE         48  /**< `{"type":"state","lost":4294967295,` and spaces */
#define ROOM_FOR_FRAME    380 /**< the longest one, of the serial line */
#define FROM_CLIENT_MAX   125
#define AT_LEAST_EVERY_MS 1000 /**< a client can tell a quiet battery from a gateway that is gone */

static const char *const s_names[WEB_TOPIC_COUNT] = {"state", "can", "uart"};

static esp_err_t add_topic(const char *name, uint8_t *topics)
{
    for (web_topic_t topic = WEB_TOPIC_STATE; topic < WEB_TOPIC_COUNT; topic++) {
        if (strcmp(name, s_names[topic]) == 0) {
            *topics |= (uint8_t)(1U << topic);
            return ESP_OK;
        }
    }
    return ESP_ERR_NOT_FOUND;
}

/** Topics of "?subscribe=can,uart". */
static esp_err_t read_topics(httpd_req_t *req, uint8_t *topics)
{
    char query[QUERY_MAX];
    char list[QUERY_MAX];
    char *rest = NULL;
    *topics = 1U << WEB_TOPIC_STATE;
    if (httpd_req_get_url_query_len(req) == 0) {
        return ESP_OK;
    }
    if (httpd_req_get_url_query_str(req, query, sizeof(query)) != ESP_OK) {
        return ESP_ERR_INVALID_SIZE;
    }
    const esp_err_t err = httpd_query_key_value(query, "subscribe", list, sizeof(list));
    if (err != ESP_OK) {
        return err == ESP_ERR_NOT_FOUND ? ESP_OK : err;
    }
    for (const char *name = strtok_r(list, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        if (add_topic(name, topics) != ESP_OK) {
            return ESP_ERR_NOT_FOUND;
        }
    }
    return ESP_OK;
}

/** The server would close the connection without a word. */
static bool speaks_websocket(httpd_req_t *req)
{
    char version[4] = "";
    return httpd_req_get_hdr_value_str(req, "Sec-WebSocket-Version", version, sizeof(version)) == ESP_OK &&
           strcmp(version, "13") == 0;
}

/** Before the handshake, so that a refusal is an answer in HTTP. */
esp_err_t web_socket_before(httpd_req_t *req)
{
    uint8_t topics = 0;
    web_server_t *const self = web_server_of(req);
    if (!web_admit(req) || !web_allowed(req, WEB_READ)) {
        return ESP_FAIL;
    }
    if (!speaks_websocket(req)) {
        return web_refuse_with(req, "426 Upgrade Required", "upgrade_required", "this is a WebSocket of version 13",
                               "Sec-WebSocket-Version", "13");
    }
    if (httpd_req_get_hdr_value_len(req, "Sec-WebSocket-Key") != KEY_LENGTH) {
        return web_refuse(req, "400 Bad Request", "bad_request", "Sec-WebSocket-Key has 24 characters");
    }
    if (read_topics(req, &topics) != ESP_OK) {
        return web_refuse(req, "400 Bad Request", "bad_request", "subscribe takes state, can and uart");
    }
    if (web_clients_websockets(self) >= WEB_WEBSOCKETS_MAX) {
        self->view.web.shed++;
        return web_refuse(req, "503 Service Unavailable", "unavailable", "4 WebSockets are open already");
    }
    return ESP_OK;
}

static void deliver(web_server_t *self, web_client_t *client, web_topic_t topic, size_t length, uint32_t frames)
{
    char head[HEAD_SIZE + 1];
    char start[HEAD_SIZE + 1];
    httpd_ws_frame_t frame = {
        .final = true, .type = HTTPD_WS_TYPE_TEXT, .payload = (uint8_t *)self->room.message, .len = length};
    if (client->closing || client->ending_since_ms != 0) {
        return;
    }
    if (!web_client_writable(client->fd)) {
        client->lost[topic] += frames;
        client->stuck_since_ms = client->stuck_since_ms == 0 ? service_now_ms() : client->stuck_since_ms;
        self->view.web.websocket_messages_lost++;
        return;
    }
    client->stuck_since_ms = 0;
    (void)snprintf(start, sizeof(start), "{\"type\":\"%s\",\"lost\":%" PRIu32 ",", s_names[topic], client->lost[topic]);
    (void)snprintf(head, sizeof(head), "%-*s", HEAD_SIZE, start);
    memcpy(self->room.message, head, HEAD_SIZE);
    if (httpd_ws_send_frame_async(self->server, client->fd, &frame) != ESP_OK) {
        web_client_shed(self, client);
    }
}

/** Begins the message behind its head, which differs from client to client. */
static void begin_message(web_server_t *self, json_stream_t *json)
{
    json_stream_init(json, &self->room.message[HEAD_SIZE], sizeof(self->room.message) - HEAD_SIZE, NULL, NULL);
}

/** Length of the message; 0 = it did not fit, which a test of the longest state rules out. */
static size_t end_message(json_stream_t *json)
{
    json_raw(json, "}", 1);
    if (!json_stream_end(json)) {
        ESP_LOGE(TAG, "a message for WebSockets does not fit into its buffer");
        return 0;
    }
    return HEAD_SIZE + json_stream_length(json);
}

static size_t write_state(web_server_t *self)
{
    json_stream_t json;
    begin_message(self, &json);
    report_state(&json, "state", &self->view);
    return end_message(&json);
}

static void send_to_all(web_server_t *self, web_topic_t topic, size_t length, uint32_t frames)
{
    for (unsigned i = 0; i < WEB_CLIENTS_MAX && length > 0; i++) {
        web_client_t *const client = &self->clients[i];
        if (client->fd >= 0 && client->websocket && ((unsigned)client->topics >> topic & 1U) != 0) {
            deliver(self, client, topic, length, frames);
        }
    }
}

static bool room_for_frame(const json_stream_t *json)
{
    return json_stream_length(json) + ROOM_FOR_FRAME < WEB_MESSAGE_MAX - HEAD_SIZE;
}

/** Frames that the queue of the bus has dropped are lost to every client. */
static void note_dropped(web_server_t *self, web_topic_t topic, event_bus_subscription_t subscription,
                         uint32_t *dropped_told)
{
    const uint32_t dropped = event_bus_subscription_dropped(subscription);
    for (unsigned i = 0; i < WEB_CLIENTS_MAX; i++) {
        web_client_t *const client = &self->clients[i];
        if (client->fd >= 0 && client->websocket) {
            client->lost[topic] += dropped - *dropped_told;
        }
    }
    *dropped_told = dropped;
}

static bool take_can(web_server_t *self, json_stream_t *json)
{
    event_bus_can_frame_t frame;
    const bool taken = event_bus_receive_can_frame(self->feeds.can_frame, &frame, 0);
    if (taken) {
        report_can_frame(json, &frame);
    }
    return taken;
}

static bool take_uart(web_server_t *self, json_stream_t *json)
{
    event_bus_uart_frame_t frame;
    const bool taken = event_bus_receive_uart_frame(self->feeds.uart_frame, &frame, 0);
    if (taken) {
        report_uart_frame(json, &frame);
    }
    return taken;
}

/** As many messages as it takes; also without a client, so that the queue of the bus does not overflow. */
static void push_frames(web_server_t *self, web_topic_t topic, bool (*take)(web_server_t *self, json_stream_t *json))
{
    json_stream_t json;
    bool more = true;
    while (more) {
        uint32_t frames = 0;
        begin_message(self, &json);
        json_array(&json, "frames");
        while (room_for_frame(&json) && (more = take(self, &json))) {
            frames++;
        }
        json_close(&json);
        send_to_all(self, topic, frames > 0 ? end_message(&json) : 0, frames);
    }
}

void web_socket_push(web_server_t *self)
{
    const bool due = self->view.now_ms - self->state_pushed_ms >= AT_LEAST_EVERY_MS;
    if ((self->state_is_new || due) && web_clients_websockets(self) > 0) {
        send_to_all(self, WEB_TOPIC_STATE, write_state(self), 1);
        self->state_pushed_ms = self->view.now_ms;
    }
    self->state_is_new = false;
    note_dropped(self, WEB_TOPIC_CAN, self->feeds.can_frame, &self->can_dropped);
    push_frames(self, WEB_TOPIC_CAN, take_can);
    note_dropped(self, WEB_TOPIC_UART, self->feeds.uart_frame, &self->uart_dropped);
    push_frames(self, WEB_TOPIC_UART, take_uart);
}

/** After the handshake: the whole state at once. */
esp_err_t web_socket_after(httpd_req_t *req)
{
    web_server_t *const self = web_server_of(req);
    web_client_t *const client = web_client_find(self, httpd_req_to_sockfd(req));
    if (client == NULL || read_topics(req, &client->topics) != ESP_OK) {
        return ESP_FAIL;
    }
    client->websocket = true;
    client->asker = self->asker;
    self->view.now_ms = service_now_ms();
    deliver(self, client, WEB_TOPIC_STATE, write_state(self), 1);
    return ESP_OK;
}

/** Of a reserved kind the server would take each byte for the beginning of another frame. */
static bool known_type(httpd_ws_type_t type)
{
    switch (type) {
    case HTTPD_WS_TYPE_CONTINUE:
    case HTTPD_WS_TYPE_TEXT:
    case HTTPD_WS_TYPE_BINARY:
    case HTTPD_WS_TYPE_CLOSE:
    case HTTPD_WS_TYPE_PING:
    case HTTPD_WS_TYPE_PONG:
        return true;
    default:
        return false;
    }
}

/** A client that does not read its pongs gets none: it must not hold the server. Behind our close nothing is said. */
static esp_err_t answer_frame(httpd_req_t *req, const httpd_ws_frame_t *from)
{
    const web_client_t *const client = web_client_find(web_server_of(req), httpd_req_to_sockfd(req));
    httpd_ws_frame_t frame = {.final = true, .type = HTTPD_WS_TYPE_CLOSE};
    if (from->type == HTTPD_WS_TYPE_PING) {
        frame =
            (httpd_ws_frame_t){.final = true, .type = HTTPD_WS_TYPE_PONG, .payload = from->payload, .len = from->len};
    } else if (from->type != HTTPD_WS_TYPE_CLOSE) {
        return ESP_OK;
    }
    if (client == NULL || client->ending_since_ms != 0) {
        return ESP_OK;
    }
    return web_client_writable(httpd_req_to_sockfd(req)) ? httpd_ws_send_frame(req, &frame) : ESP_OK;
}

static esp_err_t receive_frame(httpd_req_t *req, httpd_ws_frame_t *frame, uint8_t text[FROM_CLIENT_MAX])
{
    if (httpd_ws_recv_frame(req, frame, 0) != ESP_OK || frame->len > FROM_CLIENT_MAX || !known_type(frame->type)) {
        return ESP_FAIL;
    }
    frame->payload = text;
    if (frame->len > 0 && httpd_ws_recv_frame(req, frame, FROM_CLIENT_MAX) != ESP_OK) {
        return ESP_FAIL;
    }
    return answer_frame(req, frame);
}

/** Nothing is read from a client, and a long message is none of ours. Also called for a request without an upgrade. */
esp_err_t web_socket_receive(httpd_req_t *req)
{
    uint8_t text[FROM_CLIENT_MAX];
    httpd_ws_frame_t frame = {0};
    web_client_t *const client = web_client_find(web_server_of(req), httpd_req_to_sockfd(req));
    if (client == NULL || !client->websocket) {
        if (!web_admit(req) || !web_allowed(req, WEB_READ)) {
            return ESP_FAIL;
        }
        return web_refuse_with(req, "426 Upgrade Required", "upgrade_required", "this address is a WebSocket",
                               "Upgrade", "websocket");
    }
    const esp_err_t err = receive_frame(req, &frame, text);
    client->busy_since_ms = 0;
    if (frame.type != HTTPD_WS_TYPE_CLOSE) {
        return err;
    }
    /* The server closes it by itself, and would close whoever takes its place as well if it were told twice. */
    client->closing = true;
    return ESP_OK;
}
