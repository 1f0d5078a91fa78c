/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * What every request goes through before anything is done for it: whether it is one, whether it is meant for this
 * gateway, who asks, and whether they may.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "access_origin.h"
#include "service_task.h"
#include "web_private.h"

#define LENGTH_MAX        8 /**< digits of a Content-Length and a NUL: more is too much in any case */
#define CONNECTION_MAX    48
#define HOST_MAX          128
#define ORIGIN_MAX        (HOST_MAX + 8)
#define AUTHORIZATION_MAX (ACCESS_TOKEN_LENGTH + 16)
#define CHECK_EVERY_MS    1000
#define POLICY_VIOLATION  "\x03\xf0" /**< 1008, RFC 6455 */

/** The server gives a value that is as long as the room without its last character, and says nothing. */
web_header_t web_header(httpd_req_t *req, const char *name, char *value, size_t size)
{
    value[0] = '\0';
    const esp_err_t err = httpd_req_get_hdr_value_str(req, name, value, size);
    if (err == ESP_ERR_NOT_FOUND) {
        return WEB_HEADER_ABSENT;
    }
    return err == ESP_OK && httpd_req_get_hdr_value_len(req, name) < size ? WEB_HEADER_WHOLE : WEB_HEADER_CUT;
}

const char *web_cookie(httpd_req_t *req)
{
    web_server_t *const self = web_server_of(req);
    return web_header(req, "Cookie", self->chunk, sizeof(self->chunk)) == WEB_HEADER_ABSENT ? NULL : self->chunk;
}

/** The parser is lax about lengths (empty, repeated, with spaces, modulo 2^32): one that it reads otherwise is refused.
 */
static bool length_is_plain(httpd_req_t *req)
{
    char text[LENGTH_MAX];
    size_t length = 0;
    const web_header_t found = web_header(req, "Content-Length", text, sizeof(text));
    if (found == WEB_HEADER_ABSENT) {
        return req->content_len == 0;
    }
    for (const char *digit = text; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9') {
            return false;
        }
        length = length * 10 + (size_t)(*digit - '0');
    }
    return found == WEB_HEADER_WHOLE && text[0] != '\0' && length == req->content_len;
}

