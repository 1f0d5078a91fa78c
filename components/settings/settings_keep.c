/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * Which of the two places counts, and in which order they are written, so that a power cut never loosens a limit. The
 * bytes are those of settings_record.c; the storage comes as a struct of functions.
 */
#include "settings_keep.h"

#include <string.h>

#define HALVES 2U
#define PIECE  64U /**< bytes that are read back at one time */

/** What a place holds. */
typedef struct {
    settings_place_t place;
    uint32_t number; /**< highest one of the records that are there, also of a newer firmware; 0 = not known */
    unsigned half;   /**< where the newest record is that can be read */
    bool spoiled;    /**< a half holds something that is no record of ours */
} holding_t;

typedef settings_place_t (*read_half_t)(const settings_keep_t *keep, unsigned half, settings_saved_t *saved,
                                        uint32_t *number, uint8_t *bytes);

static uint32_t offset_of(unsigned half)
{
    return half * SETTINGS_SECTOR_SIZE;
}

static settings_place_t read_first(const settings_keep_t *keep, unsigned half, settings_saved_t *saved,
                                   uint32_t *number, uint8_t *bytes)
{
    size_t length = 0;
    const settings_place_t place = keep->places.load(keep->places.context, half, bytes, &length);
    return place == SETTINGS_PLACE_RECORD ? settings_record_read(bytes, length, saved, number) : place;
}

static settings_place_t read_second(const settings_keep_t *keep, unsigned half, settings_saved_t *saved,
                                    uint32_t *number, uint8_t *bytes)
{
    return keep->places.read(keep->places.context, offset_of(half), bytes, SETTINGS_RECORD_MAX)
               ? settings_record_read(bytes, SETTINGS_RECORD_MAX, saved, number)
               : SETTINGS_PLACE_DAMAGED;
}

static bool either(const settings_place_t *place, settings_place_t wanted)
{
    return place[0] == wanted || place[1] == wanted;
}

static holding_t read_place(const settings_keep_t *keep, read_half_t read, settings_saved_t *saved, uint8_t *bytes)
{
    settings_place_t place[HALVES];
    uint32_t number[HALVES] = {0};
    for (unsigned i = 0; i < HALVES; i++) {
        place[i] = read(keep, i, saved, &number[i], bytes);
    }
    const bool both = place[0] == SETTINGS_PLACE_RECORD && place[1] == SETTINGS_PLACE_RECORD;
    const bool last = place[0] != SETTINGS_PLACE_RECORD || (both && number[1] > number[0]);
    const bool newer = either(place, SETTINGS_PLACE_NEWER);
    const bool damaged = either(place, SETTINGS_PLACE_DAMAGED);
    holding_t holding = {.place = damaged ? SETTINGS_PLACE_DAMAGED : SETTINGS_PLACE_NOTHING,
                         .number = number[0] > number[1] ? number[0] : number[1],
                         .half = last ? 1 : 0,
                         .spoiled = newer || damaged};
    if (newer) {
        holding.place = SETTINGS_PLACE_NEWER;
    } else if (either(place, SETTINGS_PLACE_RECORD)) {
        holding.place = read(keep, holding.half, saved, &holding.number, bytes);
    }
    return holding;
}

/** The texts of one, everything else of the other. */
static void take_texts(settings_saved_t *saved, const settings_saved_t *first)
{
    for (settings_id_t id = SETTINGS_NUMBERS; id < SETTINGS_COUNT; id++) {
        settings_saved_copy(saved, first, id);
    }
}

/** What is used may be older than what a person has closed. */
static void close_reading(settings_saved_t *saved)
{
    static const settings_value_t closed = {.number = 0};
    if (saved->values.number[SETTINGS_WEB_READ_OPEN] != closed.number) {
        settings_saved_set(saved, SETTINGS_WEB_READ_OPEN, &closed);
    }
}

/** What is used is the record of the first place, of the second one, or none: whether it may not be the newest. */
static bool in_doubt(const holding_t *first, const holding_t *second, bool from_second)
{
    const bool in_first = first->place == SETTINGS_PLACE_RECORD;
    const bool in_second = second->place == SETTINGS_PLACE_RECORD;
    if (!in_first && !in_second) {
        return first->place != SETTINGS_PLACE_NOTHING || second->place != SETTINGS_PLACE_NOTHING;
    }
    const holding_t *const used = from_second ? second : first;
    const holding_t *const other = from_second ? first : second;
    const bool newer_elsewhere = other->place == SETTINGS_PLACE_NEWER && other->number > used->number;
    return newer_elsewhere || (from_second && !in_first && second->spoiled);
}

