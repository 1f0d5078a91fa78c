/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Raw sockets against a server in this process; for Linux only. */
#include "http_peer.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "esp_event.h"
#include "esp_log.h"
#include "httpd_address.h"
#include "unity.h"

#define PATIENCE_MS 5000

static bool s_prepared;
static int s_files_before;
static httpd_handle_t s_running; /* a case that fails leaves it */

static int open_files(void)
{
    int count = 0;
    DIR *const dir = opendir("/proc/self/fd");
    TEST_ASSERT_NOT_NULL(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count;
}

httpd_config_t http_peer_config(void)
{
    httpd_config_t config = HTTPD_DEFAULT_CONFIG();
    config.recv_wait_timeout = 1;
    config.send_wait_timeout = 1;
    config.stack_size = 8192;
    return config;
}

httpd_handle_t http_peer_start(const httpd_config_t *config)
{
    if (s_running != NULL) {
        (void)httpd_stop(s_running);
        s_running = NULL;
    }
    if (httpd_address_port() == 0) {
        TEST_ASSERT_NULL(httpd_address_open("127.0.0.1:0", NULL));
    }
    if (!s_prepared) {
        s_prepared = true;
        esp_log_level_set("*", ESP_LOG_NONE); /* half of the cases provoke warnings */
        TEST_ASSERT_EQUAL(ESP_OK, esp_event_loop_create_default());
    }
    s_files_before = open_files();
    TEST_ASSERT_EQUAL(ESP_OK, httpd_start(&s_running, config));
    return s_running;
}

void http_peer_stop(httpd_handle_t server)
{
    s_running = NULL;
    TEST_ASSERT_EQUAL(ESP_OK, httpd_stop(server));
    TEST_ASSERT_LESS_OR_EQUAL(s_files_before, open_files());
}

int http_peer_connect(void)
{
    const struct timeval patience = {.tv_sec = 2};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(httpd_address_port())};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    TEST_ASSERT_TRUE(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)); /* it limits connect() as well */
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

void http_peer_say_bytes(int fd, const void *bytes, size_t length)
{
    const char *const at = bytes;
    for (size_t done = 0; done < length;) {
        const ssize_t sent = send(fd, &at[done], length - done, MSG_NOSIGNAL);
        if (sent <= 0) {
            return; /* the server has closed it: the answer says why */
        }
        done += (size_t)sent;
    }
}

void http_peer_say(int fd, const char *text)
{
    http_peer_say_bytes(fd, text, strlen(text));
}

static bool readable(int fd, int ms)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    return poll(&poller, 1, ms) > 0;
}

static bool complete(const char *answer, size_t length)
{
    const char *const body = strstr(answer, "\r\n\r\n");
    const char *const header = strstr(answer, "Content-Length: ");
    if (body == NULL) {
        return false;
    }
    if (header != NULL && header < body) {
        const size_t announced = strtoul(&header[sizeof("Content-Length: ") - 1], NULL, 10);
        return length >= (size_t)(&body[4] - answer) + announced;
    }
    if (strstr(answer, "Transfer-Encoding: chunked") != NULL) {
        return strstr(body, "\r\n0\r\n\r\n") != NULL;
    }
    return strncmp(answer, "HTTP/1.1 101", 12) == 0;
}

/** Byte by byte, so that what follows the answer is still there. */
const char *http_peer_hear(int fd)
{
    static char answer[HTTP_PEER_ANSWER_SIZE];
    size_t length = 0;
    answer[0] = '\0';
    while (length < sizeof(answer) - 1 && !complete(answer, length) && readable(fd, PATIENCE_MS) &&
           recv(fd, &answer[length], 1, 0) == 1) {
        answer[++length] = '\0';
    }
    return answer;
}

bool http_peer_hear_bytes(int fd, void *bytes, size_t length)
{
    char *const at = bytes;
    for (size_t done = 0; done < length;) {
        const ssize_t got = readable(fd, PATIENCE_MS) ? recv(fd, &at[done], length - done, 0) : -1;
        if (got <= 0) {
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

const char *http_peer_ask(const char *text)
{
    const int fd = http_peer_connect();
    TEST_ASSERT_TRUE(fd >= 0);
    http_peer_say(fd, text);
    const char *const answer = http_peer_hear(fd);
    (void)close(fd);
    return answer;
}

bool http_peer_closed(int fd)
{
    char bytes[256];
    while (readable(fd, PATIENCE_MS)) {
        if (recv(fd, bytes, sizeof(bytes), 0) <= 0) {
            return true;
        }
    }
    return false;
}

bool http_peer_silent(int fd, int ms)
{
    return !readable(fd, ms);
}

esp_err_t http_peer_ok(httpd_req_t *req)
{
    return httpd_resp_sendstr(req, "ok");
}

void http_peer_route(httpd_handle_t server, const char *uri, httpd_method_t method, esp_err_t (*handler)(httpd_req_t *))
{
    const httpd_uri_t route = {.uri = uri, .method = method, .handler = handler};
    TEST_ASSERT_EQUAL(ESP_OK, httpd_register_uri_handler(server, &route));
}
