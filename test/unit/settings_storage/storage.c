/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "storage.h"

#include <stdlib.h>

#include "flash_gate.h"
#include "host.h"
#include "nvs_flash.h"
#include "unity.h"

static char s_directory[] = "/tmp/tinybms-settings-XXXXXX";
settings_values_t s_values;

const esp_partition_t *limits(void)
{
    return esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_UNDEFINED, "limits");
}

settings_handle_t first_start(void)
{
    settings_handle_t settings = NULL;
    if (host_options.data_dir == NULL) {
        host_options.time_scale = 100; /* an erase takes 100 ms of it */
        host_options.data_dir = mkdtemp(s_directory);
    }
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_init());
    TEST_ASSERT_EQUAL(ESP_OK, flash_gate_take(0));
    TEST_ASSERT_EQUAL(ESP_OK, nvs_flash_erase());
    TEST_ASSERT_EQUAL(ESP_OK, esp_partition_erase_range(limits(), 0, 8192));
    flash_gate_give();
    TEST_ASSERT_EQUAL(ESP_OK, settings_open(&settings));
    return settings;
}

void restart(void)
{
    settings_handle_t settings = NULL;
    TEST_ASSERT_EQUAL(ESP_OK, settings_open(&settings));
    settings_get_all(settings, &s_values);
}

const char *text_after_restart(settings_id_t id)
{
    restart();
    return settings_text(&s_values, id);
}

int32_t number_after_restart(settings_id_t id)
{
    restart();
    return s_values.number[id];
}

settings_change_t text_change(settings_id_t id, const char *text)
{
    return (settings_change_t){.id = id, .value = {.text = text}};
}
