/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * From answers with a right CRC to frames: whatever the registers of a BMS hold, what reaches the bus obeys the
 * protocol of Victron (2021-04-17). An input is a list of four bytes each: what to change, where, and the value; see
 * change().
 */
#include <string.h>

#include "battery_pipeline.h"
#include "fuzz.h"
#include "tinybms_session.h"
#include "victron_pgn.h"
#include "victron_schedule.h"

#define EVENTS_MAX 49
#define RUN_MS     1500
#define STEP_MS    10

typedef struct {
    uint16_t live[56];
    uint16_t statistics[18];
    uint16_t settings[44];
    uint16_t version[10];
    uint8_t events[4 + 4 * EVENTS_MAX];
    size_t events_length;
    bool refuse[256]; /**< commands that are answered with a NACK */
    int32_t age_ms;   /**< how old a snapshot is when it is looked at */
} bms_t;

typedef struct {
    bms_t bms;
    tinybms_session_t session;
    battery_pipeline_t pipeline;
    battery_state_t state;
    victron_schedule_t schedule;
    int64_t now_ms;
    int refused; /**< so many blocks in a row were not believed */
} gateway_t;

static const victron_identity_t s_identity = {
    .manufacturer = "TinyBMS", .battery_name = "TinyBMS battery", .family = "TinyBMS"};

/** A healthy pack of 14 cells, as a real device shows it. */
static void begin(bms_t *bms)
{
    static const struct {
        uint16_t address;
        uint16_t value;
    } healthy[] = {{300, 4150}, {301, 3000}, {306, 6600}, {307, 14}, {315, 4200}, {316, 2900}, {317, 60}, {318, 20}};
    memset(bms, 0, sizeof(*bms));
    for (size_t i = 2; i < 16; i++) {
        bms->live[i] = 39800;
    }
    bms->live[36] = 7864; /* 55.78 V as a float, low word first */
    bms->live[37] = 16991;
    bms->live[40] = 3980;
    bms->live[41] = 3990;
    bms->live[42] = 0x8000; /* not connected */
    bms->live[43] = 0x8000;
    bms->live[46] = 61960; /* 83.6 % */
    bms->live[47] = 1274;
    bms->live[48] = 97;
    bms->live[50] = 0x97;
    bms->live[53] = 14;
    for (size_t i = 0; i < sizeof(healthy) / sizeof(healthy[0]); i++) {
        bms->settings[healthy[i].address - 300] = healthy[i].value;
    }
    bms->version[0] = 258;
    bms->version[1] = 769;
    bms->version[2] = 242;
    bms->events_length = 4;
}

/** ID at TIME is added to the events, or the BMS's own time is set when ID is 0. */
static void add_event(bms_t *bms, uint8_t id, uint16_t time_s)
{
    const bool own_time = id == 0;
    if (own_time || bms->events_length == sizeof(bms->events)) {
        bms->events[0] = (uint8_t)(time_s & 0xFFU);
        bms->events[1] = (uint8_t)(time_s >> 8);
        return;
    }
    uint8_t *const entry = &bms->events[bms->events_length];
    entry[0] = (uint8_t)(time_s & 0xFFU);
    entry[1] = (uint8_t)(time_s >> 8);
    entry[2] = 0;
    entry[3] = id;
    bms->events_length += 4;
}

static void change(bms_t *bms, uint8_t what, uint8_t where, uint16_t value)
{
    switch (what % 7) {
    case 0:
        bms->live[where % 56] = value;
        break;
    case 1:
        bms->settings[where % 44] = value;
        break;
    case 2:
        bms->version[where % 10] = value;
        break;
    case 3:
        bms->statistics[where % 18] = value;
        break;
    case 4:
        add_event(bms, where, value);
        break;
    case 5:
        bms->refuse[where] = value != 0;
        break;
    default:
        bms->age_ms = value;
        break;
    }
}

static size_t seal(uint8_t *frame, size_t length)
{
    const unsigned crc = fuzz_crc16(frame, length);
    frame[length] = (uint8_t)(crc & 0xFFU);
    frame[length + 1] = (uint8_t)(crc >> 8);
    return length + 2;
}

static const uint16_t *registers_at(const bms_t *bms, unsigned first, unsigned count)
{
    const struct {
        unsigned first;
        unsigned count;
        const uint16_t *values;
    } blocks[] = {{0, 56, bms->live}, {100, 18, bms->statistics}, {300, 44, bms->settings}, {500, 10, bms->version}};
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        if (first >= blocks[i].first && first + count <= blocks[i].first + blocks[i].count) {
            return &blocks[i].values[first - blocks[i].first];
        }
    }
    return NULL;
}

