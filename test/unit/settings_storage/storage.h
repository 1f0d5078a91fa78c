/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief A gateway's storage in a directory, and starts on it.
 */

#include "esp_partition.h"
#include "settings.h"

/** @brief In effect since the last restart(). */
extern settings_values_t s_values;

/** @brief The second place. */
const esp_partition_t *limits(void);

/** @brief A start of the gateway on a storage in which nothing was ever saved. */
settings_handle_t first_start(void);

/** @brief One more start; the values are then in `s_values`. */
void restart(void);

const char *text_after_restart(settings_id_t id);
int32_t number_after_restart(settings_id_t id);

/** @brief A new value of a text. */
settings_change_t text_change(settings_id_t id, const char *text);
