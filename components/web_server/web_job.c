/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * A change on its way: read and checked here in the server's task, done in the task `work`, answered in the server's
 * task again. ESP-IDF's server keeps the connection meanwhile, and leaves it alone. It is told that the request is
 * complete in the task `work`, because it waits for a place in its own queue then.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "esp_heap_caps.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "service_task.h"
#include "web_private.h"
#include "work.h"

static const char *TAG = "web_server";

#define JSON_TYPE         "application/json"
#define TYPE_MAX          64
#define QUERY_MAX         16
#define COPY_MAX          2048 /**< ESP-IDF's copy of a request: address, headers, and what belongs to it */
#define BEFORE_RESTART_MS 500  /**< an answer that was sent is on its way so long at most */
#define PUT_AWAY_TRIES    20
#define PUT_AWAY_TRY_MS   5

void web_wipe(void *bytes, size_t size)
{
    volatile char *const at = bytes;
    for (size_t i = 0; i < size; i++) {
        at[i] = 0;
    }
}

bool web_job_holds(const web_server_t *self, int fd)
{
    return atomic_load(&self->job_state) != WEB_JOB_NONE && self->job_fd == fd;
}

void web_job_abandon(web_server_t *self, int fd)
{
    if (self->job_fd == fd) {
        self->job_fd = -1;
    }
}

/* ---- in the task `work` ---- */

json_stream_t *web_job_begin(web_job_t *job, const char *status)
{
    job->status = status;
    json_stream_init(&job->json, job->answer, sizeof(job->answer), NULL, NULL);
    json_object(&job->json, NULL);
    return &job->json;
}

void web_job_refuse(web_job_t *job, const char *status, const char *error, const char *message)
{
    json_stream_t *const json = web_job_begin(job, status);
    json_text(json, "error", error);
    json_text(json, "message", message);
    json_close(json);
}

void web_job_refuse_json(web_job_t *job)
{
    web_job_refuse(job, "400 Bad Request", "bad_json", "the body is not JSON");
}

void web_job_refuse_body(web_job_t *job, const char *message, const char *path, const char *problem)
{
    json_stream_t *const json = web_job_begin(job, "422 Unprocessable Content");
    json_text(json, "error", "invalid");
    json_text(json, "message", message);
    json_array(json, "errors");
    json_object(json, NULL);
    json_text(json, "path", path);
    json_text(json, "message", problem);
    json_close(json);
    json_close(json);
    json_close(json);
}

void web_job_refuse_for_now(web_job_t *job, const char *error, const char *message, int32_t retry_after_s)
{
    web_job_refuse(job, "503 Service Unavailable", error, message);
    job->retry_after_s = retry_after_s;
}

void web_job_audit_what(web_job_t *job)
{
    const access_actor_t who = {.name = job->client.name, .address = job->address};
    job->audit = access_audit_begin(job->server->access, &who, job->what);
}

void web_job_audit(web_job_t *job, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(job->what, sizeof(job->what), format, arguments);
    va_end(arguments);
    web_job_audit_what(job);
}

static bool is_good(const web_job_t *job)
{
    return job->status[0] == '2';
}

static bool has_body(const web_job_t *job)
{
    return strncmp(job->status, "204", 3) != 0;
}

/** Every error begins with its word. */
static void note_outcome(const web_job_t *job)
{
    static const char before[] = "{\"error\":\"";
    char outcome[ACCESS_AUDIT_OUTCOME_MAX + 1] = "done";
    if (!is_good(job)) {
        const char *const word = &job->answer[sizeof(before) - 1];
        const bool has_word = strncmp(job->answer, before, sizeof(before) - 1) == 0;
        (void)snprintf(outcome, sizeof(outcome), "%.*s", has_word ? (int)strcspn(word, "\"") : 0, word);
    }
    access_audit_end(job->server->access, job->audit, outcome);
}

/** Rights are taken away in this task too, so they stay for as long as the change takes. The body may have come slowly.
 */
static bool still_may(const web_job_t *job)
{
    return job->client.by == ACCESS_BY_NOTHING ||
           access_still_valid(job->server->access, &job->client, service_now_ms());
}

static void run(void *argument)
{
    web_job_t *const job = argument;
    web_server_t *const self = job->server;
    if (still_may(job)) {
        job->run(job);
    } else {
        web_job_refuse(job, "401 Unauthorized", "login_required", "log in, or send a token");
    }
    if (has_body(job) && !json_stream_end(&job->json)) {
        ESP_LOGE(TAG, "an answer to a change does not fit into its buffer");
        web_job_refuse(job, "500 Internal Server Error", "internal_error", "the change was made, its answer is lost");
        (void)json_stream_end(&job->json);
    }
    note_outcome(job);
    atomic_store(&self->job_state, WEB_JOB_DONE);
    (void)xTaskNotifyGive(self->relay);
}

