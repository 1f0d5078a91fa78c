/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Encodes and decodes single commands. Finding an answer among the bytes of a line is the job of tinybms_frame.c. */
#include "tinybms_command.h"

#include <string.h>

#include "tinybms_crc.h"

#define CRC_LENGTH   2
#define WRITE_FIRST  300
#define WRITE_LAST   399
#define PACKET_FLAGS 0xC0 /**< bit 7: more packets follow; a packet has 63 bytes at most */

/** How the length of an answer is told. */
typedef enum {
    LENGTH_NONE = 0, /**< not a command that is answered with a frame of its own */
    LENGTH_FIXED,    /**< known from the command */
    LENGTH_BYTE,     /**< a plain length byte follows the command */
    LENGTH_PACKET,   /**< a length byte with flags: at most 63 bytes in one packet */
} length_kind_t;

typedef struct {
    length_kind_t kind;
    uint8_t payload; /**< LENGTH_FIXED: bytes of payload */
} answer_shape_t;

static answer_shape_t shape_of(uint8_t command)
{
    switch (command) {
    case TINYBMS_CMD_READ_MODBUS:
    case TINYBMS_CMD_NEWEST_EVENTS:
    case TINYBMS_CMD_ALL_EVENTS:
    case TINYBMS_CMD_TEMPERATURES:
    case TINYBMS_CMD_CELL_VOLTAGES:
    case TINYBMS_CMD_SETTINGS:
    case TINYBMS_CMD_VERSION:
    case TINYBMS_CMD_EXTENDED_VERSION:
        return (answer_shape_t){.kind = LENGTH_BYTE};
    case TINYBMS_CMD_READ_BLOCK:
    case TINYBMS_CMD_READ_INDIVIDUAL:
        return (answer_shape_t){.kind = LENGTH_PACKET};
    case TINYBMS_CMD_WRITE_MODBUS:
    case TINYBMS_CMD_PACK_VOLTAGE:
    case TINYBMS_CMD_PACK_CURRENT:
    case TINYBMS_CMD_LIFETIME:
    case TINYBMS_CMD_SOC:
        return (answer_shape_t){.kind = LENGTH_FIXED, .payload = 4};
    case TINYBMS_CMD_CELL_MAX:
    case TINYBMS_CMD_CELL_MIN:
    case TINYBMS_CMD_ONLINE_STATUS:
        return (answer_shape_t){.kind = LENGTH_FIXED, .payload = 2};
    case TINYBMS_CMD_SPEED_DISTANCE_TIME:
        return (answer_shape_t){.kind = LENGTH_FIXED, .payload = 12};
    default:
        return (answer_shape_t){.kind = LENGTH_NONE};
    }
}

/** Output with a limit: what does not fit is remembered, not written. */
typedef struct {
    uint8_t *bytes;
    size_t capacity;
    size_t length;
    bool overflow;
} writer_t;

static void put_u8(writer_t *w, unsigned value)
{
    if (w->length == w->capacity) {
        w->overflow = true;
        return;
    }
    w->bytes[w->length++] = (uint8_t)value;
}

static void put_lsb_first(writer_t *w, uint16_t value)
{
    put_u8(w, value & 0xFFU);
    put_u8(w, (unsigned)value >> 8);
}

static void put_msb_first(writer_t *w, uint16_t value)
{
    put_u8(w, (unsigned)value >> 8);
    put_u8(w, value & 0xFFU);
}

static size_t finish(writer_t *w)
{
    put_lsb_first(w, tinybms_crc16(w->bytes, w->length));
    return w->overflow ? 0 : w->length;
}

static bool writable(uint16_t first, uint16_t count)
{
    return first >= WRITE_FIRST && (uint32_t)first + count - 1U <= WRITE_LAST;
}

static bool individual_writable(const tinybms_request_t *request)
{
    for (uint16_t i = 0; i < request->count; i++) {
        if (!writable(request->addresses[i], 1)) {
            return false;
        }
    }
    return true;
}

