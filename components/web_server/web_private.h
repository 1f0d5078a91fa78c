/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What the files of the web server share. Everything runs in the server's task, except where stated.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include "esp_http_server.h"
#include "report.h"
#include "web_server.h"

/** @brief Sockets of clients, and how many of them may be WebSockets; CONFIG_LWIP_MAX_SOCKETS counts on it. */
#define WEB_CLIENTS_MAX    8
#define WEB_WEBSOCKETS_MAX 4

/** @brief Addresses that the server knows. */
#define WEB_HANDLERS_MAX 24

/** @brief Largest body of a request. */
#define WEB_BODY_MAX 8192

/** @brief What a WebSocket can ask for besides the state. */
typedef enum {
    WEB_TOPIC_STATE = 0,
    WEB_TOPIC_CAN,
    WEB_TOPIC_UART,
    WEB_TOPIC_COUNT
} web_topic_t;

/** @brief One open connection. */
typedef struct {
    int fd; /**< -1 = none */
    bool websocket;
    uint8_t topics;                 /**< of a WebSocket, one bit each */
    int64_t busy_since_ms;          /**< first byte of the exchange in progress; 0 = none */
    int32_t allowed_ms;             /**< for its request */
    int64_t active_ms;              /**< last byte received or sent */
    int64_t stuck_since_ms;         /**< since when a WebSocket takes nothing; 0 = it does */
    bool takes_nothing;             /**< an answer could not be sent in time */
    bool has_spoken;                /**< something was received */
    bool closing;                   /**< the server has been told to close it */
    uint32_t lost[WEB_TOPIC_COUNT]; /**< messages or frames that this WebSocket has missed */
} web_client_t;

/** @brief Subscriptions that feed the view. */
typedef struct {
    event_bus_subscription_t state;
    event_bus_subscription_t snapshot;
    event_bus_subscription_t bms_event;
    event_bus_subscription_t uart_status;
    event_bus_subscription_t can_status;
    event_bus_subscription_t system_status;
    event_bus_subscription_t can_frame;
    event_bus_subscription_t uart_frame;
} web_feeds_t;

/** @brief Bytes that are written to a client at once. */
#define WEB_CHUNK_SIZE 1024

/** @brief Longest message to a WebSocket: lwIP reports a socket as writable when 2881 bytes fit, so it never waits. */
#define WEB_MESSAGE_MAX 2800

/** @brief The server; there is one. */
typedef struct web_server {
    event_bus_handle_t bus;
    settings_handle_t settings;
    web_server_sources_t sources;
    httpd_handle_t server;
    web_feeds_t feeds;
    report_view_t view;
    char device[SETTINGS_DEVICE_MAX + 1];
    int64_t options_asked_ms; /**< when the BMS was last asked for its limits; 0 = never */
    web_client_t clients[WEB_CLIENTS_MAX];
    int32_t patience_ms; /**< what is left for slow clients, at a time */
    int64_t patience_at_ms;
    bool files_mounted;
    bool close_after; /**< the client wants the present answer to be the last one */
    char chunk[WEB_CHUNK_SIZE];
    char message[WEB_MESSAGE_MAX];
    int64_t next_report_ms;  /**< of the stack of the server's task */
    bool state_is_new;       /**< not yet sent to the WebSockets */
    int64_t state_pushed_ms; /**< when it was last sent */
    uint32_t can_dropped;    /**< of the bus subscription, as told to the clients last */
    uint32_t uart_dropped;
    atomic_bool ready;       /**< all addresses are known */
    atomic_bool turn_queued; /**< also by the relay task */
} web_server_t;

/** @brief The server behind a request. */
web_server_t *web_server_of(httpd_req_t *req);

/* ---- web_view.c ---- */
esp_err_t web_view_open(web_server_t *self, TaskHandle_t notify);

/** @brief Takes what the bus has brought. */
void web_view_update(web_server_t *self);

/** @brief Asks the BMS for its limits where they are not known yet, now and then. */
void web_view_ask_options(web_server_t *self);

/* ---- web_clients.c ---- */
void web_clients_init(web_server_t *self);
esp_err_t web_client_opened(httpd_handle_t server, int fd);
void web_client_closed(httpd_handle_t server, int fd);
web_client_t *web_client_find(web_server_t *self, int fd);
unsigned web_clients_websockets(const web_server_t *self);

/** @brief Has the server close a connection, as one that it could not serve. */
void web_client_shed(web_server_t *self, web_client_t *client);

/** @brief Between two requests: closes who has been silent for too long. */
void web_clients_tend(web_server_t *self);

/** @brief Whether a socket takes WEB_MESSAGE_MAX bytes without waiting. */
bool web_client_writable(int fd);

/* ---- web_routes.c ---- */
esp_err_t web_routes_register(web_server_t *self);

/** @brief Whether a request may be answered; if not, it has been refused, and the connection is to be closed. */
bool web_admit(httpd_req_t *req);

/** @brief What a handler returns after an answer: an error closes the connection. */
esp_err_t web_answered(httpd_req_t *req, bool whole);

/** @brief Answers with an error as JSON. Returns ESP_FAIL, so that the connection is closed. */
esp_err_t web_refuse(httpd_req_t *req, const char *status, const char *error, const char *message);

/** @brief Answers HEAD: what GET would say, without a body; `header` is one line or more, without the last CRLF. */
esp_err_t web_answer_head(httpd_req_t *req, const char *status, const char *type, const char *header);

/* ---- web_files.c ---- */
void web_files_mount(web_server_t *self);
esp_err_t web_files_answer(httpd_req_t *req);

/* ---- web_socket.c ---- */
esp_err_t web_socket_before(httpd_req_t *req);
esp_err_t web_socket_after(httpd_req_t *req);
esp_err_t web_socket_receive(httpd_req_t *req);

/** @brief Sends what is new to every WebSocket that can take it. */
void web_socket_push(web_server_t *self);
