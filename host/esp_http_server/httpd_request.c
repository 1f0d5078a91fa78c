/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** A request from its first byte to its last: receiving, and what handlers ask about it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "esp_log.h"
#include "httpd_private.h"

static const char *TAG = "httpd_txrx";

static int socket_error(const char *what)
{
    ESP_LOGW(TAG, "error %d in %s", errno, what);
    switch (errno) {
    case EAGAIN:
    case EINTR:
        return HTTPD_SOCK_ERR_TIMEOUT;
    case EINVAL:
    case EBADF:
    case EFAULT:
    case ENOTSOCK:
        return HTTPD_SOCK_ERR_INVALID;
    default:
        return HTTPD_SOCK_ERR_FAIL;
    }
}

int httpd_default_send(httpd_handle_t hd, int sockfd, const char *buf, size_t buf_len, int flags)
{
    (void)hd;
    if (buf == NULL) {
        return HTTPD_SOCK_ERR_INVALID;
    }
    const ssize_t sent = send(sockfd, buf, buf_len, flags | MSG_NOSIGNAL);
    return sent < 0 ? socket_error("send") : (int)sent;
}

int httpd_default_recv(httpd_handle_t hd, int sockfd, char *buf, size_t buf_len, int flags)
{
    (void)hd;
    if (buf == NULL) {
        return HTTPD_SOCK_ERR_INVALID;
    }
    const ssize_t received = recv(sockfd, buf, buf_len, flags);
    return received < 0 ? socket_error("recv") : (int)received;
}

static size_t take_kept(session_t *session, char *buffer, size_t size)
{
    const size_t length = size < session->kept_length ? size : session->kept_length;
    memcpy(buffer, &session->kept[sizeof(session->kept) - session->kept_length], length);
    session->kept_length -= length;
    return length;
}

bool httpd_keep(httpd_req_t *req, const char *bytes, size_t length)
{
    session_t *const session = ((request_t *)req->aux)->session;
    const bool fits = length <= sizeof(session->kept);
    session->kept_length = fits ? length : sizeof(session->kept);
    memcpy(&session->kept[sizeof(session->kept) - session->kept_length], bytes, session->kept_length);
    return fits;
}

/** What was kept comes first. A timeout behind it is no error; every other failure is, even if bytes came before it. */
int httpd_receive(httpd_req_t *req, char *buffer, size_t size, receive_t how)
{
    session_t *const session = ((request_t *)req->aux)->session;
    const size_t kept = session->kept_length > 0 ? take_kept(session, buffer, size) : 0;
    size_t length = kept;
    if (kept > 0 && (kept == size || how == RECEIVE_KEPT_ONLY)) {
        return (int)kept;
    }
    do {
        const int received = session->recv(session->server, session->fd, &buffer[length], size - length, 0);
        if (received <= 0) {
            return received == HTTPD_SOCK_ERR_TIMEOUT && kept > 0 ? (int)kept : received;
        }
        length += (size_t)received;
    } while (length < size && how == RECEIVE_ALL);
    return (int)length;
}

int httpd_req_recv(httpd_req_t *r, char *buf, size_t buf_len)
{
    if (r == NULL || buf == NULL) {
        return HTTPD_SOCK_ERR_INVALID;
    }
    request_t *const request = r->aux;
    const size_t size = buf_len < request->remaining ? buf_len : request->remaining;
    if (size == 0) {
        return 0;
    }
    const int received = httpd_receive(r, buf, size, RECEIVE_SOME);
    if (received < 0) {
        return received;
    }
    request->remaining -= (size_t)received;
    const esp_http_server_event_data data = {.fd = request->session->fd, .data_len = received};
    httpd_event(HTTP_SERVER_EVENT_ON_DATA, &data, sizeof(data));
    return received;
}

int httpd_req_to_sockfd(httpd_req_t *r)
{
    return r == NULL ? -1 : ((request_t *)r->aux)->session->fd;
}

