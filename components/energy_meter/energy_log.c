/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The format of the energy counters in flash, and how they survive power cuts. Pure: the flash itself comes as a struct
 * of functions. The counting is in energy_meter.c.
 */
#include "energy_log.h"

#include <stddef.h>
#include <string.h>

#include "tinybms_crc.h"

#define LAYOUT         1
#define SLOTS          (ENERGY_LOG_SECTOR_SIZE / (int)sizeof(record_t))
#define SLOTS_PER_PAGE (256 / (int)sizeof(record_t)) /* what a cut in a write may damage */

/** As it is in flash, little-endian as all chips that this runs on. */
typedef struct {
    uint32_t sequence;
    uint32_t layout;
    int64_t in_mwh;
    int64_t out_mwh;
    int64_t in_mah;
    int64_t out_mah;
    uint32_t full_count;
    uint32_t metered_min;
    uint32_t full_at_min;
    uint32_t unused[2];
    uint32_t crc; /**< CRC-32 of what is before it */
} record_t;

_Static_assert(sizeof(record_t) == 64, "records are found by their size");

static uint32_t crc_of(const record_t *record)
{
    return tinybms_crc32((const uint8_t *)record, offsetof(record_t, crc));
}

static bool is_valid(const record_t *record)
{
    return record->layout == LAYOUT && record->crc == crc_of(record);
}

static bool is_free(const record_t *record)
{
    record_t erased;
    memset(&erased, 0xFF, sizeof(erased));
    return memcmp(record, &erased, sizeof(erased)) == 0;
}

static uint32_t offset_of(int sector, int slot)
{
    return (uint32_t)(sector * ENERGY_LOG_SECTOR_SIZE + slot * (int)sizeof(record_t));
}

static record_t record_of(uint32_t sequence, const energy_totals_t *totals)
{
    record_t record = {
        .sequence = sequence,
        .layout = LAYOUT,
        .in_mwh = totals->in_mwh,
        .out_mwh = totals->out_mwh,
        .in_mah = totals->in_mah,
        .out_mah = totals->out_mah,
        .full_count = totals->full_count,
        .metered_min = totals->metered_min,
        .full_at_min = totals->full_at_min,
    };
    record.crc = crc_of(&record);
    return record;
}

static energy_totals_t totals_of(const record_t *record)
{
    return (energy_totals_t){
        .in_mwh = record->in_mwh,
        .out_mwh = record->out_mwh,
        .in_mah = record->in_mah,
        .out_mah = record->out_mah,
        .full_count = record->full_count,
        .metered_min = record->metered_min,
        .full_at_min = record->full_at_min,
    };
}

bool energy_log_open(energy_log_t *log, const energy_flash_t *flash, energy_totals_t *totals)
{
    bool found = false;
    *log = (energy_log_t){.flash = *flash};
    for (int sector = 0; sector < ENERGY_LOG_SECTORS; sector++) {
        for (int slot = 0; slot < SLOTS; slot++) {
            record_t record;
            const bool readable = flash->read(flash->context, offset_of(sector, slot), &record, sizeof(record));
            if (readable && is_free(&record)) {
                continue;
            }
            log->slot[sector] = (uint8_t)(slot + 1); /* never a slot before one that was used */
            if (readable && is_valid(&record) && (!found || record.sequence > log->sequence)) {
                found = true;
                *totals = totals_of(&record);
                log->sequence = record.sequence;
                log->sector = sector == 0 ? 1 : 0;
            }
        }
    }
    if (!found && log->slot[1] == 0) {
        log->slot[1] = SLOTS / 2;
    }
    return found;
}

/** The sector starts half a sector away from where the other one is: they are never erased shortly after one another.
 */
static bool make_room(energy_log_t *log)
{
    uint8_t *const slot = &log->slot[log->sector];
    if (*slot < SLOTS) {
        return true;
    }
    if (!log->flash.erase(log->flash.context, offset_of(log->sector, 0))) {
        return false;
    }
    *slot = (uint8_t)((log->slot[1 - log->sector] + SLOTS / 2) % SLOTS);
    return true;
}

bool energy_log_save(energy_log_t *log, const energy_totals_t *totals)
{
    if (!make_room(log)) {
        return false;
    }
    const energy_flash_t *const flash = &log->flash;
    uint8_t *const slot = &log->slot[log->sector];
    const uint32_t offset = offset_of(log->sector, *slot);
    const record_t record = record_of(++log->sequence, totals);
    record_t written;
    if (!flash->write(flash->context, offset, &record, sizeof(record)) ||
        !flash->read(flash->context, offset, &written, sizeof(written)) ||
        memcmp(&written, &record, sizeof(record)) != 0) {
        *slot = (uint8_t)((*slot / SLOTS_PER_PAGE + 1) * SLOTS_PER_PAGE);
        return false;
    }
    *slot = (uint8_t)(*slot + 1);
    log->sector = log->sector == 0 ? 1 : 0;
    return true;
}
