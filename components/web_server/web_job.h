/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A request that changes something. The server's task reads all of it and checks who asks; the task `work` does
 * it; the server's task sends the answer. There is one at a time, and whoever comes meanwhile is told to try again.
 */

#include "access_audit.h"
#include "esp_http_server.h"
#include "json_reader.h"
#include "json_stream.h"
#include "tinybms_registers.h"
#include "tinybms_snapshot.h"
#include "web_plan.h"
#include "web_server.h"

/** @brief Room for an answer to a change; the longest is the plan of all settings of the BMS. */
#define WEB_ANSWER_MAX 5120

/** @brief Longest text for the audit log. */
#define WEB_AUDIT_MAX ACCESS_AUDIT_WHAT_MAX

struct web_server;

/** @brief What is known of the BMS when the request comes, because the view belongs to the server's task. */
typedef struct {
    bool known;                             /**< `words` were read */
    int64_t age_ms;                         /**< of `words` */
    uint8_t cells;                          /**< measured; 0 = not known */
    uint16_t words[TINYBMS_SETTINGS_COUNT]; /**< registers 300..343 */
} web_bms_t;

/** @brief One change, from its request to its answer. In `run` all but `req` may be used. */
typedef struct web_job {
    struct web_server *server; /**< of it only: settings, access, services */
    httpd_req_t *req;
    access_client_t client; /**< who asks; it may, as its route says */
    char address[ACCESS_ADDRESS_MAX + 1];
    char *body;        /**< whole, with a NUL behind it; may be changed. Of DELETE the end of the address */
    size_t length;     /**< of `body`; 0 = none */
    bool dry;          /**< the query has dry_run=1 */
    char if_match[12]; /**< If-Match as it was sent, in its quotes; what is too long fits nothing. Empty = none */
    bool secure;       /**< the client is behind TLS: X-Forwarded-Proto */
    bool last;         /**< the client wants the connection closed */
    web_bms_t bms;
    tinybms_write_request_t requests[WEB_WRITABLE_COUNT]; /**< room for those to the BMS */
    char why[WEB_PLAN_TEXT_MAX + 1];                      /**< room for a message of tinybms; not on the stack */
    char what[WEB_AUDIT_MAX + 1];                         /**< room for the entry in the audit log, likewise */
    uint32_t audit;                                       /**< number of its entry in the audit log; 0 = none */
    bool restart;                                         /**< restart the gateway once the answer is sent */
    const char *status;                                   /**< "200 OK"; set by web_job_begin() and web_job_refuse() */
    char cookie[128];                                     /**< Set-Cookie of the answer; empty = none */
    int32_t retry_after_s;                                /**< Retry-After of the answer; 0 = none */
    json_stream_t json; /**< the answer, between web_job_begin() and the end of `run` */
    char answer[WEB_ANSWER_MAX];
    void (*run)(struct web_job *job);
} web_job_t;

/** @brief Begins a good answer: the object is open, and the runner closes it. */
json_stream_t *web_job_begin(web_job_t *job, const char *status);

/** @brief Answers with an error as JSON, in place of what was begun. */
void web_job_refuse(web_job_t *job, const char *status, const char *error, const char *message);

/** @brief Answers 400: the body is not JSON. */
void web_job_refuse_json(web_job_t *job);

/**
 * @brief Answers 422 with the one problem of a body.
 * @param message what became of the change
 * @param path JSON pointer to the problem, "" = all of the body
 * @param problem what it is
 */
void web_job_refuse_body(web_job_t *job, const char *message, const char *path, const char *problem);

/** @brief Answers 503, with the time after which to try again. */
void web_job_refuse_for_now(web_job_t *job, const char *error, const char *message, int32_t retry_after_s);

/**
 * @brief Writes the change into the audit log, before it is made. The runner adds the outcome: "done" behind a status
 * of 2xx, else the word of the error. No secrets. A body that makes no sense is not noted: it asks for no change, and
 * each entry writes flash and takes the place of an older one.
 */
void web_job_audit(web_job_t *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** @brief Likewise, what is in `what` already. */
void web_job_audit_what(web_job_t *job);

/* ---- what changes something; each is the `run` of a route ---- */

/* web_settings.c */
void web_settings_change(web_job_t *job);  /**< PATCH /api/v1/settings */
void web_settings_import(web_job_t *job);  /**< POST /api/v1/settings/import */
void web_settings_confirm(web_job_t *job); /**< POST /api/v1/settings/confirm */
void web_settings_export(json_stream_t *json, struct web_server *server, bool secrets); /**< GET, no job */

/* web_bms.c */
void web_bms_plan(web_job_t *job);       /**< POST /api/v1/bms/registers/plan */
void web_bms_write(web_job_t *job);      /**< POST /api/v1/bms/registers */
bool web_bms_is_known(httpd_req_t *req); /**< whether there is a profile; if not, the request has been refused */
void web_bms_profile(json_stream_t *json, struct web_server *server); /**< GET /api/v1/bms/profile, no job */
void web_forget_sensor(web_job_t *job);                               /**< POST /api/v1/battery/forget-sensor */

/* web_device.c */
void web_restart(web_job_t *job);       /**< POST /api/v1/restart */
void web_factory_reset(web_job_t *job); /**< POST /api/v1/factory-reset */

/* web_login.c */
void web_first_password(web_job_t *job);  /**< POST /api/v1/setup */
void web_login(web_job_t *job);           /**< POST /api/v1/session */
void web_change_password(web_job_t *job); /**< PUT /api/v1/password */
void web_token_create(web_job_t *job);    /**< POST /api/v1/tokens */
void web_token_revoke(web_job_t *job);    /**< DELETE /api/v1/tokens/{name} */
