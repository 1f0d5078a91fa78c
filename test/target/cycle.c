/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * One poll cycle of the pure components, from the bytes of a real answer to all frames. On rv32 under QEMU it prints
 * how many instructions each stage took; everywhere it prints the frames, so that the builds can be held against each
 * other. answers.h is made of the registers of a real device by test/support/instruments/target.py.
 */
#include <stdio.h>
#include <stdlib.h>

#include "answers.h"
#include "battery_pipeline.h"
#include "tinybms_session.h"
#include "victron_pgn.h"
#include "victron_schedule.h"

#define SETTLED_MS 190 /* all blocks have been read; next is the live block */

static tinybms_session_t s_session;
static victron_schedule_t s_schedule;
static battery_pipeline_t s_pipeline;
static battery_state_t s_state;
static victron_frame_t s_frames[VICTRON_MESSAGE_COUNT];

static uint32_t instructions(void)
{
#ifdef __riscv
    uint32_t retired = 0;
    __asm__ volatile(".option push\n.option arch, +zicsr\ncsrr %0, minstret\n.option pop" : "=r"(retired) : : "memory");
    return retired;
#else
    return 0;
#endif
}

static void require(bool holds, const char *what)
{
    if (!holds) {
        (void)printf("failed: %s\n", what);
        exit(EXIT_FAILURE);
    }
}

static const answer_t *answer_to(const uint8_t *request)
{
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        const bool read = request[1] == 0x03;
        const unsigned address = (unsigned)request[2] << 8 | request[3];
        if (answers[i].command == request[1] && (!read || answers[i].address == address)) {
            return &answers[i];
        }
    }
    return NULL;
}

static void send_answer(const uint8_t *request, int64_t now_ms)
{
    const answer_t *const answer = answer_to(request);
    require(answer != NULL, "the session asks for what there is an answer to");
    tinybms_session_feed(&s_session, answer->bytes, answer->length, now_ms);
}

/** Everything that is read once or seldom: what a gateway knows that has been running for a while. */
static void settle(void)
{
    const tinybms_session_config_t config = TINYBMS_SESSION_DEFAULT_CONFIG();
    tinybms_session_init(&s_session, &config, 0);
    for (int64_t now_ms = 0; now_ms < SETTLED_MS; now_ms++) {
        const tinybms_action_t action = tinybms_session_step(&s_session, now_ms);
        if (action.type == TINYBMS_ACTION_SEND) {
            send_answer(action.send.bytes, now_ms);
        }
    }
    require(tinybms_session_snapshot(&s_session)->settings_known, "the settings have been read");
}

static uint32_t report(const char *stage, uint32_t before)
{
    const uint32_t taken = instructions() - before;
    (void)printf("instructions %s %lu\n", stage, (unsigned long)taken);
    return taken;
}

static uint32_t ask(int64_t now_ms, tinybms_action_t *request)
{
    const uint32_t before = instructions();
    *request = tinybms_session_step(&s_session, now_ms);
    const uint32_t taken = report("request", before);
    require(request->type == TINYBMS_ACTION_SEND, "the live block is due");
    return taken;
}

static uint32_t take_answer(const tinybms_action_t *request, int64_t now_ms)
{
    const answer_t *const answer = answer_to(request->send.bytes);
    const uint32_t before = instructions();
    tinybms_session_feed(&s_session, answer->bytes, answer->length, now_ms);
    const tinybms_action_t action = tinybms_session_step(&s_session, now_ms);
    const uint32_t taken = report("answer", before);
    require(action.type == TINYBMS_ACTION_SNAPSHOT, "the answer makes a snapshot");
    return taken;
}

static uint32_t make_state(int64_t now_ms)
{
    battery_alarm_change_t changes[BATTERY_ALARM_CHANGES_MAX];
    const uint32_t before = instructions();
    (void)battery_pipeline_step(&s_pipeline, tinybms_session_snapshot(&s_session), now_ms, &s_state, changes);
    return report("state", before);
}

static uint32_t schedule(int64_t now_ms)
{
    const uint32_t before = instructions();
    victron_schedule_set_state(&s_schedule, &s_state, now_ms);
    return report("schedule", before);
}

static uint32_t encode(const victron_identity_t *identity)
{
    const uint32_t before = instructions();
    for (size_t i = 0; i < VICTRON_MESSAGE_COUNT; i++) {
        if (!victron_message_at(i)->encode(&s_state, identity, &s_frames[i])) {
            s_frames[i].dlc = 0;
        }
    }
    return report("frames", before);
}

static void print_frames(void)
{
    for (size_t i = 0; i < VICTRON_MESSAGE_COUNT; i++) {
        if (s_frames[i].dlc > 0) {
            (void)printf("frame %03X ", (unsigned)s_frames[i].id);
            for (size_t b = 0; b < s_frames[i].dlc; b++) {
                (void)printf("%02X", (unsigned)s_frames[i].data[b]);
            }
            (void)printf("\n");
        }
    }
}

int main(void)
{
    static const victron_identity_t identity = {
        .manufacturer = "TinyBMS", .battery_name = "TinyBMS Gateway", .family = "TinyBMS"};
    const int64_t answered_ms = 212;
    const battery_pipeline_config_t config = BATTERY_PIPELINE_DEFAULT_CONFIG();
    tinybms_action_t request;
    settle();
    const int64_t asked_ms = tinybms_session_deadline_ms(&s_session);
    battery_pipeline_init(&s_pipeline, &config, NULL);
    victron_schedule_init(&s_schedule, &identity, answered_ms);
    uint32_t total = ask(asked_ms, &request);
    total += take_answer(&request, answered_ms);
    total += make_state(answered_ms);
    total += schedule(answered_ms);
    total += encode(&identity);
    (void)printf("instructions cycle %lu\n", (unsigned long)total);
    print_frames();
    return EXIT_SUCCESS;
}
