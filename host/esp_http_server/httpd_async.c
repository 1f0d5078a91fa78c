/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Requests that go on when their handler has returned: copies, which any task may answer. */
#include <stdlib.h>
#include <string.h>

#include "httpd_private.h"

static void release(httpd_req_t *req)
{
    request_t *const request = req->aux;
    if (request != NULL) {
        free(request->scratch);
        free(request->response_headers);
        free(request);
    }
    free(req);
}

static void *copy_of(const void *from, size_t size)
{
    void *const copy = malloc(size > 0 ? size : 1);
    if (copy != NULL && size > 0) {
        memcpy(copy, from, size);
    }
    return copy;
}

/** What the copy points to is its own: the request line and the headers, and what the answer was given so far. */
static request_t *copy_request(const request_t *from, size_t header_limit)
{
    request_t *const request = copy_of(from, sizeof(*from));
    if (request == NULL) {
        return NULL;
    }
    request->scratch = from->scratch == NULL ? NULL : copy_of(from->scratch, from->scratch_size);
    request->response_headers = copy_of(from->response_headers, header_limit * sizeof(response_header_t));
    return request;
}

/** The rest of the body is the copy's: the server does not read it. */
esp_err_t httpd_req_async_handler_begin(httpd_req_t *r, httpd_req_t **out)
{
    if (r == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    request_t *const request = r->aux;
    httpd_req_t *const req = copy_of(r, sizeof(*r));
    if (req == NULL) {
        return ESP_ERR_NO_MEM;
    }
    request_t *const copy = copy_request(request, request->session->server->config.max_resp_headers);
    req->aux = copy;
    if (copy == NULL || copy->response_headers == NULL || (copy->scratch == NULL && request->scratch != NULL)) {
        release(req);
        return ESP_ERR_NO_MEM;
    }
    request->remaining = 0;
    request->session->in_other_hands = true;
    *out = req;
    return ESP_OK;
}

/** The session may have been closed meanwhile, and its place given to another, as on the chip. */
esp_err_t httpd_req_async_handler_complete(httpd_req_t *r)
{
    if (r == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    server_t *const server = r->handle;
    ((request_t *)r->aux)->session->in_other_hands = false;
    release(r);
    return httpd_wake(server);
}
