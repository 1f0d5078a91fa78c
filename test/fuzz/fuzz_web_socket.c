/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * What a stranger says to a WebSocket of the gateway, behind a good handshake; the server is that of fuzz_web_request.
 * What comes back must be frames that a server may send, and the answers to what was understood as a ping.
 */
#include <string.h>

#include "fuzz.h"
#include "web.h"

static const char s_handshake[] = "GET /ws?subscribe=can,uart HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                                  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

typedef struct {
    unsigned messages;
    unsigned closes;
} heard_t;

/** Length of a frame; 0: it is cut, as the last one may be. */
static size_t check_frame(const uint8_t *frame, size_t left, heard_t *heard)
{
    if (left < 2) {
        return 0;
    }
    const unsigned opcode = frame[0] & 0x0FU;
    const size_t short_length = frame[1];
    fuzz_check((frame[0] & 0xF0U) == 0x80, "a frame is whole and has no reserved bits");
    fuzz_check(opcode == 0x1 || opcode == 0x8 || opcode == 0xA, "text, close or pong");
    fuzz_check(short_length <= 126, "a frame is not masked, and not larger than 64 kB");
    fuzz_check(opcode == 0x1 || short_length <= 125, "a control frame is short");
    fuzz_check(heard->closes == 0, "nothing is said behind a close");
    const size_t head = short_length == 126 ? 4 : 2;
    if (left < head) {
        return 0;
    }
    const size_t length = short_length == 126 ? (size_t)frame[2] << 8 | frame[3] : short_length;
    if (left < head + length) {
        return 0;
    }
    fuzz_check(opcode != 0x1 || (memcmp(&frame[head], "{\"type\":\"", 9) == 0 && frame[head + length - 1] == '}'),
               "a message is one of ours");
    fuzz_check(opcode != 0x8 || length == 0, "a close gives no reason");
    heard->messages += opcode == 0x1 ? 1U : 0U;
    heard->closes += opcode == 0x8 ? 1U : 0U;
    return head + length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char received[WEB_RECEIVED_MAX];
    heard_t heard = {.messages = 0};
    unsigned good = 0;
    web_start();
    const size_t length = web_say(s_handshake, sizeof(s_handshake) - 1, data, size, received);
    size_t at = web_check_answers(received, length, &good);
    fuzz_check(good == 0, "the handshake is no document");
    for (size_t frame = 1; at < length && frame > 0; at += frame) {
        frame = check_frame((const uint8_t *)&received[at], length - at, &heard);
    }
    web_check_alive();
    return 0;
}
