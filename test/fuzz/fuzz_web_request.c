/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * What a stranger says to the web server, with nothing replaced: sockets, the HTTP server of the Linux build, its
 * parser, routes and documents run as in the gateway. The input is all that comes on one connection, which is closed
 * for sending behind it.
 */
#include <string.h>

#include "fuzz.h"
#include "web.h"

/** Nothing is answered as a request that does not look like one somewhere. */
static unsigned requests_at_most(const uint8_t *data, size_t size)
{
    static const char version[] = " HTTP/1.";
    unsigned count = 0;
    for (const uint8_t *at = data; (at = memmem(at, size - (size_t)(at - data), version, sizeof(version) - 1)) != NULL;
         at++) {
        count++;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char received[WEB_RECEIVED_MAX];
    unsigned good = 0;
    web_start();
    const size_t length = web_say(NULL, 0, data, size, received);
    (void)web_check_answers(received, length, &good);
    fuzz_check(good <= requests_at_most(data, size), "there are not more answers than requests");
    web_check_alive();
    return 0;
}
