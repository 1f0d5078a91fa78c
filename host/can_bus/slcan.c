/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The text protocol of slcan adapters: frames to text and back. */
#include "slcan.h"

#include <stdio.h>
#include <string.h>

#define BELL '\a'

size_t slcan_encode(const can_bus_frame_t *frame, char text[SLCAN_FRAME_SIZE])
{
    const char data_kind = frame->extended ? 'T' : 't';
    const char remote_kind = frame->extended ? 'R' : 'r';
    int length = snprintf(text, SLCAN_FRAME_SIZE, "%c%0*X%u", frame->remote ? remote_kind : data_kind,
                          frame->extended ? 8 : 3, (unsigned)frame->id, (unsigned)frame->dlc);
    for (int i = 0; i < frame->dlc && !frame->remote; i++) {
        length += snprintf(&text[length], SLCAN_FRAME_SIZE - (size_t)length, "%02X", (unsigned)frame->data[i]);
    }
    length += snprintf(&text[length], SLCAN_FRAME_SIZE - (size_t)length, "\r");
    return (size_t)length;
}

char slcan_bit_rate_code(uint32_t bit_rate)
{
    static const uint32_t rates[] = {10000, 20000, 50000, 100000, 125000, 250000, 500000}; /* above, they differ */
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        if (rates[i] == bit_rate) {
            return (char)('0' + (int)i);
        }
    }
    return '\0';
}

static int digit_of(char character)
{
    static const char digits[] = "0123456789ABCDEF0123456789abcdef";
    const char *const found = character == '\0' ? NULL : strchr(digits, character);
    return found == NULL ? -1 : (int)((found - digits) % 16);
}

/** Takes `count` hexadecimal digits; false: they are not there. */
static bool take_number(const char **at, int count, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < count; i++) {
        const int digit = digit_of(**at);
        if (digit < 0) {
            return false;
        }
        *value = *value << 4 | (uint32_t)digit;
        (*at)++;
    }
    return true;
}

/** "tIIILDD..", "TIIIIIIIILDD..", "rIIIL", "RIIIIIIIIL", each with or without 4 or 8 digits of a time. */
static bool parse_frame(const char *line, can_bus_frame_t *frame)
{
    const char *at = &line[1];
    uint32_t value = 0;
    *frame =
        (can_bus_frame_t){.extended = line[0] == 'T' || line[0] == 'R', .remote = line[0] == 'r' || line[0] == 'R'};
    if (!take_number(&at, frame->extended ? 8 : 3, &frame->id) ||
        frame->id > (frame->extended ? 0x1FFFFFFFU : 0x7FFU) || !take_number(&at, 1, &value) ||
        value > sizeof(frame->data)) {
        return false;
    }
    frame->dlc = (uint8_t)value;
    for (int i = 0; i < (frame->remote ? 0 : frame->dlc); i++) {
        if (!take_number(&at, 2, &value)) {
            return false;
        }
        frame->data[i] = (uint8_t)value;
    }
    const size_t left = strlen(at);
    return (left == 0 || left == 4 || left == 8) && take_number(&at, (int)left, &value);
}

static bool readable(const slcan_reader_t *reader)
{
    for (size_t i = 0; i < reader->length; i++) {
        if (reader->line[i] < ' ' || reader->line[i] > '~') {
            return false;
        }
    }
    return true;
}

static slcan_event_t take_line(slcan_reader_t *reader)
{
    const char *at = &reader->line[1];
    uint32_t value = 0;
    if (!readable(reader)) {
        return SLCAN_GARBAGE;
    }
    switch (reader->line[0]) {
    case '\0':
    case 'z':
    case 'Z':
        return SLCAN_NOTHING;
    case 't':
    case 'T':
    case 'r':
    case 'R':
        return parse_frame(reader->line, &reader->frame) ? SLCAN_FRAME : SLCAN_GARBAGE;
    case 'F':
        if (reader->length != 3 || !take_number(&at, 2, &value)) {
            return SLCAN_TEXT;
        }
        reader->flags = (uint8_t)value;
        return SLCAN_STATUS;
    default:
        return SLCAN_TEXT;
    }
}

slcan_event_t slcan_feed(slcan_reader_t *reader, char byte)
{
    if (byte == '\r' || byte == BELL) {
        reader->line[reader->length] = '\0';
        const slcan_event_t event = byte == BELL ? SLCAN_REFUSED : take_line(reader);
        reader->length = 0;
        reader->skipping = false;
        return event;
    }
    if (byte == '\n' || reader->skipping) {
        return SLCAN_NOTHING;
    }
    if (reader->length == sizeof(reader->line) - 1) {
        reader->skipping = true;
        reader->length = 0;
        return SLCAN_GARBAGE;
    }
    reader->line[reader->length++] = byte;
    return SLCAN_NOTHING;
}