static bool wants_close(httpd_req_t *req)
{
    char list[CONNECTION_MAX];
    char *rest = NULL;
    if (web_header(req, "Connection", list, sizeof(list)) != WEB_HEADER_WHOLE) {
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
static bool is_whole(httpd_req_t *req)
{
    char start[2];
    if (web_header(req, "Host", start, sizeof(start)) == WEB_HEADER_ABSENT) {
        (void)web_refuse(req, "400 Bad Request", "bad_request", "this is not a request in HTTP/1.1");
        return false;
    }
    if (web_header(req, "Transfer-Encoding", start, sizeof(start)) != WEB_HEADER_ABSENT) {
        (void)web_refuse(req, "411 Length Required", "length_required", "a body must come with its length");
        return false;
    }
    if (!length_is_plain(req) || req->content_len > WEB_BODY_MAX) {
        (void)web_refuse(req, "413 Content Too Large", "content_too_large", "a body may have 8192 bytes");
        return false;
    }
    return true;
}

/** They may change at any time. */
static void read_settings(web_server_t *self)
{
    settings_values_t *const values = &self->room.settings.in_effect;
    const uint32_t generation = settings_generation(self->settings);
    if (generation == self->generation) {
        return;
    }
    settings_get_all(self->settings, values);
    self->read_open = values->number[SETTINGS_WEB_READ_OPEN] != 0;
    (void)snprintf(self->hosts, sizeof(self->hosts), "%s", settings_text(values, SETTINGS_WEB_HOSTS));
    self->generation = generation;
}

/** Against pages of others, which make a browser send requests here: by their own name, or by ours. */
static bool is_for_us(httpd_req_t *req)
{
    char host[HOST_MAX];
    char origin[ORIGIN_MAX];
    web_server_t *const self = web_server_of(req);
    read_settings(self);
    if (web_header(req, "Host", host, sizeof(host)) != WEB_HEADER_WHOLE ||
        !access_host_allowed(host, self->device, self->hosts)) {
        (void)web_refuse(req, "421 Misdirected Request", "wrong_host",
                         "this is not a name of the gateway; the setting web.hosts adds names");
        return false;
    }
    const web_header_t found = web_header(req, "Origin", origin, sizeof(origin));
    if (found == WEB_HEADER_CUT || (found == WEB_HEADER_WHOLE && !access_origin_allowed(origin, host))) {
        (void)web_refuse(req, "403 Forbidden", "wrong_origin", "the page that asks is none of this gateway");
        return false;
    }
    return true;
}

bool web_admit(httpd_req_t *req)
{
    web_server_t *const self = web_server_of(req);
    const web_client_t *const client = web_client_find(self, httpd_req_to_sockfd(req));
    if (client == NULL || client->ending_since_ms != 0) {
        return false; /* it came together with one that was answered by the last answer of its connection */
    }
    self->close_after = wants_close(req);
    self->framed = false;
    if (!web_secure(req) || !is_whole(req)) {
        return false;
    }
    self->framed = true;
    return is_for_us(req);
}

/** A value that is cut is none that we gave. */
void web_identify(httpd_req_t *req)
{
    char authorization[AUTHORIZATION_MAX];
    char csrf[ACCESS_CSRF_LENGTH + 2];
    web_server_t *const self = web_server_of(req);
    const bool bearer = web_header(req, "Authorization", authorization, sizeof(authorization)) != WEB_HEADER_ABSENT;
    const bool token = web_header(req, "X-CSRF-Token", csrf, sizeof(csrf)) == WEB_HEADER_WHOLE;
    const access_credentials_t credentials = {
        .cookie = web_cookie(req),
        .authorization = bearer ? authorization : NULL,
        .csrf = token ? csrf : NULL,
    };
    self->asker = access_identify(self->access, &credentials, service_now_ms());
    web_wipe(authorization, sizeof(authorization));
    web_wipe(csrf, sizeof(csrf));
    web_wipe(self->chunk, sizeof(self->chunk));
}

static bool refuse(httpd_req_t *req, const char *error, const char *message)
{
    (void)web_refuse(req, "403 Forbidden", error, message);
    return false;
}

static bool has_right(httpd_req_t *req, web_right_t right)
{
    const web_server_t *const self = web_server_of(req);
    const access_right_t least = right == WEB_READ ? ACCESS_READ : ACCESS_FULL;
    if (self->asker.right >= least || (right == WEB_READ && self->read_open)) {
        return right != WEB_ADMIN || self->asker.by == ACCESS_BY_SESSION ||
               refuse(req, "not_allowed", "only the administrator may do this, logged in with the password");
    }
    if (self->asker.by != ACCESS_BY_NOTHING) {
        return refuse(req, "not_allowed", "this token may only read");
    }
    (void)web_refuse_with(req, "401 Unauthorized", "login_required", "log in, or send a token", "WWW-Authenticate",
                          "Bearer");
    return false;
}

bool web_allowed(httpd_req_t *req, web_right_t right)
{
    web_server_t *const self = web_server_of(req);
    const bool changes = req->method != HTTP_GET && req->method != HTTP_HEAD;
    self->asker = (access_client_t){0};
    if (right == WEB_OPEN) {
        return true;
    }
    if (!access_is_set_up(self->access)) {
        return refuse(req, "not_set_up", "set the administrator's password first");
    }
    web_identify(req);
    if (!has_right(req, right)) {
        return false;
    }
    if (changes && self->asker.by == ACCESS_BY_SESSION && !self->asker.may_change) {
        return refuse(req, "csrf", "a change with a cookie needs the header X-CSRF-Token");
    }
    return true;
}

static bool still_allowed(web_server_t *self, const web_client_t *client, int64_t now_ms)
{
    return client->asker.by == ACCESS_BY_NOTHING ? self->read_open && access_is_set_up(self->access)
                                                 : access_still_valid(self->access, &client->asker, now_ms);
}

/** It is told why, if it listens, and closes then; web_clients_tend() closes it otherwise. */
static void dismiss(web_server_t *self, web_client_t *client, int64_t now_ms)
{
    uint8_t code[] = POLICY_VIOLATION;
    httpd_ws_frame_t frame = {.final = true, .type = HTTPD_WS_TYPE_CLOSE, .payload = code, .len = sizeof(code) - 1};
    client->ending_since_ms = now_ms;
    if (!web_client_writable(client->fd) || httpd_ws_send_frame_async(self->server, client->fd, &frame) != ESP_OK) {
        web_client_end(client);
    }
}

void web_access_tend(web_server_t *self)
{
    const int64_t now_ms = service_now_ms();
    if (now_ms - self->askers_checked_ms < CHECK_EVERY_MS) {
        return;
    }
    self->askers_checked_ms = now_ms;
    read_settings(self);
    for (unsigned i = 0; i < WEB_CLIENTS_MAX; i++) {
        web_client_t *const client = &self->clients[i];
        const bool open = client->fd >= 0 && client->websocket && !client->closing && client->ending_since_ms == 0;
        if (open && !still_allowed(self, client, now_ms)) {
            dismiss(self, client, now_ms);
        }
    }
}