static void forget(web_job_t *job)
{
    if (job->body != NULL) {
        web_wipe(job->body, job->length);
        free(job->body);
    }
    web_wipe(job, sizeof(*job));
    free(job);
}

static void put_away(void *argument)
{
    web_job_t *const job = argument;
    web_server_t *const self = job->server;
    const bool restart = job->restart;
    (void)httpd_req_async_handler_complete(job->req);
    forget(job);
    if (restart && self->services.restart != NULL) {
        vTaskDelay(pdMS_TO_TICKS(BEFORE_RESTART_MS));
        self->services.restart(self->services.context);
    }
    atomic_store(&self->job_state, WEB_JOB_NONE);
}

/* ---- in the server's task ---- */

static bool set_headers(web_server_t *self, web_job_t *job)
{
    httpd_req_t *const req = job->req;
    (void)snprintf(self->header, sizeof(self->header), "%" PRId32, job->retry_after_s);
    return httpd_resp_set_status(req, job->status) == ESP_OK && httpd_resp_set_type(req, JSON_TYPE) == ESP_OK &&
           httpd_resp_set_hdr(req, "Cache-Control", "no-store") == ESP_OK &&
           (job->cookie[0] == '\0' || httpd_resp_set_hdr(req, "Set-Cookie", job->cookie) == ESP_OK) &&
           (strncmp(job->status, "401", 3) != 0 || httpd_resp_set_hdr(req, "WWW-Authenticate", "Bearer") == ESP_OK) &&
           (job->retry_after_s == 0 || httpd_resp_set_hdr(req, "Retry-After", self->header) == ESP_OK);
}

static bool send_answer(web_server_t *self, web_job_t *job)
{
    if (!has_body(job)) {
        return web_answer_head(job->req, job->status, NULL, "Cache-Control: no-store") == ESP_OK;
    }
    return set_headers(self, job) &&
           httpd_resp_send(job->req, job->answer, (ssize_t)json_stream_length(&job->json)) == ESP_OK;
}

/** The client may have gone, and then nobody is answered. */
static void answer(web_server_t *self)
{
    web_job_t *const job = self->job;
    web_client_t *const client = self->job_fd < 0 ? NULL : web_client_find(self, self->job_fd);
    self->view.web.requests++;
    self->view.web.errors += is_good(job) ? 0 : 1;
    if (client == NULL || httpd_req_to_sockfd(job->req) != self->job_fd) {
        return;
    }
    client->busy_since_ms = 0; /* the time for the answer begins */
    if (!send_answer(self, job) || job->last) {
        client->ending_since_ms = service_now_ms();
        web_client_end(client);
    }
}

void web_job_tend(web_server_t *self)
{
    if (atomic_load(&self->job_state) == WEB_JOB_DONE) {
        answer(self);
        atomic_store(&self->job_state, WEB_JOB_ANSWERED);
    }
    if (atomic_load(&self->job_state) != WEB_JOB_ANSWERED) {
        return;
    }
    atomic_store(&self->job_state, WEB_JOB_ENDING);
    if (work_submit(put_away, self->job) != ESP_OK) {
        atomic_store(&self->job_state, WEB_JOB_ANSWERED); /* the next turn tries again */
    }
}

static esp_err_t refuse_for_now(httpd_req_t *req, const char *error, const char *message)
{
    return web_refuse_with(req, "503 Service Unavailable", error, message, "Retry-After", "1");
}

static bool is_json(httpd_req_t *req)
{
    char type[TYPE_MAX];
    const size_t length = strlen(JSON_TYPE);
    return web_header(req, "Content-Type", type, sizeof(type)) == WEB_HEADER_WHOLE &&
           strncasecmp(type, JSON_TYPE, length) == 0 && strchr("; \t", type[length]) != NULL;
}

/** Nothing else is guessed: who asks for a check must not get a change for a spelling. */
bool web_query_flag(httpd_req_t *req, const char *key, bool *set)
{
    char query[QUERY_MAX];
    const size_t length = strlen(key);
    *set = false;
    if (httpd_req_get_url_query_len(req) == 0) {
        return true;
    }
    if (httpd_req_get_url_query_str(req, query, sizeof(query)) == ESP_OK && length > 0 &&
        strncmp(query, key, length) == 0 && (strcmp(&query[length], "=0") == 0 || strcmp(&query[length], "=1") == 0)) {
        *set = query[length + 1] == '1';
        return true;
    }
    (void)web_refuse(req, "400 Bad Request", "bad_request",
                     length == 0 ? "no query is known here" : "the one query that is known here is 0 or 1");
    return false;
}

static void read_if_match(httpd_req_t *req, web_job_t *job)
{
    if (web_header(req, "If-Match", job->if_match, sizeof(job->if_match)) == WEB_HEADER_CUT) {
        (void)snprintf(job->if_match, sizeof(job->if_match), "cut");
    }
}

