/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Connections of the HTTP server of the Linux build: how many, how long, what belongs to them; for Linux only. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "http_peer.h"
#include "unity.h"

#define GET_ROOT "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static httpd_handle_t s_server;

static void begin(httpd_config_t config)
{
    s_server = http_peer_start(&config);
    http_peer_route(s_server, "/", HTTP_GET, http_peer_ok);
}

static void end(void)
{
    http_peer_stop(s_server);
}

static bool is_ok(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 200", 12) == 0;
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

TEST_CASE("more sessions than the sockets of the chip are refused at the start", "[host]")
{
    httpd_config_t config = http_peer_config();
    httpd_handle_t server = NULL;
    config.max_open_sockets = CONFIG_LWIP_MAX_SOCKETS - 2;
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_start(&server, &config));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_start(NULL, &config));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_start(&server, NULL));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_stop(NULL));
}

TEST_CASE("a connection above the sessions waits until one is free", "[host]")
{
    httpd_config_t config = http_peer_config();
    int fds[3];
    config.max_open_sockets = 2;
    begin(config);
    for (int i = 0; i < 3; i++) {
        fds[i] = http_peer_connect();
        http_peer_say(fds[i], GET_ROOT);
        if (i < 2) {
            TEST_ASSERT_TRUE(is_ok(http_peer_hear(fds[i])));
        }
    }
    TEST_ASSERT_TRUE(http_peer_silent(fds[2], 300));
    (void)close(fds[0]);
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(fds[2])));
    (void)close(fds[1]);
    (void)close(fds[2]);
    end();
}

TEST_CASE("with LRU purge the session that was used longest ago makes room", "[host]")
{
    httpd_config_t config = http_peer_config();
    config.max_open_sockets = 2;
    config.lru_purge_enable = true;
    begin(config);
    const int first = http_peer_connect();
    http_peer_say(first, GET_ROOT);
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(first)));
    const int second = http_peer_connect();
    http_peer_say(second, GET_ROOT);
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(second)));
    http_peer_say(first, GET_ROOT);
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(first)));
    const int third = http_peer_connect();
    http_peer_say(third, GET_ROOT);
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(third)));
    TEST_ASSERT_TRUE(http_peer_closed(second));
    http_peer_say(first, GET_ROOT);
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(first)));
    (void)close(first);
    (void)close(second);
    (void)close(third);
    end();
}

TEST_CASE("a request that stops is answered with 408 after the timeout, and nobody is served meanwhile", "[host]")
{
    begin(http_peer_config());
    const int slow = http_peer_connect();
    const int other = http_peer_connect();
    const int64_t start_ms = now_ms();
    http_peer_say(slow, "GET / HT");
    TEST_ASSERT_TRUE(http_peer_silent(slow, 200)); /* the server has it by now */
    http_peer_say(other, GET_ROOT);
    TEST_ASSERT_TRUE(http_peer_silent(other, 200));
    TEST_ASSERT_EQUAL(0, strncmp(http_peer_hear(slow), "HTTP/1.1 408", 12));
    TEST_ASSERT_TRUE(now_ms() - start_ms >= 950);
    TEST_ASSERT_TRUE(http_peer_closed(slow));
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(other)));
    (void)close(slow);
    (void)close(other);
    end();
}

TEST_CASE("a connection that says nothing costs nothing but its session", "[host]")
{
    begin(http_peer_config());
    const int mute = http_peer_connect();
    TEST_ASSERT_TRUE(http_peer_silent(mute, 1300)); /* longer than the timeout, which is of a request */
    TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT)));
    http_peer_say(mute, GET_ROOT);
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(mute)));
    (void)close(mute);
    end();
}

static atomic_int s_patience;

static esp_err_t be_patient(httpd_req_t *req, httpd_err_code_t error)
{
    (void)req;
    (void)error;
    return s_patience-- > 0 ? ESP_OK : ESP_FAIL;
}

