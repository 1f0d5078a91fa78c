/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Which address gives what, and to whom. A document is written as a stream through one small buffer, and goes out in
 * chunks, so that its length costs no memory.
 */
#include <stdio.h>
#include <string.h>

#include "esp_check.h"
#include "settings_json.h"
#include "web_private.h"

static const char *TAG = "web_server";

#define JSON_TYPE    "application/json"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define LOG_MAX      32768 /**< that of the largest log ring: a fast log must not keep one answer going for ever */

/** What an address does for one method; the lines of an address follow one another. */
typedef struct {
    const char *uri;
    enum http_method method; /**< GET answers HEAD as well */
    web_right_t right;
    const char *type; /**< of a document, which one of `report` and `own` writes */
    void (*report)(json_stream_t *json, const report_view_t *view);
    void (*own)(json_stream_t *json, web_server_t *self);
    bool (*before)(httpd_req_t *req);      /**< may refuse before anything is read; NULL = does not */
    void (*run)(web_job_t *job);           /**< a change */
    esp_err_t (*answer)(httpd_req_t *req); /**< anything else */
} web_route_t;

/** An answer that is sent as it is written. */
typedef struct {
    httpd_req_t *req;
    const char *type;
    bool begun; /**< there is no other answer any more */
} web_sending_t;

static bool send_chunk(void *context, const char *bytes, size_t length)
{
    web_sending_t *const sending = context;
    if (!sending->begun && (httpd_resp_set_type(sending->req, sending->type) != ESP_OK ||
                            httpd_resp_set_hdr(sending->req, "Cache-Control", "no-store") != ESP_OK)) {
        return false;
    }
    sending->begun = true;
    return httpd_resp_send_chunk(sending->req, bytes, (ssize_t)length) == ESP_OK;
}

static esp_err_t answer_document(httpd_req_t *req, const web_route_t *document)
{
    json_stream_t json;
    web_server_t *const self = web_server_of(req);
    web_sending_t sending = {.req = req, .type = document->type};
    if (req->method == HTTP_HEAD) {
        self->view.web.requests++;
        return web_answered(req, web_answer_head(req, "200 OK", document->type, "Cache-Control: no-store") == ESP_OK);
    }
    web_view_update(self);
    json_stream_init(&json, self->chunk, sizeof(self->chunk), send_chunk, &sending);
    if (document->report != NULL) {
        document->report(&json, &self->view);
    } else {
        document->own(&json, self);
    }
    const bool whole = json_stream_end(&json);
    if (!whole && !sending.begun) {
        return web_refuse_with(req, "503 Service Unavailable", "unavailable", "not now: memory is short, or it changes",
                               "Retry-After", "1");
    }
    self->view.web.requests++;
    /* Without its last chunk a client sees that an answer is not whole. */
    return web_answered(req, whole && httpd_resp_send_chunk(req, NULL, 0) == ESP_OK);
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
    for (size_t written = 0; self->services.read_log != NULL && length > 0 && written < LOG_MAX; written += length) {
        length = self->services.read_log(self->services.context, &position, text, sizeof(text));
        json_raw(json, text, length);
    }
}

static void write_settings(json_stream_t *json, web_server_t *self)
{
    settings_values_t *const in_effect = &self->room.settings.in_effect;
    settings_values_t *const saved = &self->room.settings.saved;
    bool unconfirmed = false;
    const uint32_t revision = settings_revision(self->settings);
    settings_get_all(self->settings, in_effect);
    settings_get_saved(self->settings, saved, &unconfirmed);
    settings_write_json(json, in_effect, saved, unconfirmed, settings_restricted(self->settings), revision);
}

static bool may_export(httpd_req_t *req)
{
    web_server_t *const self = web_server_of(req);
    return web_query_flag(req, "secrets", &self->secrets) && (!self->secrets || web_allowed(req, WEB_ADMIN));
}

