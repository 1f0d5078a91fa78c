/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** What all answers have in common: security headers, errors as JSON, and those without a body. */
#include <stdio.h>
#include <string.h>

#include "esp_check.h"
#include "web_policy.h"
#include "web_private.h"

static const char *TAG = "web_server";

#define JSON_TYPE "application/json"
#define ERROR_MAX 192

static const struct {
    const char *field;
    const char *value;
} s_secure[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Frame-Options", "DENY"},
    {"Content-Security-Policy", WEB_POLICY},
};

web_server_t *web_server_of(httpd_req_t *req)
{
    return httpd_get_global_user_ctx(req->handle);
}

bool web_secure(httpd_req_t *req)
{
    for (size_t i = 0; i < sizeof(s_secure) / sizeof(s_secure[0]); i++) {
        if (httpd_resp_set_hdr(req, s_secure[i].field, s_secure[i].value) != ESP_OK) {
            return false;
        }
    }
    return true;
}

esp_err_t web_answered(httpd_req_t *req, bool whole)
{
    return whole && !web_server_of(req)->close_after ? ESP_OK : ESP_FAIL;
}

/** The server would send a length of 0, or the end of a body, both of which are wrong here. */
esp_err_t web_answer_head(httpd_req_t *req, const char *status, const char *type, const char *header)
{
    json_stream_t head;
    web_server_t *const self = web_server_of(req);
    json_stream_init(&head, self->chunk, sizeof(self->chunk), NULL, NULL);
    json_rawf(&head, "HTTP/1.1 %s\r\n", status);
    if (type != NULL) {
        json_rawf(&head, "Content-Type: %s\r\n", type);
    }
    for (size_t i = 0; i < sizeof(s_secure) / sizeof(s_secure[0]); i++) {
        json_rawf(&head, "%s: ", s_secure[i].field);
        json_raw(&head, s_secure[i].value, strlen(s_secure[i].value));
        json_raw(&head, "\r\n", 2);
    }
    json_raw(&head, header, strlen(header));
    json_raw(&head, "\r\n\r\n", 4);
    const size_t length = json_stream_length(&head);
    return json_stream_end(&head) && httpd_send(req, self->chunk, length) == (int)length ? ESP_OK : ESP_FAIL;
}

/** What a client is still sending when the connection is closed would reset it, and the answer might be lost. */
void web_discard_body(httpd_req_t *req)
{
    web_server_t *const self = web_server_of(req);
    while (self->framed && req->content_len <= WEB_BODY_MAX &&
           httpd_req_recv(req, self->chunk, sizeof(self->chunk)) > 0) {
    }
}

static void refuse_head(httpd_req_t *req, const char *status, const char *field, const char *value)
{
    char header[sizeof("Cache-Control: no-store\r\nConnection: close\r\n") + WEB_HEADER_MAX];
    (void)snprintf(header, sizeof(header), "Cache-Control: no-store\r\nConnection: close%s%s%s%s",
                   field == NULL ? "" : "\r\n", field == NULL ? "" : field, field == NULL ? "" : ": ",
                   field == NULL ? "" : value);
    (void)web_answer_head(req, status, JSON_TYPE, header);
}

esp_err_t web_refuse_with(httpd_req_t *req, const char *status, const char *error, const char *message,
                          const char *field, const char *value)
{
    char body[ERROR_MAX];
    json_stream_t json;
    web_server_t *const self = web_server_of(req);
    self->view.web.requests++;
    self->view.web.errors++;
    web_discard_body(req);
    if (req->method == HTTP_HEAD) {
        refuse_head(req, status, field, value);
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
        httpd_resp_set_hdr(req, "Connection", "close") == ESP_OK &&
        (field == NULL || httpd_resp_set_hdr(req, field, value) == ESP_OK)) {
        (void)httpd_resp_send(req, body, (ssize_t)json_stream_length(&json));
    }
    return ESP_FAIL;
}

esp_err_t web_refuse(httpd_req_t *req, const char *status, const char *error, const char *message)
{
    return web_refuse_with(req, status, error, message, NULL, NULL);
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
        {HTTPD_408_REQ_TIMEOUT, "408 Request Timeout", "request_timeout", "a request must be complete within 5 s"},
        {HTTPD_414_URI_TOO_LONG, "414 URI Too Long", "uri_too_long", "the address is too long"},
        {HTTPD_431_REQ_HDR_FIELDS_TOO_LARGE, "431 Request Header Fields Too Large", "headers_too_large",
         "the headers are too long"},
        {HTTPD_501_METHOD_NOT_IMPLEMENTED, "501 Not Implemented", "not_implemented", "this method is not known"},
        {HTTPD_505_VERSION_NOT_SUPPORTED, "505 HTTP Version Not Supported", "version_not_supported",
         "this server speaks HTTP/1.1"},
    };
    web_server_of(req)->framed = false;
    if (!web_secure(req)) {
        return ESP_FAIL;
    }
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (answers[i].code == code) {
            return web_refuse(req, answers[i].status, answers[i].error, answers[i].message);
        }
    }
    return web_refuse(req, "500 Internal Server Error", "internal_error", "the gateway could not answer");
}

esp_err_t web_answer_register(web_server_t *self)
{
    for (httpd_err_code_t code = 0; code < HTTPD_ERR_CODE_MAX; code++) {
        ESP_RETURN_ON_ERROR(httpd_register_err_handler(self->server, code, refuse_by_itself), TAG,
                            "cannot register error %d", (int)code);
    }
    return ESP_OK;
}