/** The request is over: its context becomes that of the session. */
static void clean_up(server_t *server)
{
    request_t *const request = &server->request;
    session_t *const session = request->session;
    httpd_req_t *const req = &server->req;
    if (!req->ignore_sess_ctx_changes && session->ctx != req->sess_ctx) {
        httpd_free_ctx(&session->ctx, session->free_ctx);
    }
#ifdef CONFIG_HTTPD_WS_SUPPORT
    if (session->websocket_closing) {
        (void)httpd_session_close_later(session);
    }
#endif
    (void)pthread_mutex_lock(&server->lock);
    session->ctx = req->sess_ctx;
    session->free_ctx = req->free_ctx;
    session->ignore_ctx_changes = req->ignore_sess_ctx_changes;
    request->session = NULL;
    (void)pthread_mutex_unlock(&server->lock);
    free(request->scratch);
    request->scratch = NULL;
    req->handle = NULL;
    req->aux = NULL;
    req->user_ctx = NULL;
}

static void prepare(server_t *server, session_t *session)
{
    request_t *const request = &server->request;
    (void)pthread_mutex_lock(&server->lock);
    *request = (request_t){
        .session = session,
        .scratch_limit = server->config.max_uri_len > 0 ? server->config.max_uri_len : CONFIG_HTTPD_MAX_URI_LEN,
        .status = HTTPD_200,
        .type = HTTPD_TYPE_TEXT,
        .response_headers = request->response_headers,
    };
    memset(&server->req, 0, sizeof(server->req)); /* no compound literal: uri is constant for handlers only */
    server->req.handle = server;
    server->req.aux = request;
    server->req.sess_ctx = session->ctx;
    server->req.free_ctx = session->free_ctx;
    server->req.ignore_sess_ctx_changes = session->ignore_ctx_changes;
    (void)pthread_mutex_unlock(&server->lock);
}

/** Everything but the rest of the body. An error has ended the request. */
esp_err_t httpd_request_begin(server_t *server, session_t *session)
{
    esp_err_t err = ESP_OK;
    prepare(server, session);
#ifdef CONFIG_HTTPD_WS_SUPPORT
    server->req.user_ctx = session->websocket_user_ctx;
    err = session->websocket && session->websocket_handler != NULL ? httpd_websocket_serve(&server->req)
                                                                   : httpd_request_parse(server);
#else
    err = httpd_request_parse(server);
#endif
    if (err != ESP_OK) {
        clean_up(server);
    }
    return err;
}

/** Reads what is left of the body, so that the next request begins where it begins. */
esp_err_t httpd_request_end(server_t *server)
{
    esp_err_t err = ESP_OK;
    while (server->request.remaining > 0 && err == ESP_OK) {
        char rest[CONFIG_HTTPD_PURGE_BUF_LEN];
        err = httpd_req_recv(&server->req, rest, sizeof(rest)) > 0 ? ESP_OK : ESP_FAIL;
    }
    clean_up(server);
    return err;
}

/** In the scratch buffer "Name: value" lines follow one another, with at least one NUL between them. */
static const char *header_value(const httpd_req_t *req, const char *field)
{
    const request_t *const request = req->aux;
    const char *line = request->scratch;
    for (unsigned left = request->header_count; left > 0; left--) {
        const char *const colon = strchr(line, ':');
        if (colon == NULL) {
            return NULL;
        }
        if ((size_t)(colon - line) == strlen(field) && strncasecmp(line, field, strlen(field)) == 0) {
            return &colon[1 + strspn(&colon[1], " ")];
        }
        line += left > 1 ? strlen(line) : 0;
        while (left > 1 && *line == '\0') {
            line++;
        }
    }
    return NULL;
}

size_t httpd_req_get_hdr_value_len(httpd_req_t *r, const char *field)
{
    const char *const value = r == NULL || field == NULL ? NULL : header_value(r, field);
    return value == NULL ? 0 : strlen(value);
}

/** Gives what fits, and says so; but a value of exactly `val_size` characters loses its last one without a word, as on
 * the chip. */
