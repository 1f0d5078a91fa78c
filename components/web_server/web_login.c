/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Set-up, sessions, password, tokens, and what the audit log says. What takes PBKDF2 or flash is a job. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "service_task.h"
#include "web_private.h"

#define NOT_SET_UP      "set the administrator's password first"
#define SET_UP_ALREADY  "there is a password; log in"
#define COOKIE          "session=%s; Path=/; HttpOnly; SameSite=Strict%s"
#define COOKIE_ENDED    "Set-Cookie: session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0\r\nCache-Control: no-store"
#define SESSION_MAX     256
#define MEMBER_PATH_MAX 16 /**< of a member of a body here */

/* ---- bodies of texts ---- */

/** @param path of what is wrong in the body */
static bool refuse_body(web_job_t *job, const char *path, const char *problem)
{
    web_job_refuse_body(job, "the body is not what this address takes", path, problem);
    return false;
}

/** @param name of the member that is wrong */
static bool refuse_member(web_job_t *job, const char *name, const char *problem)
{
    char path[MEMBER_PATH_MAX];
    (void)snprintf(path, sizeof(path), "/%s", name);
    return refuse_body(job, path, problem);
}

static bool refuse_json(web_job_t *job)
{
    web_job_refuse_json(job);
    return false;
}

static web_text_t *find_text(web_text_t *texts, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(texts[i].name, name) == 0) {
            return &texts[i];
        }
    }
    return NULL;
}

static bool take_members(web_job_t *job, json_reader_t *json, web_text_t *texts, size_t count)
{
    for (;;) {
        const json_token_t token = json_next(json);
        if (token == JSON_CLOSE || token == JSON_ERROR) {
            return (token == JSON_CLOSE && json_next(json) == JSON_END) || refuse_json(job);
        }
        web_text_t *const text = find_text(texts, count, json->key);
        if (text == NULL) {
            return refuse_body(job, "", "there is a member that is not known");
        }
        if (token != JSON_STRING || text->text != NULL) {
            return refuse_member(job, text->name, token == JSON_STRING ? "is there twice" : "must be a text");
        }
        text->text = json->text;
    }
}

