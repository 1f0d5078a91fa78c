/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Keeps what is saved in two places, so that what is lost in one loosens no limit. No NVS, no RTOS.
 *
 * The first place (NVS) holds records with everything, the second one (two sectors of flash) the same without the
 * texts. Each place has two halves; a new record goes to the half that does not hold the newest, so that nothing that
 * is being written is what counts. A save writes the first place, then the second; so a power cut at any moment leaves
 * the old set or the new one, and the next start makes the places alike again. Numbers come from the place with the
 * newest record, texts from the first one only.
 *
 * What is lost in both counts as lost, not as never set: see settings_saved_t.unconfirmed. So does what may have been
 * newer than the record that is left.
 */

#include "settings_record.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SETTINGS_SECTOR_SIZE 4096

/** @brief The two places; a half is 0 or 1. Functions that return bool say whether they succeeded. */
typedef struct {
    void *context;
    /** First place: at most SETTINGS_RECORD_MAX bytes of a half. RECORD: there is something, which may be anything. */
    settings_place_t (*load)(void *context, unsigned half, uint8_t *bytes, size_t *length);
    bool (*store)(void *context, unsigned half, const uint8_t *bytes, size_t length);
    /** Second place: offsets from the beginning of its two sectors. */
    bool (*read)(void *context, uint32_t offset, void *data, uint32_t length);
    /** Erases the sector that begins at `offset`, and writes to its beginning. */
    bool (*replace)(void *context, uint32_t offset, const void *data, uint32_t length);
} settings_places_t;

/** @brief How the places were found. */
typedef struct {
    settings_place_t first;
    settings_place_t second;
    bool from_second; /**< numbers are those of the second place */
    bool lost;        /**< something was saved, and none of it can be read, or only what may not be the newest */
    bool heal_first;  /**< the first place has to be written, to be like the second one, or to remember the loss */
    bool heal_second; /**< likewise */
} settings_found_t;

/** @brief Room that the caller lends. */
typedef struct {
    settings_saved_t other; /**< used by settings_keep_open() alone */
    uint8_t bytes[SETTINGS_RECORD_MAX];
} settings_room_t;

/** @brief State; private to settings_keep.c. */
typedef struct {
    settings_places_t places;
    uint32_t number; /**< of the newest record; 0 = there is none */
    uint8_t first;   /**< half of the first place, where the next record goes */
    uint8_t second;  /**< likewise */
    bool spoiled;    /**< a half of the second place holds something that is no record of ours */
    bool newer;      /**< a place holds a record of a newer firmware: nothing is written */
} settings_keep_t;

/**
 * @brief Reads both places; writes nothing.
 * @param[out] keep state
 * @param places copied
 * @param[out] saved what is saved; nothing and `unconfirmed` when it is lost
 * @param[out] room used
 */
settings_found_t settings_keep_open(settings_keep_t *keep, const settings_places_t *places, settings_saved_t *saved,
                                    settings_room_t *room);

/** @brief Writes the places that `found` says. @return false: one could not be written; the next start tries again */
bool settings_keep_heal(settings_keep_t *keep, const settings_found_t *found, const settings_saved_t *saved,
                        settings_room_t *room);

/** @brief What became of a save. */
typedef enum {
    SETTINGS_KEEP_DONE = 0,
    SETTINGS_KEEP_ONE_PLACE, /**< saved, in the first place only */
    SETTINGS_KEEP_FAILED,    /**< not saved: what was saved before still is */
    SETTINGS_KEEP_NEWER,     /**< likewise: a newer firmware has saved something here, which is kept */
} settings_keep_outcome_t;

/**
 * @brief Saves.
 * @param keep state
 * @param saved everything
 * @param over_newer also over the record of a newer firmware: a person wants to begin anew
 * @param[out] room used
 */
settings_keep_outcome_t settings_keep_save(settings_keep_t *keep, const settings_saved_t *saved, bool over_newer,
                                           settings_room_t *room);

/** @brief Behind ONE_PLACE: writes the second place again. @return false: not yet; what is lost then may loosen */
bool settings_keep_second(settings_keep_t *keep, const settings_saved_t *saved, settings_room_t *room);

#ifdef __cplusplus
}
#endif
