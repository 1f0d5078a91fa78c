/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tinybms_snapshot.h"

#include "tinybms_registers.h"

enum {
    REG_VOLTAGE = 36,
    REG_CURRENT = 38,
    REG_SOH = 45,
    REG_SOC = 46,
    REG_STATUS = 50,
    REG_CELLS = 53,
};

static bool status_plausible(uint16_t status)
{
    return status == 0x91 || status == 0x92 || status == 0x93 || status == 0x96 || status == 0x97 ||
           status == TINYBMS_STATUS_FAULT;
}

bool tinybms_live_plausible(const uint16_t *live)
{
    int32_t millivolts = 0;
    int32_t milliamperes = 0;
    const uint32_t soc = live[REG_SOC] | ((uint32_t)live[REG_SOC + 1] << 16);
    return tinybms_float_to_milli(live[REG_VOLTAGE], live[REG_VOLTAGE + 1], &millivolts) &&
           tinybms_float_to_milli(live[REG_CURRENT], live[REG_CURRENT + 1], &milliamperes) && millivolts >= 0 &&
           millivolts <= 80000 && milliamperes >= -1000000 && milliamperes <= 1000000 && soc <= 100000000U &&
           live[REG_SOH] <= 50000 && live[REG_CELLS] <= 16 && status_plausible(live[REG_STATUS]);
}
