/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Keeps saved settings in two places, so that a loss in one of them loosens no limit. No NVS, no RTOS.
 *
 * The first place (NVS) holds complete records, the second one (two sectors of flash) the same without the texts. Each
 * place has two halves; a new record goes to the half that does not hold the newest, so that a write never endangers
 * the record that counts. A save writes the first place, then the second. A power cut at any moment therefore leaves
 * the old set or the new one, and the next start makes both places equal again. Numbers come from the place with the
 * newest record, texts from the first place only. A loss never opens what a person may have closed: web.read_open is
 * then 0.
 *
 * What both places have lost counts as lost, not as never set: see settings_saved_t.unconfirmed. So does a loss that
 * may have been newer than the remaining record.
 *
 * @code{.c}
 * settings_keep_t keep;
 * settings_saved_t saved;
 * const settings_found_t found = settings_keep_open(&keep, places, &saved, room);
 * const bool healed = settings_keep_heal(&keep, &found, &saved, room);
 * saved.values.number[SETTINGS_CHARGE_MAX_A] = 80;
 * const settings_keep_outcome_t outcome = settings_keep_save(&keep, &saved, false, room);
 * @endcode
 */

#include "settings_record.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SETTINGS_SECTOR_SIZE 4096

/** @brief The two places; a half is 0 or 1. Functions that return bool return whether they succeeded. */
typedef struct {
    void *context;
    /** First place: at most SETTINGS_RECORD_MAX bytes of a half. RECORD: there is something, not checked yet. */
    settings_place_t (*load)(void *context, unsigned half, uint8_t *bytes, size_t *length);
    bool (*store)(void *context, unsigned half, const uint8_t *bytes, size_t length);
    /** Second place: offsets count from the first of its two sectors. */
    bool (*read)(void *context, uint32_t offset, void *data, uint32_t length);
    /** Erases the sector at `offset`, and writes to its beginning. */
    bool (*replace)(void *context, uint32_t offset, const void *data, uint32_t length);
} settings_places_t;

/** @brief What was found in the two places. */
typedef struct {
    settings_place_t first;
    settings_place_t second;
    bool from_second; /**< numbers come from the second place */
    bool lost;        /**< something was saved, but nothing can be read, or only what may not be the newest */
    bool heal_first;  /**< the first place has to be written, to equal the second or to remember the loss */
    bool heal_second; /**< same, the other way round */
} settings_found_t;

/** @brief Working memory that the caller lends. */
typedef struct {
    settings_saved_t other; /**< used by settings_keep_open() only */
    uint8_t bytes[SETTINGS_RECORD_MAX];
} settings_room_t;

/** @brief State; private to settings_keep.c. */
typedef struct {
    settings_places_t places;
    uint32_t number; /**< of the newest record; 0 = there is none */
    uint8_t first;   /**< half of the first place where the next record goes */
    uint8_t second;  /**< half of the second place where the next record goes */
    bool spoiled;    /**< a half of the second place holds something that is not a record of ours */
    bool newer;      /**< a place holds a record of a newer firmware: nothing is written */
} settings_keep_t;

/**
 * @brief Reads both places; writes nothing.
 * @param[out] keep state
 * @param places copied
 * @param[out] saved what is saved; nothing and `unconfirmed` if it is lost
 * @param room working memory; its contents do not matter
 */
settings_found_t settings_keep_open(settings_keep_t *keep, const settings_places_t *places, settings_saved_t *saved,
                                    settings_room_t *room);

/**
 * @brief Writes the places that `found` names.
 * @param keep state
 * @param found from settings_keep_open()
 * @param saved from settings_keep_open()
 * @param room working memory
 * @return false: a place could not be written; the next start tries again
 */
bool settings_keep_heal(settings_keep_t *keep, const settings_found_t *found, const settings_saved_t *saved,
                        settings_room_t *room);

/** @brief Whether a place holds a record of a newer firmware, over which a save writes only when it is told to. */
bool settings_keep_refuses(const settings_keep_t *keep);

/** @brief Outcome of a save. */
typedef enum {
    SETTINGS_KEEP_DONE = 0,
    SETTINGS_KEEP_ONE_PLACE, /**< saved, in the first place only */
    SETTINGS_KEEP_FAILED,    /**< not saved: the previous record still counts */
    SETTINGS_KEEP_NEWER,     /**< not saved: a newer firmware has saved something here, which is kept */
} settings_keep_outcome_t;

/**
 * @brief Saves.
 * @param keep state
 * @param saved everything
 * @param over_newer overwrite even the record of a newer firmware, because a person wants to start afresh
 * @param room working memory; `other` may be what is saved
 * @return
 * - SETTINGS_KEEP_DONE: both places have it
 * - SETTINGS_KEEP_ONE_PLACE: the second place could not be written; call settings_keep_second() later
 * - SETTINGS_KEEP_FAILED: the first place could not be written
 * - SETTINGS_KEEP_NEWER: a place holds a record of a newer firmware, and `over_newer` is false
 */
settings_keep_outcome_t settings_keep_save(settings_keep_t *keep, const settings_saved_t *saved, bool over_newer,
                                           settings_room_t *room);

/**
 * @brief Writes the second place again, after SETTINGS_KEEP_ONE_PLACE.
 * @param keep state
 * @param saved what the first place holds
 * @param room working memory
 * @return false: not yet; until then a loss of the first place may loosen a limit
 */
bool settings_keep_second(settings_keep_t *keep, const settings_saved_t *saved, settings_room_t *room);

#ifdef __cplusplus
}
#endif
