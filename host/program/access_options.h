/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The options --setup and --reset-password of the Linux program: what the console does on the chip.
 */

#include <stdbool.h>

/** @brief Outcome of --setup. */
typedef enum {
    ACCESS_OPTIONS_DONE = 0,
    ACCESS_OPTIONS_VOID,   /**< a password is set; said on standard error */
    ACCESS_OPTIONS_FAILED, /**< there is no code, and none can be made */
} access_options_outcome_t;

/**
 * @brief Prints the set-up code, alone on its line. Makes it if the gateway has never run. Beside a running gateway
 * (host_options.read_only) nothing is written, and it waits a moment for one that has only just started.
 */
access_options_outcome_t access_options_setup(void);

/**
 * @brief Takes back password, sessions and tokens, makes a new set-up code, and prints that it has. NULL: good; else
 * what is wrong.
 */
const char *access_options_reset(void);
