/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What the parts of the HTTP server share. One task owns everything; `lock` guards what other tasks may read:
 * which socket is a session, and how to send there.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "esp_http_server.h"
#include "freertos/semphr.h"

#define HTTPD_BLOCK_SIZE 128 /**< bytes that the server reads at a time, and keeps for later at most */

typedef struct server server_t;

/** @brief A connection. */
typedef struct {
    int fd; /**< -1: free */
    server_t *server;
    void *ctx;
    httpd_free_ctx_fn_t free_ctx;
    bool ignore_ctx_changes;
    void *transport_ctx;
    httpd_free_ctx_fn_t free_transport_ctx;
    httpd_send_func_t send;
    httpd_recv_func_t recv;
    httpd_pending_func_t pending;
    uint64_t last_use;           /**< count of requests of the server; 0: none yet */
    bool purged;                 /**< chosen to make room for another */
    atomic_bool in_other_hands;  /**< a request goes on behind its handler: the server's task leaves the socket alone */
    char kept[HTTPD_BLOCK_SIZE]; /**< received too early; the last `kept_length` bytes count */
    size_t kept_length;
#ifdef CONFIG_HTTPD_WS_SUPPORT
    bool websocket;
    bool websocket_closing;
    bool websocket_control;
    esp_err_t (*websocket_handler)(httpd_req_t *req);
    void *websocket_user_ctx;
#endif
} session_t;

typedef struct {
    const char *field;
    const char *value;
} response_header_t;

/** @brief What belongs to the request that is being served (`aux` of httpd_req_t). */
typedef struct {
    session_t *session;
    char *scratch; /**< the request line, later the header lines */
    size_t scratch_size;
    size_t scratch_limit;
    size_t remaining; /**< bytes of the body that were not read */
    const char *status;
    const char *type;
    bool chunk_sent;
    unsigned header_count; /**< of the request; 0 as soon as something of the answer was sent */
    unsigned response_header_count;
    response_header_t *response_headers;
    struct http_parser_url url;
    bool upgrade;
#ifdef CONFIG_HTTPD_WS_SUPPORT
    httpd_ws_type_t frame_type;
    bool frame_final;
    uint8_t mask[4];
#endif
} request_t;

typedef enum {
    SERVER_RUNNING,
    SERVER_STOPPING,
    SERVER_STOPPED,
} server_status_t;

struct server {
    httpd_config_t config;
    pthread_mutex_t lock;
    int listen_fd;          /**< -1: nobody can connect */
    int control[2];         /**< the task reads from the first */
    SemaphoreHandle_t room; /**< places for calls that wait for the task */
    _Atomic server_status_t status;
    session_t *sessions;
    unsigned session_count;
    httpd_uri_t **handlers; /**< those that are there come first */
    httpd_err_handler_func_t error_handlers[HTTPD_ERR_CODE_MAX];
    httpd_req_t req;
    request_t request;
    uint64_t uses;
};

typedef enum {
    RECEIVE_SOME,      /**< what one call of the socket brings */
    RECEIVE_KEPT_ONLY, /**< nothing from the socket when something was kept */
    RECEIVE_ALL,
} receive_t;

/** @brief Posts an event of the server; an error is logged. */
void httpd_event(esp_http_server_event_id_t id, const void *data, size_t size);

/** @brief Has the server's task look at its sessions anew. Waits for a place in its queue. */
esp_err_t httpd_wake(server_t *server);

/* Sessions. A function with "locked" in its name is called under the lock. */
bool httpd_session_free(const server_t *server);
esp_err_t httpd_session_new(server_t *server, int fd);
void httpd_session_delete(server_t *server, session_t *session);
esp_err_t httpd_session_serve(server_t *server, session_t *session);
bool httpd_session_has_kept(server_t *server, session_t *session);
session_t *httpd_session_find_locked(server_t *server, int fd);
/** @brief The session that was used longest ago and is in no other hands, NULL when one is free. */
session_t *httpd_session_oldest(server_t *server);
esp_err_t httpd_session_close_later(session_t *session);
void httpd_free_ctx(void **ctx, httpd_free_ctx_fn_t free_fn);

/* Requests. */
esp_err_t httpd_request_begin(server_t *server, session_t *session);
esp_err_t httpd_request_end(server_t *server);
esp_err_t httpd_request_parse(server_t *server);
esp_err_t httpd_request_route(server_t *server);
esp_err_t httpd_request_error(httpd_req_t *req, httpd_err_code_t error);
int httpd_receive(httpd_req_t *req, char *buffer, size_t size, receive_t how);
/** @brief Keeps bytes for the next httpd_receive(). False: too many. */
bool httpd_keep(httpd_req_t *req, const char *bytes, size_t length);
int httpd_default_send(httpd_handle_t hd, int sockfd, const char *buf, size_t buf_len, int flags);
int httpd_default_recv(httpd_handle_t hd, int sockfd, char *buf, size_t buf_len, int flags);
void httpd_unregister_all(server_t *server);

/* WebSockets. */
#ifdef CONFIG_HTTPD_WS_SUPPORT
esp_err_t httpd_websocket_accept(httpd_req_t *req, const httpd_uri_t *uri);
esp_err_t httpd_websocket_serve(httpd_req_t *req);
#endif
