/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "line.h"

#include <string.h>

#include "tinybms_crc.h"
#include "unity.h"

void line_begin(line_t *line, int64_t now_ms)
{
    const tinybms_session_config_t config = TINYBMS_SESSION_DEFAULT_CONFIG();
    memset(line, 0, sizeof(*line));
    line->now_ms = now_ms;
    line->answer_at_ms = INT64_MAX;
    line->deadline_ms = INT64_MAX;
    line->answer_ms = 12;
    line->bms_time_s = 5000;
    line->random = 12345;
    line->registers[36] = 7864; /* 55.78 V */
    line->registers[37] = 16991;
    line->registers[45] = 49000;
    line->registers[46] = 61960;
    line->registers[47] = 1274;
    line->registers[50] = 0x97;
    line->registers[53] = 14;
    for (size_t i = 2; i < 16; i++) {
        line->registers[i] = 39843; /* 55.78 V / 14 */
    }
    line->registers[300] = 4150;
    line->registers[301] = 3000;
    line->registers[307] = 14;
    line->registers[315] = 4200;
    line->registers[316] = 2900;
    line->registers[317] = 120;
    line->registers[318] = 100;
    line->registers[319] = 60;
    line->registers[330] = 0x0501;
    tinybms_session_init(&line->session, &config, now_ms);
}

static unsigned random_below(line_t *line, unsigned limit)
{
    line->random = line->random * 1664525U + 1013904223U;
    return (line->random >> 16) % limit;
}

static void begin_answer(line_t *line, uint8_t command)
{
    line->answer_length = 0;
    if (line->chatter != NULL) {
        line->answer_length = strlen(line->chatter);
        memcpy(line->answer, line->chatter, line->answer_length);
    }
    line->answer[line->answer_length++] = 0xAA;
    line->answer[line->answer_length++] = command;
}

static void put(line_t *line, unsigned byte)
{
    line->answer[line->answer_length++] = (uint8_t)byte;
}

static void end_answer(line_t *line)
{
    const size_t start = line->chatter == NULL ? 0 : strlen(line->chatter);
    const uint16_t crc = tinybms_crc16(&line->answer[start], line->answer_length - start);
    put(line, crc & 0xFFU);
    put(line, (unsigned)crc >> 8);
    line->answer_at_ms = line->now_ms + line->answer_ms;
}

static void answer_read(line_t *line, unsigned address, unsigned count)
{
    begin_answer(line, 0x03);
    put(line, 2 * count);
    for (unsigned i = 0; i < count; i++) {
        put(line, (unsigned)line->registers[address + i] >> 8);
        put(line, line->registers[address + i] & 0xFFU);
    }
    end_answer(line);
}

uint16_t line_option(const line_t *line, unsigned option, unsigned address)
{
    return option == 4 ? line->registers[address] : (uint16_t)(option * 0x1100 + address); /* bytes that differ */
}

static void answer_options(line_t *line, unsigned option, unsigned count)
{
    const unsigned words = (unsigned)((int)count + line->options_more);
    begin_answer(line, 0x1D);
    put(line, 2 * words);
    for (unsigned i = 0; i < words; i++) {
        const uint16_t word = line_option(line, option, 300 + i);
        put(line, word & 0xFFU);
        put(line, (unsigned)word >> 8);
    }
    end_answer(line);
}

/** 323 and 328 read 0xFFFF once they have taken a value (328 counts 0.002 %, 46-47 count 1e-6 %). */
static void store(line_t *line, unsigned address, uint16_t value)
{
    if (address == 323) {
        line->registers[45] = value;
        value = 0xFFFF;
    } else if (address == 328) {
        const uint32_t soc = (uint32_t)value * 2000U;
        line->registers[46] = (uint16_t)(soc & 0xFFFFU);
        line->registers[47] = (uint16_t)(soc >> 16);
        value = 0xFFFF;
    }
    line->registers[address] = value;
}

static void answer_write(line_t *line, const uint8_t *request)
{
    const unsigned address = ((unsigned)request[2] << 8) | request[3];
    line->writes++;
    line->last_address = (uint16_t)address;
    for (unsigned i = 0; i < request[5]; i++) {
        const uint16_t value = (uint16_t)(((unsigned)request[7 + 2 * i] << 8) | request[8 + 2 * i]);
        line->last_values[i % 2] = value;
        if (!line->forget_writes) {
            store(line, address + i, value);
        }
    }
    begin_answer(line, 0x10);
    for (size_t i = 2; i < 6; i++) {
        put(line, request[i]);
    }
    end_answer(line);
}

