/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "json_reader.h"

#include <stdio.h>
#include <string.h>

#include "unity.h"

static char s_text[256];
static json_reader_t s_json;

static void begin(const char *text)
{
    TEST_ASSERT_LESS_THAN(sizeof(s_text), strlen(text));
    memset(s_text, '7', sizeof(s_text)); /* what stands behind would go on with a number */
    memcpy(s_text, text, strlen(text));
    json_reader_init(&s_json, s_text, strlen(text));
}

static json_token_t last_of(const char *text)
{
    begin(text);
    json_token_t token = json_next(&s_json);
    while (token != JSON_ERROR && token != JSON_END) {
        token = json_next(&s_json);
    }
    TEST_ASSERT_EQUAL(token, json_next(&s_json)); /* it stays so */
    return token;
}

TEST_CASE("members come with their keys, elements without", "[json_reader]")
{
    begin(" { \"a\" : 1 , \"b\" : [ true , { } , \"x\" ] , \"\" : null } ");
    TEST_ASSERT_EQUAL(JSON_OBJECT, json_next(&s_json));
    TEST_ASSERT_NULL(s_json.key);
    TEST_ASSERT_EQUAL(JSON_NUMBER, json_next(&s_json));
    TEST_ASSERT_EQUAL_STRING("a", s_json.key);
    TEST_ASSERT_EQUAL_STRING("1", s_json.text);
    TEST_ASSERT_EQUAL(JSON_ARRAY, json_next(&s_json));
    TEST_ASSERT_EQUAL_STRING("b", s_json.key);
    TEST_ASSERT_EQUAL(JSON_TRUE, json_next(&s_json));
    TEST_ASSERT_NULL(s_json.key);
    TEST_ASSERT_EQUAL(JSON_OBJECT, json_next(&s_json));
    TEST_ASSERT_EQUAL(JSON_CLOSE, json_next(&s_json));
    TEST_ASSERT_EQUAL(JSON_STRING, json_next(&s_json));
    TEST_ASSERT_EQUAL_STRING("x", s_json.text);
    TEST_ASSERT_EQUAL(JSON_CLOSE, json_next(&s_json));
    TEST_ASSERT_EQUAL(JSON_NULL, json_next(&s_json));
    TEST_ASSERT_EQUAL_STRING("", s_json.key);
    TEST_ASSERT_EQUAL(JSON_CLOSE, json_next(&s_json));
    TEST_ASSERT_NULL(s_json.key);
    TEST_ASSERT_EQUAL(JSON_END, json_next(&s_json));
    TEST_ASSERT_EQUAL(JSON_END, json_next(&s_json));
}

TEST_CASE("keys and strings stay where they are while reading goes on", "[json_reader]")
{
    begin("{\"one\":\"\\u0031\",\"two\":\"2\"}");
    (void)json_next(&s_json);
    TEST_ASSERT_EQUAL(JSON_STRING, json_next(&s_json));
    const char *const key = s_json.key;
    const char *const text = s_json.text;
    TEST_ASSERT_EQUAL(JSON_STRING, json_next(&s_json));
    TEST_ASSERT_EQUAL(JSON_CLOSE, json_next(&s_json));
    TEST_ASSERT_EQUAL(JSON_END, json_next(&s_json));
    TEST_ASSERT_EQUAL_STRING("one", key);
    TEST_ASSERT_EQUAL_STRING("1", text);
}

