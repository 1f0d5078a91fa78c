/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../../../components/access/access_code.h"
#include "../row.h"
#include "unity.h"

TEST_CASE("a code has ten characters that nobody mistakes, and uses all of its 50 bits", "[access]")
{
    bool seen[128] = {false};
    unsigned different = 0;
    for (unsigned bit = 0; bit < 8 * ACCESS_CODE_RANDOM; bit++) {
        ROW("bit %u", bit);
        uint8_t random[ACCESS_CODE_RANDOM] = {0};
        char zero[ACCESS_CODE_LENGTH + 1];
        char code[ACCESS_CODE_LENGTH + 1];
        access_code_make(random, zero);
        random[bit / 8] = (uint8_t)(1U << bit % 8);
        access_code_make(random, code);
        TEST_ASSERT_EQUAL(ACCESS_CODE_LENGTH, strlen(code));
        TEST_ASSERT_EQUAL(ACCESS_CODE_LENGTH, strspn(code, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"));
        different += strcmp(code, zero) == 0 ? 0 : 1;
    }
    TEST_ASSERT_EQUAL(50, different);
    for (unsigned value = 0; value < 256; value++) {
        uint8_t random[ACCESS_CODE_RANDOM];
        char code[ACCESS_CODE_LENGTH + 1];
        memset(random, (int)value, sizeof(random));
        access_code_make(random, code);
        for (size_t i = 0; i < ACCESS_CODE_LENGTH; i++) {
            seen[(unsigned char)code[i]] = true;
        }
    }
    unsigned letters = 0;
    for (size_t i = 0; i < sizeof(seen); i++) {
        letters += seen[i] ? 1 : 0;
    }
    TEST_ASSERT_EQUAL(32, letters);
}

TEST_CASE("a code is understood as people type it", "[access]")
{
    static const char *const typed[] = {
        "7K3MQ0R1XZ", "7k3mq0r1xz", "7K3MQ-0R1XZ", "7K3 MQ0 R1XZ", " 7k3mq0r1xz ",
        "7K3MQOR1XZ", "7k3mqoRlXz", "7K3MQORIXZ",  "7k3mqorixz",   "7-K-3-M-Q-0-R-1-X-Z",
    };
    for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
        ROW("%s", typed[i]);
        char code[ACCESS_CODE_LENGTH + 1];
        TEST_ASSERT_TRUE(access_code_normalise(typed[i], code));
        TEST_ASSERT_EQUAL_STRING("7K3MQ0R1XZ", code);
    }
}

TEST_CASE("what cannot be a code is none", "[access]")
{
    static const char *const typed[] = {
        "",
        "-",
        "7K3MQ0R1X",
        "7K3MQ0R1XZ7",
        "7K3MQ0R1XU",
        "7K3MQ0R1X!",
        "7K3MQ0R1X\t",
        "7K3MQ_0R1XZ",
        "7K3MQ0R1X\n",
        "7K3MQ0R1X\xC3\x84",
        "7K3MQ0R1X\x01",
        "                    ",
    };
    for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
        ROW("typed[%zu]", i);
        char code[ACCESS_CODE_LENGTH + 1];
        TEST_ASSERT_FALSE(access_code_normalise(typed[i], code));
    }
}
