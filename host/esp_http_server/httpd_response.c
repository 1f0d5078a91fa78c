/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Answers. Nothing is collected: each part goes to the socket as it comes. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "esp_log.h"
#include "httpd_private.h"

static const char *TAG = "httpd_txrx";

static esp_err_t send_all(httpd_req_t *req, const char *bytes, size_t length)
{
    const session_t *const session = ((request_t *)req->aux)->session;
    for (size_t done = 0; done < length;) {
        const int sent = session->send(session->server, session->fd, &bytes[done], length - done, 0);
        if (sent < 0) {
            return ESP_FAIL;
        }
        done += (size_t)sent;
    }
    return ESP_OK;
}

static esp_err_t send_text(httpd_req_t *req, const char *text)
{
    return send_all(req, text, strlen(text));
}

/** It would end the header, and the rest would be another. */
static bool breaks_line(const char *text)
{
    return strpbrk(text, "\r\n") != NULL;
}

esp_err_t httpd_resp_set_hdr(httpd_req_t *r, const char *field, const char *value)
{
    if (r == NULL || field == NULL || value == NULL || breaks_line(field) || breaks_line(value)) {
        return ESP_ERR_INVALID_ARG;
    }
    request_t *const request = r->aux;
    if (request->response_header_count >= request->session->server->config.max_resp_headers) {
        return ESP_ERR_HTTPD_RESP_HDR;
    }
    request->response_headers[request->response_header_count++] = (response_header_t){.field = field, .value = value};
    return ESP_OK;
}

esp_err_t httpd_resp_set_status(httpd_req_t *r, const char *status)
{
    if (r == NULL || status == NULL || breaks_line(status)) {
        return ESP_ERR_INVALID_ARG;
    }
    ((request_t *)r->aux)->status = status;
    return ESP_OK;
}

esp_err_t httpd_resp_set_type(httpd_req_t *r, const char *type)
{
    if (r == NULL || type == NULL || breaks_line(type)) {
        return ESP_ERR_INVALID_ARG;
    }
    ((request_t *)r->aux)->type = type;
    return ESP_OK;
}

/** Through the heap, as on the chip. */
__attribute__((format(printf, 2, 3))) static esp_err_t send_formatted(httpd_req_t *req, const char *format, ...)
{
    const httpd_config_t *const config = &((request_t *)req->aux)->session->server->config;
    const size_t most = config->max_req_hdr_len > 0 ? config->max_req_hdr_len : CONFIG_HTTPD_MAX_REQ_HDR_LEN;
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    const int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        return ESP_ERR_HTTPD_ALLOC_MEM;
    }
    const esp_err_t err = (size_t)length >= most                          ? ESP_ERR_HTTPD_RESP_HDR
                          : send_all(req, text, (size_t)length) == ESP_OK ? ESP_OK
                                                                          : ESP_ERR_HTTPD_RESP_SEND;
    free(text);
    return err;
}

static esp_err_t send_headers(httpd_req_t *req)
{
    const request_t *const request = req->aux;
    for (unsigned i = 0; i < request->response_header_count; i++) {
        if (send_text(req, request->response_headers[i].field) != ESP_OK || send_text(req, ": ") != ESP_OK ||
            send_text(req, request->response_headers[i].value) != ESP_OK || send_text(req, "\r\n") != ESP_OK) {
            return ESP_ERR_HTTPD_RESP_SEND;
        }
    }
    return send_text(req, "\r\n") == ESP_OK ? ESP_OK : ESP_ERR_HTTPD_RESP_SEND;
}

static ssize_t length_of(const char *buffer, ssize_t length)
{
    return length == HTTPD_RESP_USE_STRLEN && buffer != NULL ? (ssize_t)strlen(buffer) : length;
}

static void tell_sent(const request_t *request, ssize_t length)
{
    const esp_http_server_event_data data = {.fd = request->session->fd, .data_len = (int)length};
    httpd_event(HTTP_SERVER_EVENT_SENT_DATA, &data, sizeof(data));
}

