/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The plausibility check of a live block. Raw registers need no other code. */
#include "tinybms_snapshot.h"

#include "tinybms_addresses.h"
#include "tinybms_registers.h"

static bool status_plausible(uint16_t status)
{
    return status == 0x91 || status == 0x92 || status == 0x93 || status == 0x96 || status == 0x97 ||
           status == TINYBMS_STATUS_FAULT;
}

bool tinybms_live_plausible(const uint16_t *live)
{
    int32_t millivolts = 0;
    int32_t milliamperes = 0;
    const uint32_t soc = live[TINYBMS_REG_STATE_OF_CHARGE] | ((uint32_t)live[TINYBMS_REG_STATE_OF_CHARGE + 1] << 16);
    return tinybms_float_to_milli(live[TINYBMS_REG_PACK_VOLTAGE], live[TINYBMS_REG_PACK_VOLTAGE + 1], &millivolts) &&
           tinybms_float_to_milli(live[TINYBMS_REG_PACK_CURRENT], live[TINYBMS_REG_PACK_CURRENT + 1], &milliamperes) &&
           millivolts >= 0 && millivolts <= 80000 && milliamperes >= -1000000 && milliamperes <= 1000000 &&
           soc <= 100000000U && live[TINYBMS_REG_STATE_OF_HEALTH] <= 50000 &&
           live[TINYBMS_REG_CELLS_DETECTED] <= TINYBMS_CELL_REGISTERS &&
           status_plausible(live[TINYBMS_REG_ONLINE_STATUS]);
}
