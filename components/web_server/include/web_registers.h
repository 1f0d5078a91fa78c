/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief Registers of the BMS in the bodies of requests: JSON to writes, and back. Values are decimals in the unit of
 * the register. No server, no RTOS.
 *
 * @code{.c}
 * char body[] = "{\"registers\": {\"over_voltage_cutoff\": 3.65}}";
 * tinybms_write_request_t requests[WEB_WRITABLE_COUNT];
 * size_t count = 0;
 * const web_body_t outcome =
 *     web_registers_values(body, sizeof(body) - 1, snapshot->settings, requests, &count, NULL, NULL);
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_stream.h"
#include "web_plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief What a body is. */
typedef enum {
    WEB_BODY_GOOD = 0,
    WEB_BODY_BAD_JSON,
    WEB_BODY_INVALID, /**< something in it cannot be, as was told */
} web_body_t;

/** @brief Is told what is wrong, and where: a JSON pointer into the body, "" = all of it. */
typedef void (*web_complain_t)(void *context, const char *path, const char *message);

/**
 * @brief Reads {"registers": {name: value}}; a profile is such a body. Other members are passed over.
 * @param body,length it is changed; one byte behind it must be writable
 * @param settings registers 300..343: a value that the BMS has already may be out of range
 * @param[out] requests room for WEB_WRITABLE_COUNT
 * @param[out] count of requests
 * @param complain,context is told what is wrong; NULL = nobody
 */
web_body_t web_registers_values(char *body, size_t length, const uint16_t settings[TINYBMS_SETTINGS_COUNT],
                                tinybms_write_request_t *requests, size_t *count, web_complain_t complain,
                                void *context);

/**
 * @brief Reads {"changes": [{"name", "from", "to"}], "confirm": bool}, one change or more. The other arguments as
 * above.
 */
web_body_t web_registers_changes(char *body, size_t length, tinybms_write_request_t *requests, size_t *count,
                                 web_complain_t complain, void *context);

/** @brief Writes a value in the unit of its register. */
void web_register_value(json_stream_t *json, const char *key, const tinybms_register_t *entry, int64_t raw);

/** @brief Whether a register belongs in a profile: it can be written, and reads as it was written. */
bool web_register_in_profile(const tinybms_register_t *entry);

#ifdef __cplusplus
}
#endif
