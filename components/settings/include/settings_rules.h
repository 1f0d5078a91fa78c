/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Which values a setting may have, by itself and together with the others. No NVS, no RTOS.
 *
 * @code{.c}
 * settings_refusal_t refusal = {0};
 * settings_values_t values;
 * settings_factory_all(&values);
 * values.number[SETTINGS_CHARGE_MAX_A] = 80;
 * const bool fits = settings_fit_together(&values, &refusal); // else refusal.text says why
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>

#include "settings_table.h"
#include "victron_pgn.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Why a value or a set of values is refused. */
typedef struct {
    char text[128];      /**< one English sentence, which begins with the key */
    settings_id_t id;    /**< of the setting that it is about */
    settings_id_t other; /**< which that one does not fit together with; SETTINGS_COUNT = the value itself is wrong */
} settings_refusal_t;

/**
 * @brief Whether one value is in the range of its setting.
 * @param id setting
 * @param value its `number` or `text` is checked, whichever kind the setting is; a `text` that is NULL is refused
 * @param[out] refusal filled when the function returns false; never contains the value of a secret
 */
bool settings_value_valid(settings_id_t id, const settings_value_t *value, settings_refusal_t *refusal);

/**
 * @brief Whether values that are each in range fit together.
 * @param values all of them
 * @param[out] refusal filled when the function returns false
 */
bool settings_fit_together(const settings_values_t *values, settings_refusal_t *refusal);

/**
 * @brief Finds all ways in which values that are each in range do not fit together.
 * @param values all of them
 * @param index which way, from 0
 * @param[out] refusal filled when the function returns true
 * @return false: there are not so many
 */
bool settings_misfit(const settings_values_t *values, size_t index, settings_refusal_t *refusal);

/** @brief Whether the numbers fit together; texts are not checked. */
bool settings_numbers_fit(const settings_values_t *values);

/** @brief Resets the values that do not fit together to their factory values. True: there were some. */
bool settings_repair(settings_values_t *values);

/** @brief The names that the GX is sent. */
victron_identity_t settings_identity(const settings_values_t *values);

#ifdef __cplusplus
}
#endif