static void answer_events(line_t *line, uint8_t command)
{
    const bool once = command == 0x11 && line->tells_once;
    const size_t first = once ? line->told_count_by_bms : 0;
    const size_t count = line->event_count - first;
    begin_answer(line, command);
    put(line, (unsigned)(4 + 4 * count));
    for (unsigned shift = 0; shift < 32; shift += 8) {
        put(line, (line->bms_time_s >> shift) & 0xFFU);
    }
    for (size_t i = 0; i < count; i++) {
        const tinybms_event_t *const event = &line->events[line->newest_first ? line->event_count - 1 - i : first + i];
        put(line, event->time_s & 0xFFU);
        put(line, (event->time_s >> 8) & 0xFFU);
        put(line, (event->time_s >> 16) & 0xFFU);
        put(line, event->id);
    }
    line->told_count_by_bms = command == 0x11 ? line->event_count : line->told_count_by_bms;
    end_answer(line);
}

static void answer_reset(line_t *line, uint8_t option)
{
    if (!line->forget_writes && option == 0x01) {
        line->event_count = 0;
        line->told_count_by_bms = 0;
    } else if (!line->forget_writes && option == 0x02) {
        memset(&line->registers[100], 0, 14 * sizeof(line->registers[0]));
    } else if (!line->forget_writes && option == 0x05) {
        line->events[line->event_count++] = (tinybms_event_t){.time_s = line->bms_time_s & 0xFFFFFFU, .id = 0x61};
    }
    begin_answer(line, 0x01);
    put(line, 0x02);
    end_answer(line);
}

static void answer_refusal(line_t *line, uint8_t command, uint8_t error)
{
    begin_answer(line, 0x00);
    put(line, command);
    put(line, error);
    end_answer(line);
}

static bool take_one(int *left)
{
    const bool some = *left > 0;
    *left -= some ? 1 : 0;
    return some;
}

static void damage(line_t *line, uint8_t command)
{
    line_fault_t fault = line->fault;
    if (command == 0x11 && take_one(&line->flip_newest)) {
        fault = LINE_FLIPPED;
    } else if ((command == 0x11 && take_one(&line->lose_newest)) || (command == 0x12 && take_one(&line->lose_all))) {
        fault = LINE_SILENT;
    }
    if (fault == LINE_HALF_BAD) {
        static const line_fault_t kinds[] = {LINE_FLIPPED, LINE_CUT, LINE_SILENT};
        fault = random_below(line, 2) == 0 ? LINE_GOOD : kinds[random_below(line, 3)];
    }
    if (fault == LINE_SILENT) {
        line->answer_at_ms = INT64_MAX;
    } else if (fault == LINE_FLIPPED) {
        const unsigned bit = random_below(line, 8U * (unsigned)line->answer_length);
        line->answer[bit / 8] = (uint8_t)(line->answer[bit / 8] ^ (1U << (bit % 8)));
    } else if (fault == LINE_BAD_CRC) {
        line->answer[line->answer_length - 1] ^= 0xFFU;
    } else if (fault == LINE_CUT) {
        line->answer_length /= 2;
    }
}

static void take_request(line_t *line, const uint8_t *request)
{
    line->requests[request[1]]++;
    line->last_request_ms = line->now_ms;
    line->answer_at_ms = INT64_MAX;
    if (line->swallow > 0) {
        line->swallow--;
        return;
    }
    if (request[1] == line->deaf_to) {
        return;
    }
    if (line->fault == LINE_REFUSING || request[1] == line->refused) {
        answer_refusal(line, request[1], 0x00);
        return;
    }
    if (line->crc_refusals > 0 && (line->crc_refused == 0 || line->crc_refused == request[1])) {
        line->crc_refusals--;
        answer_refusal(line, request[1], 0x01);
        return;
    }
    switch (request[1]) {
    case 0x02:
        answer_reset(line, request[2]);
        break;
    case 0x03:
        if ((((unsigned)request[2] << 8) | request[3]) == 300) {
            line->settings_requests++;
            line->settings_request_ms = line->now_ms;
        }
        answer_read(line, ((unsigned)request[2] << 8) | request[3], request[5]);
        break;
    case 0x10:
        answer_write(line, request);
        break;
    case 0x11:
    case 0x12:
        answer_events(line, request[1]);
        break;
    case 0x1D:
        answer_options(line, request[2], request[4]);
        break;
    default:
        break;
    }
    damage(line, request[1]);
}

