/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Static files of the web image, gzipped as they are, and the page of the application itself where there are none. The
 * image is that of the slot the application runs from, so that both are of one version.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "esp_log.h"
#include "esp_ota_ops.h"
#include "esp_spiffs.h"
#include "flash_gate.h"
#include "web_path.h"
#include "web_private.h"

static const char *TAG = "web_server";

#define HTML_TYPE     "text/html; charset=utf-8"
#define TURN_WAIT_MS  3000
#define BASE_PATH     "/web"
#define RECOVERY      "/recovery"
#define GZIP_TRAILER  8 /**< CRC-32 and length of the contents, RFC 1952 */
#define ETAG_MAX      40
#define ETAG_LIST_MAX 128

extern const char recovery_html_start[] asm("_binary_recovery_html_start");
extern const char recovery_html_end[] asm("_binary_recovery_html_end");

void web_files_mount(web_server_t *self)
{
    const esp_partition_t *const running = esp_ota_get_running_partition();
    const bool second = running != NULL && running->subtype == ESP_PARTITION_SUBTYPE_APP_OTA_1;
    const esp_vfs_spiffs_conf_t config = {
        .base_path = BASE_PATH,
        .partition_label = second ? "web_1" : "web_0",
        .max_files = 1,
        .format_if_mount_failed = false,
    };
    esp_err_t err = flash_gate_take(TURN_WAIT_MS); /* to mount may mend what a cut has left */
    if (err == ESP_OK) {
        err = esp_vfs_spiffs_register(&config);
        flash_gate_give();
    }
    self->files_mounted = err == ESP_OK;
    if (err != ESP_OK) {
        ESP_LOGW(TAG, "no web image in %s (%s); the recovery page answers", config.partition_label,
                 esp_err_to_name(err));
    }
}

/** From what the gzip trailer says of the contents: another file has another one. */
static bool read_etag(int file, char etag[ETAG_MAX])
{
    struct stat info;
    uint8_t trailer[GZIP_TRAILER];
    if (fstat(file, &info) != 0 || lseek(file, -GZIP_TRAILER, SEEK_END) < 0 ||
        read(file, trailer, sizeof(trailer)) != (int)sizeof(trailer) || lseek(file, 0, SEEK_SET) != 0) {
        return false;
    }
    (void)snprintf(etag, ETAG_MAX, "\"%02x%02x%02x%02x-%02x%02x%02x%02x-%" PRIx32 "\"", trailer[3], trailer[2],
                   trailer[1], trailer[0], trailer[7], trailer[6], trailer[5], trailer[4], (uint32_t)info.st_size);
    return true;
}

static bool client_has(httpd_req_t *req, const char *etag)
{
    char list[ETAG_LIST_MAX] = "";
    return httpd_req_get_hdr_value_str(req, "If-None-Match", list, sizeof(list)) == ESP_OK &&
           strstr(list, etag) != NULL;
}

static esp_err_t set_headers(httpd_req_t *req, const char *type, const char *etag)
{
    const bool set = httpd_resp_set_type(req, type) == ESP_OK &&
                     httpd_resp_set_hdr(req, "Content-Encoding", "gzip") == ESP_OK &&
                     httpd_resp_set_hdr(req, "Cache-Control", "no-cache") == ESP_OK &&
                     httpd_resp_set_hdr(req, "ETag", etag) == ESP_OK;
    return set ? ESP_OK : ESP_FAIL;
}

static esp_err_t head_of_file(httpd_req_t *req, const char *type, const char *etag)
{
    char headers[sizeof("Content-Encoding: gzip\r\nCache-Control: no-cache\r\nETag: ") + ETAG_MAX];
    (void)snprintf(headers, sizeof(headers), "Content-Encoding: gzip\r\nCache-Control: no-cache\r\nETag: %s", etag);
    return web_answer_head(req, client_has(req, etag) ? "304 Not Modified" : "200 OK", type, headers);
}

static esp_err_t send_file(httpd_req_t *req, int file)
{
    web_server_t *const self = web_server_of(req);
    int got = 0;
    while ((got = (int)read(file, self->chunk, sizeof(self->chunk))) > 0) {
        if (httpd_resp_send_chunk(req, self->chunk, got) != ESP_OK) {
            return ESP_FAIL;
        }
    }
    return got == 0 ? httpd_resp_send_chunk(req, NULL, 0) : ESP_FAIL; /* else the client sees that the end is missing */
}

static esp_err_t answer_file(httpd_req_t *req, int file, const char *type)
{
    char etag[ETAG_MAX];
    if (!read_etag(file, etag)) {
        return web_refuse(req, "500 Internal Server Error", "internal_error", "the web image is damaged");
    }
    if (req->method == HTTP_HEAD) {
        return head_of_file(req, type, etag);
    }
    if (set_headers(req, type, etag) != ESP_OK) {
        return ESP_FAIL;
    }
    if (client_has(req, etag)) {
        return httpd_resp_set_status(req, "304 Not Modified") == ESP_OK ? httpd_resp_send(req, NULL, 0) : ESP_FAIL;
    }
    return send_file(req, file);
}

static esp_err_t answer_recovery_page(httpd_req_t *req)
{
    if (req->method == HTTP_HEAD) {
        return web_answer_head(req, "200 OK", HTML_TYPE, "Cache-Control: no-store");
    }
    if (httpd_resp_set_type(req, HTML_TYPE) != ESP_OK ||
        httpd_resp_set_hdr(req, "Cache-Control", "no-store") != ESP_OK) {
        return ESP_FAIL;
    }
    const uintptr_t length = (uintptr_t)recovery_html_end - (uintptr_t)recovery_html_start;
    return httpd_resp_send(req, recovery_html_start, (ssize_t)length);
}

esp_err_t web_files_answer(httpd_req_t *req)
{
    char path[sizeof(BASE_PATH) + WEB_PATH_NAME_MAX] = BASE_PATH;
    web_server_t *const self = web_server_of(req);
    const size_t length = strcspn(req->uri, "?#");
    if (!web_admit(req)) {
        return ESP_FAIL;
    }
    if (req->method != HTTP_GET && req->method != HTTP_HEAD) {
        return web_refuse_with(req, "405 Method Not Allowed", "method_not_allowed", "a file can only be read", "Allow",
                               "GET, HEAD");
    }
    if (!web_path_name(req->uri, length, &path[sizeof(BASE_PATH) - 1])) {
        return web_refuse(req, "404 Not Found", "not_found", "there is nothing at this address");
    }
    const int file = self->files_mounted ? open(path, O_RDONLY) : -1;
    if (file >= 0) {
        const esp_err_t err = answer_file(req, file, web_path_type(req->uri, length));
        (void)close(file);
        return web_answered(req, err == ESP_OK);
    }
    const bool front = length == 1 || (length == strlen(RECOVERY) && strncmp(req->uri, RECOVERY, length) == 0);
    return front ? web_answered(req, answer_recovery_page(req) == ESP_OK)
                 : web_refuse(req, "404 Not Found", "not_found", "there is nothing at this address");
}
