/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Registers of the BMS: what a change would do, the change itself, all of them as a document. What may be written, and
 * in which order, is decided in tinybms; here are only the words of the API.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "service_task.h"
#include "web_private.h"
#include "web_registers.h"

#define WRITE_TIMEOUT_MS 24000 /**< all of them; a job takes less than 30 s */
#define ERRORS_MAX       16U
#define INVALID          "422 Unprocessable Content"

/** Where the answer to a body that cannot be is collected. */
typedef struct {
    web_job_t *job;
    unsigned count;
} complaints_t;

static void complain(void *context, const char *path, const char *message)
{
    complaints_t *const complaints = context;
    json_stream_t *json = &complaints->job->json;
    if (complaints->count == 0) {
        json = web_job_begin(complaints->job, INVALID);
        json_text(json, "error", "invalid");
        json_text(json, "message", "nothing was written");
        json_array(json, "errors");
    }
    if (complaints->count++ < ERRORS_MAX) {
        json_object(json, NULL);
        json_text(json, "path", path);
        json_text(json, "message", message);
        json_close(json);
    }
}

/** Whether a body was good; if not, it is refused. */
static bool was_good(web_job_t *job, web_body_t body)
{
    if (body == WEB_BODY_BAD_JSON) {
        web_job_refuse_json(job);
    } else if (body == WEB_BODY_INVALID) {
        json_close(&job->json);
        json_close(&job->json);
    }
    return body == WEB_BODY_GOOD;
}

/* ---- the plan ---- */

static const char *verdict_word(web_verdict_t verdict)
{
    switch (verdict) {
    case WEB_VERDICT_MAY_WRITE:
        return "may_write";
    case WEB_VERDICT_NEEDS_CONFIRMATION:
        return "needs_confirmation";
    case WEB_VERDICT_REFUSED:
    default:
        return "refused";
    }
}

