/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Which address gives what. A document is written as a stream through one small buffer, and goes out in chunks, so that
 * its length costs no memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "esp_check.h"
#include "settings_json.h"
#include "web_private.h"

static const char *TAG = "web_server";

#define JSON_TYPE      "application/json"
#define METRICS_TYPE   "text/plain; version=0.0.4; charset=utf-8"
#define LENGTH_MAX     8 /**< digits of a Content-Length and a NUL: more is too much in any case */
#define CONNECTION_MAX 48
#define ERROR_MAX      192
#define HEAD_MAX       192
#define LOG_MAX        32768 /**< that of the largest log ring: a fast log must not keep one answer going for ever */

/** A document: one of `report` and `own` writes it. */
typedef struct {
    const char *uri;
    const char *type;
    void (*report)(json_stream_t *json, const report_view_t *view);
    void (*own)(json_stream_t *json, web_server_t *self);
} web_document_t;

web_server_t *web_server_of(httpd_req_t *req)
{
    return httpd_get_global_user_ctx(req->handle);
}

/** The server would send a length of 0, or the end of a body, both of which are wrong here. */
esp_err_t web_answer_head(httpd_req_t *req, const char *status, const char *type, const char *header)
{
    char head[HEAD_MAX];
    const int length =
        snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Type: %s\r\n%s\r\n\r\n", status, type, header);
    return length < (int)sizeof(head) && httpd_send(req, head, (size_t)length) == length ? ESP_OK : ESP_FAIL;
}

esp_err_t web_refuse(httpd_req_t *req, const char *status, const char *error, const char *message)
{
    char body[ERROR_MAX];
    json_stream_t json;
    web_server_t *const self = web_server_of(req);
    self->view.web.requests++;
    self->view.web.errors++;
    if (req->method == HTTP_HEAD) {
        (void)web_answer_head(req, status, JSON_TYPE, "Cache-Control: no-store\r\nConnection: close");
        return ESP_FAIL;
    }
    json_stream_init(&json, body, sizeof(body), NULL, NULL);
    json_object(&json, NULL);
    json_text(&json, "error", error);
    json_text(&json, "message", message);
    json_close(&json);
    if (json_stream_end(&json) && httpd_resp_set_status(req, status) == ESP_OK &&
        httpd_resp_set_type(req, JSON_TYPE) == ESP_OK &&
        httpd_resp_set_hdr(req, "Cache-Control", "no-store") == ESP_OK &&
        httpd_resp_set_hdr(req, "Connection", "close") == ESP_OK) {
        (void)httpd_resp_send(req, body, (ssize_t)json_stream_length(&json));
    }
    return ESP_FAIL;
}

/** What the server refuses by itself, in the words of the API. Where it says 500, it could not parse a request. */
static esp_err_t refuse_by_itself(httpd_req_t *req, httpd_err_code_t code)
{
    static const struct {
        httpd_err_code_t code;
        const char *status;
        const char *error;
        const char *message;
    } answers[] = {
        {HTTPD_500_INTERNAL_SERVER_ERROR, "400 Bad Request", "bad_request", "this is not a request in HTTP/1.1"},
        {HTTPD_400_BAD_REQUEST, "400 Bad Request", "bad_request", "this is not a request in HTTP/1.1"},
        {HTTPD_404_NOT_FOUND, "404 Not Found", "not_found", "there is nothing at this address"},
        {HTTPD_405_METHOD_NOT_ALLOWED, "405 Method Not Allowed", "method_not_allowed", "this address can only be read"},
        {HTTPD_408_REQ_TIMEOUT, "408 Request Timeout", "request_timeout", "a request must be complete within 5 s"},
        {HTTPD_411_LENGTH_REQUIRED, "411 Length Required", "length_required", "a body must come with its length"},
        {HTTPD_414_URI_TOO_LONG, "414 URI Too Long", "uri_too_long", "the address is too long"},
        {HTTPD_431_REQ_HDR_FIELDS_TOO_LARGE, "431 Request Header Fields Too Large", "headers_too_large",
         "the headers are too long"},
        {HTTPD_501_METHOD_NOT_IMPLEMENTED, "501 Not Implemented", "not_implemented", "this method is not known"},
        {HTTPD_505_VERSION_NOT_SUPPORTED, "505 HTTP Version Not Supported", "version_not_supported",
         "this server speaks HTTP/1.1"},
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (answers[i].code == code) {
            if (code == HTTPD_405_METHOD_NOT_ALLOWED) {
                (void)httpd_resp_set_hdr(req, "Allow", "GET, HEAD");
            }
            return web_refuse(req, answers[i].status, answers[i].error, answers[i].message);
        }
    }
    return web_refuse(req, "500 Internal Server Error", "internal_error", "the gateway could not answer");
}