/** All of it, before anything is done: what is cut off half-way does nothing. */
static esp_err_t read_body(httpd_req_t *req, web_job_t *job)
{
    while (job->length < req->content_len) {
        const int got = httpd_req_recv(req, &job->body[job->length], req->content_len - job->length);
        if (got == HTTPD_SOCK_ERR_TIMEOUT) {
            web_server_of(req)->framed = false; /* nothing more is read */
            return web_refuse(req, "408 Request Timeout", "request_timeout", "a request must be complete within 5 s");
        }
        if (got <= 0) {
            return ESP_FAIL;
        }
        job->length += (size_t)got;
    }
    return ESP_OK;
}

static void note_bms(const web_server_t *self, web_bms_t *bms)
{
    const report_view_t *const view = &self->view;
    bms->known = view->has_snapshot && view->snapshot.settings_known;
    bms->cells = view->has_state ? view->state.cell_count : 0;
    if (bms->known) {
        bms->age_ms = service_now_ms() - view->snapshot.settings_ms;
        memcpy(bms->words, view->snapshot.settings, sizeof(bms->words));
    }
}

static void fill(httpd_req_t *req, web_job_t *job)
{
    char scheme[sizeof("https") + 1];
    web_server_t *const self = web_server_of(req);
    web_view_update(self);
    job->server = self;
    job->client = self->asker;
    read_if_match(req, job);
    job->secure = web_header(req, "X-Forwarded-Proto", scheme, sizeof(scheme)) == WEB_HEADER_WHOLE &&
                  strcasecmp(scheme, "https") == 0;
    job->last = self->close_after;
    note_bms(self, &job->bms);
    web_client_address(httpd_req_to_sockfd(req), job->address);
}

/** Only while enough stays free behind it: the heap is planned for what must always work. NULL: not now. */
static web_job_t *make(size_t length)
{
    const size_t needed = sizeof(web_job_t) + length + 1 + COPY_MAX;
    if (heap_caps_get_free_size(MALLOC_CAP_8BIT) < WEB_HEAP_KEPT + needed) {
        return NULL;
    }
    web_job_t *const job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return NULL;
    }
    job->body = calloc(1, length + 1);
    if (job->body == NULL) {
        free(job);
        return NULL;
    }
    return job;
}

/** From here on it is answered by web_job_tend() in any case. */
static esp_err_t hand_over(httpd_req_t *req, web_job_t *job)
{
    web_server_t *const self = web_server_of(req);
    if (httpd_req_async_handler_begin(req, &job->req) != ESP_OK) {
        forget(job);
        return refuse_for_now(req, "unavailable", "there is not enough memory now");
    }
    self->job = job;
    self->job_fd = httpd_req_to_sockfd(req);
    atomic_store(&self->job_state, WEB_JOB_RUNNING);
    if (work_submit(run, job) != ESP_OK) {
        web_job_refuse_for_now(job, "busy", "the gateway is busy; try again", 1);
        (void)json_stream_end(&job->json);
        atomic_store(&self->job_state, WEB_JOB_DONE);
    }
    return ESP_OK;
}

/** The last change may have been answered, and its client be here again before it is put away. */
static bool is_free(const web_server_t *self)
{
    for (int i = 0; i < PUT_AWAY_TRIES && atomic_load(&self->job_state) == WEB_JOB_ENDING; i++) {
        vTaskDelay(pdMS_TO_TICKS(PUT_AWAY_TRY_MS));
    }
    return atomic_load(&self->job_state) == WEB_JOB_NONE;
}

esp_err_t web_job_take(httpd_req_t *req, void (*run_it)(web_job_t *job), const char *named)
{
    bool dry = false;
    const web_server_t *const self = web_server_of(req);
    const web_client_t *const client = web_client_find(web_server_of(req), httpd_req_to_sockfd(req));
    if (client == NULL || client->closing) {
        return client == NULL ? ESP_FAIL : ESP_OK; /* it is about to be closed, which must not happen meanwhile */
    }
    if (!is_free(self)) {
        return refuse_for_now(req, "busy", "another change is in progress; try again");
    }
    if (req->content_len > 0 && !is_json(req)) {
        return web_refuse(req, "415 Unsupported Media Type", "unsupported_media_type",
                          "the body must be application/json");
    }
    if (!web_query_flag(req, run_it == web_settings_change || run_it == web_settings_import ? "dry_run" : "", &dry)) {
        return ESP_FAIL;
    }
    const size_t length = named == NULL ? req->content_len : strcspn(named, "?#");
    web_job_t *const job = make(length);
    if (job == NULL) {
        return refuse_for_now(req, "unavailable", "there is not enough memory now");
    }
    job->run = run_it;
    job->dry = dry;
    if (named != NULL) {
        web_discard_body(req);
        memcpy(job->body, named, length);
        job->length = length;
    } else if (read_body(req, job) != ESP_OK) {
        forget(job);
        return ESP_FAIL;
    }
    fill(req, job);
    return hand_over(req, job);
}
