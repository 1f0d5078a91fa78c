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
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "report.h"
#include "web_job.h"

/** @brief Sockets of clients, and how many of them may be WebSockets; CONFIG_LWIP_MAX_SOCKETS counts on it. */
#define WEB_CLIENTS_MAX    8
#define WEB_WEBSOCKETS_MAX 4

/** @brief Addresses that the server knows. */
#define WEB_HANDLERS_MAX 40

/** @brief Largest body of a request. */
#define WEB_BODY_MAX 8192

/** @brief What stays free of the heap when a change is taken: the same as at the worst moment. */
#define WEB_HEAP_KEPT 40960

/** @brief Room for one header line that is made for an answer. */
#define WEB_HEADER_MAX 160

/** @brief What whoever asks must show. */
typedef enum {
    WEB_OPEN = 0, /**< nothing */
    WEB_READ,     /**< a session or any token; nothing, if `web.read_open` says so */
    WEB_FULL,     /**< a session or a full token */
    WEB_ADMIN,    /**< a session */
} web_right_t;

/** @brief Where the one change is. */
typedef enum {
    WEB_JOB_NONE = 0,
    WEB_JOB_RUNNING,  /**< the task `work` has it */
    WEB_JOB_DONE,     /**< the server's task is to send the answer */
    WEB_JOB_ANSWERED, /**< the task `work` is to put it away */
    WEB_JOB_ENDING,   /**< the task `work` has been told so */
} web_job_state_t;

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
    int64_t ending_since_ms;        /**< its last answer, or the close of a WebSocket, is sent; 0 = not yet */
    access_client_t asker;          /**< of a WebSocket: who opened it */
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

/** @brief For what is too large for the stack, while nobody else has it: between two calls there is nothing in it. */
typedef union {
    char message[WEB_MESSAGE_MAX]; /**< to a WebSocket */
    struct {
        settings_values_t in_effect;
        settings_values_t saved;
    } settings; /**< while a document is written, or before a request is looked at */
} web_room_t;

