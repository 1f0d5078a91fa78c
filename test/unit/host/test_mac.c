/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The MAC address of a gateway without a chip; for Linux only. Each case is a start of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "esp_mac.h"
#include "host.h"
#include "unity.h"

static char s_data[64];

static void begin(void)
{
    (void)strcpy(s_data, "/tmp/tinybms-mac-XXXXXX");
    TEST_ASSERT_NOT_NULL(mkdtemp(s_data));
}

static void end(void)
{
    char path[80];
    (void)snprintf(path, sizeof(path), "%s/mac", s_data);
    (void)unlink(path);
    TEST_ASSERT_EQUAL(0, rmdir(s_data));
}

/** The base address that a start with this data directory has. */
static void start(const char *data_dir, uint8_t mac[6])
{
    int ends[2];
    int status = -1;
    TEST_ASSERT_EQUAL(0, pipe(ends));
    const pid_t child = fork();
    TEST_ASSERT_TRUE(child >= 0);
    if (child == 0) {
        host_options.data_dir = data_dir;
        _exit(esp_read_mac(mac, ESP_MAC_BASE) == ESP_OK && write(ends[1], mac, 6) == 6 ? 0 : 1);
    }
    TEST_ASSERT_EQUAL(child, waitpid(child, &status, 0));
    TEST_ASSERT_EQUAL(0, status);
    TEST_ASSERT_EQUAL(6, read(ends[0], mac, 6));
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void put(const char *text)
{
    char path[80];
    (void)snprintf(path, sizeof(path), "%s/mac", s_data);
    FILE *const file = fopen(path, "we");
    TEST_ASSERT_NOT_NULL(file);
    TEST_ASSERT_TRUE(fputs(text, file) >= 0);
    TEST_ASSERT_EQUAL(0, fclose(file));
}

TEST_CASE("an address is locally administered and stays with its data", "[host]")
{
    uint8_t first[6];
    uint8_t second[6];
    begin();
    start(s_data, first);
    start(s_data, second);
    TEST_ASSERT_EQUAL_MEMORY(first, second, 6);
    TEST_ASSERT_EQUAL(0x02, first[0] & 0x03);
    end();
}

TEST_CASE("other data, or none, have another address", "[host]")
{
    uint8_t first[6];
    uint8_t second[6];
    start(NULL, first);
    start(NULL, second);
    TEST_ASSERT_TRUE(memcmp(first, second, 6) != 0);
}

TEST_CASE("the file may be written by hand, and nonsense in it is replaced", "[host]")
{
    static const uint8_t mine[6] = {0x02, 0x11, 0x22, 0xA1, 0xB2, 0xC3};
    static const char *const nonsense[] = {"", "nonsense", "02:11:22:a1:b2", "00:11:22:a1:b2:c3",
                                           "02:11:22:a1:b2:c3:d4"};
    uint8_t mac[6];
    begin();
    put("02:11:22:a1:b2:c3\n");
    start(s_data, mac);
    TEST_ASSERT_EQUAL_MEMORY(mine, mac, 6);
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        uint8_t again[6];
        put(nonsense[i]);
        start(s_data, mac);
        start(s_data, again);
        TEST_ASSERT_EQUAL(0x02, mac[0] & 0x03);
        TEST_ASSERT_EQUAL_MEMORY(mac, again, 6);
    }
    end();
}

TEST_CASE("each interface has its address, counted from that of the station", "[host]")
{
    uint8_t station[6];
    uint8_t other[6];
    TEST_ASSERT_EQUAL(ESP_OK, esp_read_mac(station, ESP_MAC_WIFI_STA));
    TEST_ASSERT_EQUAL(ESP_OK, esp_read_mac(other, ESP_MAC_WIFI_SOFTAP));
    TEST_ASSERT_EQUAL_MEMORY(station, other, 5);
    TEST_ASSERT_EQUAL(station[5] + 1, other[5]);
    TEST_ASSERT_EQUAL(ESP_OK, esp_read_mac(other, ESP_MAC_ETH));
    TEST_ASSERT_EQUAL(station[5] + 3, other[5]);
    TEST_ASSERT_EQUAL(ESP_OK, esp_read_mac(other, ESP_MAC_EFUSE_FACTORY));
    TEST_ASSERT_EQUAL_MEMORY(station, other, 6);
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_SUPPORTED, esp_read_mac(other, ESP_MAC_IEEE802154));
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, esp_read_mac(NULL, ESP_MAC_WIFI_STA));
}
