/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Settings that are changed, imported, confirmed and exported. Everything but the export runs in the task `work`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_app_desc.h"
#include "esp_heap_caps.h"
#include "settings_input.h"
#include "settings_json.h"
#include "settings_keep.h"
#include "web_private.h"

#define PROBLEMS_ROOM (WEB_ANSWER_MAX - 8) /**< the brackets behind them, and a NUL */
#define TRY_AGAIN_S   5
#define AND_MORE      sizeof(" and 65 more")
#define LONG_TEXTS    (SETTINGS_COUNT - SETTINGS_LONG)

/** For one change; too large for the stack. */
typedef struct {
    settings_input_t input;
    settings_values_t saved;
    settings_values_t next;
} web_settings_room_t;

/* ---- the audit log ---- */

static void audit_one(char *text, size_t size, const settings_change_t *change, const settings_values_t *saved)
{
    const settings_entry_t *const entry = settings_entry(change->id);
    if (settings_is_number(change->id)) {
        (void)snprintf(text, size, "%s %" PRId32 " -> %" PRId32, entry->key, saved->number[change->id],
                       change->value.number);
    } else {
        (void)snprintf(text, size, "%s", entry->key);
    }
}

/** Numbers with their values, of texts only the key; as many as fit. */
static void audit_changes(web_job_t *job, const char *what, const web_settings_room_t *room)
{
    char one[48];
    const settings_input_t *const input = &room->input;
    size_t length =
        (size_t)snprintf(job->what, sizeof(job->what), "%s: %s", what, input->count == 0 ? "no change" : "");
    for (size_t i = 0; i < input->count; i++) {
        const bool last = i + 1 == input->count;
        audit_one(one, sizeof(one), &input->changes[i], &room->saved);
        const size_t end = length + strlen(one) + 3;
        if (end + (last ? 0 : AND_MORE) > WEB_AUDIT_MAX) {
            (void)snprintf(&job->what[length], sizeof(job->what) - length, " and %u more",
                           (unsigned)(input->count - i));
            break;
        }
        length += (size_t)snprintf(&job->what[length], sizeof(job->what) - length, "%s%s", i == 0 ? "" : ", ", one);
    }
    web_job_audit_what(job);
}

/* ---- answers ---- */

static void refuse_problems(web_job_t *job, const settings_input_t *input)
{
    json_stream_t *const json = web_job_begin(job, "422 Unprocessable Content");
    json_text(json, "error", "invalid");
    json_text(json, "message", "nothing was changed");
    json_array(json, "errors");
    settings_input_write_problems(input, json, PROBLEMS_ROOM);
    json_close(json);
    json_close(json);
}

static void refuse_later(web_job_t *job, const char *message)
{
    web_job_refuse_for_now(job, "unavailable", message, TRY_AGAIN_S);
}

static void refuse_save(web_job_t *job, esp_err_t err)
{
    if (err == ESP_ERR_NOT_SUPPORTED) {
        web_job_refuse(job, "422 Unprocessable Content", "refused",
                       "a newer firmware has saved settings; to confirm the present ones discards those");
    } else {
        refuse_later(job, "the settings cannot be saved now; nothing was changed");
    }
}

static void answer_changed(web_job_t *job, const settings_input_t *input)
{
    json_stream_t *const json = web_job_begin(job, "200 OK");
    json_array(json, "changed");
    for (size_t i = 0; i < input->count; i++) {
        json_text(json, NULL, settings_entry(input->changes[i].id)->key);
    }
    json_close(json);
    json_array(json, "restart");
    for (size_t i = 0; i < input->count; i++) {
        const settings_entry_t *const entry = settings_entry(input->changes[i].id);
        if (entry->applies == SETTINGS_APPLIES_RESTART) {
            json_text(json, NULL, entry->key);
        }
    }
    json_close(json);
    settings_write_revision(json, "revision", settings_revision(job->server->settings));
    json_close(json);
}

/* ---- changes ---- */

/** Whether the settings are still what the client has seen. Only this task changes them, so they stay so. */
static bool is_as_seen(const web_job_t *job)
{
    char revision[SETTINGS_REVISION_LENGTH + 3];
    (void)snprintf(revision, sizeof(revision), "\"%08" PRIx32 "\"", settings_revision(job->server->settings));
    return job->if_match[0] == '\0' || strcmp(job->if_match, "*") == 0 || strcmp(job->if_match, revision) == 0;
}

static void save(web_job_t *job, const settings_input_t *input)
{
    settings_refusal_t refusal;
    esp_err_t err = ESP_OK;
    if (input->count > 0 && !job->dry) {
        err = settings_save(job->server->settings, input->changes, input->count, &refusal);
    }
    if (err == ESP_OK) {
        answer_changed(job, input);
    } else {
        refuse_save(job, err);
    }
}