/** @brief The server; there is one. */
typedef struct web_server {
    event_bus_handle_t bus;
    settings_handle_t settings;
    access_handle_t access;
    web_server_services_t services;
    httpd_handle_t server;
    TaskHandle_t relay; /**< told when an answer is ready */
    web_feeds_t feeds;
    report_view_t view;
    char device[SETTINGS_DEVICE_MAX + 1];
    int64_t options_asked_ms; /**< when the BMS was last asked for its limits; 0 = never */
    web_client_t clients[WEB_CLIENTS_MAX];
    int32_t patience_ms; /**< what is left for slow clients, at a time */
    int64_t patience_at_ms;
    bool files_mounted;
    bool close_after;    /**< the client wants the present answer to be the last one */
    bool framed;         /**< it is known where the present request ends */
    uint32_t generation; /**< of the settings below */
    bool read_open;
    char hosts[SETTINGS_HOSTS_MAX + 1];
    bool secrets;                /**< the present export has them */
    access_client_t asker;       /**< who sent the present request, once web_allowed() has looked */
    char header[WEB_HEADER_MAX]; /**< for the present answer */
    int64_t askers_checked_ms;   /**< whether WebSockets are still allowed */
    web_job_t *job;              /**< the server's task has it unless `job_state` says otherwise */
    int job_fd;
    atomic_int job_state; /**< web_job_state_t; also changed by the task `work` */
    char chunk[WEB_CHUNK_SIZE];
    web_room_t room;
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

/** @brief Address of a client as text; empty if it has gone. */
void web_client_address(int fd, char address[ACCESS_ADDRESS_MAX + 1]);

/** @brief Reads nothing more from a connection, so that the server closes it; not before its change is put away. */
void web_client_end(const web_client_t *client);

/** @brief Has the server close a connection, as one that it could not serve. */
void web_client_shed(web_server_t *self, web_client_t *client);

/** @brief Between two requests: closes who has been silent for too long. */
void web_clients_tend(web_server_t *self);

/** @brief Whether a socket takes WEB_MESSAGE_MAX bytes without waiting. */
bool web_client_writable(int fd);

/* ---- web_routes.c ---- */
esp_err_t web_routes_register(web_server_t *self);

/* ---- web_access.c ---- */

/** @brief How a header was found. */
typedef enum {
    WEB_HEADER_ABSENT = 0,
    WEB_HEADER_WHOLE,
    WEB_HEADER_CUT, /**< longer than the room for it */
} web_header_t;

web_header_t web_header(httpd_req_t *req, const char *name, char *value, size_t size);

/** @brief The header Cookie; the text is gone with the next chunk of an answer. NULL = none. */
const char *web_cookie(httpd_req_t *req);

/**
 * @brief Whether a request may be looked at: it is whole, and meant for this gateway. If not, it has been refused, and
 * the connection is to be closed.
 */
bool web_admit(httpd_req_t *req);

/** @brief Finds out who asks: `asker`. */
void web_identify(httpd_req_t *req);

/** @brief Whether whoever asks may do so; fills `asker`, unless anybody may. If not, as web_admit(). */
bool web_allowed(httpd_req_t *req, web_right_t right);

/** @brief Closes WebSockets whose session or token has ended. */
void web_access_tend(web_server_t *self);

/* ---- web_answer.c ---- */
esp_err_t web_answer_register(web_server_t *self);

/** @brief Puts the security headers on an answer; each has them once. */
bool web_secure(httpd_req_t *req);

/** @brief Reads the rest of a body, and throws it away. */
void web_discard_body(httpd_req_t *req);

/** @brief What a handler returns after an answer: an error closes the connection. */
esp_err_t web_answered(httpd_req_t *req, bool whole);

/** @brief Answers with an error as JSON. Returns ESP_FAIL, so that the connection is closed. */
esp_err_t web_refuse(httpd_req_t *req, const char *status, const char *error, const char *message);

/** @brief Likewise, with a further header; `value` must last until the answer is sent. */
esp_err_t web_refuse_with(httpd_req_t *req, const char *status, const char *error, const char *message,
                          const char *field, const char *value);

/**
 * @brief Answers without a body: HEAD with what GET would say, or a change with nothing to say.
 * @param type media type; NULL = there is no body to have one
 * @param header one line or more, without the last CRLF
 */
esp_err_t web_answer_head(httpd_req_t *req, const char *status, const char *type, const char *header);

/* ---- web_job.c ---- */

/** @brief Reads a change whole and hands it to the task `work`. `named`: the end of the address is its body. */
esp_err_t web_job_take(httpd_req_t *req, void (*run)(web_job_t *job), const char *named);

/**
 * @brief Reads a query that is `key`=0 or =1, and nothing else; without one it is 0.
 * @param key empty: there may be no query
 * @return false: it is another one, and has been refused
 */
bool web_query_flag(httpd_req_t *req, const char *key, bool *set);

/** @brief Between two requests: sends the answer that is ready, and has what was answered put away. */
void web_job_tend(web_server_t *self);

/** @brief Whether the change of this connection is not put away yet. */
bool web_job_holds(const web_server_t *self, int fd);

/** @brief A connection is closed: whoever has its number next must not get the answer to a change of somebody else. */
void web_job_abandon(web_server_t *self, int fd);

/** @brief One member of an object whose values are texts. */
typedef struct {
    const char *name;
    const char *text; /**< filled */
} web_text_t;

/** @brief Reads a body that is an object of just these texts; if it is not, the change has been refused. */
bool web_job_texts(web_job_t *job, web_text_t *texts, size_t count);

/** @brief Overwrites what may have held a secret. */
void web_wipe(void *bytes, size_t size);

/* ---- web_login.c ---- */
bool web_may_set_up(httpd_req_t *req); /**< whether a try of the code is allowed now; if not, it has been refused */
bool web_may_try(httpd_req_t *req);    /**< likewise, of the password */
esp_err_t web_session_show(httpd_req_t *req);
esp_err_t web_session_end(httpd_req_t *req);
void web_tokens_show(json_stream_t *json, web_server_t *self);
void web_audit_show(json_stream_t *json, web_server_t *self);

/* ---- web_files.c ---- */
void web_files_mount(web_server_t *self);
esp_err_t web_files_answer(httpd_req_t *req);

/* ---- web_socket.c ---- */
esp_err_t web_socket_before(httpd_req_t *req);
esp_err_t web_socket_after(httpd_req_t *req);
esp_err_t web_socket_receive(httpd_req_t *req);

/** @brief Sends what is new to every WebSocket that can take it. */
void web_socket_push(web_server_t *self);
