/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The options --set, --settings, --confirm-settings and --forget-sensor of the Linux program.
 */

#include <stdbool.h>

#define SETTINGS_OPTIONS_MAX 128 /**< most --set on one command line */

/**
 * @brief Remembers one "KEY=VALUE"; a long text can be "@FILE". The text is used until settings_options_save(). NULL:
 * good; else what is wrong with it, a static string.
 */
const char *settings_options_add(const char *assignment);

/** @brief Saves what was remembered, all or nothing. NULL: good; else what is wrong, a static string. */
const char *settings_options_save(void);

/**
 * @brief Prints a line a setting, in the order of the form: key, saved value, unit, range, factory value, Kconfig
 * option, meaning, when a change applies, group, what the group is about; tabs between. Says on standard error when a
 * person has to confirm them.
 */
void settings_options_print(void);

/** @brief Confirms what is saved, and prints that it has. NULL: good; else what is wrong. */
const char *settings_options_confirm(void);

/** @brief Forgets an external temperature sensor (1, 2), and prints what was done. NULL: good; else what is wrong. */
const char *settings_options_forget_sensor(int sensor);
