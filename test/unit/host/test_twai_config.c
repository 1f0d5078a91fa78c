/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* What twai_new_node_onchip() of ESP-IDF v5.5.5 refuses on an ESP32, with which code, and in which order; a suite of
 * its own, because a node that was made stays. For Linux only. */
#include "esp_twai.h"
#include "esp_twai_onchip.h"
#include "twai_controller.h"
#include "unity.h"

static const twai_onchip_node_config_t s_good = {
    .io_cfg = {.tx = 5, .rx = 34, .quanta_clk_out = GPIO_NUM_NC, .bus_off_indicator = GPIO_NUM_NC},
    .bit_timing = {.bitrate = 500000},
    .tx_queue_depth = 1,
};

static void refused(esp_err_t code, const twai_onchip_node_config_t *config)
{
    twai_node_handle_t node = NULL;
    TEST_ASSERT_EQUAL(code, twai_new_node_onchip(config, &node));
    TEST_ASSERT_NULL(node);
}

static void bitrate_refused(uint32_t bitrate)
{
    twai_onchip_node_config_t config = s_good;
    config.bit_timing.bitrate = bitrate;
    refused(ESP_ERR_INVALID_ARG, &config);
}

static void pins_refused(gpio_num_t tx, gpio_num_t rx)
{
    twai_onchip_node_config_t config = s_good;
    config.io_cfg.tx = tx;
    config.io_cfg.rx = rx;
    refused(ESP_ERR_INVALID_ARG, &config);
}

/** As the driver looks at it, and only while the node is off. */
static void timing_is_refused_or_set(twai_node_handle_t node)
{
    const twai_timing_advanced_config_t good = {.brp = 16, .prop_seg = 4, .tseg_1 = 12, .tseg_2 = 3, .sjw = 1};
    twai_timing_advanced_config_t bad[] = {good, good, good, good, good, good};
    bad[0].brp = 0;
    bad[1].brp = 17;
    bad[2].sjw = 5;
    bad[3].tseg_1 = 17;
    bad[4].tseg_2 = 9;
    bad[5].tseg_2 = 0;
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_reconfig_timing(NULL, &good, NULL));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_reconfig_timing(node, NULL, NULL));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, twai_node_reconfig_timing(node, &bad[i], NULL));
    }
    TEST_ASSERT_EQUAL(500000, twai_controller_registers().bitrate);
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_enable(node));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_STATE, twai_node_reconfig_timing(node, &good, NULL));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_disable(node));
    TEST_ASSERT_EQUAL(ESP_OK, twai_node_reconfig_timing(node, &good, NULL));
    TEST_ASSERT_EQUAL(250000, twai_controller_registers().bitrate);
}

/** One case, because what comes after the node is made depends on it. */
TEST_CASE("what cannot be is refused, and there is one controller", "[host]")
{
    twai_onchip_node_config_t config = s_good;
    twai_node_handle_t node = NULL;

    config.tx_queue_depth = 0;
    refused(ESP_ERR_INVALID_ARG, &config);
    config = s_good;
    config.intr_priority = 4; /* 1 to 3 can be served in C */
    refused(ESP_ERR_INVALID_ARG, &config);
    config = s_good;
    config.flags.sleep_allow_pd = 1; /* an ESP32 cannot */
    refused(ESP_ERR_NOT_SUPPORTED, &config);
    config = s_good;
    config.timestamp_resolution_hz = 1000001;
    refused(ESP_ERR_INVALID_ARG, &config);
    config = s_good;
    config.data_timing.bitrate = 2000000; /* CAN FD */
    refused(ESP_ERR_INVALID_ARG, &config);

    bitrate_refused(0);
    bitrate_refused(10000);    /* 8000 clocks a bit: 25 quanta need a prescaler of 320 */
    bitrate_refused(123456);   /* 648 clocks a bit: 27 x 24, and prescalers are even */
    bitrate_refused(20000000); /* 2 x 2: two quanta cannot be sampled */

    pins_refused(34, 4); /* input only */
    pins_refused(24, 4); /* not there */
    pins_refused(-1, 4);
    pins_refused(5, 40);
    pins_refused(5, 28);
    pins_refused(5, -1);

    TEST_ASSERT_EQUAL(ESP_OK, twai_new_node_onchip(&s_good, &node));
    TEST_ASSERT_NOT_NULL(node);

    timing_is_refused_or_set(node);

    refused(ESP_ERR_NOT_FOUND, &s_good);
    config = s_good;
    config.io_cfg.tx = 34; /* looked at after the controller */
    refused(ESP_ERR_NOT_FOUND, &config);
    config.tx_queue_depth = 0; /* looked at before it */
    refused(ESP_ERR_INVALID_ARG, &config);
}