/** `good`: the body was JSON. */
static void change(web_job_t *job, const char *what, web_settings_room_t *room, bool good)
{
    bool unconfirmed = false;
    settings_input_t *const input = &room->input;
    if (!good) {
        char message[48];
        (void)snprintf(message, sizeof(message), "this is not JSON, from byte %u on", (unsigned)input->error_at);
        web_job_refuse(job, "400 Bad Request", "bad_json", message);
        return;
    }
    settings_get_saved(job->server->settings, &room->saved, &unconfirmed);
    settings_input_fit(input, &room->saved, &room->next);
    if (input->problem_count > 0) {
        refuse_problems(job, input);
        return;
    }
    settings_input_drop_same(input, &room->saved, job->client.by == ACCESS_BY_SESSION);
    if (!job->dry) {
        audit_changes(job, what, room);
    }
    if (is_as_seen(job)) {
        save(job, input);
    } else {
        web_job_refuse(job, "412 Precondition Failed", "changed_meanwhile", "the settings have changed meanwhile");
    }
}

static web_settings_room_t *make_room(web_job_t *job)
{
    const size_t needed = sizeof(web_settings_room_t) + sizeof(settings_room_t); /* and what a save borrows */
    const bool enough = heap_caps_get_free_size(MALLOC_CAP_8BIT) >= WEB_HEAP_KEPT + needed;
    web_settings_room_t *const room = enough ? calloc(1, sizeof(*room)) : NULL;
    if (room == NULL) {
        refuse_later(job, "there is not enough memory now");
    }
    return room;
}

/** It held new passwords. */
static void give_room(web_settings_room_t *room)
{
    web_wipe(room, sizeof(*room));
    free(room);
}

void web_settings_change(web_job_t *job)
{
    web_settings_room_t *const room = make_room(job);
    if (room != NULL) {
        change(job, "settings", room, settings_input_read(&room->input, job->body, job->length));
        give_room(room);
    }
}

void web_settings_import(web_job_t *job)
{
    web_settings_room_t *const room = make_room(job);
    if (room != NULL) {
        change(job, "import", room, settings_input_read_export(&room->input, job->body, job->length));
        give_room(room);
    }
}

void web_settings_confirm(web_job_t *job)
{
    if (job->length > 0 && !web_job_texts(job, NULL, 0)) {
        return;
    }
    web_job_audit(job, "settings: confirmed");
    if (settings_confirm(job->server->settings) != ESP_OK) {
        refuse_later(job, "the settings cannot be saved now; nothing was changed");
        return;
    }
    json_stream_t *const json = web_job_begin(job, "200 OK");
    json_bool(json, "restricted", false);
    json_close(json);
}

/* ---- export ---- */

/** A long text as it is saved; NULL: it cannot be read, or there is not enough memory for it. */
static char *read_long(web_server_t *self, settings_id_t id, const settings_apart_t *apart)
{
    const size_t size = (size_t)apart->length + 1;
    size_t length = 0;
    if (heap_caps_get_free_size(MALLOC_CAP_8BIT) < WEB_HEAP_KEPT + size) {
        return NULL;
    }
    char *const text = malloc(size);
    if (text != NULL && settings_read_long(self->settings, id, text, size, &length) != ESP_OK) {
        free(text);
        return NULL;
    }
    return text;
}

/** False: one of them cannot be read. Those that could are given back by the caller. */
static bool read_long_texts(web_server_t *self, const settings_values_t *saved, char *texts[LONG_TEXTS])
{
    for (size_t i = 0; i < LONG_TEXTS; i++) {
        const settings_id_t id = (settings_id_t)(SETTINGS_LONG + i);
        texts[i] = read_long(self, id, &saved->apart[id - SETTINGS_APART]);
        if (texts[i] == NULL) {
            return false;
        }
    }
    return true;
}

/** Long texts come by themselves: a save in between must not mix two sets. Then the client sees a broken answer. */
void web_settings_export(json_stream_t *json, web_server_t *self, bool secrets)
{
    char *texts[LONG_TEXTS] = {NULL};
    settings_values_t *const saved = &self->room.settings.saved;
    bool unconfirmed = false;
    const uint32_t revision = settings_revision(self->settings);
    settings_get_saved(self->settings, saved, &unconfirmed);
    settings_export_t contents = {
        .device = self->device, .firmware = esp_app_get_description()->version, .saved = saved, .secrets = secrets};
    if (read_long_texts(self, saved, texts) && settings_revision(self->settings) == revision) {
        memcpy(contents.long_texts, texts, sizeof(texts));
        settings_write_export(json, &contents);
    } else {
        json_fail(json);
    }
    for (size_t i = 0; i < LONG_TEXTS; i++) {
        free(texts[i]);
    }
}