TEST_CASE("an error handler may let a slow request go on", "[host]")
{
    httpd_config_t config = http_peer_config();
    begin(config);
    s_patience = 10;
    TEST_ASSERT_EQUAL(ESP_OK, httpd_register_err_handler(s_server, HTTPD_408_REQ_TIMEOUT, be_patient));
    const int fd = http_peer_connect();
    http_peer_say(fd, "GET / HTTP/1.1\r\nHo");
    TEST_ASSERT_TRUE(http_peer_silent(fd, 1300));
    http_peer_say(fd, "st: a\r\n\r\n");
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(fd)));
    (void)close(fd);
    end();
}

/** 1 MB, far more than the windows hold. */
static esp_err_t flood(httpd_req_t *req)
{
    static const char block[4096];
    int64_t *const took_ms = req->user_ctx;
    const int64_t start_ms = now_ms();
    esp_err_t err = ESP_OK;
    for (int i = 0; i < 256 && err == ESP_OK; i++) {
        err = httpd_resp_send_chunk(req, block, sizeof(block));
    }
    *took_ms = now_ms() - start_ms;
    return err == ESP_OK ? httpd_resp_send_chunk(req, NULL, 0) : err;
}

TEST_CASE("a client that does not read holds the server for the send timeout, and is closed", "[host]")
{
    int64_t took_ms = 0;
    const httpd_uri_t route = {.uri = "/flood", .method = HTTP_GET, .handler = flood, .user_ctx = &took_ms};
    begin(http_peer_config());
    TEST_ASSERT_EQUAL(ESP_OK, httpd_register_uri_handler(s_server, &route));
    const int fd = http_peer_connect();
    http_peer_say(fd, "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
    TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT))); /* after the timeout */
    TEST_ASSERT_GREATER_OR_EQUAL(950, took_ms);
    TEST_ASSERT_TRUE(http_peer_closed(fd));
    (void)close(fd);
    end();
}

TEST_CASE("a client that reads gets all of a large answer", "[host]")
{
    static char bytes[65536];
    int64_t took_ms = 0;
    const httpd_uri_t route = {.uri = "/flood", .method = HTTP_GET, .handler = flood, .user_ctx = &took_ms};
    size_t total = 0;
    begin(http_peer_config());
    TEST_ASSERT_EQUAL(ESP_OK, httpd_register_uri_handler(s_server, &route));
    const int fd = http_peer_connect();
    http_peer_say(fd, "GET /flood HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    while (total < 1024 * 1024 && !http_peer_silent(fd, 2000)) {
        const ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
        total += got > 0 ? (size_t)got : 1024 * 1024;
    }
    TEST_ASSERT_GREATER_OR_EQUAL(1024 * 1024, total);
    (void)close(fd);
    end();
}

static atomic_int s_opened;
static atomic_int s_closed;

static esp_err_t opened(httpd_handle_t server, int fd)
{
    (void)server;
    (void)fd;
    s_opened++;
    return s_opened == 2 ? ESP_FAIL : ESP_OK;
}

static void closed(httpd_handle_t server, int fd)
{
    (void)server;
    s_closed++;
    (void)close(fd);
}

TEST_CASE("open and close functions are called, and the first may refuse", "[host]")
{
    httpd_config_t config = http_peer_config();
    config.open_fn = opened;
    config.close_fn = closed;
    s_opened = 0;
    s_closed = 0;
    begin(config);
    TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT)));
    const int refused = http_peer_connect();
    TEST_ASSERT_TRUE(http_peer_closed(refused));
    (void)close(refused);
    TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT)));
    end();
    TEST_ASSERT_EQUAL(3, s_opened);
    TEST_ASSERT_EQUAL(3, s_closed);
}

static int slow_receive(httpd_handle_t server, int fd, char *buffer, size_t size, int flags)
{
    (void)server;
    (void)size;
    const ssize_t got = recv(fd, buffer, 1, flags);
    return got < 0 ? HTTPD_SOCK_ERR_TIMEOUT : (int)got;
}

static atomic_int s_sends;

static int count_sends(httpd_handle_t server, int fd, const char *buffer, size_t size, int flags)
{
    (void)server;
    s_sends++;
    return (int)send(fd, buffer, size > 7 ? 7 : size, flags); /* in pieces: the server must go on */
}

