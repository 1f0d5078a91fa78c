/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../../../components/access/access_cookie.h"
#include "../row.h"
#include "unity.h"

#define A8     "0123abcd"
#define B8     "ffffffff"
#define SECRET A8 A8 A8 A8 A8 A8 A8 A8
#define OTHER  B8 B8 B8 B8 B8 B8 B8 B8

TEST_CASE("the session is found among other cookies", "[access]")
{
    static const char *const headers[] = {
        "session=" SECRET,
        "theme=dark; session=" SECRET,
        "session=" SECRET "; theme=dark",
        "a=b;session=" SECRET ";c=d",
        "  session = " SECRET "\t",
        "session=; session=" SECRET,
        "session=abc; session=" SECRET, /* of another program on the same host */
        "session=\"x\"; session=" SECRET,
        "session=" SECRET "; session=" SECRET,
        "; ;;session=" SECRET ";;",
        "=; session=" SECRET,
        "a=b=c; session=" SECRET,
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        ROW("headers[%zu]", i);
        char secret[ACCESS_SECRET_LENGTH + 1];
        TEST_ASSERT_TRUE(access_cookie_find(headers[i], secret));
        TEST_ASSERT_EQUAL_STRING(SECRET, secret);
    }
}

TEST_CASE("what is no session, or could be somebody else's, is none", "[access]")
{
    static const char *const headers[] = {
        "",
        ";",
        "session",
        "session=",
        "session " SECRET,
        SECRET,
        "Session=" SECRET,
        "SESSION=" SECRET,
        "xsession=" SECRET,
        "session2=" SECRET,
        "__Host-session=" SECRET,
        "session=" SECRET "0",
        "session=0" SECRET,
        "session==" SECRET,
        "session=\"" SECRET "\"",
        "session=" A8 A8 A8 A8 A8 A8 A8 "0123abc",
        "session=" A8 A8 A8 A8 A8 A8 A8 "0123ABCD",
        "session=" A8 A8 A8 A8 A8 A8 A8 "0123abcg",
        "session=" A8 A8 A8 A8 A8 A8 A8 "0123 bcd",
        "session=" A8 A8 A8 A8 A8 A8 A8 "0123\x00"
        "bcd",
        "session=" SECRET ", session=" SECRET,
        "session=" SECRET "; session=" OTHER,
        "session=" OTHER "; x=y; session=" SECRET,
        "theme=dark, session=" SECRET,
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        ROW("headers[%zu]", i);
        char secret[ACCESS_SECRET_LENGTH + 1] = "x";
        TEST_ASSERT_FALSE(access_cookie_find(headers[i], secret));
        TEST_ASSERT_EQUAL_STRING("", secret);
    }
    char secret[ACCESS_SECRET_LENGTH + 1];
    TEST_ASSERT_FALSE(access_cookie_find(NULL, secret));
}

TEST_CASE("a token is found behind its scheme", "[access]")
{
    static const char *const headers[] = {
        "Bearer tbg_" SECRET,
        "bearer tbg_" SECRET,
        "BEARER   tbg_" SECRET "  ",
        "Bearer\ttbg_" SECRET,
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        ROW("headers[%zu]", i);
        char token[ACCESS_TOKEN_LENGTH + 1];
        TEST_ASSERT_EQUAL(ACCESS_BEARER_TOKEN, access_bearer_find(headers[i], token));
        TEST_ASSERT_EQUAL_STRING("tbg_" SECRET, token);
    }
}

TEST_CASE("a bearer that is no token of ours is told from another scheme", "[access]")
{
    static const struct {
        const char *header;
        access_bearer_t expected;
    } cases[] = {
        {NULL, ACCESS_BEARER_NONE},
        {"", ACCESS_BEARER_NONE},
        {"Basic YWRtaW46YWRtaW4=", ACCESS_BEARER_NONE},
        {"Bearertbg_" SECRET, ACCESS_BEARER_NONE},
        {" Bearer tbg_" SECRET, ACCESS_BEARER_NONE},
        {"tbg_" SECRET, ACCESS_BEARER_NONE},
        {"Bearer", ACCESS_BEARER_MALFORMED},
        {"Bearer ", ACCESS_BEARER_MALFORMED},
        {"Bearer tbg_", ACCESS_BEARER_MALFORMED},
        {"Bearer " SECRET, ACCESS_BEARER_MALFORMED},
        {"Bearer TBG_" SECRET, ACCESS_BEARER_MALFORMED},
        {"Bearer tbg_" SECRET "0", ACCESS_BEARER_MALFORMED},
        {"Bearer tbg_" SECRET " x", ACCESS_BEARER_MALFORMED},
        {"Bearer tbg_" SECRET ", Bearer tbg_" SECRET, ACCESS_BEARER_MALFORMED},
        {"Bearer tbg_" A8 A8 A8 A8 A8 A8 A8 "0123ABCD", ACCESS_BEARER_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        char token[ACCESS_TOKEN_LENGTH + 1] = "x";
        TEST_ASSERT_EQUAL(cases[i].expected, access_bearer_find(cases[i].header, token));
        TEST_ASSERT_EQUAL_STRING("", token);
    }
}
