/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Names of the error codes that the Linux build returns. */
#include "nvs.h"

const char *esp_err_to_name(esp_err_t code)
{
    static const struct {
        esp_err_t code;
        const char *name;
    } names[] = {
        {ESP_OK, "ESP_OK"},
        {ESP_FAIL, "ESP_FAIL"},
        {ESP_ERR_NO_MEM, "ESP_ERR_NO_MEM"},
        {ESP_ERR_INVALID_ARG, "ESP_ERR_INVALID_ARG"},
        {ESP_ERR_INVALID_STATE, "ESP_ERR_INVALID_STATE"},
        {ESP_ERR_INVALID_SIZE, "ESP_ERR_INVALID_SIZE"},
        {ESP_ERR_NOT_FOUND, "ESP_ERR_NOT_FOUND"},
        {ESP_ERR_NOT_SUPPORTED, "ESP_ERR_NOT_SUPPORTED"},
        {ESP_ERR_TIMEOUT, "ESP_ERR_TIMEOUT"},
        {ESP_ERR_NVS_NOT_INITIALIZED, "ESP_ERR_NVS_NOT_INITIALIZED"},
        {ESP_ERR_NVS_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND"},
        {ESP_ERR_NVS_TYPE_MISMATCH, "ESP_ERR_NVS_TYPE_MISMATCH"},
        {ESP_ERR_NVS_INVALID_LENGTH, "ESP_ERR_NVS_INVALID_LENGTH"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].code == code) {
            return names[i].name;
        }
    }
    return "UNKNOWN ERROR";
}