static void write_plan(web_job_t *job, web_verdict_t verdict, size_t count)
{
    json_stream_t *const json = web_job_begin(job, "200 OK");
    json_text(json, "verdict", verdict_word(verdict));
    json_text(json, "message", job->why[0] == '\0' ? NULL : job->why);
    json_array(json, "changes");
    for (size_t i = 0; i < count; i++) {
        const tinybms_register_t *const entry = job->requests[i].entry;
        const uint16_t *const words = &job->bms.words[entry->address - TINYBMS_SETTINGS_FIRST];
        json_object(json, NULL);
        json_text(json, "name", entry->name);
        json_int(json, "address", entry->address);
        json_text(json, "unit", entry->unit);
        web_register_value(json, "from", entry, tinybms_register_raw(entry, words));
        web_register_value(json, "to", entry, job->requests[i].raw);
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

void web_bms_plan(web_job_t *job)
{
    size_t count = 0;
    complaints_t complaints = {.job = job};
    if (!job->bms.known) {
        web_job_refuse_for_now(job, "not_known", "the settings of the BMS are not known yet", 1);
        return;
    }
    if (was_good(job, web_registers_values(job->body, job->length, job->bms.words, job->requests, &count, complain,
                                           &complaints))) {
        const web_verdict_t verdict =
            web_plan(job->bms.words, job->bms.cells, job->requests, &count, job->why, sizeof(job->why));
        write_plan(job, verdict, count);
    }
}

/* ---- the write ---- */

/** "bms: NAME FROM -> TO, ...": as many as fit, and how many more. */
static void audit_write(web_job_t *job, size_t count)
{
    size_t used = (size_t)snprintf(job->what, sizeof(job->what), "bms: ");
    for (size_t i = 0; i < count; i++) {
        char from[WEB_VALUE_MAX + 1];
        char to[WEB_VALUE_MAX + 1];
        const tinybms_write_request_t *const request = &job->requests[i];
        web_plan_value_text(request->entry, request->from, from);
        web_plan_value_text(request->entry, request->raw, to);
        const int length = snprintf(&job->what[used], sizeof(job->what) - used, "%s%s %s -> %s", i == 0 ? "" : ", ",
                                    request->entry->name, from, to);
        const size_t reserved = i + 1 < count ? sizeof(", 40 more") - 1 : 0;
        if (used + (size_t)length + reserved > WEB_AUDIT_MAX) {
            (void)snprintf(&job->what[used], sizeof(job->what) - used, ", %u more", (unsigned)(count - i));
            break;
        }
        used += (size_t)length;
    }
    web_job_audit_what(job);
}

static void add_written(json_stream_t *json, const tinybms_write_request_t *requests, size_t written)
{
    json_array(json, "written");
    for (size_t i = 0; i < written; i++) {
        json_object(json, NULL);
        json_text(json, "name", requests[i].entry->name);
        web_register_value(json, "from", requests[i].entry, requests[i].from);
        web_register_value(json, "to", requests[i].entry, requests[i].raw);
        web_register_value(json, "read_back", requests[i].entry, requests[i].read_back);
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

/** How the API says it. */
typedef struct {
    const char *status;
    const char *error;
} outcome_t;

static outcome_t outcome_of(tinybms_write_status_t status)
{
    switch (status) {
    case TINYBMS_WRITE_CHANGED:
        return (outcome_t){"409 Conflict", "changed_meanwhile"};
    case TINYBMS_WRITE_NEEDS_CONFIRMATION:
        return (outcome_t){"409 Conflict", "needs_confirmation"};
    case TINYBMS_WRITE_REFUSED_BY_BMS:
        return (outcome_t){"502 Bad Gateway", "bms_refused"};
    case TINYBMS_WRITE_NOT_VERIFIED:
        return (outcome_t){"502 Bad Gateway", "not_verified"};
    case TINYBMS_WRITE_NOT_ANSWERED:
        return (outcome_t){"504 Gateway Timeout", "no_answer"};
    case TINYBMS_WRITE_PENDING:
    case TINYBMS_WRITE_OK:
    case TINYBMS_WRITE_UNKNOWN_REGISTER:
    case TINYBMS_WRITE_NOT_WRITABLE:
    case TINYBMS_WRITE_OUT_OF_RANGE:
    case TINYBMS_WRITE_CONTRADICTS:
    case TINYBMS_WRITE_CELL_COUNT:
    case TINYBMS_WRITE_REPEATED:
    case TINYBMS_WRITE_NO_ORDER:
    case TINYBMS_WRITE_BUSY:
    default:
        return (outcome_t){INVALID, "refused"};
    }
}

/** The request that ended it is the one behind those that are written; the first one if nothing was begun. */
static void answer_failure(web_job_t *job, size_t count, size_t written, const tinybms_write_result_t *result)
{
    const outcome_t outcome = outcome_of(result->status);
    web_plan_explain(&job->requests[written < count ? written : 0], result, job->why, sizeof(job->why));
    json_stream_t *const json = web_job_begin(job, outcome.status);
    json_text(json, "error", outcome.error);
    json_text(json, "message", job->why);
    add_written(json, job->requests, written);
}

static void write_registers(web_job_t *job, size_t count)
{
    size_t written = 0;
    tinybms_write_result_t result = {.status = TINYBMS_WRITE_NOT_ANSWERED};
    const web_server_services_t *const services = &job->server->services;
    const esp_err_t err =
        services->write_registers(services->context, job->requests, count, WRITE_TIMEOUT_MS, &result, &written);
    if (err == ESP_OK && result.status == TINYBMS_WRITE_OK && written == count) {
        add_written(web_job_begin(job, "200 OK"), job->requests, written);
        return;
    }
    if (err != ESP_OK && err != ESP_ERR_TIMEOUT) {
        web_job_refuse_for_now(job, "busy", "another write is in progress; try again", 1);
        return;
    }
    if (err == ESP_ERR_TIMEOUT) {
        result.status = TINYBMS_WRITE_NOT_ANSWERED;
    }
    if (result.status == TINYBMS_WRITE_BUSY) {
        web_job_refuse_for_now(job, "busy", "another write is in progress; try again", 1);
        return;
    }
    answer_failure(job, count, written, &result);
}

void web_bms_write(web_job_t *job)
{
    size_t count = 0;
    complaints_t complaints = {.job = job};
    if (!job->bms.known) {
        web_job_refuse_for_now(job, "not_known", "the settings of the BMS are not known yet", 1);
        return;
    }
    if (job->server->services.write_registers == NULL) {
        web_job_refuse_for_now(job, "unavailable", "the BMS cannot be written", 1);
        return;
    }
    if (was_good(job, web_registers_changes(job->body, job->length, job->requests, &count, complain, &complaints))) {
        audit_write(job, count);
        write_registers(job, count);
    }
}

/* ---- the profile ---- */

bool web_bms_is_known(httpd_req_t *req)
{
    web_server_t *const self = web_server_of(req);
    web_view_update(self);
    if (self->view.has_snapshot && self->view.snapshot.settings_known) {
        return true;
    }
    (void)web_refuse_with(req, "503 Service Unavailable", "not_known", "the settings of the BMS are not known yet",
                          "Retry-After", "1");
    return false;
}

void web_bms_profile(json_stream_t *json, web_server_t *server)
{
    const uint16_t *const settings = server->view.snapshot.settings;
    json_object(json, NULL);
    json_text(json, "format", "tinybms-bms-profile");
    json_int(json, "version", 1);
    json_object(json, "registers");
    for (size_t i = 0; i < tinybms_register_count(); i++) {
        const tinybms_register_t *const entry = tinybms_register_at(i);
        if (web_register_in_profile(entry)) {
            const uint16_t *const words = &settings[entry->address - TINYBMS_SETTINGS_FIRST];
            web_register_value(json, entry->name, entry, tinybms_register_raw(entry, words));
        }
    }
    json_close(json);
    json_close(json);
}