esp_err_t httpd_req_get_hdr_value_str(httpd_req_t *r, const char *field, char *val, size_t val_size)
{
    const char *const value = r == NULL || field == NULL ? NULL : header_value(r, field);
    if (r == NULL || field == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (value == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    (void)snprintf(val, val_size, "%s", value);
    return strlen(value) <= val_size ? ESP_OK : ESP_ERR_HTTPD_RESULT_TRUNC;
}

size_t httpd_req_get_url_query_len(httpd_req_t *r)
{
    const request_t *const request = r == NULL ? NULL : r->aux;
    const bool there = r != NULL && r->uri[0] != '\0' && (request->url.field_set & (1U << UF_QUERY)) != 0;
    return there ? request->url.field_data[UF_QUERY].len : 0;
}

/** Gives nothing when not all of it fits. */
esp_err_t httpd_req_get_url_query_str(httpd_req_t *r, char *buf, size_t buf_len)
{
    if (r == NULL || buf == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (r->uri[0] == '\0') {
        return ESP_FAIL;
    }
    const request_t *const request = r->aux;
    if ((request->url.field_set & (1U << UF_QUERY)) == 0) {
        return ESP_ERR_NOT_FOUND;
    }
    const size_t length = request->url.field_data[UF_QUERY].len;
    if (length >= buf_len) {
        return ESP_ERR_HTTPD_RESULT_TRUNC;
    }
    memcpy(buf, &r->uri[request->url.field_data[UF_QUERY].off], length);
    buf[length] = '\0';
    return ESP_OK;
}

/** The key is compared without case and as it stands, with its percent signs. A word without '=' belongs to the key
 * behind it, as on the chip: in "a&b=1" there is only "a&b". */
esp_err_t httpd_query_key_value(const char *qry, const char *key, char *val, size_t val_size)
{
    if (qry == NULL || key == NULL || val == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const char *at = qry;
    for (const char *sign = strchr(at, '='); sign != NULL; sign = at == NULL ? NULL : strchr(at, '=')) {
        const size_t length = strcspn(&sign[1], "&");
        if ((size_t)(sign - at) == strlen(key) && strncasecmp(at, key, strlen(key)) == 0) {
            if (length >= val_size) {
                return ESP_ERR_HTTPD_RESULT_TRUNC;
            }
            memcpy(val, &sign[1], length);
            val[length] = '\0';
            return ESP_OK;
        }
        at = sign[1 + length] == '&' ? &sign[2 + length] : NULL;
    }
    return ESP_ERR_NOT_FOUND;
}

int httpd_send(httpd_req_t *r, const char *buf, size_t buf_len)
{
    if (r == NULL || buf == NULL) {
        return HTTPD_SOCK_ERR_INVALID;
    }
    const session_t *const session = ((request_t *)r->aux)->session;
    return session->send(session->server, session->fd, buf, buf_len, 0);
}

/** Another task may call these: the function is looked up under the lock and called without it. */
int httpd_socket_send(httpd_handle_t hd, int sockfd, const char *buf, size_t buf_len, int flags)
{
    server_t *const server = hd;
    if (server == NULL) {
        return HTTPD_SOCK_ERR_INVALID;
    }
    (void)pthread_mutex_lock(&server->lock);
    const session_t *const session = httpd_session_find_locked(server, sockfd);
    const httpd_send_func_t function = session == NULL ? NULL : session->send;
    (void)pthread_mutex_unlock(&server->lock);
    return function == NULL ? HTTPD_SOCK_ERR_INVALID : function(hd, sockfd, buf, buf_len, flags);
}

int httpd_socket_recv(httpd_handle_t hd, int sockfd, char *buf, size_t buf_len, int flags)
{
    server_t *const server = hd;
    if (server == NULL) {
        return HTTPD_SOCK_ERR_INVALID;
    }
    (void)pthread_mutex_lock(&server->lock);
    const session_t *const session = httpd_session_find_locked(server, sockfd);
    const httpd_recv_func_t function = session == NULL ? NULL : session->recv;
    (void)pthread_mutex_unlock(&server->lock);
    return function == NULL ? HTTPD_SOCK_ERR_INVALID : function(hd, sockfd, buf, buf_len, flags);
}