static bool request_valid(const tinybms_request_t *r)
{
    const bool has_values = r->values != NULL && r->count >= 1;
    switch (r->command) {
    case TINYBMS_CMD_RESET:
        return r->option == TINYBMS_RESET_CLEAR_EVENTS || r->option == TINYBMS_RESET_CLEAR_STATISTICS ||
               r->option == TINYBMS_RESET_BMS;
    case TINYBMS_CMD_READ_MODBUS:
        return r->count >= 1 && r->count <= TINYBMS_READ_MAX;
    case TINYBMS_CMD_READ_BLOCK:
        return r->count >= 1 && r->count <= TINYBMS_PACKET_VALUES;
    case TINYBMS_CMD_READ_INDIVIDUAL:
        return r->addresses != NULL && r->count >= 1 && r->count <= TINYBMS_PACKET_VALUES / 2;
    case TINYBMS_CMD_WRITE_BLOCK:
        return has_values && r->count <= TINYBMS_PACKET_VALUES - 1 && writable(r->address, r->count);
    case TINYBMS_CMD_WRITE_INDIVIDUAL:
        return has_values && r->addresses != NULL && r->count <= TINYBMS_PACKET_VALUES / 2 && individual_writable(r);
    case TINYBMS_CMD_WRITE_MODBUS:
        return has_values && r->count <= TINYBMS_VALUES_MAX && writable(r->address, r->count);
    case TINYBMS_CMD_SETTINGS:
        return r->option >= 1 && r->option <= 4 && r->count >= 1 && r->count <= TINYBMS_VALUES_MAX;
    case TINYBMS_CMD_NACK:
    case TINYBMS_CMD_ACK:
        return false;
    default:
        return shape_of((uint8_t)r->command).kind != LENGTH_NONE;
    }
}

static void put_block_write(writer_t *w, const tinybms_request_t *r)
{
    put_u8(w, 2U + 2U * r->count); /* Rev D 1.1.5: the address counts as payload */
    put_lsb_first(w, r->address);
    for (uint16_t i = 0; i < r->count; i++) {
        put_lsb_first(w, r->values[i]);
    }
}

static void put_modbus_write(writer_t *w, const tinybms_request_t *r)
{
    put_msb_first(w, r->address);
    put_msb_first(w, r->count);
    put_u8(w, 2U * r->count);
    for (uint16_t i = 0; i < r->count; i++) {
        put_msb_first(w, r->values[i]);
    }
}

static void put_individual(writer_t *w, const tinybms_request_t *r)
{
    const bool write = r->command == TINYBMS_CMD_WRITE_INDIVIDUAL;
    put_u8(w, (write ? 4U : 2U) * r->count);
    for (uint16_t i = 0; i < r->count; i++) {
        put_lsb_first(w, r->addresses[i]);
        if (write) {
            put_lsb_first(w, r->values[i]);
        }
    }
}

size_t tinybms_request_encode(const tinybms_request_t *request, uint8_t *out, size_t capacity)
{
    writer_t w = {.bytes = out, .capacity = capacity};
    if (!request_valid(request)) {
        return 0;
    }
    put_u8(&w, TINYBMS_START);
    put_u8(&w, (unsigned)request->command);
    switch (request->command) {
    case TINYBMS_CMD_RESET:
        put_u8(&w, request->option);
        break;
    case TINYBMS_CMD_READ_MODBUS:
        put_msb_first(&w, request->address);
        put_msb_first(&w, request->count);
        break;
    case TINYBMS_CMD_READ_BLOCK:
        put_u8(&w, request->count);
        put_lsb_first(&w, request->address);
        break;
    case TINYBMS_CMD_READ_INDIVIDUAL:
    case TINYBMS_CMD_WRITE_INDIVIDUAL:
        put_individual(&w, request);
        break;
    case TINYBMS_CMD_WRITE_BLOCK:
        put_block_write(&w, request);
        break;
    case TINYBMS_CMD_WRITE_MODBUS:
        put_modbus_write(&w, request);
        break;
    case TINYBMS_CMD_SETTINGS:
        put_u8(&w, request->option);
        put_u8(&w, 0);
        put_u8(&w, request->count);
        break;
    default:
        break;
    }
    return finish(&w);
}

int tinybms_answer_length(const uint8_t *bytes, size_t have)
{
    if (have < 2) {
        return 0;
    }
    if (bytes[1] == TINYBMS_CMD_NACK) {
        return 6;
    }
    if (bytes[1] == TINYBMS_CMD_ACK) {
        return 5;
    }
    const answer_shape_t shape = shape_of(bytes[1]);
    if (shape.kind == LENGTH_NONE) {
        return -1;
    }
    if (shape.kind == LENGTH_FIXED) {
        return 2 + shape.payload + CRC_LENGTH;
    }
    if (have < 3) {
        return 0;
    }
    if (shape.kind == LENGTH_PACKET && (bytes[2] & PACKET_FLAGS) != 0) {
        return -1; /* how further packets are framed is not known; the gateway never asks for that much */
    }
    return 3 + bytes[2] + CRC_LENGTH;
}