TEST_CASE("escapes become what they mean, in UTF-8", "[json_reader]")
{
    static const struct {
        const char *text;
        const char *meant;
    } rows[] = {
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u007f\\u0080\\u07FF\\u0800\\uffff\"", "A\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF"},
        {"\"\\ud83d\\uDE00\"", "\xF0\x9F\x98\x80"},
        {"\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"},
        {"\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"", "\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"},
        {"\"\x7F\"", "\x7F"},
        {"\"\"", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ROW("rows[%zu]", i);
        begin(rows[i].text);
        TEST_ASSERT_EQUAL(JSON_STRING, json_next(&s_json));
        TEST_ASSERT_EQUAL_STRING(rows[i].meant, s_json.text);
        TEST_ASSERT_EQUAL(JSON_END, json_next(&s_json));
    }
}

TEST_CASE("what is not JSON is refused", "[json_reader]")
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "{]",
        "[}",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1]]",
        "1 2",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\" 1}",
        "{\"a\":1,}",
        "{,}",
        "{1:2}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1 \"b\":2}",
        "f",
        "truE",
        "True",
        "nul",
        "falsey",
        "truetrue",
        "NaN",
        "-Infinity",
        "01",
        "-01",
        "+1",
        "-",
        "1.",
        ".5",
        "1.e3",
        "1e",
        "1e+",
        "1e-x",
        "0x10",
        "1_000",
        "--1",
        "1a",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\x41\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u\"",
        "\"\n\"",
        "\"\t\"",
        "\"\x1F\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud800x\"",
        "\"\\ud800\\n\"",
        "// 1",
        "1 /* */",
        "\x0B 1",
        "\xC2\xA0 1",
        "\xEF\xBB\xBF 1",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        TEST_ASSERT_TRUE_MESSAGE(last_of(bad[i]) == JSON_ERROR, bad[i]);
    }
}

TEST_CASE("bytes that are not UTF-8 are refused in strings and in keys", "[json_reader]")
{
    static const char *const bad[] = {
        "\x80",
        "\xBF",
        "\xC3",
        "\xC3\x28",
        "\xC0\x80",
        "\xC1\xBF",
        "\xE2\x82",
        "\xE2\x28\xA1",
        "\xE0\x9F\xBF",
        "\xED\xA0\x80",
        "\xED\xBF\xBF",
        "\xF0\x9F\x98",
        "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xF8\x88\x80\x80\x80",
        "\xFE",
        "\xFF",
    };
    char text[32];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ROW("bad[%zu]", i);
        (void)snprintf(text, sizeof(text), "\"%s\"", bad[i]);
        TEST_ASSERT_EQUAL(JSON_ERROR, last_of(text));
        (void)snprintf(text, sizeof(text), "\"%s", bad[i]); /* cut there */
        TEST_ASSERT_EQUAL(JSON_ERROR, last_of(text));
        (void)snprintf(text, sizeof(text), "{\"%s\":1}", bad[i]);
        TEST_ASSERT_EQUAL(JSON_ERROR, last_of(text));
    }
}

TEST_CASE("a NUL ends nothing", "[json_reader]")
{
    static const char *const texts[] = {"1", "\"a\"", "[1]"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const size_t length = strlen(texts[i]);
        for (size_t at = 0; at <= length; at++) {
            ROW("texts[%zu], NUL at %zu", i, at);
            memcpy(s_text, texts[i], at);
            s_text[at] = '\0';
            memcpy(&s_text[at + 1], &texts[i][at], length - at);
            json_reader_init(&s_json, s_text, length + 1);
            json_token_t token = json_next(&s_json);
            while (token != JSON_ERROR && token != JSON_END) {
                token = json_next(&s_json);
            }
            TEST_ASSERT_EQUAL(JSON_ERROR, token);
        }
    }
}

TEST_CASE("eight levels, and no more", "[json_reader]")
{
    TEST_ASSERT_EQUAL(JSON_END, last_of("[[[[[[[[]]]]]]]]"));
    TEST_ASSERT_EQUAL(JSON_END, last_of("[[[[[[[{},[],{}]]]]]]]"));
    TEST_ASSERT_EQUAL(JSON_ERROR, last_of("[[[[[[[[["));
    TEST_ASSERT_EQUAL(8, json_reader_error_at(&s_json));
    TEST_ASSERT_EQUAL(JSON_ERROR, last_of("{\"a\":[{\"a\":[{\"a\":[{\"a\":[{}]}]}]}]}"));
}

