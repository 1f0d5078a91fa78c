/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Where the HTTP server of the Linux build listens; for Linux only. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../row.h"
#include "http_peer.h"
#include "httpd_address.h"
#include "unity.h"

static void back_to_usual(void)
{
    TEST_ASSERT_NULL(httpd_address_open("127.0.0.1:0", NULL));
}

TEST_CASE("the port is in a file of the data directory as soon as somebody listens there", "[host]")
{
    const httpd_config_t config = http_peer_config();
    char dir[] = "/tmp/tinybms-http-XXXXXX";
    char path[64];
    unsigned port = 0;
    TEST_ASSERT_NOT_NULL(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/http_port", dir);
    FILE *file = fopen(path, "we"); /* what an earlier run has left */
    TEST_ASSERT_NOT_NULL(file);
    (void)fclose(file);
    TEST_ASSERT_NULL(httpd_address_open("localhost:0", dir));
    TEST_ASSERT_EQUAL(-1, access(path, F_OK));
    const httpd_handle_t server = http_peer_start(&config);
    file = fopen(path, "re");
    TEST_ASSERT_NOT_NULL(file);
    TEST_ASSERT_EQUAL(1, fscanf(file, "%u", &port)); // NOLINT(cert-err34-c): our own number
    (void)fclose(file);
    TEST_ASSERT_EQUAL(httpd_address_port(), port);
    http_peer_stop(server);
    (void)unlink(path);
    TEST_ASSERT_EQUAL(0, rmdir(dir));
    back_to_usual();
}

TEST_CASE("a server listens on an IPv6 address in brackets", "[host]")
{
    const httpd_config_t config = http_peer_config();
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const char *const problem = httpd_address_open("[::1]:0", NULL);
    if (problem != NULL && strcmp(problem, "Cannot assign requested address") == 0) {
        TEST_IGNORE_MESSAGE("this machine has no IPv6");
    }
    TEST_ASSERT_NULL(problem);
    const httpd_handle_t server = http_peer_start(&config);
    http_peer_route(server, "/", HTTP_GET, http_peer_ok);
    address.sin6_port = htons(httpd_address_port());
    const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    TEST_ASSERT_EQUAL(0, connect(fd, (struct sockaddr *)&address, sizeof(address)));
    http_peer_say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    TEST_ASSERT_EQUAL(0, strncmp("HTTP/1.1 200", http_peer_hear(fd), 12));
    (void)close(fd);
    http_peer_stop(server);
    back_to_usual();
}

TEST_CASE("an address that makes no sense, or is in use, is refused in words", "[host]")
{
    static const char *const addresses[] = {"",       "8080",    ":8080",        "127.0.0.1:", "127.0.0.1:-1",
                                            "[]:80",  "[::1]80", "::1:80",       "a:65536",    "a:8 0",
                                            "a:80 x", "a:0x50",  "[127.0.0.1:80"};
    const httpd_config_t config = http_peer_config();
    char taken[32];
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        ROW("'%s'", addresses[i]);
        TEST_ASSERT_NOT_NULL(httpd_address_open(addresses[i], NULL));
    }
    back_to_usual();
    const httpd_handle_t server = http_peer_start(&config);
    (void)snprintf(taken, sizeof(taken), "127.0.0.1:%u", (unsigned)httpd_address_port());
    TEST_ASSERT_EQUAL_STRING("Address already in use", httpd_address_open(taken, NULL));
    http_peer_stop(server);
    back_to_usual();
}