static void note_snapshot(line_t *line, const tinybms_snapshot_t *snapshot)
{
    line->snapshots++;
    line->snapshot_ms = snapshot->taken_ms;
    line->unnamed_faults +=
        snapshot->live[50] == 0x9B && (snapshot->fault_count == 0 || snapshot->events_doubtful) ? 1 : 0;
}

/** @return whether there was something to do */
static bool perform(line_t *line)
{
    bool done = false;
    for (;;) {
        const tinybms_action_t action = tinybms_session_step(&line->session, line->now_ms);
        switch (action.type) {
        case TINYBMS_ACTION_SEND:
            take_request(line, action.send.bytes);
            break;
        case TINYBMS_ACTION_SNAPSHOT:
            note_snapshot(line, tinybms_session_snapshot(&line->session));
            break;
        case TINYBMS_ACTION_EVENT:
            line->told[line->told_count++ % 16] = action.event;
            break;
        case TINYBMS_ACTION_WRITE_DONE:
            line->write_done = true;
            line->write_result = action.write_done;
            break;
        default:
            TEST_ASSERT_EQUAL(TINYBMS_ACTION_NONE, action.type);
            return done;
        }
        done = true;
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/** Nothing happens until then. */
static void sleep_until(line_t *line, int64_t then_ms)
{
    const int64_t over_1s_ms = line->snapshot_ms + 1001;
    const int64_t old_from_ms = line->now_ms > over_1s_ms ? line->now_ms : over_1s_ms;
    if (line->snapshots > 0) {
        const int64_t age_ms = then_ms - 1 - line->snapshot_ms;
        line->oldest_age_ms = age_ms > line->oldest_age_ms ? age_ms : line->oldest_age_ms;
        line->ages_over_1s_ms += then_ms > old_from_ms ? then_ms - old_from_ms : 0;
    }
    line->now_ms = then_ms;
}

/** What is to be done now. @return when the next thing is */
static int64_t wake(line_t *line)
{
    const tinybms_counters_t *const counters = tinybms_session_counters(&line->session);
    const uint32_t given_up = counters->timeouts;
    const bool answered = line->now_ms >= line->answer_at_ms;
    const bool called = line->now_ms >= line->deadline_ms;
    if (answered) {
        line->answer_at_ms = INT64_MAX;
        tinybms_session_feed(&line->session, line->answer, line->answer_length, line->now_ms);
    }
    const bool done = perform(line) || counters->timeouts != given_up;
    TEST_ASSERT_TRUE_MESSAGE(done || answered || !called, "woken for nothing");
    line->deadline_ms = tinybms_session_deadline_ms(&line->session);
    TEST_ASSERT_TRUE_MESSAGE(line->deadline_ms > line->now_ms, "something is left to do");
    return earlier(line->deadline_ms, line->answer_at_ms);
}

void line_run(line_t *line, int64_t milliseconds)
{
    const int64_t end_ms = line->now_ms + milliseconds;
    while (line->now_ms < end_ms) {
        const int64_t next_ms = wake(line);
        sleep_until(line, earlier(next_ms, end_ms));
    }
}

void line_run_until_more(line_t *line, const int *count)
{
    const int64_t end_ms = line->now_ms + 100000;
    const int before = *count;
    while (*count == before) {
        const int64_t next_ms = wake(line);
        TEST_ASSERT_LESS_THAN(end_ms, next_ms);
        sleep_until(line, *count == before ? next_ms : line->now_ms + 1);
    }
}

tinybms_write_result_t line_write(line_t *line, const tinybms_write_request_t *request)
{
    const tinybms_write_result_t refused = tinybms_session_write(&line->session, request, line->now_ms);
    if (refused.status != TINYBMS_WRITE_PENDING) {
        return refused;
    }
    line->write_done = false;
    for (int i = 0; i < 20000 && !line->write_done; i++) {
        line_run(line, 1);
    }
    return line->write_result;
}
