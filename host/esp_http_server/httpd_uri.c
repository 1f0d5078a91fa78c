/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Which handler serves a request. */
#include <stdlib.h>
#include <string.h>

#include "esp_log.h"
#include "httpd_private.h"

static const char *TAG = "httpd_uri";

static bool same(const char *template, const char *uri, size_t length)
{
    return strlen(template) == length && strncmp(template, uri, length) == 0;
}

/** "*" at the end: anything may follow. "?" at the end: the character before it may be missing. Both in either order:
 * the character may be missing, and when it is there anything may follow. */
bool httpd_uri_match_wildcard(const char *uri_template, const char *uri_to_match, size_t match_upto)
{
    const size_t length = strlen(uri_template);
    const char last = length > 0 ? uri_template[length - 1] : '\0';
    const char before = length > 1 ? uri_template[length - 2] : '\0';
    const bool open = last == '*' || (last == '?' && before == '*');
    const bool optional = last == '?' || (last == '*' && before == '?');
    const size_t special = (open ? 1U : 0U) + (optional ? 2U : 0U);
    if (length < special || match_upto < length - special) {
        return false;
    }
    const size_t fixed = length - special;
    if (strncmp(uri_template, uri_to_match, fixed) != 0) {
        return false;
    }
    if (!optional) {
        return open || match_upto == fixed;
    }
    if (match_upto > fixed && uri_template[fixed] != uri_to_match[fixed]) {
        return false;
    }
    return open || match_upto <= fixed + 1;
}

/** Under the lock: handlers may be registered while requests are served. The first that matches; `error` says what is
 * wrong when there is none. */
static const httpd_uri_t *find_locked(const server_t *server, const char *uri, size_t length, int method,
                                      httpd_err_code_t *error)
{
    const httpd_uri_match_func_t match = server->config.uri_match_fn == NULL ? same : server->config.uri_match_fn;
    *error = HTTPD_404_NOT_FOUND;
    for (unsigned i = 0; i < server->config.max_uri_handlers && server->handlers[i] != NULL; i++) {
        const httpd_uri_t *const handler = server->handlers[i];
        if (!match(handler->uri, uri, length)) {
            continue;
        }
        if ((int)handler->method == method || (int)handler->method == HTTP_ANY) {
            return handler;
        }
        *error = HTTPD_405_METHOD_NOT_ALLOWED;
    }
    return NULL;
}

static void release(httpd_uri_t *handler)
{
    if (handler != NULL) {
        free((void *)handler->uri);
#ifdef CONFIG_HTTPD_WS_SUPPORT
        free((void *)handler->supported_subprotocol);
#endif
        free(handler);
    }
}

static httpd_uri_t *copy(const httpd_uri_t *from)
{
    httpd_uri_t *const handler = malloc(sizeof(*handler));
    if (handler == NULL) {
        return NULL;
    }
    *handler = *from;
    handler->uri = strdup(from->uri);
    bool complete = handler->uri != NULL;
#ifdef CONFIG_HTTPD_WS_SUPPORT
    handler->supported_subprotocol = from->supported_subprotocol == NULL ? NULL : strdup(from->supported_subprotocol);
    complete = complete && (from->supported_subprotocol == NULL || handler->supported_subprotocol != NULL);
#endif
    if (!complete) {
        release(handler);
        return NULL;
    }
    return handler;
}

static esp_err_t register_locked(server_t *server, const httpd_uri_t *uri_handler)
{
    httpd_err_code_t error = HTTPD_404_NOT_FOUND;
    unsigned place = 0;
    if (find_locked(server, uri_handler->uri, strlen(uri_handler->uri), (int)uri_handler->method, &error) != NULL) {
        ESP_LOGW(TAG, "there is a handler for %s already", uri_handler->uri);
        return ESP_ERR_HTTPD_HANDLER_EXISTS;
    }
    while (place < server->config.max_uri_handlers && server->handlers[place] != NULL) {
        place++;
    }
    if (place == server->config.max_uri_handlers) {
        ESP_LOGW(TAG, "no place for the handler of %s", uri_handler->uri);
        return ESP_ERR_HTTPD_HANDLERS_FULL;
    }
    server->handlers[place] = copy(uri_handler);
    return server->handlers[place] == NULL ? ESP_ERR_HTTPD_ALLOC_MEM : ESP_OK;
}

esp_err_t httpd_register_uri_handler(httpd_handle_t handle, const httpd_uri_t *uri_handler)
{
    server_t *const server = handle;
    if (handle == NULL || uri_handler == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    (void)pthread_mutex_lock(&server->lock);
    const esp_err_t err = register_locked(server, uri_handler);
    (void)pthread_mutex_unlock(&server->lock);
    return err;
}

/** Removes those with that URI and, unless `any`, that method; those behind move up. */
static esp_err_t unregister(server_t *server, const char *uri, httpd_method_t method, bool any)
{
    unsigned kept = 0;
    unsigned i = 0;
    (void)pthread_mutex_lock(&server->lock);
    for (; i < server->config.max_uri_handlers && server->handlers[i] != NULL; i++) {
        httpd_uri_t *const handler = server->handlers[i];
        server->handlers[i] = NULL;
        if (strcmp(handler->uri, uri) == 0 && (any || handler->method == method)) {
            release(handler);
        } else {
            server->handlers[kept++] = handler;
        }
    }
    (void)pthread_mutex_unlock(&server->lock);
    return kept < i ? ESP_OK : ESP_ERR_NOT_FOUND;
}

esp_err_t httpd_unregister_uri_handler(httpd_handle_t handle, const char *uri, httpd_method_t method)
{
    return handle == NULL || uri == NULL ? ESP_ERR_INVALID_ARG : unregister(handle, uri, method, false);
}

esp_err_t httpd_unregister_uri(httpd_handle_t handle, const char *uri)
{
    return handle == NULL || uri == NULL ? ESP_ERR_INVALID_ARG : unregister(handle, uri, HTTP_GET, true);
}

void httpd_unregister_all(server_t *server)
{
    for (unsigned i = 0; i < server->config.max_uri_handlers; i++) {
        release(server->handlers[i]);
        server->handlers[i] = NULL;
    }
}

static esp_err_t refuse(httpd_req_t *req, httpd_err_code_t error)
{
    ESP_LOGW(TAG, "no handler for method %d of '%s'", req->method, req->uri);
    return httpd_request_error(req, error);
}

esp_err_t httpd_request_route(server_t *server)
{
    httpd_req_t *const req = &server->req;
    const struct http_parser_url *const url = &server->request.url;
    httpd_err_code_t error = HTTPD_404_NOT_FOUND;
    if ((url->field_set & (1U << UF_PATH)) == 0) {
        return ESP_FAIL;
    }
    (void)pthread_mutex_lock(&server->lock);
    const httpd_uri_t *const handler =
        find_locked(server, &req->uri[url->field_data[UF_PATH].off], url->field_data[UF_PATH].len, req->method, &error);
    (void)pthread_mutex_unlock(&server->lock);
    if (handler == NULL) {
        return refuse(req, error);
    }
    req->user_ctx = handler->user_ctx;
#ifdef CONFIG_HTTPD_WS_SUPPORT
    if (handler->is_websocket && server->request.upgrade && handler->method == HTTP_GET) {
        return httpd_websocket_accept(req, handler);
    }
#endif
    if (handler->handler(req) != ESP_OK) {
        ESP_LOGW(TAG, "the handler of '%s' failed", req->uri);
        return ESP_FAIL;
    }
    return ESP_OK;
}