static esp_err_t override(httpd_handle_t server, int fd)
{
    return httpd_sess_set_recv_override(server, fd, slow_receive) == ESP_OK &&
                   httpd_sess_set_send_override(server, fd, count_sends) == ESP_OK
               ? ESP_OK
               : ESP_FAIL;
}

TEST_CASE("receiving and sending can be overridden for each connection", "[host]")
{
    httpd_config_t config = http_peer_config();
    config.open_fn = override;
    s_sends = 0;
    begin(config);
    TEST_ASSERT_EQUAL_STRING("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok",
                             http_peer_ask(GET_ROOT));
    TEST_ASSERT_GREATER_OR_EQUAL(10, s_sends);
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_sess_set_recv_override(s_server, 9999, slow_receive));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_sess_set_send_override(s_server, 9999, count_sends));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_sess_set_pending_override(s_server, 9999, NULL));
    end();
}

static atomic_int s_contexts;

static void free_context(void *context)
{
    free(context);
    s_contexts--;
}

/** Counts the requests of a connection in its context. */
static esp_err_t count_requests(httpd_req_t *req)
{
    char text[16];
    int *count = httpd_sess_get_ctx(req->handle, httpd_req_to_sockfd(req));
    if (count == NULL) {
        count = calloc(1, sizeof(*count));
        s_contexts++;
        httpd_sess_set_ctx(req->handle, httpd_req_to_sockfd(req), count, free_context);
    }
    (void)snprintf(text, sizeof(text), "%d", ++*count);
    return httpd_resp_sendstr(req, text);
}

TEST_CASE("a context belongs to its connection and is released with it", "[host]")
{
    begin(http_peer_config());
    s_contexts = 0;
    http_peer_route(s_server, "/count", HTTP_GET, count_requests);
    const int one = http_peer_connect();
    const int two = http_peer_connect();
    for (int i = 1; i <= 3; i++) {
        char body[16];
        (void)snprintf(body, sizeof(body), "\r\n\r\n%d", i);
        http_peer_say(one, "GET /count HTTP/1.1\r\nHost: a\r\n\r\n");
        TEST_ASSERT_NOT_NULL(strstr(http_peer_hear(one), body));
    }
    http_peer_say(two, "GET /count HTTP/1.1\r\nHost: a\r\n\r\n");
    TEST_ASSERT_NOT_NULL(strstr(http_peer_hear(two), "\r\n\r\n1"));
    TEST_ASSERT_EQUAL(2, s_contexts);
    (void)close(one);
    (void)close(two);
    end();
    TEST_ASSERT_EQUAL(0, s_contexts);
}

static SemaphoreHandle_t s_gate;
static atomic_int s_worked;

static void work(void *argument)
{
    s_worked += *(const int *)argument;
}

static void block(void *argument)
{
    (void)xSemaphoreGive(argument);
    (void)xSemaphoreTake(s_gate, portMAX_DELAY);
}

TEST_CASE("work is done by the server's task, and as many calls wait as the chip has room for", "[host]")
{
    static const int one = 1;
    const SemaphoreHandle_t entered = xSemaphoreCreateBinary();
    s_gate = xSemaphoreCreateBinary();
    s_worked = 0;
    begin(http_peer_config());
    TEST_ASSERT_EQUAL(ESP_OK, httpd_queue_work(s_server, block, entered));
    TEST_ASSERT_EQUAL(pdTRUE, xSemaphoreTake(entered, portMAX_DELAY));
    for (int i = 0; i < CONFIG_LWIP_UDP_RECVMBOX_SIZE - 1; i++) { /* the one under way still has its place */
        TEST_ASSERT_EQUAL(ESP_OK, httpd_queue_work(s_server, work, (void *)(uintptr_t)&one));
    }
    TEST_ASSERT_EQUAL(ESP_FAIL, httpd_queue_work(s_server, work, (void *)(uintptr_t)&one));
    TEST_ASSERT_EQUAL(0, s_worked);
    (void)xSemaphoreGive(s_gate);
    TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT)));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_queue_work(s_server, NULL, NULL));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_queue_work(NULL, work, NULL));
    end(); /* it is the last work: everything before it is done */
    TEST_ASSERT_EQUAL(CONFIG_LWIP_UDP_RECVMBOX_SIZE - 1, s_worked);
    vSemaphoreDelete(entered);
    vSemaphoreDelete(s_gate);
}