esp_err_t httpd_resp_send(httpd_req_t *r, const char *buf, ssize_t buf_len)
{
    if (r == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    request_t *const request = r->aux;
    const ssize_t length = length_of(buf, buf_len);
    request->header_count = 0;
    esp_err_t err = send_formatted(r, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n", request->status,
                                   request->type, (int)length);
    if (err == ESP_OK) {
        err = send_headers(r);
    }
    if (err != ESP_OK) {
        return err;
    }
    httpd_event(HTTP_SERVER_EVENT_HEADERS_SENT, &request->session->fd, sizeof(request->session->fd));
    if (buf != NULL && length > 0 && send_all(r, buf, (size_t)length) != ESP_OK) {
        return ESP_ERR_HTTPD_RESP_SEND;
    }
    tell_sent(request, length);
    return ESP_OK;
}

static esp_err_t send_chunked_headers(httpd_req_t *req)
{
    request_t *const request = req->aux;
    esp_err_t err = send_formatted(req, "HTTP/1.1 %s\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n",
                                   request->status, request->type);
    if (err == ESP_OK) {
        err = send_headers(req);
    }
    request->chunk_sent = err == ESP_OK;
    return err;
}

esp_err_t httpd_resp_send_chunk(httpd_req_t *r, const char *buf, ssize_t buf_len)
{
    char size[16];
    if (r == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    request_t *const request = r->aux;
    const ssize_t length = length_of(buf, buf_len);
    request->header_count = 0;
    const esp_err_t err = request->chunk_sent ? ESP_OK : send_chunked_headers(r);
    if (err != ESP_OK) {
        return err;
    }
    (void)snprintf(size, sizeof(size), "%x\r\n", (unsigned)length);
    if (send_text(r, size) != ESP_OK || (buf != NULL && send_all(r, buf, (size_t)length) != ESP_OK) ||
        send_text(r, "\r\n") != ESP_OK) {
        return ESP_ERR_HTTPD_RESP_SEND;
    }
    tell_sent(request, length);
    return ESP_OK;
}

static const char *const s_errors[HTTPD_ERR_CODE_MAX] = {
    [HTTPD_500_INTERNAL_SERVER_ERROR] = HTTPD_500,
    [HTTPD_501_METHOD_NOT_IMPLEMENTED] = "501 Method Not Implemented",
    [HTTPD_505_VERSION_NOT_SUPPORTED] = "505 Version Not Supported",
    [HTTPD_400_BAD_REQUEST] = HTTPD_400,
    [HTTPD_401_UNAUTHORIZED] = "401 Unauthorized",
    [HTTPD_403_FORBIDDEN] = "403 Forbidden",
    [HTTPD_404_NOT_FOUND] = HTTPD_404,
    [HTTPD_405_METHOD_NOT_ALLOWED] = "405 Method Not Allowed",
    [HTTPD_408_REQ_TIMEOUT] = HTTPD_408,
    [HTTPD_411_LENGTH_REQUIRED] = "411 Length Required",
    [HTTPD_413_CONTENT_TOO_LARGE] = "413 Content Too Large",
    [HTTPD_414_URI_TOO_LONG] = "414 URI Too Long",
    [HTTPD_431_REQ_HDR_FIELDS_TOO_LARGE] = "431 Request Header Fields Too Large",
};

static bool set_no_delay(const httpd_req_t *req, int on)
{
#ifdef CONFIG_HTTPD_ERR_RESP_NO_DELAY
    const session_t *const session = ((const request_t *)req->aux)->session;
    return setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0;
#else
    (void)req;
    (void)on;
    return true;
#endif
}

esp_err_t httpd_resp_send_custom_err(httpd_req_t *req, const char *status, const char *msg)
{
    ESP_LOGW(TAG, "%s - %s", status, msg);
    (void)httpd_resp_set_status(req, status);
    (void)httpd_resp_set_type(req, HTTPD_TYPE_TEXT);
    const bool no_delay = set_no_delay(req, 1);
    if (!no_delay) {
        ESP_LOGW(TAG, "cannot set TCP_NODELAY: error %d", errno);
    }
    const esp_err_t err = httpd_resp_send(req, msg, HTTPD_RESP_USE_STRLEN);
    return no_delay && !set_no_delay(req, 0) ? ESP_ERR_INVALID_STATE : err;
}

/** Without a message of the caller's the body repeats the status; the chip has a sentence there. */
esp_err_t httpd_resp_send_err(httpd_req_t *req, httpd_err_code_t error, const char *msg)
{
    const httpd_err_code_t known = error < HTTPD_ERR_CODE_MAX ? error : HTTPD_500_INTERNAL_SERVER_ERROR;
    const esp_err_t err = httpd_resp_send_custom_err(req, s_errors[known], msg != NULL ? msg : s_errors[known]);
    if (err != ESP_ERR_INVALID_STATE) {
        httpd_event(HTTP_SERVER_EVENT_ERROR, &error, sizeof(error));
    }
    return err;
}

esp_err_t httpd_register_err_handler(httpd_handle_t handle, httpd_err_code_t error, httpd_err_handler_func_t handler_fn)
{
    if (handle == NULL || error >= HTTPD_ERR_CODE_MAX) {
        return ESP_ERR_INVALID_ARG;
    }
    server_t *const server = handle;
    (void)pthread_mutex_lock(&server->lock);
    server->error_handlers[error] = handler_fn;
    (void)pthread_mutex_unlock(&server->lock);
    return ESP_OK;
}

/** What it returns decides whether the connection stays. */
esp_err_t httpd_request_error(httpd_req_t *req, httpd_err_code_t error)
{
    server_t *const server = req->handle;
    (void)pthread_mutex_lock(&server->lock);
    const httpd_err_handler_func_t handler = server->error_handlers[error];
    (void)pthread_mutex_unlock(&server->lock);
    if (handler == NULL) {
        (void)httpd_resp_send_err(req, error, NULL);
        return ESP_FAIL;
    }
    const esp_err_t err = handler(req, error);
    return error == HTTPD_500_INTERNAL_SERVER_ERROR ? ESP_FAIL : err;
}
