/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The pins of the ESP32, for drivers that check what they are given.
 */

#include <stdbool.h>

/** @brief 0..39 but 24 and 28..31, which it does not have. */
static inline bool gpio_pin_exists(int pin)
{
    return pin >= 0 && pin <= 39 && pin != 24 && (pin < 28 || pin > 31);
}

/** @brief 34..39 can only be read. */
static inline bool gpio_pin_drives(int pin)
{
    return gpio_pin_exists(pin) && pin < 34;
}
