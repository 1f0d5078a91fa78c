/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Keeps the energy counters in the partition "energy", and what is remembered of the battery among the settings:
 * a task of low priority, so that the battery task never waits for the flash.
 *
 * Each save takes a turn at the flash gate. The newest counters are also saved on every orderly restart. What is
 * remembered is saved when it changes.
 */

#include "energy_meter.h"
#include "esp_err.h"
#include "event_bus.h"
#include "settings.h"

/**
 * @brief Loads the counters and starts the task. Without a usable partition nothing is kept, and the log says so.
 * @param bus where the health of the task is told
 * @param settings where the memory is kept
 * @param memory what is remembered already
 * @param save_s seconds between two saves
 * @param[out] totals as saved last; left alone when there are none
 * @param[out] has_totals whether there are
 * @return ESP_OK; ESP_ERR_NO_MEM
 */
esp_err_t energy_store_start(event_bus_handle_t bus, settings_handle_t settings, const settings_memory_t *memory,
                             int32_t save_s, energy_totals_t *totals, bool *has_totals);

/**
 * @brief Hands over the newest counters and what is to be remembered; never waits. One task only; more often than once
 * a second is ignored.
 */
void energy_store_put(const energy_totals_t *totals, const settings_memory_t *memory);
