/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The sessions of the HTTP server: connections, and what users attach to them. */
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "esp_log.h"
#include "httpd_private.h"

static const char *TAG = "httpd_sess";

static void lock(server_t *server)
{
    (void)pthread_mutex_lock(&server->lock);
}

static void unlock(server_t *server)
{
    (void)pthread_mutex_unlock(&server->lock);
}

session_t *httpd_session_find_locked(server_t *server, int fd)
{
    for (unsigned i = 0; fd >= 0 && i < server->config.max_open_sockets; i++) {
        if (server->sessions[i].fd == fd) {
            return &server->sessions[i];
        }
    }
    return NULL;
}

bool httpd_session_free(const server_t *server)
{
    return server->session_count < server->config.max_open_sockets;
}

static session_t *first_free(server_t *server)
{
    for (unsigned i = 0; i < server->config.max_open_sockets; i++) {
        if (server->sessions[i].fd < 0) {
            return &server->sessions[i];
        }
    }
    return NULL;
}

/** Closes the socket when it fails. */
esp_err_t httpd_session_new(server_t *server, int fd)
{
    session_t *const session = first_free(server);
    if (session == NULL) {
        (void)close(fd);
        return ESP_FAIL;
    }
    lock(server);
    *session = (session_t){
        .fd = fd,
        .server = server,
        .send = httpd_default_send,
        .recv = httpd_default_recv,
        .last_use = server->uses,
    };
    server->session_count++;
    unlock(server);
    const esp_err_t err = server->config.open_fn == NULL ? ESP_OK : server->config.open_fn(server, fd);
    if (err != ESP_OK) {
        httpd_session_delete(server, session);
    }
    return err;
}

void httpd_free_ctx(void **ctx, httpd_free_ctx_fn_t free_fn)
{
    if (*ctx == NULL) {
        return;
    }
    if (free_fn != NULL) {
        free_fn(*ctx);
    } else {
        free(*ctx);
    }
    *ctx = NULL;
}

static void close_socket(server_t *server, int fd)
{
    if (server->config.enable_so_linger) {
        const struct linger linger = {.l_onoff = 1, .l_linger = server->config.linger_timeout};
        if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) != 0) {
            ESP_LOGW(TAG, "cannot set SO_LINGER: error %d", errno);
        }
    }
    if (server->config.close_fn != NULL) {
        server->config.close_fn(server, fd);
    } else {
        (void)close(fd);
    }
}

void httpd_session_delete(server_t *server, session_t *session)
{
    const int fd = session->fd;
    if (fd < 0) {
        return;
    }
    close_socket(server, fd);
    httpd_event(HTTP_SERVER_EVENT_DISCONNECTED, &fd, sizeof(fd));
    httpd_free_ctx(&session->ctx, session->free_ctx);
    httpd_free_ctx(&session->transport_ctx, session->free_transport_ctx);
    lock(server);
    session->fd = -1;
    server->session_count--;
    server->uses = server->session_count == 0 ? 0 : server->uses;
    unlock(server);
}

bool httpd_session_has_kept(server_t *server, session_t *session)
{
    return (session->pending != NULL && session->pending(server, session->fd) > 0) || session->kept_length > 0;
}

esp_err_t httpd_session_serve(server_t *server, session_t *session)
{
    if (httpd_request_begin(server, session) != ESP_OK || httpd_request_end(server) != ESP_OK) {
        return ESP_FAIL;
    }
    lock(server);
    session->last_use = ++server->uses;
    unlock(server);
    return ESP_OK;
}

session_t *httpd_session_oldest(server_t *server)
{
    session_t *oldest = NULL;
    lock(server); /* another task may say that a session was used */
    for (unsigned i = 0; i < server->config.max_open_sockets; i++) {
        session_t *const session = &server->sessions[i];
        if (session->fd < 0) {
            break;
        }
        if (!session->in_other_hands && (oldest == NULL || session->last_use < oldest->last_use)) {
            oldest = session;
        }
    }
    unlock(server);
    return oldest;
}

/** The place may have another connection by now; it is closed then, as on the chip. */
static void close_now(void *argument)
{
    session_t *const session = argument;
    if (session->last_use == 0 && !session->purged) {
        ESP_LOGD(TAG, "session %d is not closed: it has served nothing yet", session->fd);
        return;
    }
    session->purged = false;
    httpd_session_delete(session->server, session);
}

esp_err_t httpd_session_close_later(session_t *session)
{
    return httpd_queue_work(session->server, close_now, session);
}