static void write_export(json_stream_t *json, web_server_t *self)
{
    web_settings_export(json, self, self->secrets);
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

#define REPORT(path, writer)                                                                                           \
    {                                                                                                                  \
        .uri = (path), .method = HTTP_GET, .right = WEB_READ, .type = JSON_TYPE, .report = (writer)                    \
    }
#define OWN(path, rights, media, writer)                                                                               \
    {                                                                                                                  \
        .uri = (path), .method = HTTP_GET, .right = (rights), .type = (media), .own = (writer)                         \
    }
#define CHANGE(verb, path, rights, runner)                                                                             \
    {                                                                                                                  \
        .uri = (path), .method = (verb), .right = (rights), .run = (runner)                                            \
    }

static const web_route_t s_routes[] = {
    {.uri = "/api/v1/status", .method = HTTP_GET, .right = WEB_OPEN, .type = JSON_TYPE, .report = report_status},
    {.uri = "/api/v1/setup",
     .method = HTTP_POST,
     .right = WEB_OPEN,
     .before = web_may_set_up,
     .run = web_first_password},
    {.uri = "/api/v1/session", .method = HTTP_GET, .right = WEB_OPEN, .type = JSON_TYPE, .answer = web_session_show},
    {.uri = "/api/v1/session", .method = HTTP_POST, .right = WEB_OPEN, .before = web_may_try, .run = web_login},
    {.uri = "/api/v1/session", .method = HTTP_DELETE, .right = WEB_ADMIN, .answer = web_session_end},
    {.uri = "/api/v1/password",
     .method = HTTP_PUT,
     .right = WEB_ADMIN,
     .before = web_may_try,
     .run = web_change_password},
    OWN("/api/v1/tokens", WEB_ADMIN, JSON_TYPE, web_tokens_show),
    CHANGE(HTTP_POST, "/api/v1/tokens", WEB_ADMIN, web_token_create),
    CHANGE(HTTP_DELETE, "/api/v1/tokens/*", WEB_ADMIN, web_token_revoke),
    OWN("/api/v1/audit", WEB_FULL, JSON_TYPE, web_audit_show),
    OWN("/api/v1/state", WEB_READ, JSON_TYPE, write_state),
    REPORT("/api/v1/limits", report_limits),
    REPORT("/api/v1/cells", report_cells),
    REPORT("/api/v1/alarms", report_alarms),
    REPORT("/api/v1/energy", report_energy),
    REPORT("/api/v1/statistics", report_statistics),
    REPORT("/api/v1/events", report_events),
    OWN("/api/v1/bms/registers", WEB_READ, JSON_TYPE, write_registers),
    CHANGE(HTTP_POST, "/api/v1/bms/registers", WEB_FULL, web_bms_write),
    CHANGE(HTTP_POST, "/api/v1/bms/registers/plan", WEB_READ, web_bms_plan),
    {.uri = "/api/v1/bms/profile",
     .method = HTTP_GET,
     .right = WEB_READ,
     .type = JSON_TYPE,
     .own = web_bms_profile,
     .before = web_bms_is_known},
    CHANGE(HTTP_POST, "/api/v1/battery/forget-sensor", WEB_FULL, web_forget_sensor),
    CHANGE(HTTP_POST, "/api/v1/restart", WEB_FULL, web_restart),
    CHANGE(HTTP_POST, "/api/v1/factory-reset", WEB_ADMIN, web_factory_reset),
    OWN("/api/v1/settings", WEB_READ, JSON_TYPE, write_settings),
    CHANGE(HTTP_PATCH, "/api/v1/settings", WEB_FULL, web_settings_change),
    {.uri = "/api/v1/settings/export",
     .method = HTTP_GET,
     .right = WEB_READ,
     .type = JSON_TYPE,
     .before = may_export,
     .own = write_export},
    CHANGE(HTTP_POST, "/api/v1/settings/import", WEB_FULL, web_settings_import),
    CHANGE(HTTP_POST, "/api/v1/settings/confirm", WEB_FULL, web_settings_confirm),
    OWN("/api/v1/settings/schema", WEB_READ, "application/schema+json", write_schema),
    OWN("/api/v1/settings/form", WEB_READ, JSON_TYPE, write_form),
    REPORT("/api/v1/can", report_can),
    REPORT("/api/v1/uart", report_uart),
    OWN("/api/v1/log", WEB_READ, "text/plain; charset=utf-8", write_log),
    REPORT("/api/v1/diagnostics", report_diagnostics),
    {.uri = "/metrics", .method = HTTP_GET, .right = WEB_READ, .type = METRICS_TYPE, .report = report_metrics},
    {.uri = NULL},
};

_Static_assert(sizeof(s_routes) / sizeof(s_routes[0]) + 1 <= WEB_HANDLERS_MAX, "WEB_HANDLERS_MAX is too low");

static bool same_address(const web_route_t *a, const web_route_t *b)
{
    return b->uri != NULL && strcmp(a->uri, b->uri) == 0;
}

static const char *methods_of(const web_route_t *route)
{
    switch (route->method) {
    case HTTP_GET:
        return "GET, HEAD";
    case HTTP_POST:
        return "POST";
    case HTTP_PUT:
        return "PUT";
    case HTTP_PATCH:
        return "PATCH";
    default:
        return "DELETE";
    }
}

static esp_err_t refuse_method(httpd_req_t *req, const web_route_t *first)
{
    json_stream_t allow;
    web_server_t *const self = web_server_of(req);
    json_stream_init(&allow, self->header, sizeof(self->header), NULL, NULL);
    for (const web_route_t *route = first; same_address(first, route); route++) {
        json_rawf(&allow, "%s%s", route == first ? "" : ", ", methods_of(route));
    }
    (void)json_stream_end(&allow);
    return web_refuse_with(req, "405 Method Not Allowed", "method_not_allowed", "this address has other methods",
                           "Allow", self->header);
}

/** What "*" stands for in the address; NULL if it has none. */
static const char *named_in(const httpd_req_t *req, const web_route_t *route)
{
    char fixed[32];
    const size_t length = strlen(route->uri) - 1;
    if (route->uri[length] != '*') {
        return NULL;
    }
    (void)snprintf(fixed, sizeof(fixed), "%.*s", (int)length, route->uri);
    const char *const found = strstr(req->uri, fixed); /* not at the beginning if there is a host before it */
    return found == NULL ? "" : &found[length];
}

static esp_err_t serve(httpd_req_t *req)
{
    const web_route_t *const first = req->user_ctx;
    const web_route_t *route = first;
    const int method = req->method == HTTP_HEAD ? HTTP_GET : req->method;
    if (!web_admit(req)) {
        return ESP_FAIL;
    }
    while (same_address(first, route) && (int)route->method != method) {
        route++;
    }
    if (!same_address(first, route)) {
        return refuse_method(req, first);
    }
    if (!web_allowed(req, route->right) || (route->before != NULL && !route->before(req))) {
        return ESP_FAIL;
    }
    if (route->run != NULL) {
        return web_job_take(req, route->run, named_in(req, route));
    }
    return route->answer != NULL ? route->answer(req) : answer_document(req, route);
}

static esp_err_t register_address(httpd_handle_t server, const web_route_t *first)
{
    const httpd_uri_t address = {
        .uri = first->uri,
        .method = HTTP_ANY, /* so that one entry does for all */
        .handler = serve,
        .user_ctx = (void *)first,
    };
    return httpd_register_uri_handler(server, &address);
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
    for (const web_route_t *route = s_routes; route->uri != NULL; route++) {
        if (route == s_routes || !same_address(route, route - 1)) {
            ESP_RETURN_ON_ERROR(register_address(self->server, route), TAG, "cannot register %s", route->uri);
        }
    }
    ESP_RETURN_ON_ERROR(httpd_register_uri_handler(self->server, &websocket), TAG, "cannot register /ws");
    ESP_RETURN_ON_ERROR(httpd_register_uri_handler(self->server, &files), TAG, "cannot register the files");
    return web_answer_register(self);
}