/** What a BMS with these registers answers, by the protocol of the TinyBMS (revision D). */
static size_t answer(const bms_t *bms, const uint8_t *request, uint8_t *frame)
{
    const uint8_t command = request[1];
    size_t length = 0;
    frame[length++] = 0xAA;
    frame[length++] = command;
    if (command == 0x11 || command == 0x12) {
        frame[length++] = (uint8_t)bms->events_length;
        memcpy(&frame[length], bms->events, bms->events_length);
        length += bms->events_length;
    }
    const unsigned first = (unsigned)request[2] << 8 | request[3];
    const unsigned count = request[5];
    const uint16_t *const values = command == 0x03 ? registers_at(bms, first, count) : NULL;
    if (values != NULL) {
        frame[length++] = (uint8_t)(2 * count);
        for (unsigned i = 0; i < count; i++) {
            frame[length++] = (uint8_t)(values[i] >> 8);
            frame[length++] = (uint8_t)(values[i] & 0xFFU);
        }
    }
    if (bms->refuse[command] || length == 2) {
        memcpy(frame, (const uint8_t[]){0xAA, 0x00, command, 0x00}, 4);
        length = 4;
    }
    return seal(frame, length);
}

static unsigned u16_at(const victron_frame_t *frame, size_t offset)
{
    return frame->data[offset] | (unsigned)frame->data[offset + 1] << 8;
}

static void check_limits(const victron_frame_t *frame)
{
    const unsigned cells_max = 16;
    const unsigned cell_max_mv = 4500; /* register 300 allows 1200 to 4500 */
    fuzz_check(u16_at(frame, 0) <= cells_max * cell_max_mv / 100, "CVL is one that 16 cells can have");
    fuzz_check(u16_at(frame, 2) <= INT16_MAX && u16_at(frame, 4) <= INT16_MAX, "CCL and DCL are not negative");
}

static void check_alarms(const victron_frame_t *frame, const battery_state_t *state)
{
    for (unsigned bit = 0; bit < 64; bit += 2) {
        const unsigned pair = (unsigned)frame->data[bit / 8] >> (bit % 8) & 3U;
        fuzz_check(pair != 3, "a pair is 0, 1 or 2, and what is not supported is never 3");
        const bool reserved = (bit >= 26 && bit < 32) || bit >= 60;
        fuzz_check(!reserved || pair == 0, "reserved bits are 0");
    }
    const unsigned status = (unsigned)frame->data[7] >> 2 & 3U;
    fuzz_check(status != 2 || state->status == BATTERY_STATUS_ONLINE, "online is said only of an online battery");
}

static void check_text(const victron_frame_t *frame)
{
    bool ended = false;
    fuzz_check(frame->dlc == 8, "a text has 8 bytes");
    for (size_t i = 0; i < 8; i++) {
        fuzz_check(frame->data[i] < 0x80, "texts are 7-bit");
        fuzz_check(!ended || frame->data[i] == 0, "nothing stands behind the end of a text");
        ended = ended || frame->data[i] == 0;
    }
}

static void check_frame(const victron_frame_t *frame, const battery_state_t *state)
{
    fuzz_check(state->publish, "nothing is sent while nothing may be sent");
    fuzz_check(frame->dlc > 0 && frame->dlc <= 8, "a frame has 1 to 8 bytes");
    for (size_t i = frame->dlc; i < 8; i++) {
        fuzz_check(frame->data[i] == 0, "nothing stands behind the end of a frame");
    }
    switch (frame->id) {
    case 0x351:
        check_limits(frame);
        break;
    case 0x355:
        fuzz_check(u16_at(frame, 0) <= 100 && u16_at(frame, 2) <= 100 && u16_at(frame, 4) <= 10000,
                   "SOC and SOH are at most 100 %");
        break;
    case 0x35A:
        check_alarms(frame, state);
        break;
    case 0x35E:
    case 0x370:
    case 0x371:
    case 0x374:
    case 0x375:
    case 0x376:
    case 0x377:
    case 0x380:
    case 0x381:
    case 0x382:
        check_text(frame);
        break;
    default:
        break;
    }
}

/** A fault counts in every block that is believed; no more than two in a row are not. */
static void check_fault(gateway_t *gateway, const tinybms_snapshot_t *snapshot)
{
    const battery_state_t *const state = &gateway->state;
    gateway->refused = state->sequence == snapshot->sequence ? 0 : gateway->refused + 1;
    fuzz_check(gateway->refused <= 2, "a block that contradicts itself is a fact when it is the third in a row");
    if (gateway->refused == 0 && state->publish && snapshot->live[50] == 0x9B) {
        fuzz_check(state->status != BATTERY_STATUS_ONLINE, "a BMS in fault is not online");
        fuzz_check(state->ccl_ma.value == 0 || state->dcl_ma.value == 0, "a fault stops something");
        fuzz_check(state->alarm[BATTERY_ALARM_GENERAL] == BATTERY_ALARM_ACTIVE, "a fault is an alarm");
    }
}

