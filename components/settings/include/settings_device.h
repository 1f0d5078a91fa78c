/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Name of this gateway in the network, in MQTT and in its web interface.
 *
 * @code{.c}
 * char name[SETTINGS_DEVICE_MAX + 1];
 * settings_device_name(settings, name); // "tinybms-a1b2c3"
 * @endcode
 */

#include "settings.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief The setting net.device or, while that is empty, "tinybms-" and the last three bytes of the MAC address. */
void settings_device_name(settings_handle_t handle, char name[SETTINGS_DEVICE_MAX + 1]);

#ifdef __cplusplus
}
#endif
