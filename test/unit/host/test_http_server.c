/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The HTTP server of the Linux build, asked by clients that say exactly these bytes; for Linux only. */
#include <string.h>
#include <unistd.h>

#include "../row.h"
#include "http_peer.h"
#include "unity.h"

TEST_CASE("a request is answered, and the connection serves the next one", "[host]")
{
    const httpd_config_t config = http_peer_config();
    const httpd_handle_t server = http_peer_start(&config);
    http_peer_route(server, "/", HTTP_GET, http_peer_ok);
    const int fd = http_peer_connect();
    for (int i = 0; i < 3; i++) {
        ROW("request %d", i);
        http_peer_say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        TEST_ASSERT_EQUAL_STRING("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok",
                                 http_peer_hear(fd));
    }
    (void)close(fd);
    http_peer_stop(server);
}