static void check_state(const bms_t *bms, const battery_state_t *state)
{
    fuzz_check(state->cell_count <= 16, "a TinyBMS has at most 16 cells");
    fuzz_check(!state->ccl_ma.known || state->ccl_ma.value >= 0, "CCL is not negative");
    fuzz_check(!state->dcl_ma.known || state->dcl_ma.value >= 0, "DCL is not negative");
    if (state->publish && state->status == BATTERY_STATUS_ONLINE) {
        fuzz_check(state->cvl_mv.known && state->cvl_mv.value > 0, "an online battery has a charge voltage limit");
    }
    if (state->publish && bms->age_ms >= 3000) {
        fuzz_check(state->ccl_ma.known && state->ccl_ma.value == 0, "stale data stops charging");
    }
    fuzz_check(!state->publish || bms->age_ms < 10000, "old data is not sent");
}

static void look_at_snapshot(gateway_t *gateway)
{
    const tinybms_snapshot_t *const snapshot = tinybms_session_snapshot(&gateway->session);
    const battery_state_t *const state = &gateway->state;
    battery_alarm_change_t changes[BATTERY_ALARM_CHANGES_MAX];
    victron_frame_t frame;
    /* As new data, and then as old as the input says; after that the clock goes back. */
    (void)battery_pipeline_step(&gateway->pipeline, snapshot, gateway->now_ms, &gateway->state, changes);
    const size_t count = battery_pipeline_step(&gateway->pipeline, snapshot, gateway->now_ms + gateway->bms.age_ms,
                                               &gateway->state, changes);
    fuzz_check(count <= BATTERY_ALARM_CHANGES_MAX, "there are not more changes than fields");
    check_state(&gateway->bms, state);
    check_fault(gateway, snapshot);
    for (size_t i = 0; i < VICTRON_MESSAGE_COUNT; i++) {
        const victron_message_t *const message = victron_message_at(i);
        if (message->encode(state, &s_identity, &frame)) {
            fuzz_check(frame.id == message->id, "an encoder makes the frame that the table says");
            check_frame(&frame, state);
        }
    }
    victron_schedule_set_state(&gateway->schedule, state, gateway->now_ms);
    while (victron_schedule_next(&gateway->schedule, gateway->now_ms, &frame)) {
        check_frame(&frame, state);
    }
}

static void step(gateway_t *gateway)
{
    uint8_t frame[4 + 4 * EVENTS_MAX + 16];
    for (int actions = 0;; actions++) {
        fuzz_check(actions < 200, "the session comes to rest");
        const tinybms_action_t action = tinybms_session_step(&gateway->session, gateway->now_ms);
        if (action.type == TINYBMS_ACTION_NONE) {
            return;
        }
        if (action.type == TINYBMS_ACTION_SEND) {
            const size_t length = answer(&gateway->bms, action.send.bytes, frame);
            tinybms_session_feed(&gateway->session, frame, length, gateway->now_ms);
        } else if (action.type == TINYBMS_ACTION_SNAPSHOT) {
            look_at_snapshot(gateway);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const tinybms_session_config_t config = TINYBMS_SESSION_DEFAULT_CONFIG();
    const battery_pipeline_config_t pipeline_config = BATTERY_PIPELINE_DEFAULT_CONFIG();
    fuzz_input_t input = {.bytes = data, .left = size};
    gateway_t gateway = {.now_ms = 0};
    begin(&gateway.bms);
    tinybms_session_init(&gateway.session, &config, 0);
    battery_pipeline_init(&gateway.pipeline, &pipeline_config, NULL);
    victron_schedule_init(&gateway.schedule, &s_identity, 0);
    while (gateway.now_ms < RUN_MS) {
        step(&gateway);
        gateway.now_ms += STEP_MS;
        if (gateway.now_ms % 500 == 0) { /* first a healthy pack, then what the input makes of it, in two portions */
            const size_t half = input.left / 2 / 4 * 4;
            const size_t until = gateway.now_ms == 500 ? half : 0;
            while (input.left > until) {
                const uint8_t what = fuzz_take_u8(&input);
                const uint8_t where = fuzz_take_u8(&input);
                change(&gateway.bms, what, where, fuzz_take_u16(&input));
            }
        }
    }
    return 0;
}