bool web_job_texts(web_job_t *job, web_text_t *texts, size_t count)
{
    json_reader_t json;
    json_reader_init(&json, job->body, job->length);
    const json_token_t first = json_next(&json);
    if (first == JSON_ERROR || first == JSON_END) {
        return refuse_json(job);
    }
    if (first != JSON_OBJECT) {
        return refuse_body(job, "", "must be an object");
    }
    if (!take_members(job, &json, texts, count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (texts[i].text == NULL) {
            return refuse_member(job, texts[i].name, "is missing");
        }
    }
    return true;
}

/* ---- tries ---- */

/** Refused here where nothing can come of it: a change that anybody may ask for must not keep others waiting. */
static bool may_try(httpd_req_t *req, bool first_password)
{
    char address[ACCESS_ADDRESS_MAX + 1];
    web_server_t *const self = web_server_of(req);
    if (access_is_set_up(self->access) == first_password) {
        (void)(first_password ? web_refuse(req, "409 Conflict", "set_up_already", SET_UP_ALREADY)
                              : web_refuse(req, "403 Forbidden", "not_set_up", NOT_SET_UP));
        return false;
    }
    web_client_address(httpd_req_to_sockfd(req), address);
    const access_try_t who = {.address = address, .now_ms = service_now_ms()};
    const int32_t pause_s = access_pause_s(self->access, &who, first_password);
    if (pause_s == 0) {
        return true;
    }
    (void)snprintf(self->header, sizeof(self->header), "%" PRId32, pause_s);
    (void)web_refuse_with(req, "429 Too Many Requests", "paused", "too many wrong tries; wait", "Retry-After",
                          self->header);
    return false;
}

bool web_may_set_up(httpd_req_t *req)
{
    return may_try(req, true);
}

bool web_may_try(httpd_req_t *req)
{
    return may_try(req, false);
}

static void answer_good(web_job_t *job, const access_login_t *login, const char *status)
{
    json_stream_t *const json = web_job_begin(job, status);
    json_text(json, "right", "full");
    json_text(json, "csrf", login->csrf);
    json_close(json);
    (void)snprintf(job->cookie, sizeof(job->cookie), COOKIE, login->secret, job->secure ? "; Secure" : "");
}

typedef struct {
    const char *error;
    const char *message;
} refusal_t;

static const refusal_t s_wrong_code = {"wrong_code", "the set-up code is wrong"};
static const refusal_t s_wrong_password = {"wrong_password", "the password is wrong"};

/** @param wrong what becomes of a wrong try */
static void answer_login(web_job_t *job, access_login_t *login, const char *status, const refusal_t *wrong)
{
    switch (login->outcome) {
    case ACCESS_GOOD:
        answer_good(job, login, status);
        break;
    case ACCESS_WRONG:
        web_job_refuse(job, "401 Unauthorized", wrong->error, wrong->message);
        break;
    case ACCESS_PAUSED:
        job->retry_after_s = login->retry_after_s;
        web_job_refuse(job, "429 Too Many Requests", "paused", "too many wrong tries; wait");
        break;
    case ACCESS_NOT_SET_UP:
        web_job_refuse(job, "403 Forbidden", "not_set_up", NOT_SET_UP);
        break;
    case ACCESS_SET_UP_ALREADY:
        web_job_refuse(job, "409 Conflict", "set_up_already", SET_UP_ALREADY);
        break;
    case ACCESS_WEAK:
        web_job_refuse(job, "422 Unprocessable Content", "weak_password",
                       "a password has 10 to 128 bytes, and is not the set-up code");
        break;
    default:
        web_job_refuse_for_now(job, "unavailable", "memory or flash has failed; try again", 1);
        break;
    }
    web_wipe(login, sizeof(*login));
}

void web_first_password(web_job_t *job)
{
    web_text_t texts[] = {{.name = "code"}, {.name = "password"}};
    const access_try_t who = {.address = job->address, .now_ms = service_now_ms()};
    if (web_job_texts(job, texts, 2)) {
        access_login_t login = access_set_first_password(job->server->access, &who, texts[0].text, texts[1].text);
        answer_login(job, &login, "201 Created", &s_wrong_code);
    }
}

void web_login(web_job_t *job)
{
    web_text_t texts[] = {{.name = "password"}};
    const access_try_t who = {.address = job->address, .now_ms = service_now_ms()};
    if (web_job_texts(job, texts, 1)) {
        access_login_t login = access_login(job->server->access, &who, texts[0].text);
        answer_login(job, &login, "200 OK", &s_wrong_password);
    }
}

void web_change_password(web_job_t *job)
{
    web_text_t texts[] = {{.name = "old"}, {.name = "new"}};
    const access_try_t who = {.address = job->address, .now_ms = service_now_ms()};
    if (web_job_texts(job, texts, 2)) {
        access_login_t login =
            access_change_password(job->server->access, &who, &job->client, texts[0].text, texts[1].text);
        answer_login(job, &login, "200 OK", &s_wrong_password);
    }
}

/* ---- sessions ---- */

static const char *right_of(const web_server_t *self)
{
    if (self->asker.right == ACCESS_FULL) {
        return "full";
    }
    return self->asker.right == ACCESS_READ || (self->read_open && access_is_set_up(self->access)) ? "read" : "none";
}

static void write_session(json_stream_t *json, const web_server_t *self, const char *csrf)
{
    static const char *const by[] = {
        [ACCESS_BY_NOTHING] = "nothing", [ACCESS_BY_SESSION] = "session", [ACCESS_BY_TOKEN] = "token"};
    json_object(json, NULL);
    json_bool(json, "set_up", access_is_set_up(self->access));
    json_text(json, "right", right_of(self));
    json_text(json, "name", self->asker.by == ACCESS_BY_NOTHING ? NULL : self->asker.name);
    json_text(json, "by", by[self->asker.by]);
    json_text(json, "csrf", csrf);
    json_bool(json, "read_open", self->read_open);
    json_close(json);
}

esp_err_t web_session_show(httpd_req_t *req)
{
    char text[SESSION_MAX];
    char csrf[ACCESS_CSRF_LENGTH + 1] = "";
    json_stream_t json;
    web_server_t *const self = web_server_of(req);
    self->view.web.requests++;
    if (req->method == HTTP_HEAD) {
        return web_answered(req,
                            web_answer_head(req, "200 OK", "application/json", "Cache-Control: no-store") == ESP_OK);
    }
    web_identify(req);
    const bool known = self->asker.by == ACCESS_BY_SESSION && access_csrf(self->access, web_cookie(req), csrf);
    json_stream_init(&json, text, sizeof(text), NULL, NULL);
    write_session(&json, self, known ? csrf : NULL);
    const bool sent = json_stream_end(&json) && httpd_resp_set_type(req, "application/json") == ESP_OK &&
                      httpd_resp_set_hdr(req, "Cache-Control", "no-store") == ESP_OK &&
                      httpd_resp_send(req, text, (ssize_t)json_stream_length(&json)) == ESP_OK;
    web_wipe(text, sizeof(text));
    return web_answered(req, sent);
}

esp_err_t web_session_end(httpd_req_t *req)
{
    web_server_t *const self = web_server_of(req);
    self->view.web.requests++;
    access_logout(self->access, &self->asker);
    return web_answered(req, web_answer_head(req, "204 No Content", NULL, COOKIE_ENDED) == ESP_OK);
}

/* ---- tokens ---- */

static const char *name_of(access_right_t right)
{
    return right == ACCESS_FULL ? "full" : "read";
}

void web_tokens_show(json_stream_t *json, web_server_t *self)
{
    access_token_t token;
    json_object(json, NULL);
    json_array(json, "tokens");
    for (size_t i = 0; access_token_at(self->access, i, &token); i++) {
        json_object(json, NULL);
        json_text(json, "name", token.name);
        json_text(json, "right", name_of(token.right));
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

static void make_token(web_job_t *job, const char *name, access_right_t right)
{
    char token[ACCESS_TOKEN_LENGTH + 1] = "";
    json_stream_t *json = NULL;
    switch (access_token_create(job->server->access, name, right, token)) {
    case ESP_OK:
        json = web_job_begin(job, "201 Created");
        json_text(json, "name", name);
        json_text(json, "right", name_of(right));
        json_text(json, "token", token);
        json_close(json);
        break;
    case ESP_ERR_INVALID_ARG:
        (void)refuse_body(job, "/name", "has 1 to 24 of the characters A-Z a-z 0-9 . _ -");
        break;
    case ESP_ERR_INVALID_STATE:
        web_job_refuse(job, "409 Conflict", "exists", "there is a token of this name");
        break;
    case ESP_ERR_NO_MEM:
        web_job_refuse(job, "409 Conflict", "too_many", "there are 8 tokens; revoke one first");
        break;
    default:
        web_job_refuse_for_now(job, "unavailable", "the token could not be stored", 1);
        break;
    }
    web_wipe(token, sizeof(token));
}

void web_token_create(web_job_t *job)
{
    web_text_t texts[] = {{.name = "name"}, {.name = "right"}};
    if (!web_job_texts(job, texts, 2)) {
        return;
    }
    const bool full = strcmp(texts[1].text, name_of(ACCESS_FULL)) == 0;
    if (!full && strcmp(texts[1].text, name_of(ACCESS_READ)) != 0) {
        (void)refuse_body(job, "/right", "is read or full");
        return;
    }
    web_job_audit(job, "token made: %s, %s", texts[0].text, texts[1].text);
    make_token(job, texts[0].text, full ? ACCESS_FULL : ACCESS_READ);
}

void web_token_revoke(web_job_t *job)
{
    web_job_audit(job, "token revoked: %s", job->body);
    switch (access_token_revoke(job->server->access, job->body)) {
    case ESP_OK:
        job->status = "204 No Content";
        break;
    case ESP_ERR_NOT_FOUND:
        web_job_refuse(job, "404 Not Found", "not_found", "there is no token of this name");
        break;
    default:
        web_job_refuse(job, "503 Service Unavailable", "unavailable",
                       "the token is refused now, but may come back with the next start");
        break;
    }
}

/* ---- audit log ---- */

static void write_entry(json_stream_t *json, const access_audit_entry_t *entry)
{
    json_object(json, NULL);
    json_int(json, "number", entry->number);
    json_int(json, "start", entry->start);
    json_int(json, "uptime_s", entry->uptime_s);
    json_int_or_null(json, "time", entry->time_s != 0, entry->time_s);
    json_text(json, "name", entry->name);
    json_text(json, "address", entry->address[0] == '\0' ? NULL : entry->address);
    json_text(json, "what", entry->what);
    json_text(json, "outcome", entry->outcome[0] == '\0' ? NULL : entry->outcome);
    json_close(json);
}

void web_audit_show(json_stream_t *json, web_server_t *self)
{
    access_audit_entry_t entry = {.number = 0};
    json_object(json, NULL);
    json_array(json, "entries");
    for (unsigned i = 0; i < ACCESS_AUDIT_ENTRIES && access_audit_next(self->access, entry.number, &entry); i++) {
        write_entry(json, &entry);
    }
    json_close(json);
    json_close(json);
}
