/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief The macros of the Unity framework that the suites use, for Linux. On the chip ESP-IDF brings the real Unity.
 */

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct unity_case {
    const char *name;
    const char *tag;
    const char *file;
    int line;
    void (*run)(void);
    struct unity_case *next;
} unity_case_t;

/** What the suites use of Unity's state: the detail that a failure is printed with, text that outlives the assertion.
 */
struct UNITY_STORAGE_T {
    const char *CurrentDetail1;
};
extern struct UNITY_STORAGE_T Unity;
#define UNITY_SET_DETAIL(detail) (Unity.CurrentDetail1 = (detail))

void unity_register(unity_case_t *test_case);
void unity_assert(bool ok, int line, const char *expected, const char *what);
void unity_assert_int(int64_t expected, int64_t actual, int line, const char *what);
void unity_assert_hex(uint64_t expected, uint64_t actual, int line, const char *what);
void unity_assert_order(bool less, bool or_equal, int64_t threshold, int64_t actual, int line, const char *what);
void unity_assert_memory(const void *expected, const void *actual, size_t length, int line, const char *what);
void unity_assert_string(const char *expected, const char *actual, int line, const char *what);
void unity_ignore(int line, const char *why) __attribute__((noreturn));

#define UNITY_JOIN2(a, b) a##b
#define UNITY_JOIN(a, b)  UNITY_JOIN2(a, b)
#define TEST_CASE(case_name, case_tag)                                                                                 \
    static void UNITY_JOIN(unity_run_, __LINE__)(void);                                                                \
    __attribute__((constructor)) static void UNITY_JOIN(unity_add_, __LINE__)(void)                                    \
    {                                                                                                                  \
        static unity_case_t test_case = {case_name, case_tag, __FILE__, __LINE__, UNITY_JOIN(unity_run_, __LINE__),    \
                                         NULL};                                                                        \
        unity_register(&test_case);                                                                                    \
    }                                                                                                                  \
    static void UNITY_JOIN(unity_run_, __LINE__)(void)

#define TEST_ASSERT_TRUE(condition)                       unity_assert((condition), __LINE__, "Expected TRUE Was FALSE", #condition)
#define TEST_ASSERT_FALSE(condition)                      unity_assert(!(condition), __LINE__, "Expected FALSE Was TRUE", #condition)
#define TEST_ASSERT_TRUE_MESSAGE(condition, why)          unity_assert((condition), __LINE__, "Expected TRUE Was FALSE", (why))
#define TEST_ASSERT_NULL(pointer)                         unity_assert((pointer) == NULL, __LINE__, "Expected NULL", #pointer)
#define TEST_ASSERT_NOT_NULL(pointer)                     unity_assert((pointer) != NULL, __LINE__, "Expected Non-NULL", #pointer)
#define TEST_IGNORE_MESSAGE(why)                          unity_ignore(__LINE__, why)
#define TEST_ASSERT_EQUAL(expected, actual)               unity_assert_int((int64_t)(expected), (int64_t)(actual), __LINE__, #actual)
#define TEST_ASSERT_EQUAL_INT32(expected, actual)         TEST_ASSERT_EQUAL(expected, actual)
#define TEST_ASSERT_EQUAL_INT64(expected, actual)         TEST_ASSERT_EQUAL(expected, actual)
#define TEST_ASSERT_EQUAL_UINT8(expected, actual)         TEST_ASSERT_EQUAL(expected, actual)
#define TEST_ASSERT_EQUAL_UINT16(expected, actual)        TEST_ASSERT_EQUAL(expected, actual)
#define TEST_ASSERT_EQUAL_UINT32(expected, actual)        TEST_ASSERT_EQUAL(expected, actual)
#define TEST_ASSERT_EQUAL_HEX8(expected, actual)          unity_assert_hex((expected), (actual), __LINE__, #actual)
#define TEST_ASSERT_EQUAL_HEX16(expected, actual)         unity_assert_hex((expected), (actual), __LINE__, #actual)
#define TEST_ASSERT_EQUAL_STRING(expected, actual)        unity_assert_string((expected), (actual), __LINE__, #actual)
#define TEST_ASSERT_EQUAL_MEMORY(expected, actual, n)     unity_assert_memory((expected), (actual), (n), __LINE__, #actual)
#define TEST_ASSERT_EQUAL_HEX8_ARRAY(expected, actual, n) TEST_ASSERT_EQUAL_MEMORY(expected, actual, n)

#define TEST_ASSERT_LESS_THAN(threshold, actual)                                                                       \
    unity_assert_order(true, false, (int64_t)(threshold), (int64_t)(actual), __LINE__, #actual)
#define TEST_ASSERT_LESS_OR_EQUAL(threshold, actual)                                                                   \
    unity_assert_order(true, true, (int64_t)(threshold), (int64_t)(actual), __LINE__, #actual)
#define TEST_ASSERT_GREATER_THAN(threshold, actual)                                                                    \
    unity_assert_order(false, false, (int64_t)(threshold), (int64_t)(actual), __LINE__, #actual)
#define TEST_ASSERT_GREATER_OR_EQUAL(threshold, actual)                                                                \
    unity_assert_order(false, true, (int64_t)(threshold), (int64_t)(actual), __LINE__, #actual)