bool tinybms_answer_decode(const uint8_t *frame, size_t length, tinybms_answer_t *answer)
{
    if (length < 5 || frame[0] != TINYBMS_START || tinybms_answer_length(frame, length) != (int)length) {
        return false;
    }
    const uint16_t crc = (uint16_t)(frame[length - 2] | ((unsigned)frame[length - 1] << 8));
    if (crc != tinybms_crc16(frame, length - CRC_LENGTH)) {
        return false;
    }
    tinybms_answer_t a = {.command = (tinybms_command_t)frame[1], .request = frame[1]};
    if (a.command == TINYBMS_CMD_NACK || a.command == TINYBMS_CMD_ACK) {
        a.request = frame[2];
        a.error = a.command == TINYBMS_CMD_NACK ? frame[3] : 0;
    } else {
        const size_t head = shape_of(frame[1]).kind == LENGTH_FIXED ? 2 : 3;
        a.payload = &frame[head];
        a.payload_length = (uint8_t)(length - head - CRC_LENGTH);
    }
    *answer = a;
    return true;
}

size_t tinybms_answer_encode(const tinybms_answer_t *answer, uint8_t *out, size_t capacity)
{
    writer_t w = {.bytes = out, .capacity = capacity};
    put_u8(&w, TINYBMS_START);
    put_u8(&w, (unsigned)answer->command);
    if (answer->command == TINYBMS_CMD_NACK || answer->command == TINYBMS_CMD_ACK) {
        put_u8(&w, answer->request);
        if (answer->command == TINYBMS_CMD_NACK) {
            put_u8(&w, answer->error);
        }
        return finish(&w);
    }
    const answer_shape_t shape = shape_of((uint8_t)answer->command);
    if (shape.kind == LENGTH_NONE || (shape.kind == LENGTH_FIXED && shape.payload != answer->payload_length) ||
        (shape.kind == LENGTH_PACKET && (answer->payload_length & PACKET_FLAGS) != 0)) {
        return 0;
    }
    if (shape.kind != LENGTH_FIXED) {
        put_u8(&w, answer->payload_length);
    }
    for (size_t i = 0; i < answer->payload_length; i++) {
        put_u8(&w, answer->payload[i]);
    }
    return finish(&w);
}

uint16_t tinybms_answer_u16(const tinybms_answer_t *answer, size_t offset)
{
    if (answer->payload == NULL || offset + 2 > answer->payload_length) {
        return 0;
    }
    return (uint16_t)(answer->payload[offset] | ((unsigned)answer->payload[offset + 1] << 8));
}

uint32_t tinybms_answer_u32(const tinybms_answer_t *answer, size_t offset)
{
    if (answer->payload == NULL || offset + 4 > answer->payload_length) {
        return 0;
    }
    return tinybms_answer_u16(answer, offset) | ((uint32_t)tinybms_answer_u16(answer, offset + 2) << 16);
}

size_t tinybms_answer_registers(const tinybms_answer_t *answer, uint16_t *values, size_t capacity)
{
    const bool msb_first = answer->command == TINYBMS_CMD_READ_MODBUS;
    const bool lsb_first = answer->command == TINYBMS_CMD_READ_BLOCK || answer->command == TINYBMS_CMD_SETTINGS;
    const size_t count = answer->payload_length / 2U;
    if ((!msb_first && !lsb_first) || answer->payload_length % 2U != 0 || count > capacity) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        const uint16_t word = tinybms_answer_u16(answer, 2 * i);
        values[i] = msb_first ? (uint16_t)((unsigned)(word >> 8) | ((unsigned)word << 8)) : word;
    }
    return count;
}

size_t tinybms_answer_pairs(const tinybms_answer_t *answer, uint16_t *addresses, uint16_t *values, size_t capacity)
{
    const size_t count = answer->payload_length / 4U;
    if (answer->command != TINYBMS_CMD_READ_INDIVIDUAL || answer->payload_length % 4U != 0 || count > capacity) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        addresses[i] = tinybms_answer_u16(answer, 4 * i);
        values[i] = tinybms_answer_u16(answer, 4 * i + 2);
    }
    return count;
}

bool tinybms_answer_events(const tinybms_answer_t *answer, uint32_t *bms_time_s, tinybms_event_t *events,
                           size_t capacity, size_t *count)
{
    const bool is_list = answer->command == TINYBMS_CMD_NEWEST_EVENTS || answer->command == TINYBMS_CMD_ALL_EVENTS;
    if (!is_list || answer->payload_length < 4 || answer->payload_length % 4U != 0 ||
        answer->payload_length / 4U - 1 > capacity) {
        return false;
    }
    *bms_time_s = tinybms_answer_u32(answer, 0);
    *count = 0;
    for (size_t offset = 4; offset < answer->payload_length; offset += 4) {
        const uint32_t entry = tinybms_answer_u32(answer, offset);
        if (entry >> 24 != 0) {
            events[(*count)++] = (tinybms_event_t){.time_s = entry & 0xFFFFFFU, .id = (uint8_t)(entry >> 24)};
        }
    }
    return true;
}
