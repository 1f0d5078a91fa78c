/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "access_origin.h"
#include "unity.h"

#define DEVICE "gateway-1"
#define NAMES  "bms.example.org, nas,,Battery.Home.Arpa."

TEST_CASE("a host that names this gateway is allowed", "[access]")
{
    static const char *const hosts[] = {
        "192.168.4.1",
        "192.168.4.1:80",
        "0.0.0.0",
        "255.255.255.255:65535",
        "127.0.0.1:8080",
        "[::1]",
        "[fe80::1]:80",
        "[2001:db8::1]:443",
        "[::ffff:192.168.4.1]",
        "localhost",
        "LOCALHOST:8080",
        "localhost.",
        "gateway-1",
        "gateway-1:80",
        "Gateway-1",
        "gateway-1.local",
        "GATEWAY-1.LOCAL:80",
        "gateway-1.local.",
        "gateway-1.",
        "bms.example.org",
        "bms.example.org.",
        "BMS.example.org:1",
        "nas:8443",
        "battery.home.arpa",
        "nas:",
    };
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        ROW("%s", hosts[i]);
        TEST_ASSERT_TRUE(access_host_allowed(hosts[i], DEVICE, NAMES));
    }
}

TEST_CASE("a host that somebody else may have pointed at this gateway is refused", "[access]")
{
    static const char *const hosts[] = {
        "",
        ".",
        ":",
        ":80",
        "evil.example",
        "gateway-1.evil.example",
        "evil-gateway-1",
        "gateway-1.local.evil.example",
        "gateway-11",
        "gateway-1.lan",
        "gateway-1..",
        "gateway-1.local..",
        "localhost.evil.example",
        "evil.localhost",
        "bms.example.org.evil.example",
        "ms.example.org",
        "bms.example.org,nas",
        "bms.example.org, nas",
        ",",
        " nas",
        "nas ",
        "na",
        "192.168.4.1.evil.example",
        "192.168.4.1.nip.io",
        "192.168.4",
        "192.168.4.1.1",
        "192.168.4.256",
        "192.168.4.1000",
        "192.168..1",
        ".192.168.4.1",
        "0x7f.0.0.1",
        "2130706433",
        "1.2.3.4a",
        "gateway-1:80:80",
        "gateway-1:0",
        "gateway-1:65536",
        "gateway-1:123456",
        "gateway-1:8a",
        "gateway-1:-1",
        "gateway-1: 80",
        "evil.example:80",
        "gateway-1@evil.example",
        "user@gateway-1",
        "gateway-1/evil.example",
        "gateway-1#",
        "[",
        "[]",
        "[:]",
        "[::1",
        "::1",
        "fe80::1",
        "[::1]evil.example",
        "[::1].evil.example",
        "[::1%25eth0]",
        "[evil.example]",
        "[::g]",
        "[::1]:99999",
        "gateway-1\t",
        "gate\xC3\xA9way-1",
        "http://gateway-1",
    };
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        ROW("%s", hosts[i]);
        TEST_ASSERT_FALSE(access_host_allowed(hosts[i], DEVICE, NAMES));
    }
}

TEST_CASE("without further names there are none, and an empty one is no name", "[access]")
{
    TEST_ASSERT_TRUE(access_host_allowed("gateway-1", DEVICE, ""));
    TEST_ASSERT_FALSE(access_host_allowed("nas", DEVICE, ""));
    TEST_ASSERT_FALSE(access_host_allowed("nas", "", ""));
    TEST_ASSERT_FALSE(access_host_allowed(".local", "", ""));
    TEST_ASSERT_FALSE(access_host_allowed("", "", ","));
    TEST_ASSERT_FALSE(access_host_allowed(".", "", ",,"));
}

TEST_CASE("an origin of the same host and port is ours", "[access]")
{
    static const struct {
        const char *origin;
        const char *host;
    } cases[] = {
        {"http://gateway-1", "gateway-1"},
        {"http://gateway-1", "gateway-1:80"},
        {"http://gateway-1:80", "gateway-1"},
        {"HTTP://Gateway-1", "gateway-1"},
        {"http://gateway-1.", "gateway-1"},
        {"http://gateway-1:8080", "gateway-1:8080"},
        {"http://192.168.4.1", "192.168.4.1"},
        {"http://[fe80::1]:8080", "[FE80::1]:8080"},
        {"http://[::1]", "[::1]"},
        {"https://bms.example.org", "bms.example.org"},
        {"https://bms.example.org", "bms.example.org:443"},
        {"https://bms.example.org:443", "bms.example.org"},
        {"https://bms.example.org:8443", "bms.example.org:8443"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("%s", cases[i].origin);
        TEST_ASSERT_TRUE(access_origin_allowed(cases[i].origin, cases[i].host));
    }
}

TEST_CASE("any other origin is not ours", "[access]")
{
    static const struct {
        const char *origin;
        const char *host;
    } cases[] = {
        {"", "gateway-1"},
        {"null", "gateway-1"},
        {"null", "null"},
        {"http://", "gateway-1"},
        {"http://", ""},
        {"gateway-1", "gateway-1"},
        {"//gateway-1", "gateway-1"},
        {"file://gateway-1", "gateway-1"},
        {"ws://gateway-1", "gateway-1"},
        {"chrome-extension://gateway-1", "gateway-1"},
        {"http:gateway-1", "gateway-1"},
        {"http:/gateway-1", "gateway-1"},
        {"http:///gateway-1", "gateway-1"},
        {"http://evil.example", "gateway-1"},
        {"http://gateway-1.evil.example", "gateway-1"},
        {"http://gateway-1.local", "gateway-1"},
        {"http://gateway-1:8080", "gateway-1"},
        {"http://gateway-1", "gateway-1:8080"},
        {"http://gateway-1:81", "gateway-1:8080"},
        {"https://gateway-1", "gateway-1:80"},
        {"http://gateway-1", "gateway-1:443"},
        {"http://gateway-1:443", "gateway-1"},
        {"http://gateway-1/", "gateway-1"},
        {"http://gateway-1/path", "gateway-1"},
        {"http://gateway-1?", "gateway-1"},
        {"http://gateway-1@evil.example", "gateway-1"},
        {"http://evil@gateway-1", "gateway-1"},
        {"http://gateway-1:80@evil.example", "gateway-1"},
        {"http://gateway-1 http://evil.example", "gateway-1"},
        {"http://evil.example http://gateway-1", "gateway-1"},
        {"http://gateway-1, http://evil.example", "gateway-1"},
        {" http://gateway-1", "gateway-1"},
        {"http://gateway-1 ", "gateway-1"},
        {"http://gateway-1:", "gateway-1:x"},
        {"http://gateway-1:0", "gateway-1"},
        {"http://gateway-1:65616", "gateway-1:80"},
        {"http://gateway-1:4294967376", "gateway-1"},
        {"http://[::1", "[::1"},
        {"http://[::1]", "[::2]"},
        {"http://[::1]x", "[::1]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu] %s", i, cases[i].origin);
        TEST_ASSERT_FALSE(access_origin_allowed(cases[i].origin, cases[i].host));
    }
}
