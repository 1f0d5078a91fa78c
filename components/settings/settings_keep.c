/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "settings_keep.h"

#include <string.h>

#define SECTORS 2U
#define PIECE   64U /**< bytes that are read back at one time */

/** What the second place holds. */
typedef struct {
    settings_place_t place;
    uint32_t number; /**< highest one of the records that are there */
    unsigned sector; /**< where the newest record is that can be read */
    bool spoiled;    /**< a sector holds something that is no record of ours */
} second_t;

static uint32_t offset_of(unsigned sector)
{
    return sector * SETTINGS_SECTOR_SIZE;
}

static settings_place_t read_first(const settings_keep_t *keep, settings_saved_t *saved, uint32_t *number,
                                   uint8_t *bytes)
{
    size_t length = 0;
    const settings_place_t place = keep->places.load(keep->places.context, bytes, &length);
    return place == SETTINGS_PLACE_RECORD ? settings_record_read(bytes, length, saved, number) : place;
}

static settings_place_t read_sector(const settings_keep_t *keep, unsigned sector, settings_saved_t *saved,
                                    uint32_t *number, uint8_t *bytes)
{
    return keep->places.read(keep->places.context, offset_of(sector), bytes, SETTINGS_RECORD_MAX)
               ? settings_record_read(bytes, SETTINGS_RECORD_MAX, saved, number)
               : SETTINGS_PLACE_DAMAGED;
}

static bool either(const settings_place_t *place, settings_place_t wanted)
{
    return place[0] == wanted || place[1] == wanted;
}

static second_t read_second(const settings_keep_t *keep, settings_saved_t *saved, uint8_t *bytes)
{
    settings_place_t place[SECTORS];
    uint32_t number[SECTORS] = {0};
    for (unsigned i = 0; i < SECTORS; i++) {
        place[i] = read_sector(keep, i, saved, &number[i], bytes);
    }
    const bool both = place[0] == SETTINGS_PLACE_RECORD && place[1] == SETTINGS_PLACE_RECORD;
    const bool last = place[0] != SETTINGS_PLACE_RECORD || (both && number[1] > number[0]);
    const bool newer = either(place, SETTINGS_PLACE_NEWER);
    const bool damaged = either(place, SETTINGS_PLACE_DAMAGED);
    second_t second = {.place = damaged ? SETTINGS_PLACE_DAMAGED : SETTINGS_PLACE_NOTHING,
                       .number = number[0] > number[1] ? number[0] : number[1],
                       .sector = last ? 1 : 0,
                       .spoiled = newer || damaged};
    if (newer) {
        second.place = SETTINGS_PLACE_NEWER;
    } else if (either(place, SETTINGS_PLACE_RECORD)) {
        second.place = read_sector(keep, second.sector, saved, &second.number, bytes);
    }
    return second;
}

/** The texts of one, everything else of the other. */
static void take_texts(settings_saved_t *saved, const settings_saved_t *first)
{
    const uint64_t texts = ~UINT64_C(0) << (unsigned)SETTINGS_NUMBERS;
    memcpy(saved->values.text, first->values.text, sizeof(saved->values.text));
    saved->ever_set = (saved->ever_set & ~texts) | (first->ever_set & texts);
}

settings_found_t settings_keep_open(settings_keep_t *keep, const settings_places_t *places, settings_saved_t *saved,
                                    settings_room_t *room)
{
    uint32_t number = 0;
    *keep = (settings_keep_t){.places = *places};
    const second_t second = read_second(keep, saved, room->bytes);
    settings_found_t found = {.first = read_first(keep, &room->other, &number, room->bytes), .second = second.place};
    const bool in_first = found.first == SETTINGS_PLACE_RECORD;
    const bool in_second = found.second == SETTINGS_PLACE_RECORD;
    keep->sector = (uint8_t)(1U - second.sector);
    keep->newer = found.first == SETTINGS_PLACE_NEWER || found.second == SETTINGS_PLACE_NEWER;
    keep->spoiled = second.spoiled;
    keep->number = number > second.number ? number : second.number;
    found.from_second = in_second && (!in_first || second.number > number);
    found.heal_first = found.from_second && !keep->newer;
    found.heal_second = in_first && (!in_second || number > second.number || second.spoiled) && !keep->newer;
    if (!in_first && !in_second) {
        found.lost = found.first != SETTINGS_PLACE_NOTHING || found.second != SETTINGS_PLACE_NOTHING;
        settings_saved_nothing(saved);
    } else if (!found.from_second) {
        *saved = room->other;
    } else if (in_first) {
        take_texts(saved, &room->other);
    } else {
        found.lost = second.spoiled; /* it may have been the newest, and the tighter one */
    }
    saved->unconfirmed = saved->unconfirmed || found.lost;
    return found;
}

static bool write_first(const settings_keep_t *keep, const settings_saved_t *saved, settings_room_t *room)
{
    const size_t length = settings_record_write(saved, keep->number, true, room->bytes);
    return keep->places.store(keep->places.context, room->bytes, length);
}

static bool holds(const settings_keep_t *keep, const uint8_t *bytes, size_t length)
{
    uint8_t piece[PIECE];
    bool same = true;
    for (size_t at = 0; at < length && same; at += PIECE) {
        const size_t size = length - at < PIECE ? length - at : PIECE;
        same = keep->places.read(keep->places.context, offset_of(keep->sector) + (uint32_t)at, piece, (uint32_t)size) &&
               memcmp(piece, &bytes[at], size) == 0;
    }
    return same;
}

/** A sector that did not take it is written again by the next save. */
static bool write_sector(settings_keep_t *keep, const settings_saved_t *saved, settings_room_t *room)
{
    const size_t length = settings_record_write(saved, keep->number, false, room->bytes);
    if (!keep->places.replace(keep->places.context, offset_of(keep->sector), room->bytes, (uint32_t)length) ||
        !holds(keep, room->bytes, length)) {
        return false;
    }
    keep->sector = (uint8_t)(1U - keep->sector);
    return true;
}

/** Into one sector, the older one; into both when the other one holds something that would be in doubt for ever. */
static bool write_second(settings_keep_t *keep, const settings_saved_t *saved, settings_room_t *room)
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
    const bool first = !found->heal_first || write_first(keep, saved, room);
    const bool second = !found->heal_second || write_second(keep, saved, room);
    return first && second;
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
    return write_second(keep, saved, room) ? SETTINGS_KEEP_DONE : SETTINGS_KEEP_ONE_PLACE;
}
