/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The version of the program, from version.txt. */
#include "esp_app_desc.h"

const esp_app_desc_t *esp_app_get_description(void)
{
    static const esp_app_desc_t description = {.version = TINYBMS_VERSION, .project_name = "tinybms-web-gateway"};
    return &description;
}
