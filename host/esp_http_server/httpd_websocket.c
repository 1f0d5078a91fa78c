/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** WebSockets: handshake and frames (RFC 6455), as strict and as lax as ESP-IDF. */
#include <string.h>
#include <strings.h>

#include "esp_log.h"
#include "httpd_accept_key.h"
#include "httpd_private.h"

#ifdef CONFIG_HTTPD_WS_SUPPORT

static const char *TAG = "httpd_ws";

#define FINAL           0x80U
#define MASKED          0x80U
#define CONTROL_LONGEST 126 /* ESP-IDF takes one byte more than the RFC */

/** The offer is a list such as "a, b". */
static bool offers(char *offer, const char *protocol)
{
    char *rest = NULL;
    for (const char *word = strtok_r(offer, ", ", &rest); word != NULL; word = strtok_r(NULL, ", ", &rest)) {
        if (strcmp(word, protocol) == 0) {
            return true;
        }
    }
    return false;
}

static esp_err_t send_handshake(httpd_req_t *req, const char *key, const char *protocol)
{
    char answer[HTTPD_ACCEPT_KEY_SIZE];
    char text[192];
    if (!httpd_accept_key(key, answer)) {
        return ESP_FAIL;
    }
    const int length =
        snprintf(text, sizeof(text),
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\n%s%s%s\r\n",
                 answer, protocol == NULL ? "" : "Sec-WebSocket-Protocol: ", protocol == NULL ? "" : protocol,
                 protocol == NULL ? "" : "\r\n");
    if (length < 0 || length >= (int)sizeof(text)) {
        return ESP_FAIL;
    }
    return httpd_send(req, text, (size_t)length) < 0 ? ESP_FAIL : ESP_OK;
}

/** An error closes the connection without an answer. */
static esp_err_t shake_hands(httpd_req_t *req, const char *supported_protocol)
{
    char version[3] = "";
    char key[28] = "";
    char offer[50] = "";
    esp_err_t err = httpd_req_get_hdr_value_str(req, "Sec-WebSocket-Version", version, sizeof(version));
    if (err != ESP_OK || strcmp(version, "13") != 0) {
        ESP_LOGW(TAG, "a WebSocket without version 13");
        return err != ESP_OK ? ESP_ERR_NOT_FOUND : ESP_FAIL;
    }
    if (httpd_req_get_hdr_value_str(req, "Sec-WebSocket-Key", key, sizeof(key)) != ESP_OK) {
        ESP_LOGW(TAG, "a WebSocket without a key");
        return ESP_ERR_NOT_FOUND;
    }
    err = httpd_req_get_hdr_value_str(req, "Sec-WebSocket-Protocol", offer, sizeof(offer) - 1);
    if (err == ESP_ERR_HTTPD_RESULT_TRUNC) {
        ESP_LOGW(TAG, "a list of subprotocols that is too long: what fits counts");
    }
    const bool agreed = supported_protocol != NULL && offers(offer, supported_protocol);
    return send_handshake(req, key, agreed ? supported_protocol : NULL);
}

static void become_websocket(server_t *server, const httpd_uri_t *uri)
{
    session_t *const session = server->request.session;
    (void)pthread_mutex_lock(&server->lock);
    session->websocket = true;
    session->websocket_handler = uri->handler;
    session->websocket_control = uri->handle_ws_control_frames;
    session->websocket_user_ctx = uri->user_ctx;
    (void)pthread_mutex_unlock(&server->lock);
}

esp_err_t httpd_websocket_accept(httpd_req_t *req, const httpd_uri_t *uri)
{
#ifdef CONFIG_HTTPD_WS_PRE_HANDSHAKE_CB_SUPPORT
    if (uri->ws_pre_handshake_cb != NULL && uri->ws_pre_handshake_cb(req) != ESP_OK) {
        ESP_LOGW(TAG, "a WebSocket was refused");
        return ESP_FAIL;
    }
#endif
    const esp_err_t err = shake_hands(req, uri->supported_subprotocol);
    if (err != ESP_OK) {
        return err;
    }
    become_websocket(req->handle, uri);
#ifdef CONFIG_HTTPD_WS_POST_HANDSHAKE_CB_SUPPORT
    if (uri->ws_post_handshake_cb != NULL && uri->ws_post_handshake_cb(req) != ESP_OK) {
        ESP_LOGW(TAG, "a WebSocket was given up");
        return ESP_FAIL;
    }
#endif
    return ESP_OK;
}

