/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The address of the option --http: taken when the program starts, listened on when the server starts. */
#include "httpd_address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "esp_log.h"
#include "sdkconfig.h"

static const char *TAG = "httpd";

#define HELD_ENV   "TINYBMS_HTTP_PORT_HELD" /* port of the program that has started itself again as this one */
#define WHAT_IT_IS "must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:0; port 0 = any free one"

static struct {
    char host[256]; /* as the user wrote it, without brackets */
    const char *data_dir;
    struct sockaddr_storage address;
    socklen_t length;
    int fd; /* bound, not yet listening; -1: none */
} s_http = {.fd = -1};

/** "host:port" or "[address]:port" in two. */
static bool split(const char *address, char host[256], uint16_t *port)
{
    const char *const colon = strrchr(address, ':');
    const bool bracketed = address[0] == '[' && colon != NULL && colon > address && colon[-1] == ']';
    char *end = NULL;
    if (colon == NULL || colon == address || colon[1] < '0' || colon[1] > '9') {
        return false;
    }
    const unsigned long number = strtoul(&colon[1], &end, 10);
    const size_t skipped = bracketed ? 1 : 0;
    const size_t length = (size_t)(colon - address) - 2 * skipped;
    if (*end != '\0' || number > UINT16_MAX || length == 0 || length > 255) {
        return false;
    }
    memcpy(host, &address[skipped], length);
    host[length] = '\0';
    *port = (uint16_t)number;
    return bracketed || strchr(host, ':') == NULL;
}

/** The first address that the host has. */
static const char *resolve(const char *host, uint16_t port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[8];
    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    const int error = getaddrinfo(host, service, &hints, &found);
    if (error != 0) {
        return gai_strerror(error);
    }
    memcpy(&s_http.address, found->ai_addr, found->ai_addrlen);
    s_http.length = found->ai_addrlen;
    freeaddrinfo(found);
    return NULL;
}

/** The chip's windows: a client that does not read must stop the server here as soon as there. */
static bool narrow(int fd)
{
    const int mss = CONFIG_LWIP_TCP_MSS;
    const int receive = CONFIG_LWIP_TCP_WND_DEFAULT / 2; /* Linux doubles it for its own needs */
    const int send = CONFIG_LWIP_TCP_SND_BUF_DEFAULT; /* doubled too: most of it is not the bytes of short messages */
    return setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss)) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive)) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send, sizeof(send)) == 0;
}

static bool take(void)
{
    const int one = 1;
    s_http.fd = socket(s_http.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s_http.fd >= 0 && setsockopt(s_http.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
        narrow(s_http.fd) && bind(s_http.fd, (struct sockaddr *)&s_http.address, s_http.length) == 0 &&
        getsockname(s_http.fd, (struct sockaddr *)&s_http.address, &s_http.length) == 0) {
        return true;
    }
    const int error = errno;
    if (s_http.fd >= 0) {
        (void)close(s_http.fd);
        s_http.fd = -1;
    }
    errno = error;
    return false;
}

static void set_port(uint16_t port)
{
    if (s_http.address.ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)&s_http.address)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)&s_http.address)->sin_port = htons(port);
    }
}

/** A free port is chosen once: who has the page open finds the gateway again after a restart. */
static bool take_held(void)
{
    const char *const held = getenv(HELD_ENV); // NOLINT(concurrency-mt-unsafe): before any thread is started
    const unsigned long port = held == NULL ? 0 : strtoul(held, NULL, 10);
    if (port == 0 || port > UINT16_MAX) {
        return false;
    }
    set_port((uint16_t)port);
    const bool taken = take();
    if (!taken) {
        set_port(0);
    }
    return taken;
}

static void hold_port(void)
{
    char text[8];
    (void)snprintf(text, sizeof(text), "%u", (unsigned)httpd_address_port());
    (void)setenv(HELD_ENV, text, 1); // NOLINT(concurrency-mt-unsafe): before any thread is started
}

uint16_t httpd_address_port(void)
{
    return s_http.length == 0                     ? 0
           : s_http.address.ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)&s_http.address)->sin6_port)
                                                  : ntohs(((const struct sockaddr_in *)&s_http.address)->sin_port);
}

static void port_file(char path[512], const char *suffix)
{
    (void)snprintf(path, 512, "%s/http_port%s", s_http.data_dir, suffix);
}

/** Whoever waits for the file finds the port of this run in it, not that of the last one. */
static void remove_port_file(void)
{
    char path[512];
    if (s_http.data_dir != NULL) {
        port_file(path, "");
        (void)unlink(path);
    }
}

static bool write_port_file(void)
{
    char path[512];
    char temporary[512];
    if (s_http.data_dir == NULL) {
        return true;
    }
    port_file(path, "");
    port_file(temporary, ".new");
    FILE *const file = fopen(temporary, "we");
    if (file == NULL) {
        return false;
    }
    const bool written = fprintf(file, "%u\n", (unsigned)httpd_address_port()) > 0;
    return fclose(file) == 0 && written && rename(temporary, path) == 0;
}

const char *httpd_address_open(const char *address, const char *data_dir)
{
    uint16_t port = 0;
    if (!split(address, s_http.host, &port)) {
        return WHAT_IT_IS;
    }
    const char *const problem = resolve(s_http.host, port);
    if (problem != NULL) {
        return problem;
    }
    s_http.data_dir = data_dir;
    remove_port_file();
    if (s_http.fd >= 0) {
        (void)close(s_http.fd); /* only suites change their mind */
    }
    if ((port != 0 || !take_held()) && !take()) {
        return strerror(errno); // NOLINT(concurrency-mt-unsafe): before any thread is started
    }
    hold_port();
    return NULL;
}

int httpd_address_listen(int backlog)
{
    const bool v6 = strchr(s_http.host, ':') != NULL;
    if (s_http.length == 0) {
        return -1;
    }
    if ((s_http.fd < 0 && !take()) || listen(s_http.fd, backlog) != 0 || !write_port_file()) {
        ESP_LOGE(TAG, "cannot listen on %s: error %d", s_http.host, errno);
        return -2;
    }
    const int fd = s_http.fd;
    s_http.fd = -1; /* the server closes it, and takes the same port when it starts again */
    ESP_LOGI(TAG, "listening on http://%s%s%s:%u/", v6 ? "[" : "", s_http.host, v6 ? "]" : "",
             (unsigned)httpd_address_port());
    return fd;
}
