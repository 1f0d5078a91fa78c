/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What the files of the settings that know NVS and tasks share.
 */

#include <stdatomic.h>

#include "esp_partition.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "settings.h"
#include "settings_apart.h"
#include "settings_keep.h"

#define SETTINGS_TURN_WAIT_MS      3000      /**< for a turn at the flash gate */
#define SETTINGS_BATTERY_NAMESPACE "battery" /**< what is remembered of the battery and is no setting */

/** @brief The settings; there is one set. */
struct settings {
    settings_values_t in_effect; /**< copied under s_in_effect; written with the lock held too */
    bool restricted;             /**< likewise: what was saved is lost */
    atomic_uint generation;      /**< of the two; written under s_in_effect */
    SemaphoreHandle_t lock;      /**< guards what follows; who has a turn at the flash gate does not take it */
    settings_saved_t saved;
    settings_keep_t keep;
    bool second_behind;               /**< the second place does not have what is saved */
    bool starting;                    /**< control does not run yet */
    esp_err_t storage;                /**< what opening NVS came to */
    const esp_partition_t *partition; /**< NULL = there is no second place */
};

/* ---- settings.c ---- */

/** @brief Memory for one start or save, outside the control path; given back with free(). NULL: there is none. */
settings_room_t *settings_borrow_room(void);

/** @brief Under the lock: saves what is in `room->other`, and it takes effect. Codes as settings_save(). */
esp_err_t settings_keep_room(struct settings *settings, settings_room_t *room, bool over_newer);

/* ---- settings_storage.c ---- */

/** @brief Opens NVS, which may take an erase, and says in the log what is wrong with it. */
esp_err_t settings_storage_open(void);

/** @brief The two places. */
settings_places_t settings_storage_places(struct settings *settings);

/** @brief Where texts are that are kept apart. */
settings_pieces_t settings_storage_pieces(struct settings *settings);

/** @brief Before there were records each value had a key of its own. @return whether anything was found */
bool settings_storage_first_layout(settings_saved_t *saved);