static bool receive_all(httpd_req_t *req, void *bytes, size_t size)
{
    return httpd_receive(req, bytes, size, RECEIVE_ALL) == (int)size;
}

/** The chip has 32 bits for a length and forgets the others. */
static bool receive_length(httpd_req_t *req, unsigned first, size_t *length)
{
    uint8_t bytes[8];
    const size_t size = first < 126 ? 0 : first == 126 ? 2 : 8;
    uint32_t value = size == 0 ? first : 0;
    if (size > 0 && !receive_all(req, bytes, size)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        value = (value << 8U) | bytes[i];
    }
    *length = value;
    return true;
}

/** Behind the first byte, which the server has read: length and mask. */
static esp_err_t receive_header(httpd_req_t *req, httpd_ws_frame_t *frame)
{
    request_t *const request = req->aux;
    uint8_t second = 0;
    frame->type = request->frame_type;
    frame->final = request->frame_final;
    if (!receive_all(req, &second, sizeof(second)) || !receive_length(req, second & ~MASKED, &frame->len)) {
        ESP_LOGW(TAG, "a frame is cut");
        return ESP_FAIL;
    }
    if ((second & MASKED) == 0) {
        ESP_LOGW(TAG, "a frame is not masked");
        return ESP_ERR_INVALID_STATE;
    }
    if (!receive_all(req, request->mask, sizeof(request->mask))) {
        ESP_LOGW(TAG, "a frame is cut");
        return ESP_FAIL;
    }
    return ESP_OK;
}

static esp_err_t receive_payload(httpd_req_t *req, uint8_t *payload, size_t length)
{
    const request_t *const request = req->aux;
    for (size_t done = 0; done < length;) {
        const int received = httpd_receive(req, (char *)&payload[done], length - done, RECEIVE_SOME);
        if (received <= 0) {
            ESP_LOGW(TAG, "a frame is cut");
            return ESP_FAIL;
        }
        done += (size_t)received;
    }
    for (size_t i = 0; i < length; i++) {
        payload[i] = (uint8_t)(payload[i] ^ request->mask[i % sizeof(request->mask)]);
    }
    return ESP_OK;
}

