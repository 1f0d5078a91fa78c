/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Requests of the HTTP server of the Linux build that go on behind their handler; for Linux only. */
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "http_peer.h"
#include "unity.h"

#define GET_ROOT   "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_LATER  "GET /later HTTP/1.1\r\nHost: a\r\nX-Word: lemon\r\n\r\n"
#define POST_LATER "POST /later?x=1 HTTP/1.1\r\nHost: a\r\nX-Word: lemon\r\nContent-Length: 10\r\n\r\n"

static httpd_handle_t s_server;
static SemaphoreHandle_t s_begun; /* a request is in the hands of the case */
static _Atomic(httpd_req_t *) s_request;
static atomic_int s_closed;

/** What it sets on the answer stays set. */
static esp_err_t begin_later(httpd_req_t *req)
{
    httpd_req_t *later = NULL;
    if (httpd_resp_set_hdr(req, "X-Before", "yes") != ESP_OK || httpd_resp_set_status(req, "202 Accepted") != ESP_OK ||
        httpd_resp_set_type(req, "text/plain") != ESP_OK || httpd_req_async_handler_begin(req, &later) != ESP_OK) {
        return ESP_FAIL;
    }
    s_request = later;
    (void)xSemaphoreGive(s_begun);
    return ESP_OK;
}

static void closed(httpd_handle_t server, int fd)
{
    (void)server;
    s_closed++;
    (void)close(fd);
}

static void begin(httpd_config_t config)
{
    config.close_fn = closed;
    s_closed = 0;
    s_begun = s_begun == NULL ? xSemaphoreCreateCounting(8, 0) : s_begun;
    s_server = http_peer_start(&config);
    http_peer_route(s_server, "/", HTTP_GET, http_peer_ok);
    http_peer_route(s_server, "/later", HTTP_ANY, begin_later);
}

static void end(void)
{
    http_peer_stop(s_server);
}

static bool is_ok(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 200", 12) == 0;
}

/** The request, once its handler has returned or is about to. */
static httpd_req_t *taken(int fd, const char *text)
{
    http_peer_say(fd, text);
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(s_begun, pdMS_TO_TICKS(5000)));
    return s_request;
}

static void answer(httpd_req_t *req, const char *text)
{
    TEST_ASSERT_EQUAL(ESP_OK, httpd_resp_sendstr(req, text));
    TEST_ASSERT_EQUAL(ESP_OK, httpd_req_async_handler_complete(req));
}

TEST_CASE("another task answers while the server serves others, with what the handler has set", "[host]")
{
    begin(http_peer_config());
    const int fd = http_peer_connect();
    httpd_req_t *const req = taken(fd, GET_LATER);
    TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT)));
    TEST_ASSERT_TRUE(http_peer_silent(fd, 200));
    TEST_ASSERT_EQUAL(ESP_OK, httpd_resp_set_hdr(req, "X-Behind", "too"));
    answer(req, "done");
    TEST_ASSERT_EQUAL_STRING("HTTP/1.1 202 Accepted\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n"
                             "X-Before: yes\r\nX-Behind: too\r\n\r\ndone",
                             http_peer_hear(fd));
    http_peer_say(fd, GET_ROOT);
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(fd)));
    (void)close(fd);
    end();
}

TEST_CASE("the copy has method, address, query, headers, and the body that was not read", "[host]")
{
    char text[16] = "";
    begin(http_peer_config());
    const int fd = http_peer_connect();
    httpd_req_t *const req = taken(fd, POST_LATER "01234");
    TEST_ASSERT_EQUAL(HTTP_POST, req->method);
    TEST_ASSERT_EQUAL(10, req->content_len);
    TEST_ASSERT_EQUAL_STRING("/later?x=1", req->uri);
    TEST_ASSERT_EQUAL(ESP_OK, httpd_req_get_url_query_str(req, text, sizeof(text)));
    TEST_ASSERT_EQUAL_STRING("x=1", text);
    TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT))); /* it uses the server's own request anew */
    TEST_ASSERT_EQUAL(ESP_OK, httpd_req_get_hdr_value_str(req, "X-Word", text, sizeof(text)));
    TEST_ASSERT_EQUAL_STRING("lemon", text);
    http_peer_say(fd, "56789");
    size_t length = 0;
    for (int got = 1; got > 0 && length < 10; length += (size_t)got) {
        got = httpd_req_recv(req, &text[length], sizeof(text) - length);
    }
    TEST_ASSERT_EQUAL(10, length);
    TEST_ASSERT_EQUAL_MEMORY("0123456789", text, 10);
    answer(req, "done");
    TEST_ASSERT_NOT_NULL(strstr(http_peer_hear(fd), "\r\n\r\ndone"));
    (void)close(fd);
    end();
}

