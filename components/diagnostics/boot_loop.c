/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The rules of a boot loop: how many crashes make one, and how long control then runs alone. Pure, so that tests need
 * no resets.
 */
#include "boot_loop.h"

#include <string.h>

#define MINUTE_US     (60 * INT64_C(1000000))
#define LOOP_US       (10 * MINUTE_US)
#define FIRST_WAIT_US (15 * MINUTE_US)
#define WAIT_US       (60 * MINUTE_US)
#define TRY_US        (10 * MINUTE_US)

void boot_loop_init(boot_loop_t *loop)
{
    memset(loop, 0, sizeof(*loop)); /* what lies between the members too: its owner makes a checksum of it */
}

static void enter(boot_loop_t *loop, boot_loop_stage_t stage, int64_t now_us)
{
    loop->stage = (uint32_t)stage;
    loop->stage_us = now_us;
    loop->recent = 0;
}

static int64_t newest_us(const boot_loop_t *loop, int64_t now_us)
{
    int64_t newest = now_us;
    for (uint32_t i = 0; i < loop->recent; i++) {
        newest = loop->crash_us[i] > newest ? loop->crash_us[i] : newest;
    }
    return loop->stage != BOOT_LOOP_NONE && loop->stage_us > newest ? loop->stage_us : newest;
}

/** A reset that stops the clock too must not make crashes uncounted, nor a wait endless. */
static void follow_clock(boot_loop_t *loop, int64_t now_us)
{
    const int64_t back_us = newest_us(loop, now_us) - now_us;
    for (uint32_t i = 0; i < loop->recent; i++) {
        loop->crash_us[i] -= back_us;
    }
    loop->stage_us -= back_us;
}

static void note_crash(boot_loop_t *loop, int64_t now_us)
{
    if (loop->recent == BOOT_LOOP_CRASHES) {
        memmove(&loop->crash_us[0], &loop->crash_us[1], sizeof(loop->crash_us) - sizeof(loop->crash_us[0]));
        loop->recent--;
    }
    loop->crash_us[loop->recent++] = now_us;
    if (loop->recent == BOOT_LOOP_CRASHES && now_us - loop->crash_us[0] <= LOOP_US) {
        loop->tries = 0;
        enter(loop, BOOT_LOOP_REDUCED, now_us);
    }
}

void boot_loop_on_start(boot_loop_t *loop, bool crashed, int64_t now_us)
{
    if (loop->stage > BOOT_LOOP_TRYING || loop->recent > BOOT_LOOP_CRASHES) {
        boot_loop_init(loop);
    }
    follow_clock(loop, now_us);
    (void)boot_loop_settle(loop, now_us);
    if (!crashed) {
        return;
    }
    loop->crashes++;
    if (loop->stage == BOOT_LOOP_TRYING) {
        loop->tries++;
        enter(loop, BOOT_LOOP_REDUCED, now_us);
    } else if (loop->stage == BOOT_LOOP_NONE) {
        note_crash(loop, now_us);
    }
}

bool boot_loop_settle(boot_loop_t *loop, int64_t now_us)
{
    if (loop->stage != BOOT_LOOP_TRYING || now_us - loop->stage_us <= TRY_US) {
        return false;
    }
    enter(loop, BOOT_LOOP_NONE, now_us);
    return true;
}

int64_t boot_loop_wait_us(const boot_loop_t *loop, int64_t now_us)
{
    if (loop->stage != BOOT_LOOP_REDUCED) {
        return 0;
    }
    const int64_t left_us = loop->stage_us + (loop->tries == 0 ? FIRST_WAIT_US : WAIT_US) - now_us;
    return left_us > 0 ? left_us : 0;
}

bool boot_loop_begin_try(boot_loop_t *loop, int64_t now_us)
{
    if (loop->stage != BOOT_LOOP_REDUCED) {
        return false;
    }
    enter(loop, BOOT_LOOP_TRYING, now_us);
    return true;
}