static esp_err_t check(const httpd_req_t *req)
{
    if (req == NULL || req->aux == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    return ((const request_t *)req->aux)->session->websocket ? ESP_OK : ESP_ERR_INVALID_STATE;
}

/** A length other than 0 says that the header was received before, by a call with `max_len` 0. So a frame without
 * payload must not be asked for twice. */
esp_err_t httpd_ws_recv_frame(httpd_req_t *req, httpd_ws_frame_t *pkt, size_t max_len)
{
    esp_err_t err = check(req);
    if (err == ESP_OK && pkt == NULL) {
        err = ESP_ERR_INVALID_ARG;
    }
    if (err == ESP_OK && pkt->len == 0) {
        err = receive_header(req, pkt);
    }
    if (err != ESP_OK) {
        return err;
    }
    if (pkt->len > max_len) {
        return max_len == 0 ? ESP_OK : ESP_ERR_INVALID_SIZE;
    }
    if (pkt->len == 0) {
        return ESP_OK;
    }
    return pkt->payload == NULL ? ESP_FAIL : receive_payload(req, pkt->payload, pkt->len);
}

static size_t put_header(uint8_t header[10], const httpd_ws_frame_t *frame)
{
    const bool final = !frame->fragmented || frame->final;
    header[0] = (uint8_t)((final ? FINAL : 0U) | (unsigned)frame->type);
    if (frame->len <= 125) {
        header[1] = (uint8_t)frame->len;
        return 2;
    }
    const size_t size = frame->len < UINT16_MAX ? 2 : 8;
    header[1] = size == 2 ? 126 : 127;
    for (size_t i = 0; i < size; i++) {
        header[2 + i] = (uint8_t)((uint64_t)frame->len >> (8U * (size - 1 - i)));
    }
    return 2 + size;
}

/** From any task: header and payload are two calls of the session's send function, which blocks. Who sends from two
 * tasks must see to it that they do not meet, and that a call sends everything: what it leaves over is lost, as on the
 * chip. */
esp_err_t httpd_ws_send_frame_async(httpd_handle_t hd, int fd, httpd_ws_frame_t *frame)
{
    server_t *const server = hd;
    uint8_t header[10];
    if (server == NULL || frame == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    (void)pthread_mutex_lock(&server->lock);
    const session_t *const session = httpd_session_find_locked(server, fd);
    const httpd_send_func_t function = session == NULL ? NULL : session->send;
    (void)pthread_mutex_unlock(&server->lock);
    if (function == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (function(hd, fd, (const char *)header, put_header(header, frame), 0) < 0) {
        return ESP_FAIL;
    }
    if (frame->len > 0 && frame->payload != NULL && function(hd, fd, (const char *)frame->payload, frame->len, 0) < 0) {
        return ESP_FAIL;
    }
    return ESP_OK;
}

esp_err_t httpd_ws_send_frame(httpd_req_t *req, httpd_ws_frame_t *pkt)
{
    const esp_err_t err = check(req);
    return err != ESP_OK ? err : httpd_ws_send_frame_async(req->handle, httpd_req_to_sockfd(req), pkt);
}

httpd_ws_client_info_t httpd_ws_get_fd_info(httpd_handle_t hd, int fd)
{
    server_t *const server = hd;
    httpd_ws_client_info_t info = HTTPD_WS_CLIENT_INVALID;
    if (server == NULL) {
        return info;
    }
    (void)pthread_mutex_lock(&server->lock);
    const session_t *const session = httpd_session_find_locked(server, fd);
    if (session != NULL) {
        info = session->websocket && !session->websocket_closing ? HTTPD_WS_CLIENT_WEBSOCKET : HTTPD_WS_CLIENT_HTTP;
    }
    (void)pthread_mutex_unlock(&server->lock);
    return info;
}

/** A ping is answered with a pong of the same payload, a close with an empty one. */
static esp_err_t answer_control(httpd_req_t *req)
{
    const request_t *const request = req->aux;
    uint8_t payload[CONTROL_LONGEST];
    httpd_ws_frame_t frame = {.payload = payload};
    if (httpd_ws_recv_frame(req, &frame, sizeof(payload)) != ESP_OK) {
        return ESP_ERR_INVALID_STATE;
    }
    if (request->frame_type == HTTPD_WS_TYPE_PING) {
        frame.type = HTTPD_WS_TYPE_PONG;
    } else {
        frame = (httpd_ws_frame_t){.type = HTTPD_WS_TYPE_CLOSE};
    }
    return httpd_ws_send_frame(req, &frame);
}

/** Reads the first byte of a frame; a connection that brings none is taken for a close. */
static esp_err_t begin_frame(httpd_req_t *req)
{
    request_t *const request = req->aux;
    uint8_t first = 0;
    if (!receive_all(req, &first, sizeof(first))) {
        request->frame_final = true;
        request->frame_type = HTTPD_WS_TYPE_CLOSE;
        return ESP_OK;
    }
    request->frame_final = (first & FINAL) != 0;
    request->frame_type = (httpd_ws_type_t)(first & 0x0FU);
    const bool control = request->frame_type == HTTPD_WS_TYPE_PING || request->frame_type == HTTPD_WS_TYPE_CLOSE;
    return control && !request->session->websocket_control ? answer_control(req) : ESP_OK;
}

/** Something came from a WebSocket. Data and pongs go to the handler, which must read all of the frame; so do all
 * frames when it wants control frames. Of a reserved control frame nobody reads the rest, and it is taken for the next
 * one. */
esp_err_t httpd_websocket_serve(httpd_req_t *req)
{
    server_t *const server = req->handle;
    const request_t *const request = req->aux;
    session_t *const session = request->session;
    if (session->websocket_closing) {
        return ESP_OK;
    }
    const esp_err_t err = begin_frame(req);
    if (request->frame_type == HTTPD_WS_TYPE_CLOSE) {
        (void)pthread_mutex_lock(&server->lock);
        session->websocket_closing = true;
        (void)pthread_mutex_unlock(&server->lock);
    }
    const bool for_handler = request->frame_type < HTTPD_WS_TYPE_CLOSE || request->frame_type == HTTPD_WS_TYPE_PONG ||
                             session->websocket_control;
    return err == ESP_OK && for_handler ? session->websocket_handler(req) : err;
}

#endif