static atomic_int s_session;

static esp_err_t remember_session(httpd_req_t *req)
{
    s_session = httpd_req_to_sockfd(req);
    return httpd_resp_sendstr(req, "ok");
}

TEST_CASE("another task sees the connections and can have one closed", "[host]")
{
    int fds[8];
    size_t count = 8;
    begin(http_peer_config());
    http_peer_route(s_server, "/remember", HTTP_GET, remember_session);
    const int fd = http_peer_connect();
    const int other = http_peer_connect();
    http_peer_say(other, GET_ROOT);
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(other)));
    http_peer_say(fd, "GET /remember HTTP/1.1\r\nHost: a\r\n\r\n");
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(fd)));
    TEST_ASSERT_EQUAL(ESP_OK, httpd_get_client_list(s_server, &count, fds));
    TEST_ASSERT_EQUAL(2, count);
    TEST_ASSERT_TRUE(fds[0] == s_session || fds[1] == s_session);
    count = 1;
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_get_client_list(s_server, &count, fds));
    TEST_ASSERT_EQUAL(ESP_OK, httpd_sess_update_lru_counter(s_server, s_session));
    TEST_ASSERT_EQUAL(ESP_OK, httpd_sess_trigger_close(s_server, s_session));
    TEST_ASSERT_TRUE(http_peer_closed(fd));
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_FOUND, httpd_sess_trigger_close(s_server, 9999));
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_FOUND, httpd_sess_update_lru_counter(s_server, 9999));
    http_peer_say(other, GET_ROOT);
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(other)));
    (void)close(fd);
    (void)close(other);
    end();
}

static atomic_int s_released;

static void release_global(void *context)
{
    s_released = *(int *)context;
}

TEST_CASE("the server's own context is there for everybody and released when it stops", "[host]")
{
    static int context = 42;
    httpd_config_t config = http_peer_config();
    config.global_user_ctx = &context;
    config.global_user_ctx_free_fn = release_global;
    begin(config);
    TEST_ASSERT_TRUE(httpd_get_global_user_ctx(s_server) == &context);
    TEST_ASSERT_NULL(httpd_get_global_transport_ctx(s_server));
    end();
    TEST_ASSERT_EQUAL(42, s_released);
}

TEST_CASE("connections that come and go leave nothing behind", "[host]")
{
    begin(http_peer_config());
    for (int i = 0; i < 100; i++) {
        const int fd = http_peer_connect();
        TEST_ASSERT_TRUE(fd >= 0);
        if (i % 4 == 1) {
            http_peer_say(fd, "GET / HT");
        } else if (i % 4 == 2) {
            http_peer_say(fd, GET_ROOT);
        } else if (i % 4 == 3) {
            const struct linger reset = {.l_onoff = 1};
            http_peer_say(fd, GET_ROOT);
            (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        }
        (void)close(fd);
        TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT))); /* else too many wait, and the kernel puts them off */
    }
    end();
}

static int files_that_survive_a_restart(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++) {
        const int flags = fcntl(fd, F_GETFD);
        count += flags >= 0 && (flags & FD_CLOEXEC) == 0 ? 1 : 0;
    }
    return count;
}

TEST_CASE("no socket of the server outlives a restart of the program", "[host]")
{
    const int before = files_that_survive_a_restart();
    begin(http_peer_config());
    const int fd = http_peer_connect();
    http_peer_say(fd, GET_ROOT);
    TEST_ASSERT_TRUE(is_ok(http_peer_hear(fd)));
    TEST_ASSERT_EQUAL(before, files_that_survive_a_restart());
    (void)close(fd);
    end();
}

TEST_CASE("a server that was stopped starts again on the same port", "[host]")
{
    begin(http_peer_config());
    TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT)));
    end();
    TEST_ASSERT_EQUAL(-1, http_peer_connect());
    begin(http_peer_config());
    TEST_ASSERT_TRUE(is_ok(http_peer_ask(GET_ROOT)));
    end();
}