settings_found_t settings_keep_open(settings_keep_t *keep, const settings_places_t *places, settings_saved_t *saved,
                                    settings_room_t *room)
{
    *keep = (settings_keep_t){.places = *places};
    const holding_t second = read_place(keep, read_second, saved, room->bytes);
    const holding_t first = read_place(keep, read_first, &room->other, room->bytes);
    settings_found_t found = {.first = first.place, .second = second.place};
    const bool in_first = found.first == SETTINGS_PLACE_RECORD;
    const bool in_second = found.second == SETTINGS_PLACE_RECORD;
    keep->first = (uint8_t)(1U - first.half);
    keep->second = (uint8_t)(1U - second.half);
    keep->spoiled = second.spoiled;
    keep->newer = found.first == SETTINGS_PLACE_NEWER || found.second == SETTINGS_PLACE_NEWER;
    keep->number = first.number > second.number ? first.number : second.number;
    found.from_second = in_second && (!in_first || second.number > first.number);
    found.lost = in_doubt(&first, &second, found.from_second);
    if (!in_first && !in_second) {
        settings_saved_nothing(saved);
    } else if (!found.from_second) {
        *saved = room->other;
    } else if (in_first) {
        take_texts(saved, &room->other);
    }
    if (found.lost || (in_second && !in_first)) {
        close_reading(saved);
    }
    if (found.lost && !saved->unconfirmed) {
        saved->unconfirmed = true;
        keep->number++; /* the loss is remembered, over what there is */
        found.heal_first = !keep->newer;
        found.heal_second = !keep->newer;
    } else if (!keep->newer) {
        found.heal_first = found.from_second;
        found.heal_second = in_first && (!in_second || first.number > second.number || second.spoiled);
    }
    return found;
}

/** Into both halves when a record of a newer firmware has to give way: it would be found again. */
static bool write_first(settings_keep_t *keep, const settings_saved_t *saved, settings_room_t *room)
{
    const size_t length = settings_record_write(saved, keep->number, true, room->bytes);
    for (unsigned i = 0; i < (keep->newer ? HALVES : 1U); i++) {
        if (!keep->places.store(keep->places.context, keep->first, room->bytes, length)) {
            return false;
        }
        keep->first = (uint8_t)(1U - keep->first);
    }
    return true;
}

static bool holds(const settings_keep_t *keep, const uint8_t *bytes, size_t length)
{
    uint8_t piece[PIECE];
    bool same = true;
    for (size_t at = 0; at < length && same; at += PIECE) {
        const size_t size = length - at < PIECE ? length - at : PIECE;
        same = keep->places.read(keep->places.context, offset_of(keep->second) + (uint32_t)at, piece, (uint32_t)size) &&
               memcmp(piece, &bytes[at], size) == 0;
    }
    return same;
}

/** A sector that did not take it is written again by the next save. */
static bool write_sector(settings_keep_t *keep, const settings_saved_t *saved, settings_room_t *room)
{
    const size_t length = settings_record_write(saved, keep->number, false, room->bytes);
    if (!keep->places.replace(keep->places.context, offset_of(keep->second), room->bytes, (uint32_t)length) ||
        !holds(keep, room->bytes, length)) {
        return false;
    }
    keep->second = (uint8_t)(1U - keep->second);
    return true;
}

/** Into one half, the older one; into both when the other one holds something that would be in doubt for ever. */
bool settings_keep_second(settings_keep_t *keep, const settings_saved_t *saved, settings_room_t *room)
{
    if (!write_sector(keep, saved, room) || (keep->spoiled && !write_sector(keep, saved, room))) {
        return false;
    }
    keep->spoiled = false;
    return true;
}

bool settings_keep_heal(settings_keep_t *keep, const settings_found_t *found, const settings_saved_t *saved,
                        settings_room_t *room)
{
    /* The second place first: what the first one needs to be written may take away the last trace of a loss. */
    const bool second = !found->heal_second || settings_keep_second(keep, saved, room);
    const bool first = !found->heal_first || write_first(keep, saved, room);
    return first && second;
}

bool settings_keep_refuses(const settings_keep_t *keep)
{
    return keep->newer;
}

settings_keep_outcome_t settings_keep_save(settings_keep_t *keep, const settings_saved_t *saved, bool over_newer,
                                           settings_room_t *room)
{
    if (keep->newer && !over_newer) {
        return SETTINGS_KEEP_NEWER;
    }
    keep->number++;
    if (!write_first(keep, saved, room)) {
        keep->number--;
        return SETTINGS_KEEP_FAILED;
    }
    keep->newer = false;
    return settings_keep_second(keep, saved, room) ? SETTINGS_KEEP_DONE : SETTINGS_KEEP_ONE_PLACE;
}