esp_err_t httpd_sess_trigger_close(httpd_handle_t handle, int sockfd)
{
    server_t *const server = handle;
    if (server == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    lock(server);
    session_t *const session = httpd_session_find_locked(server, sockfd);
    unlock(server);
    return session == NULL ? ESP_ERR_NOT_FOUND : httpd_session_close_later(session);
}

esp_err_t httpd_sess_update_lru_counter(httpd_handle_t handle, int sockfd)
{
    server_t *const server = handle;
    if (server == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    lock(server);
    session_t *const session = httpd_session_find_locked(server, sockfd);
    if (session != NULL) {
        session->last_use = ++server->uses;
    }
    unlock(server);
    return session == NULL ? ESP_ERR_NOT_FOUND : ESP_OK;
}

esp_err_t httpd_get_client_list(httpd_handle_t handle, size_t *fds, int *client_fds)
{
    server_t *const server = handle;
    if (server == NULL || fds == NULL || *fds == 0 || client_fds == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const size_t room = *fds;
    esp_err_t err = ESP_OK;
    *fds = 0;
    lock(server);
    for (unsigned i = 0; i < server->config.max_open_sockets && err == ESP_OK; i++) {
        if (server->sessions[i].fd >= 0 && *fds == room) {
            err = ESP_ERR_INVALID_ARG;
        } else if (server->sessions[i].fd >= 0) {
            client_fds[(*fds)++] = server->sessions[i].fd;
        }
    }
    unlock(server);
    return err;
}

void *httpd_sess_get_ctx(httpd_handle_t handle, int sockfd)
{
    server_t *const server = handle;
    if (server == NULL) {
        return NULL;
    }
    lock(server);
    const session_t *const session = httpd_session_find_locked(server, sockfd);
    void *const ctx = session == NULL ? NULL : server->request.session == session ? server->req.sess_ctx : session->ctx;
    unlock(server);
    return ctx;
}

/** Inside of a handler the context is that of the request; the session gets it when the request ends. */
static void *set_ctx_locked(server_t *server, session_t *session, void *ctx, httpd_free_ctx_fn_t free_fn,
                            httpd_free_ctx_fn_t *free_old)
{
    const bool in_handler = server->request.session == session;
    void **const place = in_handler ? &server->req.sess_ctx : &session->ctx;
    httpd_free_ctx_fn_t *const free_place = in_handler ? &server->req.free_ctx : &session->free_ctx;
    void *const old = *place == ctx || (in_handler && session->ctx == *place) ? NULL : *place;
    *free_old = *free_place;
    *place = ctx;
    *free_place = free_fn;
    return old;
}

void httpd_sess_set_ctx(httpd_handle_t handle, int sockfd, void *ctx, httpd_free_ctx_fn_t free_fn)
{
    server_t *const server = handle;
    httpd_free_ctx_fn_t free_old = NULL;
    void *old = NULL;
    if (server == NULL) {
        return;
    }
    lock(server);
    session_t *const session = httpd_session_find_locked(server, sockfd);
    if (session != NULL) {
        old = set_ctx_locked(server, session, ctx, free_fn, &free_old);
    }
    unlock(server);
    httpd_free_ctx(&old, free_old);
}

void *httpd_sess_get_transport_ctx(httpd_handle_t handle, int sockfd)
{
    server_t *const server = handle;
    if (server == NULL) {
        return NULL;
    }
    lock(server);
    const session_t *const session = httpd_session_find_locked(server, sockfd);
    void *const ctx = session == NULL ? NULL : session->transport_ctx;
    unlock(server);
    return ctx;
}

void httpd_sess_set_transport_ctx(httpd_handle_t handle, int sockfd, void *ctx, httpd_free_ctx_fn_t free_fn)
{
    server_t *const server = handle;
    httpd_free_ctx_fn_t free_old = NULL;
    void *old = NULL;
    if (server == NULL) {
        return;
    }
    lock(server);
    session_t *const session = httpd_session_find_locked(server, sockfd);
    if (session != NULL) {
        old = session->transport_ctx == ctx ? NULL : session->transport_ctx;
        free_old = session->free_transport_ctx;
        session->transport_ctx = ctx;
        session->free_transport_ctx = free_fn;
    }
    unlock(server);
    httpd_free_ctx(&old, free_old);
}

esp_err_t httpd_sess_set_send_override(httpd_handle_t hd, int sockfd, httpd_send_func_t send_func)
{
    server_t *const server = hd;
    if (server == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    lock(server);
    session_t *const session = httpd_session_find_locked(server, sockfd);
    if (session != NULL) {
        session->send = send_func;
    }
    unlock(server);
    return session == NULL ? ESP_ERR_INVALID_ARG : ESP_OK;
}

esp_err_t httpd_sess_set_recv_override(httpd_handle_t hd, int sockfd, httpd_recv_func_t recv_func)
{
    server_t *const server = hd;
    if (server == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    lock(server);
    session_t *const session = httpd_session_find_locked(server, sockfd);
    if (session != NULL) {
        session->recv = recv_func;
    }
    unlock(server);
    return session == NULL ? ESP_ERR_INVALID_ARG : ESP_OK;
}

esp_err_t httpd_sess_set_pending_override(httpd_handle_t hd, int sockfd, httpd_pending_func_t pending_func)
{
    server_t *const server = hd;
    if (server == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    lock(server);
    session_t *const session = httpd_session_find_locked(server, sockfd);
    if (session != NULL) {
        session->pending = pending_func;
    }
    unlock(server);
    return session == NULL ? ESP_ERR_INVALID_ARG : ESP_OK;
}