/** The parser is lax about lengths (empty, repeated, with spaces, modulo 2^32): one that it reads otherwise is refused.
 */
static bool length_is_plain(httpd_req_t *req)
{
    char text[LENGTH_MAX];
    size_t length = 0;
    const esp_err_t err = httpd_req_get_hdr_value_str(req, "Content-Length", text, sizeof(text));
    if (err == ESP_ERR_NOT_FOUND) {
        return req->content_len == 0;
    }
    for (const char *digit = text; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9') {
            return false;
        }
        length = length * 10 + (size_t)(*digit - '0');
    }
    return err == ESP_OK && text[0] != '\0' && length == req->content_len;
}

static bool has_header(httpd_req_t *req, const char *name)
{
    char start[2];
    return httpd_req_get_hdr_value_str(req, name, start, sizeof(start)) != ESP_ERR_NOT_FOUND;
}

static bool wants_close(httpd_req_t *req)
{
    char list[CONNECTION_MAX];
    char *rest = NULL;
    if (httpd_req_get_hdr_value_str(req, "Connection", list, sizeof(list)) != ESP_OK) {
        return false;
    }
    for (const char *word = strtok_r(list, ", ", &rest); word != NULL; word = strtok_r(NULL, ", ", &rest)) {
        if (strcasecmp(word, "close") == 0) {
            return true;
        }
    }
    return false;
}

/**
 * What the server would leave on the line must not be read as the next request: it ignores the coding of a body, and
 * takes the end of a request without any header for another one.
 */
bool web_admit(httpd_req_t *req)
{
    web_server_of(req)->close_after = wants_close(req);
    if (req->method != HTTP_GET && req->method != HTTP_HEAD) {
        (void)refuse_by_itself(req, HTTPD_405_METHOD_NOT_ALLOWED);
        return false;
    }
    if (!has_header(req, "Host")) {
        (void)refuse_by_itself(req, HTTPD_400_BAD_REQUEST);
        return false;
    }
    if (has_header(req, "Transfer-Encoding")) {
        (void)refuse_by_itself(req, HTTPD_411_LENGTH_REQUIRED);
        return false;
    }
    if (!length_is_plain(req) || req->content_len > WEB_BODY_MAX) {
        (void)web_refuse(req, "413 Content Too Large", "content_too_large", "a body may have 8192 bytes");
        return false;
    }
    return true;
}

esp_err_t web_answered(httpd_req_t *req, bool whole)
{
    return whole && !web_server_of(req)->close_after ? ESP_OK : ESP_FAIL;
}

static bool send_chunk(void *context, const char *bytes, size_t length)
{
    return httpd_resp_send_chunk(context, bytes, (ssize_t)length) == ESP_OK;
}

static esp_err_t answer_document(httpd_req_t *req)
{
    json_stream_t json;
    web_server_t *const self = web_server_of(req);
    const web_document_t *const document = req->user_ctx;
    if (!web_admit(req)) {
        return ESP_FAIL;
    }
    self->view.web.requests++;
    if (req->method == HTTP_HEAD) {
        return web_answered(req, web_answer_head(req, "200 OK", document->type, "Cache-Control: no-store") == ESP_OK);
    }
    web_view_update(self);
    if (httpd_resp_set_type(req, document->type) != ESP_OK ||
        httpd_resp_set_hdr(req, "Cache-Control", "no-store") != ESP_OK) {
        return ESP_FAIL;
    }
    json_stream_init(&json, self->chunk, sizeof(self->chunk), send_chunk, req);
    if (document->report != NULL) {
        document->report(&json, &self->view);
    } else {
        document->own(&json, self);
    }
    /* Without its last chunk a client sees that an answer is not whole. */
    return web_answered(req, json_stream_end(&json) && httpd_resp_send_chunk(req, NULL, 0) == ESP_OK);
}

static void write_state(json_stream_t *json, web_server_t *self)
{
    report_state(json, NULL, &self->view);
}