TEST_CASE("a second request on the connection waits until the first is complete", "[host]")
{
    begin(http_peer_config());
    const int fd = http_peer_connect();
    httpd_req_t *const req = taken(fd, GET_LATER GET_ROOT);
    http_peer_say(fd, GET_ROOT);
    TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT)));
    TEST_ASSERT_TRUE(http_peer_silent(fd, 300));
    answer(req, "done");
    TEST_ASSERT_NOT_NULL(strstr(http_peer_hear(fd), "\r\n\r\ndone"));
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(fd))); /* what was kept is looked at, because the server is woken */
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(fd)));
    (void)close(fd);
    end();
}

TEST_CASE("a client that has gone is noticed when its request is complete", "[host]")
{
    begin(http_peer_config());
    for (int i = 0; i < 2; i++) {
        const struct linger reset = {.l_onoff = i};
        const int fd = http_peer_connect();
        httpd_req_t *const req = taken(fd, GET_LATER);
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        (void)close(fd);
        TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT)));
        const int before = s_closed;
        (void)httpd_resp_sendstr(req, "done"); /* into nothing, or refused */
        TEST_ASSERT_EQUAL(ESP_OK, httpd_req_async_handler_complete(req));
        for (int turn = 0; turn < 100 && s_closed == before; turn++) {
            TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT)));
        }
        TEST_ASSERT_GREATER_THAN(before, s_closed);
    }
    end();
}

TEST_CASE("LRU purge spares a connection whose request goes on", "[host]")
{
    httpd_config_t config = http_peer_config();
    config.max_open_sockets = 2;
    config.lru_purge_enable = true;
    begin(config);
    const int first = http_peer_connect();
    httpd_req_t *const req = taken(first, GET_LATER);
    const int second = http_peer_connect();
    http_peer_say(second, GET_ROOT);
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(second)));
    TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT)));
    TEST_ASSERT_TRUE(http_peer_closed(second));
    answer(req, "done");
    TEST_ASSERT_NOT_NULL(strstr(http_peer_hear(first), "\r\n\r\ndone"));
    (void)close(first);
    (void)close(second);
    end();
}

static esp_err_t remember(httpd_req_t *req)
{
    *(int *)req->user_ctx = httpd_req_to_sockfd(req);
    return begin_later(req);
}

TEST_CASE("whoever has it closed meanwhile closes it, and its answer goes nowhere", "[host]")
{
    int session = -1;
    const httpd_uri_t route = {.uri = "/close", .method = HTTP_GET, .handler = remember, .user_ctx = &session};
    begin(http_peer_config());
    TEST_ASSERT_EQUAL(ESP_OK, httpd_register_uri_handler(s_server, &route));
    const int other = http_peer_connect(); /* a new one might take the place of what is closed */
    const int fd = http_peer_connect();
    http_peer_say(fd, GET_ROOT); /* a connection on which nothing was served yet is not closed */
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(fd)));
    httpd_req_t *const req = taken(fd, "GET /close HTTP/1.1\r\nHost: a\r\n\r\n");
    TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT))); /* the handler has returned */
    TEST_ASSERT_EQUAL(ESP_OK, httpd_sess_trigger_close(s_server, session));
    TEST_ASSERT_TRUE(http_peer_closed(fd));
    http_peer_say(other, GET_ROOT);
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(other))); /* the server is done with closing it */
    TEST_ASSERT_EQUAL(-1, httpd_req_to_sockfd(req));
    TEST_ASSERT_TRUE(httpd_resp_sendstr(req, "done") != ESP_OK);
    TEST_ASSERT_EQUAL(ESP_OK, httpd_req_async_handler_complete(req));
    TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT)));
    (void)close(fd);
    (void)close(other);
    end();
}

TEST_CASE("nothing is begun or completed without a request", "[host]")
{
    httpd_req_t *req = NULL;
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_req_async_handler_begin(NULL, &req));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_req_async_handler_complete(NULL));
}
