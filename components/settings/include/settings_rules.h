/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What a setting may be: alone, and together with the others. No NVS, no RTOS.
 */

#include <stdbool.h>
#include <stddef.h>

#include "settings_table.h"
#include "victron_pgn.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Why a value or a set of values is refused: one English sentence. */
typedef struct {
    char text[128];
} settings_refusal_t;

/**
 * @brief Whether one value is in the range of its setting.
 * @param id setting
 * @param value looked at: the member of the setting's kind
 * @param[out] refusal filled when the function returns false; never holds the value of a secret
 */
bool settings_value_valid(settings_id_t id, const settings_value_t *value, settings_refusal_t *refusal);

/** @brief Whether values that are each in their range fit together; `refusal` as above. */
bool settings_fit_together(const settings_values_t *values, settings_refusal_t *refusal);

/** @brief Whether the numbers among them fit together. */
bool settings_numbers_fit(const settings_values_t *values);

/** @brief Gives back the factory values of those that do not fit together. True: there were some. */
bool settings_repair(settings_values_t *values);

/** @brief The names that the GX gets. */
victron_identity_t settings_identity(const settings_values_t *values);

#ifdef __cplusplus
}
#endif
