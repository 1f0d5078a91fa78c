/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief When the running image is good: everything that worked before the restart works again. Pure.
 *
 * A set of parts is a byte with one bit for each. Times are in ms since the start.
 *
 * @code{.c}
 * ota_seen_t seen = {0};
 * ota_seen(&seen, OTA_PART_BMS, now_ms); // each time the BMS answers
 * const uint8_t works = ota_seen_within(&seen, now_ms, OTA_WORKS_MS);
 * if (ota_confirm_good(ota_confirm_asked(NULL), works, now_ms)) {
 *     // confirm the running image
 * }
 * @endcode
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @brief What an image may break. The numbers are stored over restarts: only ever append. */
typedef enum {
    OTA_PART_BMS = 0, /**< the BMS answers */
    OTA_PART_CAN,     /**< frames are acknowledged */
    OTA_PART_COUNT
} ota_part_t;

#define OTA_PARTS_ALL      ((uint8_t)((1U << OTA_PART_COUNT) - 1U))
#define OTA_CONFIRM_AT_MS  120000 /**< nothing is decided before this uptime */
#define OTA_WORKED_MS      60000  /**< a part last seen working within this time "worked" */
#define OTA_WORKS_MS       5000   /**< a part last seen working within this time "works" */
#define OTA_STORE_EVERY_MS 60000  /**< shortest time between two saves of what worked */

/** @brief When each part was last seen working. */
typedef struct {
    int64_t seen_ms[OTA_PART_COUNT];
    uint8_t ever; /**< parts that have been seen at all */
} ota_seen_t;

/** @brief A part works at this moment. */
void ota_seen(ota_seen_t *seen, ota_part_t part, int64_t now_ms);

/** @brief The parts last seen working no more than `within_ms` ago. */
uint8_t ota_seen_within(const ota_seen_t *seen, int64_t now_ms, int64_t within_ms);

/**
 * @brief The parts that must work for the image to be good.
 * @param stored parts that worked before the restart, as any firmware version stored them; NULL = not known
 * @return those of them that this image knows; all parts if not known
 */
uint8_t ota_confirm_asked(const uint8_t *stored);

/**
 * @brief The only place that decides whether the running image is good.
 * @param asked parts that must work
 * @param works parts that work now
 * @param now_ms uptime, ms
 */
bool ota_confirm_good(uint8_t asked, uint8_t works, int64_t now_ms);

#ifdef __cplusplus
}
#endif