static void expect_number(const char *text, unsigned digits, bool there, int64_t expected)
{
    int64_t value = 12345;
    begin(text);
    ROW("%s with %u digits", text, digits);
    TEST_ASSERT_EQUAL(JSON_NUMBER, json_next(&s_json));
    TEST_ASSERT_EQUAL_STRING(text, s_json.text);
    TEST_ASSERT_EQUAL(there, json_scaled(&s_json, digits, &value));
    TEST_ASSERT_TRUE(value == (there ? expected : 12345));
    TEST_ASSERT_EQUAL(JSON_END, json_next(&s_json));
}

TEST_CASE("numbers are exact, or there is none", "[json_reader]")
{
    expect_number("0", 0, true, 0);
    expect_number("-0", 0, true, 0);
    expect_number("-0.0e999999999999", 0, true, 0);
    expect_number("80", 0, true, 80);
    expect_number("3.000", 0, true, 3);
    expect_number("1E2", 0, true, 100);
    expect_number("12300e-2", 0, true, 123);
    expect_number("12345e-2", 0, false, 0);
    expect_number("80.5", 0, false, 0);
    expect_number("4.2", 3, true, 4200);
    expect_number("-4.2005", 3, false, 0);
    expect_number("0.000000001", 9, true, 1);
    expect_number("0.0000000010000", 9, true, 1);
    expect_number("9223372036854775807", 0, true, INT64_MAX);
    expect_number("-9223372036854775808", 0, true, INT64_MIN);
    expect_number("9223372036854775808", 0, false, 0);
    expect_number("-9223372036854775809", 0, false, 0);
    expect_number("9.223372036854775807e18", 0, true, INT64_MAX);
    expect_number("92233720368547758070e-1", 0, true, INT64_MAX);
    expect_number("10000000000000000000", 0, false, 0);
    expect_number("18446744073709551617", 0, false, 0); /* 2^64 + 1 */
    expect_number("1e18", 0, true, INT64_C(1000000000000000000));
    expect_number("1e19", 0, false, 0);
    expect_number("1e4294967296", 0, false, 0);
    expect_number("1e-4294967296", 0, false, 0);
    expect_number("1e99999999999999999999", 9, false, 0);
    expect_number("0.00000000000000000000000000000000000000001e41", 0, true, 1);
}

TEST_CASE("only a number has a value", "[json_reader]")
{
    int64_t value = 0;
    begin("[\"5\", true, 5]");
    TEST_ASSERT_FALSE(json_integer(&s_json, &value));
    for (int i = 0; i < 3; i++) {
        (void)json_next(&s_json);
        TEST_ASSERT_FALSE(json_integer(&s_json, &value));
    }
    TEST_ASSERT_EQUAL(JSON_NUMBER, json_next(&s_json));
    TEST_ASSERT_TRUE(json_integer(&s_json, &value));
    TEST_ASSERT_EQUAL(5, value);
}

TEST_CASE("an object or array is passed over, whatever is in it", "[json_reader]")
{
    begin("[{\"a\":[1,{\"b\":2}],\"c\":\"]}\"},[[]],3,[4],5]");
    (void)json_next(&s_json);
    TEST_ASSERT_EQUAL(JSON_OBJECT, json_next(&s_json));
    TEST_ASSERT_TRUE(json_skip(&s_json));
    TEST_ASSERT_EQUAL(JSON_ARRAY, json_next(&s_json));
    TEST_ASSERT_TRUE(json_skip(&s_json));
    TEST_ASSERT_EQUAL(JSON_NUMBER, json_next(&s_json));
    TEST_ASSERT_TRUE(json_skip(&s_json));
    TEST_ASSERT_EQUAL(JSON_ARRAY, json_next(&s_json));
    TEST_ASSERT_EQUAL(JSON_NUMBER, json_next(&s_json));
    TEST_ASSERT_EQUAL(JSON_CLOSE, json_next(&s_json));
    TEST_ASSERT_EQUAL(JSON_NUMBER, json_next(&s_json));
    TEST_ASSERT_EQUAL_STRING("5", s_json.text);
    begin("[{\"a\":[1,}]");
    (void)json_next(&s_json);
    (void)json_next(&s_json);
    TEST_ASSERT_FALSE(json_skip(&s_json));
    TEST_ASSERT_FALSE(json_skip(&s_json));
}
