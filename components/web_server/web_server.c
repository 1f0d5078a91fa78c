/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Starts ESP-IDF's server, and a small task that wakes it: the server waits for its sockets, not for the bus. What the
 * bus brings is taken in the server's task, which is the only one that touches the view and the connections.
 */
#include "web_server.h"

#include "esp_app_desc.h"
#include "esp_check.h"
#include "esp_log.h"
#include "sdkconfig.h"
#include "service_task.h"
#include "settings_device.h"
#include "web_private.h"

static const char *TAG = "web_server";

#define TURN_EVERY_MS   250
#define HUNG_AFTER_MS   30000 /**< slow clients hold the server for 10 s, and each behind the first for 2 s at most */
#define RESP_HEADERS    12
#define REPORT_EVERY_MS 10000

static web_server_t s_web;

/** The server's task is ESP-IDF's, so that its stack is reported here. */
static void report_stack(web_server_t *self)
{
    const int64_t now_ms = service_now_ms();
    if (now_ms < self->next_report_ms) {
        return;
    }
    self->next_report_ms = now_ms + REPORT_EVERY_MS;
    const event_bus_task_health_t health = {.task = "httpd", .stack_free_bytes = uxTaskGetStackHighWaterMark(NULL)};
    event_bus_publish_task_health(self->bus, &health);
}

/** In the server's task, between two requests. */
static void turn(void *argument)
{
    web_server_t *const self = argument;
    atomic_store(&self->turn_queued, false);
    report_stack(self);
    web_job_tend(self);
    web_clients_tend(self);
    web_access_tend(self);
    web_view_update(self);
    web_socket_push(self);
}

/**
 * While the server makes no turns, this task does not report either, and so the others tell it. A turn is asked for
 * once more then: lwIP loses the message to the server without a word when memory is short.
 */
static void run(service_task_t *task, void *argument)
{
    web_server_t *const self = argument;
    int64_t turned_ms = service_now_ms();
    int64_t asked_ms = turned_ms;
    bool refused = false;
    for (;;) {
        (void)ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(TURN_EVERY_MS));
        const int64_t now_ms = service_now_ms();
        const bool queued = atomic_exchange(&self->turn_queued, true);
        turned_ms = queued || refused ? turned_ms : now_ms;
        if (!queued || now_ms - asked_ms >= HUNG_AFTER_MS) {
            asked_ms = now_ms;
            refused = httpd_queue_work(self->server, turn, self) != ESP_OK;
            if (refused) {
                atomic_store(&self->turn_queued, false);
            }
        }
        if (now_ms - turned_ms < HUNG_AFTER_MS) {
            service_task_alive(task);
        }
    }
}

static void keep_what_is_static(void *argument)
{
    (void)argument;
}

static esp_err_t start_server(web_server_t *self)
{
    httpd_config_t config = HTTPD_DEFAULT_CONFIG();
    config.task_priority = CONFIG_TINYBMS_WEB_TASK_PRIORITY;
    config.stack_size = CONFIG_TINYBMS_WEB_TASK_STACK;
    config.core_id = 0;
    config.server_port = CONFIG_TINYBMS_WEB_PORT;
    config.max_open_sockets = WEB_CLIENTS_MAX;
    config.max_uri_handlers = WEB_HANDLERS_MAX;
    config.max_resp_headers = RESP_HEADERS;
    config.keep_alive_enable = true;
    config.global_user_ctx = self;
    config.global_user_ctx_free_fn = keep_what_is_static;
    config.open_fn = web_client_opened;
    config.close_fn = web_client_closed;
    config.uri_match_fn = httpd_uri_match_wildcard;
    return httpd_start(&self->server, &config);
}

/** In the relay task, which the state is to wake. */
static esp_err_t open_view(void *argument)
{
    web_server_t *const self = argument;
    self->relay = xTaskGetCurrentTaskHandle();
    return web_view_open(self, self->relay);
}

/** The addresses come last, because they need what the relay has opened; the first client waits for them. */
static esp_err_t start(web_server_t *self)
{
    const service_task_config_t task = {
        .name = "web",
        .kind = SERVICE_TASK_BACKGROUND,
        .stack_bytes = CONFIG_TINYBMS_WEB_RELAY_TASK_STACK,
        .priority = CONFIG_TINYBMS_WEB_TASK_PRIORITY,
        .open = open_view,
        .run = run,
    };
    ESP_RETURN_ON_ERROR(start_server(self), TAG, "cannot start the HTTP server");
    ESP_RETURN_ON_ERROR(service_task_start(&task, self->bus, self), TAG, "cannot start the relay task");
    ESP_RETURN_ON_ERROR(web_routes_register(self), TAG, "cannot register the addresses");
    atomic_store(&self->ready, true);
    return ESP_OK;
}

/**
 * Whatever strangers send would otherwise fill the log, which has 8 kB; the counters tell it. And a gateway without a
 * web image is in order: that it is missing is said below, and not as an error.
 */
static void keep_log_readable(void)
{
    static const char *const tags[] = {"SPIFFS", "httpd_parse", "httpd_sess", "httpd_txrx", "httpd_uri", "httpd_ws"};
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        esp_log_level_set(tags[i], ESP_LOG_NONE);
    }
}

esp_err_t web_server_start(event_bus_handle_t bus, settings_handle_t settings, access_handle_t access,
                           const web_server_services_t *services)
{
    ESP_RETURN_ON_FALSE(bus != NULL && settings != NULL && access != NULL && services != NULL, ESP_ERR_INVALID_ARG, TAG,
                        "NULL argument");
    web_server_t *const self = &s_web;
    ESP_RETURN_ON_FALSE(self->bus == NULL, ESP_ERR_INVALID_STATE, TAG, "already started");
    self->bus = bus;
    self->settings = settings;
    self->generation = settings_generation(settings) - 1; /* not read yet */
    self->access = access;
    self->services = *services;
    settings_device_name(settings, self->device);
    self->view.version = esp_app_get_description()->version;
    self->view.device = self->device;
    keep_log_readable();
    web_clients_init(self);
    web_files_mount(self);
    return start(self);
}
