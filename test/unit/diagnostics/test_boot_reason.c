/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "diagnostics.h"
#include "unity.h"

TEST_CASE("a restart by a watchdog is told as that, and which", "[diagnostics]")
{
    TEST_ASSERT_EQUAL_STRING("task watchdog", diagnostics_boot_reason_text(ESP_RST_TASK_WDT));
    TEST_ASSERT_EQUAL_STRING("interrupt watchdog", diagnostics_boot_reason_text(ESP_RST_INT_WDT));
    TEST_ASSERT_EQUAL_STRING("other watchdog", diagnostics_boot_reason_text(ESP_RST_WDT));
}

TEST_CASE("reasons that call for different things to be done have different texts", "[diagnostics]")
{
    static const esp_reset_reason_t reasons[] = {
        ESP_RST_UNKNOWN, ESP_RST_POWERON, ESP_RST_EXT, ESP_RST_SW, ESP_RST_PANIC, ESP_RST_TASK_WDT, ESP_RST_BROWNOUT,
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        ROW("reasons[%zu]", i);
        for (size_t k = 0; k < i; k++) {
            TEST_ASSERT_TRUE(
                strcmp(diagnostics_boot_reason_text(reasons[i]), diagnostics_boot_reason_text(reasons[k])) != 0);
        }
    }
}
