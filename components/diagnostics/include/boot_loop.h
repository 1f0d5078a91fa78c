/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A gateway that crashes again and again: when to start without what control does not need. Pure.
 *
 * Times are of a clock that runs through a reset, in us. A clock that went back counts as one that stood still.
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @brief So many crashes within ten minutes are a loop. */
#define BOOT_LOOP_CRASHES 5

typedef enum {
    BOOT_LOOP_NONE = 0, /**< everything is started */
    BOOT_LOOP_REDUCED,  /**< control alone is started */
    BOOT_LOOP_TRYING,   /**< everything was started again; a crash within ten minutes of that shows that it was too soon
                         */
} boot_loop_stage_t;

/** @brief What has to outlive a reset. Its owner sees to it that damage is noticed. */
typedef struct {
    int64_t crash_us[BOOT_LOOP_CRASHES]; /**< when the last ones were noticed, oldest first */
    int64_t stage_us;                    /**< begin of the stage */
    uint32_t stage;                      /**< a boot_loop_stage_t */
    uint32_t recent;                     /**< crashes in crash_us */
    uint32_t tries;                      /**< that have ended with a crash, since the loop began */
    uint32_t crashes;                    /**< since power-on */
} boot_loop_t;

/** @brief Nothing has crashed yet. */
void boot_loop_init(boot_loop_t *loop);

/**
 * @brief Takes note of a start.
 * @param loop as the reset has left it; what cannot be counts as nothing
 * @param crashed a panic or a watchdog has made the reset
 * @param now_us present time
 */
void boot_loop_on_start(boot_loop_t *loop, bool crashed, int64_t now_us);

/**
 * @brief Ends a try that has gone well for long enough.
 * @return true: something has changed
 */
bool boot_loop_settle(boot_loop_t *loop, int64_t now_us);

/** @brief How long control stays alone, in us: 15 minutes from the first time on, then an hour; 0 = no longer. */
int64_t boot_loop_wait_us(const boot_loop_t *loop, int64_t now_us);

/**
 * @brief Everything is about to be started. Before it is: a crash may be the next thing that happens.
 * @return true: it is a try, in a loop
 */
bool boot_loop_begin_try(boot_loop_t *loop, int64_t now_us);

#ifdef __cplusplus
}
#endif
