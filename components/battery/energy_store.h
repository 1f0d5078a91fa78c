/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Keeps the energy counters in the partition "energy", and the battery memory (settings_memory_t) with the
 * settings. A low-priority task does it, so that the battery task never waits for flash.
 *
 * Each save takes a turn at the flash gate. Every orderly restart also saves the newest counters. The battery memory is
 * saved whenever it changes.
 */

#include "energy_meter.h"
#include "esp_err.h"
#include "event_bus.h"
#include "settings.h"

/**
 * @brief Loads the counters and starts the task. Without a usable partition no counters are kept, and the log says so.
 * @param bus where the task reports its health
 * @param settings where the battery memory is kept
 * @param memory the battery memory as it is stored now
 * @param save_s seconds between two saves
 * @param[out] totals as last saved; unchanged when nothing is saved
 * @param[out] has_totals whether there are saved totals
 * @return
 * - ESP_OK: the task is running
 * - ESP_ERR_INVALID_STATE: started before
 * - ESP_ERR_NO_MEM: no memory for the task, its queue or lock, or no free slot for a shutdown handler
 */
esp_err_t energy_store_start(event_bus_handle_t bus, settings_handle_t settings, const settings_memory_t *memory,
                             int32_t save_s, energy_totals_t *totals, bool *has_totals);

/** @brief Seconds between two saves from now on; never waits. */
void energy_store_set_period(int32_t save_s);

/**
 * @brief Hands over the newest counters and battery memory; never waits. From one task only. Calls within a second of
 * the last one are ignored.
 */
void energy_store_put(const energy_totals_t *totals, const settings_memory_t *memory);
