/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Decides when a gateway that keeps crashing starts only what control needs. Pure.
 *
 * Times are in us, on a clock that runs through a reset. A clock that goes back counts as one that stood still.
 *
 * @code{.c}
 * static boot_loop_t loop; // in memory that a reset does not clear
 * boot_loop_init(&loop); // after power-on only
 * boot_loop_on_start(&loop, true, now_us);
 * if (boot_loop_wait_us(&loop, now_us) == 0) {
 *     (void)boot_loop_begin_try(&loop, now_us); // then start everything
 * }
 * @endcode
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @brief This many crashes within ten minutes are a loop. */
#define BOOT_LOOP_CRASHES 5

typedef enum {
    BOOT_LOOP_NONE = 0, /**< everything is started */
    BOOT_LOOP_REDUCED,  /**< only control is started */
    BOOT_LOOP_TRYING,   /**< everything was started again; a crash in the next ten minutes ends the try */
} boot_loop_stage_t;

/** @brief What has to survive a reset. Its owner detects damage. */
typedef struct {
    int64_t crash_us[BOOT_LOOP_CRASHES]; /**< when the last crashes were noticed, oldest first */
    int64_t stage_us;                    /**< when the stage began */
    uint32_t stage;                      /**< a boot_loop_stage_t */
    uint32_t recent;                     /**< crashes in crash_us */
    uint32_t tries;                      /**< failed tries since the loop began */
    uint32_t crashes;                    /**< since power-on */
} boot_loop_t;

/** @brief Starts with no crash recorded. */
void boot_loop_init(boot_loop_t *loop);

/**
 * @brief Records a start.
 * @param loop as the reset left it; impossible contents are discarded
 * @param crashed a panic or a watchdog caused the reset
 * @param now_us present time
 */
void boot_loop_on_start(boot_loop_t *loop, bool crashed, int64_t now_us);

/**
 * @brief Ends a try that has gone well for long enough.
 * @param loop state
 * @param now_us present time
 * @return true: the state has changed
 */
bool boot_loop_settle(boot_loop_t *loop, int64_t now_us);

/** @brief How much longer only control runs, us: at most 15 minutes the first time, then an hour; 0 = no longer. */
int64_t boot_loop_wait_us(const boot_loop_t *loop, int64_t now_us);

/**
 * @brief Everything is about to be started. Call it before that happens, because the next thing may be a crash.
 * @param loop state
 * @param now_us present time
 * @return true: this is a try, within a loop
 */
bool boot_loop_begin_try(boot_loop_t *loop, int64_t now_us);

#ifdef __cplusplus
}
#endif