static void write_registers(json_stream_t *json, web_server_t *self)
{
    web_view_ask_options(self);
    report_registers(json, &self->view);
}

static void write_log(json_stream_t *json, web_server_t *self)
{
    char text[128];
    uint32_t position = 0;
    size_t length = 1;
    for (size_t written = 0; self->sources.read_log != NULL && length > 0 && written < LOG_MAX; written += length) {
        length = self->sources.read_log(self->sources.context, &position, text, sizeof(text));
        json_raw(json, text, length);
    }
}

static void write_settings(json_stream_t *json, web_server_t *self)
{
    settings_values_t in_effect;
    settings_values_t saved;
    bool unconfirmed = false;
    settings_get_all(self->settings, &in_effect);
    settings_get_saved(self->settings, &saved, &unconfirmed);
    settings_write_json(json, &in_effect, &saved, unconfirmed, settings_restricted(self->settings));
}

static void write_schema(json_stream_t *json, web_server_t *self)
{
    (void)self;
    settings_write_schema(json);
}

static void write_form(json_stream_t *json, web_server_t *self)
{
    (void)self;
    settings_write_form(json);
}

static const web_document_t s_documents[] = {
    {"/api/v1/status", JSON_TYPE, report_status, NULL},
    {"/api/v1/state", JSON_TYPE, NULL, write_state},
    {"/api/v1/limits", JSON_TYPE, report_limits, NULL},
    {"/api/v1/cells", JSON_TYPE, report_cells, NULL},
    {"/api/v1/alarms", JSON_TYPE, report_alarms, NULL},
    {"/api/v1/energy", JSON_TYPE, report_energy, NULL},
    {"/api/v1/statistics", JSON_TYPE, report_statistics, NULL},
    {"/api/v1/events", JSON_TYPE, report_events, NULL},
    {"/api/v1/bms/registers", JSON_TYPE, NULL, write_registers},
    {"/api/v1/settings", JSON_TYPE, NULL, write_settings},
    {"/api/v1/settings/schema", "application/schema+json", NULL, write_schema},
    {"/api/v1/settings/form", JSON_TYPE, NULL, write_form},
    {"/api/v1/can", JSON_TYPE, report_can, NULL},
    {"/api/v1/uart", JSON_TYPE, report_uart, NULL},
    {"/api/v1/log", "text/plain; charset=utf-8", NULL, write_log},
    {"/api/v1/diagnostics", JSON_TYPE, report_diagnostics, NULL},
    {"/metrics", METRICS_TYPE, report_metrics, NULL},
};

_Static_assert(sizeof(s_documents) / sizeof(s_documents[0]) + 2 <= WEB_HANDLERS_MAX, "WEB_HANDLERS_MAX is too low");

static esp_err_t register_errors(httpd_handle_t server)
{
    for (httpd_err_code_t code = 0; code < HTTPD_ERR_CODE_MAX; code++) {
        ESP_RETURN_ON_ERROR(httpd_register_err_handler(server, code, refuse_by_itself), TAG, "cannot register error %d",
                            (int)code);
    }
    return ESP_OK;
}

esp_err_t web_routes_register(web_server_t *self)
{
    const httpd_uri_t websocket = {
        .uri = "/ws",
        .method = HTTP_GET,
        .handler = web_socket_receive,
        .is_websocket = true,
        .handle_ws_control_frames = true,
        .ws_pre_handshake_cb = web_socket_before,
        .ws_post_handshake_cb = web_socket_after,
    };
    const httpd_uri_t files = {.uri = "/*", .method = HTTP_ANY, .handler = web_files_answer};
    for (size_t i = 0; i < sizeof(s_documents) / sizeof(s_documents[0]); i++) {
        const httpd_uri_t address = {.uri = s_documents[i].uri,
                                     .method = HTTP_ANY, /* so that one entry does for GET and HEAD */
                                     .handler = answer_document,
                                     .user_ctx = (void *)&s_documents[i]};
        ESP_RETURN_ON_ERROR(httpd_register_uri_handler(self->server, &address), TAG, "cannot register %s", address.uri);
    }
    ESP_RETURN_ON_ERROR(httpd_register_uri_handler(self->server, &websocket), TAG, "cannot register /ws");
    ESP_RETURN_ON_ERROR(httpd_register_uri_handler(self->server, &files), TAG, "cannot register the files");
    return register_errors(self->server);
}
