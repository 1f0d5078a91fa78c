/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <string.h>

#include "../row.h"
#include "json_stream.h"
#include "unity.h"

static char s_text[256];
static json_stream_t s_json;

static void begin(void)
{
    json_stream_init(&s_json, s_text, sizeof(s_text), NULL, NULL);
}

static const char *ended(void)
{
    TEST_ASSERT_TRUE(json_stream_end(&s_json));
    return s_text;
}

TEST_CASE("members are separated by commas, also behind an object that is closed", "[json_stream]")
{
    begin();
    json_object(&s_json, NULL);
    json_array(&s_json, "none");
    json_close(&s_json);
    json_object(&s_json, "inner");
    json_bool(&s_json, "yes", true);
    json_bool(&s_json, "no", false);
    json_close(&s_json);
    json_array(&s_json, "list");
    json_int(&s_json, NULL, 1);
    json_null(&s_json, NULL);
    json_object(&s_json, NULL);
    json_close(&s_json);
    json_close(&s_json);
    json_int_or_null(&s_json, "known", true, -5);
    json_int_or_null(&s_json, "unknown", false, -5);
    json_close(&s_json);
    TEST_ASSERT_EQUAL_STRING("{\"none\":[],\"inner\":{\"yes\":true,\"no\":false},\"list\":[1,null,{}],\"known\":-5,"
                             "\"unknown\":null}",
                             ended());
}

TEST_CASE("the extremes of 64 bits are written in full", "[json_stream]")
{
    begin();
    json_array(&s_json, NULL);
    json_int(&s_json, NULL, INT64_MIN);
    json_int(&s_json, NULL, INT64_MAX);
    json_decimal(&s_json, NULL, INT64_MIN, 3);
    json_close(&s_json);
    TEST_ASSERT_EQUAL_STRING("[-9223372036854775808,9223372036854775807,-9223372036854775.808]", ended());
}

TEST_CASE("a decimal is exact and has no zeros at its end", "[json_stream]")
{
    static const struct {
        int64_t value;
        unsigned digits;
        const char *text;
    } cases[] = {
        {0, 3, "0"},       {4200, 3, "4.2"},      {-5, 1, "-0.5"},       {-1, 4, "-0.0001"}, {100, 0, "100"},
        {1000000, 6, "1"}, {7, 9, "0.000000007"}, {-12340, 2, "-123.4"}, {10, 1, "1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        begin();
        json_decimal(&s_json, NULL, cases[i].value, cases[i].digits);
        TEST_ASSERT_EQUAL_STRING(cases[i].text, ended());
    }
}

TEST_CASE("a text is escaped, so that any bytes give valid JSON in ASCII", "[json_stream]")
{
    begin();
    json_text(&s_json, NULL, "a\"b\\c\n\x01\x7f\xff/");
    TEST_ASSERT_EQUAL_STRING("\"a\\\"b\\\\c\\u000a\\u0001\\u007f\\u00ff/\"", ended());
    begin();
    json_text(&s_json, NULL, NULL);
    TEST_ASSERT_EQUAL_STRING("null", ended());
}

TEST_CASE("what does not fit into the buffer is an error, and nothing is written behind it", "[json_stream]")
{
    char small[6];
    json_stream_t json;
    memset(s_text, 'x', sizeof(s_text));
    json_stream_init(&json, small, sizeof(small), NULL, NULL);
    json_text(&json, NULL, "abc");
    TEST_ASSERT_TRUE(json_stream_end(&json));
    TEST_ASSERT_EQUAL_STRING("\"abc\"", small);
    json_stream_init(&json, small, sizeof(small), NULL, NULL);
    json_text(&json, NULL, "abcd");
    TEST_ASSERT_FALSE(json_stream_end(&json));
    TEST_ASSERT_EQUAL('\0', small[5]);
}

TEST_CASE("an object that is not closed is an error", "[json_stream]")
{
    begin();
    json_object(&s_json, NULL);
    TEST_ASSERT_FALSE(json_stream_end(&s_json));
}

typedef struct {
    char text[128];
    size_t length;
    size_t calls;
    size_t fails_at;
} sink_t;

static bool take(void *context, const char *bytes, size_t length)
{
    sink_t *const sink = context;
    sink->calls++;
    if (sink->calls == sink->fails_at) {
        return false;
    }
    memcpy(&sink->text[sink->length], bytes, length);
    sink->length += length;
    return true;
}

TEST_CASE("through a sink the text does not depend on the size of the buffer", "[json_stream]")
{
    static const char expected[] = "{\"number\":1234567890,\"text\":\"a long enough text\",\"volts\":3.355}";
    for (size_t size = 2; size <= 64; size++) {
        ROW("size %zu", size);
        char buffer[64];
        sink_t sink = {0};
        json_stream_t json;
        json_stream_init(&json, buffer, size, take, &sink);
        json_object(&json, NULL);
        json_int(&json, "number", 1234567890);
        json_text(&json, "text", "a long enough text");
        json_decimal(&json, "volts", 3355, 3);
        json_close(&json);
        TEST_ASSERT_TRUE(json_stream_end(&json));
        TEST_ASSERT_EQUAL(strlen(expected), sink.length);
        TEST_ASSERT_EQUAL_MEMORY(expected, sink.text, sink.length);
    }
}

TEST_CASE("behind a sink that fails nothing more is written", "[json_stream]")
{
    char buffer[4];
    sink_t sink = {.fails_at = 2};
    json_stream_t json;
    json_stream_init(&json, buffer, sizeof(buffer), take, &sink);
    json_text(&json, NULL, "a text of several buffers");
    TEST_ASSERT_FALSE(json_stream_end(&json));
    TEST_ASSERT_EQUAL(2, sink.calls);
    TEST_ASSERT_EQUAL(3, sink.length);
}

TEST_CASE("a formatted piece above 127 characters is an error, not cut off", "[json_stream]")
{
    begin();
    json_rawf(&s_json, "%127s", "x");
    TEST_ASSERT_TRUE(json_stream_end(&s_json));
    begin();
    json_rawf(&s_json, "%128s", "x");
    TEST_ASSERT_FALSE(json_stream_end(&s_json));
}
