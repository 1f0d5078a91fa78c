/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A server in this process, and clients that say exactly what they are told, for the suites of the HTTP server.
 */

#include <stdbool.h>
#include <stddef.h>

#include "esp_http_server.h"

#define HTTP_PEER_ANSWER_SIZE 16384

/** @brief Default configuration with timeouts of 1 s. */
httpd_config_t http_peer_config(void);

/** @brief Starts a server on a free port of 127.0.0.1; the case that fails to is over. */
httpd_handle_t http_peer_start(const httpd_config_t *config);

/** @brief Stops it, and checks that it has let go of all memory and sockets. */
void http_peer_stop(httpd_handle_t server);

/** @brief Connects; -1: refused, or nobody answered within 2 s. */
int http_peer_connect(void);

void http_peer_say(int fd, const char *text);
void http_peer_say_bytes(int fd, const void *bytes, size_t length);

/**
 * @brief What the server says until the answer is complete by its Content-Length or its last chunk, or the connection
 * ends. Waits 5 s at most. The text is that of the last call.
 */
const char *http_peer_hear(int fd);

/** @brief Reads `length` bytes; false: they did not come within 5 s. */
bool http_peer_hear_bytes(int fd, void *bytes, size_t length);

/** @brief Says it on a connection of its own and returns the answer. */
const char *http_peer_ask(const char *text);

/** @brief Whether the server closes the connection within 5 s; what comes before that is thrown away. */
bool http_peer_closed(int fd);

/** @brief Whether the server says nothing and leaves the connection open for that long. */
bool http_peer_silent(int fd, int ms);

/** @brief A handler that answers "ok". */
esp_err_t http_peer_ok(httpd_req_t *req);

/** @brief Registers a handler; the case that fails to is over. */
void http_peer_route(httpd_handle_t server, const char *uri, httpd_method_t method,
                     esp_err_t (*handler)(httpd_req_t *));
