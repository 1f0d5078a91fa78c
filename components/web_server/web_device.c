/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** What concerns the gateway as a whole: restart, factory reset; and a sensor that was removed. */
#include <inttypes.h>
#include <string.h>

#include "web_private.h"

#define FACTORY_RESET "factory reset"

static void refuse_body(web_job_t *job, const char *path, const char *problem)
{
    web_job_refuse_body(job, "nothing was changed", path, problem);
}

static void restart(web_job_t *job)
{
    json_stream_t *const json = web_job_begin(job, "202 Accepted");
    json_bool(json, "restarts", true);
    json_close(json);
    job->restart = true;
}

/** Whether a body says nothing: none, or an empty object. */
static bool says_nothing(web_job_t *job)
{
    json_reader_t json;
    if (job->length == 0) {
        return true;
    }
    json_reader_init(&json, job->body, job->length);
    const json_token_t first = json_next(&json);
    const json_token_t second = first == JSON_OBJECT ? json_next(&json) : first;
    const bool empty = first == JSON_OBJECT && second == JSON_CLOSE;
    if (first == JSON_ERROR || second == JSON_ERROR || (empty && json_next(&json) != JSON_END)) {
        web_job_refuse_json(job);
        return false;
    }
    if (!empty) {
        refuse_body(job, "", "must be an empty object");
    }
    return empty;
}

void web_restart(web_job_t *job)
{
    if (job->server->services.restart == NULL) {
        web_job_refuse_for_now(job, "unavailable", "the gateway cannot be restarted", 1);
        return;
    }
    if (says_nothing(job)) {
        web_job_audit(job, "restart");
        restart(job);
    }
}

/** Settings first: if that fails, the password still keeps others out of them. */
static void reset(web_job_t *job)
{
    if (settings_reset(job->server->settings) != ESP_OK) {
        web_job_refuse_for_now(job, "unavailable", "the flash cannot be written; nothing has changed", 1);
    } else if (access_reset(job->server->access) != ESP_OK) {
        web_job_refuse(job, "500 Internal Server Error", "internal_error",
                       "the settings are as from the factory, but the password could not be taken back");
    } else {
        restart(job);
    }
}

void web_factory_reset(web_job_t *job)
{
    web_text_t texts[] = {{.name = "confirm"}};
    if (!web_job_texts(job, texts, 1)) {
        return;
    }
    if (strcmp(texts[0].text, FACTORY_RESET) != 0) {
        refuse_body(job, "/confirm", "must be \"" FACTORY_RESET "\"");
        return;
    }
    web_job_audit(job, FACTORY_RESET);
    reset(job);
}

/** The number of a sensor; 0: the body is refused. */
static uint8_t read_sensor(web_job_t *job)
{
    json_reader_t json;
    int64_t sensor = 0;
    const char *wrong = NULL; /* path of what is */
    json_reader_init(&json, job->body, job->length);
    json_token_t token = json_next(&json);
    if (token != JSON_OBJECT) {
        wrong = "";
    }
    while (wrong == NULL && (token = json_next(&json)) != JSON_CLOSE && token != JSON_ERROR) {
        if (strcmp(json.key, "sensor") != 0) {
            wrong = "";
        } else if (token != JSON_NUMBER || !json_integer(&json, &sensor)) {
            wrong = "/sensor";
        }
    }
    if (token == JSON_ERROR || token == JSON_END || (wrong == NULL && json_next(&json) != JSON_END)) {
        web_job_refuse_json(job);
        return 0;
    }
    if (wrong != NULL || sensor < 1 || sensor > BATTERY_SENSORS_MAX) {
        refuse_body(job, wrong == NULL ? "/sensor" : wrong, "must name sensor 1 or 2");
        return 0;
    }
    return (uint8_t)sensor;
}

void web_forget_sensor(web_job_t *job)
{
    const web_server_services_t *const services = &job->server->services;
    const uint8_t sensor = read_sensor(job);
    if (sensor == 0) {
        return;
    }
    web_job_audit(job, "battery: forget temperature sensor %u", (unsigned)sensor);
    if (services->forget_sensor == NULL || services->forget_sensor(services->context, sensor) != ESP_OK) {
        web_job_refuse_for_now(job, "unavailable", "the sensor cannot be forgotten", 1);
        return;
    }
    json_stream_t *const json = web_job_begin(job, "200 OK");
    json_int(json, "sensor", sensor);
    json_close(json);
}
