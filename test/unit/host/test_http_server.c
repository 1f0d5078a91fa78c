/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* Requests to the HTTP server of the Linux build, by clients that say exactly these bytes; for Linux only. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../row.h"
#include "http_peer.h"
#include "unity.h"

#define GET_ROOT "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static httpd_handle_t s_server;

static void begin(void)
{
    const httpd_config_t config = http_peer_config();
    s_server = http_peer_start(&config);
    http_peer_route(s_server, "/", HTTP_GET, http_peer_ok);
}

static void end(void)
{
    http_peer_stop(s_server);
}

/** The status of the answer; 0: none. */
static int status_of(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(&answer[9], NULL, 10) : 0;
}

static int ask(const char *text)
{
    return status_of(http_peer_ask(text));
}

TEST_CASE("a request is answered, and the connection serves the next one", "[host]")
{
    begin();
    const int fd = http_peer_connect();
    for (int i = 0; i < 3; i++) {
        ROW("request %d", i);
        http_peer_say(fd, GET_ROOT);
        TEST_ASSERT_EQUAL_STRING("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok",
                                 http_peer_hear(fd));
    }
    (void)close(fd);
    end();
}

TEST_CASE("requests that come together are answered one after the other", "[host]")
{
    begin();
    const int fd = http_peer_connect();
    http_peer_say(fd, GET_ROOT GET_ROOT "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
    TEST_ASSERT_EQUAL(200, status_of(http_peer_hear(fd)));
    /* The chip looks at bytes that it has kept only when something else happens; a connection is enough. */
    const int other = http_peer_connect();
    TEST_ASSERT_EQUAL(200, status_of(http_peer_hear(fd)));
    (void)close(other);
    TEST_ASSERT_EQUAL(404, status_of(http_peer_hear(fd)));
    (void)close(fd);
    end();
}

TEST_CASE("a request that comes byte by byte is answered", "[host]")
{
    begin();
    const int fd = http_peer_connect();
    for (const char *at = GET_ROOT; *at != '\0'; at++) {
        http_peer_say_bytes(fd, at, 1);
    }
    TEST_ASSERT_EQUAL(200, status_of(http_peer_hear(fd)));
    (void)close(fd);
    end();
}

TEST_CASE("the statuses of what the server does not take", "[host]")
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404},
        {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 400}, /* never 501: the parser does not tell it from nonsense */
        {"SOURCE / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 400},
        {"GET /\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/1.0\r\nHost: a\r\n\r\n", 200},
        {"GET / HTTX/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET nothing HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /\t HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 200},
        {"GET / HTTP/1.1\r\nHo st: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n\rX", 400},
        {"GET / HTTP/1.1\r\n\rX", 400},
        {"GET / HTTP/1.1\nHost: a\n\n", 200},
        {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 200},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 400},
        {"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    };
    begin();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("%s", cases[i].request);
        TEST_ASSERT_EQUAL(cases[i].status, ask(cases[i].request));
    }
    end();
}

TEST_CASE("an answer of the server itself ends the connection", "[host]")
{
    static const char *const requests[] = {
        "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "\x16\x03\x01",
    };
    begin();
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        ROW("%s", requests[i]);
        const int fd = http_peer_connect();
        http_peer_say(fd, requests[i]);
        TEST_ASSERT_TRUE(status_of(http_peer_hear(fd)) >= 400);
        TEST_ASSERT_TRUE(http_peer_closed(fd));
        (void)close(fd);
    }
    end();
}

static int ask_with_path(size_t length)
{
    char text[1200];
    TEST_ASSERT_TRUE(length < 1000);
    memset(text, 'x', sizeof(text));
    memcpy(text, "GET /", 5);
    (void)strcpy(&text[4 + length], " HTTP/1.1\r\nHost: a\r\n\r\n");
    return ask(text);
}

TEST_CASE("a request line above 512 bytes is answered with 414", "[host]")
{
    begin(); /* "GET " and " HTTP/1.1" with its line end count, and the first character of the header behind them */
    TEST_ASSERT_EQUAL(404, ask_with_path(512 - 4 - 11 - 1));
    TEST_ASSERT_EQUAL(414, ask_with_path(512 - 4 - 11 + 1));
    TEST_ASSERT_EQUAL(414, ask_with_path(512));
    TEST_ASSERT_EQUAL(414, ask_with_path(900));
    end();
}

/** Headers of `length` bytes with the empty line behind them. */
static int ask_with_headers(size_t length)
{
    char text[2400];
    const size_t line = strlen("GET / HTTP/1.1\r\n");
    TEST_ASSERT_TRUE(length < 2000);
    memset(text, 'x', sizeof(text));
    memcpy(text, "GET / HTTP/1.1\r\nA: ", line + 3);
    (void)strcpy(&text[line + length - 4], "\r\n\r\n");
    return ask(text);
}

TEST_CASE("headers above 1024 bytes are answered with 431", "[host]")
{
    begin();
    TEST_ASSERT_EQUAL(200, ask_with_headers(1000));
    TEST_ASSERT_EQUAL(200, ask_with_headers(1024));
    TEST_ASSERT_EQUAL(431, ask_with_headers(1025));
    TEST_ASSERT_EQUAL(431, ask_with_headers(1900));
    end();
}

static esp_err_t show_headers(httpd_req_t *req)
{
    char value[8];
    char text[256];
    const esp_err_t err = httpd_req_get_hdr_value_str(req, "x-value", value, sizeof(value));
    (void)snprintf(text, sizeof(text), "%d '%s' %u %u %u", err == ESP_ERR_HTTPD_RESULT_TRUNC ? 1 : err,
                   err == ESP_OK || err == ESP_ERR_HTTPD_RESULT_TRUNC ? value : "",
                   (unsigned)httpd_req_get_hdr_value_len(req, "X-VALUE"),
                   (unsigned)httpd_req_get_hdr_value_len(req, "Host"),
                   (unsigned)httpd_req_get_hdr_value_len(req, "Nothing"));
    return httpd_resp_sendstr(req, text);
}

static const char *body_of(const char *answer)
{
    const char *const body = strstr(answer, "\r\n\r\n");
    return body == NULL ? "" : &body[4];
}

TEST_CASE("a handler reads headers by name, whatever their case", "[host]")
{
    static const struct {
        const char *header;
        const char *seen;
    } cases[] = {
        {"X-Value: abc\r\n", "0 'abc' 3 4 0"},           {"X-VALUE:abc\r\n", "0 'abc' 3 4 0"},
        {"x-value:   abc\r\n", "0 'abc' 3 4 0"},         {"X-Value:\r\n", "0 '' 0 4 0"},
        {"X-Value: \r\nA: b\r\n", "0 '' 0 4 0"},         {"X-Value: 1234567\r\n", "0 '1234567' 7 4 0"},
        {"X-Value: 12345678\r\n", "0 '1234567' 8 4 0"}, /* one character is lost without a word, as on the chip */
        {"X-Value: 123456789\r\n", "1 '1234567' 9 4 0"}, {"X-Val: abc\r\n", "261 '' 0 4 0"},
        {"X-Value: a\r\nX-Value: b\r\n", "0 'a' 1 4 0"},
    };
    char request[256];
    begin();
    http_peer_route(s_server, "/headers", HTTP_GET, show_headers);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("%s", cases[i].header);
        (void)snprintf(request, sizeof(request), "GET /headers HTTP/1.1\r\n%sHost: here\r\n\r\n", cases[i].header);
        TEST_ASSERT_EQUAL_STRING(cases[i].seen, body_of(http_peer_ask(request)));
        (void)snprintf(request, sizeof(request), "GET /headers HTTP/1.1\r\nHost: here\r\n%s\r\n", cases[i].header);
        TEST_ASSERT_EQUAL_STRING(cases[i].seen, body_of(http_peer_ask(request)));
    }
    end();
}

static esp_err_t show_query(httpd_req_t *req)
{
    char query[32];
    char text[128];
    const esp_err_t err = httpd_req_get_url_query_str(req, query, sizeof(query));
    (void)snprintf(text, sizeof(text), "%x %u '%s'", (unsigned)err, (unsigned)httpd_req_get_url_query_len(req),
                   err == ESP_OK ? query : "");
    return httpd_resp_sendstr(req, text);
}

TEST_CASE("a handler reads the query as it stands", "[host]")
{
    static const struct {
        const char *target;
        const char *seen;
    } cases[] = {
        {"/q", "105 0 ''"},
        {"/q?", "105 0 ''"},
        {"/q?a=b&c=%20d", "0 10 'a=b&c=%20d'"},
        {"/q?a#b", "0 1 'a'"},
        {"/q?1234567890123456789012345678901", "0 31 '1234567890123456789012345678901'"},
        {"/q?12345678901234567890123456789012", "b004 32 ''"},
    };
    char request[256];
    begin();
    http_peer_route(s_server, "/q", HTTP_GET, show_query);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("%s", cases[i].target);
        (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: here\r\n\r\n", cases[i].target);
        TEST_ASSERT_EQUAL_STRING(cases[i].seen, body_of(http_peer_ask(request)));
    }
    end();
}

TEST_CASE("a value is found in a query by its key", "[host]")
{
    static const struct {
        const char *query;
        esp_err_t err;
        const char *value;
    } cases[] = {
        {"key=1", ESP_OK, "1"},
        {"a=b&key=1", ESP_OK, "1"},
        {"KEY=1&key=2", ESP_OK, "1"},
        {"key=", ESP_OK, ""},
        {"key=&a=b", ESP_OK, ""},
        {"key=a=b", ESP_OK, "a=b"},
        {"key=1234567", ESP_OK, "1234567"},
        {"key=12345678", ESP_ERR_HTTPD_RESULT_TRUNC, ""},
        {"", ESP_ERR_NOT_FOUND, ""},
        {"key", ESP_ERR_NOT_FOUND, ""},
        {"keys=1", ESP_ERR_NOT_FOUND, ""},
        {"a&key=1", ESP_ERR_NOT_FOUND, ""}, /* as on the chip: a word without '=' spoils the one behind it */
        {"%6Bey=1", ESP_ERR_NOT_FOUND, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char value[8] = "";
        ROW("%s", cases[i].query);
        TEST_ASSERT_EQUAL(cases[i].err, httpd_query_key_value(cases[i].query, "key", value, sizeof(value)));
        TEST_ASSERT_EQUAL_STRING(cases[i].value, value);
    }
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_query_key_value(NULL, "key", NULL, 0));
}

TEST_CASE("a wildcard stands for the rest, a question mark for a character that may be missing", "[host]")
{
    static const struct {
        const char *template;
        const char *uri;
        bool match;
    } cases[] = {
        {"/path", "/path", true},
        {"/path", "/pat", false},
        {"/path", "/paths", false},
        {"/path*", "/path", true},
        {"/path*", "/paths/a", true},
        {"/path*", "/pat", false},
        {"/path/?", "/path", true},
        {"/path/?", "/path/", true},
        {"/path/?", "/path/a", false},
        {"/path/?", "/paths", false},
        {"/path/?*", "/path", true},
        {"/path/?*", "/path/", true},
        {"/path/?*", "/path/a/b", true},
        {"/path/?*", "/paths", false},
        {"/path/*?", "/path/a", true},
        {"*", "", true},
        {"*", "/anything", true},
        {"?", "", false},
        {"", "", true},
        {"", "/", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("%s and %s", cases[i].template, cases[i].uri);
        TEST_ASSERT_EQUAL(cases[i].match,
                          httpd_uri_match_wildcard(cases[i].template, cases[i].uri, strlen(cases[i].uri)));
    }
}

static esp_err_t say_uri(httpd_req_t *req)
{
    return httpd_resp_sendstr(req, req->user_ctx);
}

TEST_CASE("the first handler that matches serves a request", "[host]")
{
    httpd_config_t config = http_peer_config();
    config.uri_match_fn = httpd_uri_match_wildcard;
    config.max_uri_handlers = 3;
    s_server = http_peer_start(&config);
    const httpd_uri_t exact = {.uri = "/a/b", .method = HTTP_GET, .handler = say_uri, .user_ctx = "exact"};
    const httpd_uri_t wild = {.uri = "/a/*", .method = HTTP_GET, .handler = say_uri, .user_ctx = "wild"};
    const httpd_uri_t hidden = {.uri = "/a/c", .method = HTTP_GET, .handler = say_uri};
    const httpd_uri_t post = {.uri = "/a/c", .method = HTTP_POST, .handler = say_uri, .user_ctx = "post"};
    const httpd_uri_t other = {.uri = "/b", .method = HTTP_GET, .handler = say_uri};
    TEST_ASSERT_EQUAL(ESP_OK, httpd_register_uri_handler(s_server, &exact));
    TEST_ASSERT_EQUAL(ESP_OK, httpd_register_uri_handler(s_server, &wild));
    TEST_ASSERT_EQUAL(ESP_ERR_HTTPD_HANDLER_EXISTS, httpd_register_uri_handler(s_server, &hidden));
    TEST_ASSERT_EQUAL(ESP_OK, httpd_register_uri_handler(s_server, &post));
    TEST_ASSERT_EQUAL(ESP_ERR_HTTPD_HANDLERS_FULL, httpd_register_uri_handler(s_server, &other));
    TEST_ASSERT_EQUAL_STRING("exact", body_of(http_peer_ask("GET /a/b HTTP/1.1\r\nHost: a\r\n\r\n")));
    TEST_ASSERT_EQUAL_STRING("wild", body_of(http_peer_ask("GET /a/c HTTP/1.1\r\nHost: a\r\n\r\n")));
    TEST_ASSERT_EQUAL_STRING("post", body_of(http_peer_ask("POST /a/c HTTP/1.1\r\nHost: a\r\n\r\n")));
    TEST_ASSERT_EQUAL(405, ask("PUT /a/b HTTP/1.1\r\nHost: a\r\n\r\n"));
    TEST_ASSERT_EQUAL(ESP_OK, httpd_unregister_uri_handler(s_server, "/a/*", HTTP_GET));
    TEST_ASSERT_EQUAL(ESP_ERR_NOT_FOUND, httpd_unregister_uri_handler(s_server, "/a/*", HTTP_GET));
    TEST_ASSERT_EQUAL(405, ask("GET /a/c HTTP/1.1\r\nHost: a\r\n\r\n"));
    TEST_ASSERT_EQUAL(ESP_OK, httpd_unregister_uri(s_server, "/a/c"));
    TEST_ASSERT_EQUAL(404, ask("GET /a/c HTTP/1.1\r\nHost: a\r\n\r\n"));
    end();
}

static esp_err_t echo(httpd_req_t *req)
{
    char text[64];
    const int length = httpd_req_recv(req, text, sizeof(text));
    return length < 0 ? ESP_FAIL : httpd_resp_send(req, text, length);
}

TEST_CASE("a handler reads the body, and what it leaves is thrown away before the next request", "[host]")
{
    char request[300];
    begin();
    http_peer_route(s_server, "/echo", HTTP_POST, echo);
    http_peer_route(s_server, "/leave", HTTP_POST, http_peer_ok);
    const int fd = http_peer_connect();
    http_peer_say(fd, "POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
    TEST_ASSERT_EQUAL_STRING("hello", body_of(http_peer_hear(fd)));
    (void)snprintf(request, sizeof(request), "POST /leave HTTP/1.1\r\nContent-Length: 200\r\n\r\n%0200d", 0);
    http_peer_say(fd, request);
    TEST_ASSERT_EQUAL_STRING("ok", body_of(http_peer_hear(fd)));
    http_peer_say(fd, GET_ROOT);
    TEST_ASSERT_EQUAL_STRING("ok", body_of(http_peer_hear(fd)));
    (void)close(fd);
    end();
}

TEST_CASE("a body that does not come ends the connection", "[host]")
{
    begin();
    http_peer_route(s_server, "/leave", HTTP_POST, http_peer_ok);
    const int fd = http_peer_connect();
    http_peer_say(fd, "POST /leave HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe");
    TEST_ASSERT_EQUAL_STRING("ok", body_of(http_peer_hear(fd)));
    TEST_ASSERT_TRUE(http_peer_closed(fd));
    (void)close(fd);
    end();
}

/* The chip counts lengths in 32 bits, and knows no body in chunks: it takes the first chunk for a request. */
TEST_CASE("the length of a body has 32 bits, and chunks are no body", "[host]")
{
    begin();
    http_peer_route(s_server, "/leave", HTTP_POST, http_peer_ok);
    const int fd = http_peer_connect();
    http_peer_say(fd, "POST /leave HTTP/1.1\r\nContent-Length: 4294967298\r\n\r\nab" GET_ROOT);
    TEST_ASSERT_EQUAL_STRING("ok", body_of(http_peer_hear(fd)));
    (void)close(http_peer_connect());
    TEST_ASSERT_EQUAL_STRING("ok", body_of(http_peer_hear(fd)));
    http_peer_say(fd, "POST /leave HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
    TEST_ASSERT_EQUAL(200, status_of(http_peer_hear(fd)));
    (void)close(http_peer_connect());
    TEST_ASSERT_EQUAL(400, status_of(http_peer_hear(fd)));
    (void)close(fd);
    end();
}

static esp_err_t dress(httpd_req_t *req)
{
    char text[64];
    int refused = 0;
    int kept = 0;
    refused += httpd_resp_set_hdr(req, "A", "b\r\nC: d") == ESP_ERR_INVALID_ARG ? 1 : 0;
    refused += httpd_resp_set_hdr(req, "A\n", "b") == ESP_ERR_INVALID_ARG ? 1 : 0;
    refused += httpd_resp_set_status(req, "200 OK\r\nA: b") == ESP_ERR_INVALID_ARG ? 1 : 0;
    refused += httpd_resp_set_type(req, "text/plain\r") == ESP_ERR_INVALID_ARG ? 1 : 0;
    while (httpd_resp_set_hdr(req, "X", "y") == ESP_OK) {
        kept++;
    }
    (void)httpd_resp_set_status(req, "299 Fine");
    (void)httpd_resp_set_type(req, "text/plain");
    (void)snprintf(text, sizeof(text), "%d %d", refused, kept);
    return httpd_resp_sendstr(req, text);
}

TEST_CASE("an answer has status, type and headers, and none of them can smuggle a line", "[host]")
{
    httpd_config_t config = http_peer_config();
    config.max_resp_headers = 2;
    s_server = http_peer_start(&config);
    http_peer_route(s_server, "/", HTTP_GET, dress);
    TEST_ASSERT_EQUAL_STRING(
        "HTTP/1.1 299 Fine\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nX: y\r\nX: y\r\n\r\n4 2",
        http_peer_ask(GET_ROOT));
    end();
}

static esp_err_t chunks(httpd_req_t *req)
{
    (void)httpd_resp_set_type(req, HTTPD_TYPE_JSON);
    (void)httpd_resp_set_hdr(req, "Cache-Control", "no-store");
    return httpd_resp_sendstr_chunk(req, "[1,") == ESP_OK && httpd_resp_send_chunk(req, "0123456789]", 11) == ESP_OK
               ? httpd_resp_send_chunk(req, NULL, 0)
               : ESP_FAIL;
}

TEST_CASE("an answer in chunks", "[host]")
{
    begin();
    http_peer_route(s_server, "/chunks", HTTP_GET, chunks);
    TEST_ASSERT_EQUAL_STRING("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
                             "Cache-Control: no-store\r\n\r\n3\r\n[1,\r\nb\r\n0123456789]\r\n0\r\n\r\n",
                             http_peer_ask("GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n"));
    end();
}

static esp_err_t fail(httpd_req_t *req)
{
    (void)httpd_resp_sendstr(req, "sorry");
    return ESP_FAIL;
}

TEST_CASE("a handler that fails ends the connection", "[host]")
{
    begin();
    http_peer_route(s_server, "/fail", HTTP_GET, fail);
    const int fd = http_peer_connect();
    http_peer_say(fd, "GET /fail HTTP/1.1\r\nHost: a\r\n\r\n");
    TEST_ASSERT_EQUAL_STRING("sorry", body_of(http_peer_hear(fd)));
    TEST_ASSERT_TRUE(http_peer_closed(fd));
    (void)close(fd);
    end();
}

/** What web servers do with it: an answer of their own. */
static esp_err_t own_error(httpd_req_t *req, httpd_err_code_t error)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "error %d", (int)error);
    (void)httpd_resp_set_status(req, "418 Teapot");
    (void)httpd_resp_sendstr(req, text);
    return error == HTTPD_405_METHOD_NOT_ALLOWED || error == HTTPD_500_INTERNAL_SERVER_ERROR ? ESP_OK : ESP_FAIL;
}

TEST_CASE("an error handler answers, and says whether the connection stays", "[host]")
{
    static const struct {
        const char *request;
        httpd_err_code_t error;
        bool stays;
    } cases[] = {
        {"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", HTTPD_404_NOT_FOUND, false},
        {"PUT / HTTP/1.1\r\nHost: a\r\n\r\n", HTTPD_405_METHOD_NOT_ALLOWED, true},
        {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", HTTPD_505_VERSION_NOT_SUPPORTED, false},
        {"nonsense\r\n\r\n", HTTPD_400_BAD_REQUEST, false},
    };
    begin();
    for (int error = 0; error < HTTPD_ERR_CODE_MAX; error++) {
        TEST_ASSERT_EQUAL(ESP_OK, httpd_register_err_handler(s_server, (httpd_err_code_t)error, own_error));
    }
    TEST_ASSERT_EQUAL(ESP_ERR_INVALID_ARG, httpd_register_err_handler(s_server, HTTPD_ERR_CODE_MAX, own_error));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[32];
        ROW("%s", cases[i].request);
        const int fd = http_peer_connect();
        http_peer_say(fd, cases[i].request);
        (void)snprintf(expected, sizeof(expected), "error %d", (int)cases[i].error);
        TEST_ASSERT_EQUAL_STRING(expected, body_of(http_peer_hear(fd)));
        if (cases[i].stays) {
            http_peer_say(fd, GET_ROOT);
            TEST_ASSERT_EQUAL_STRING("ok", body_of(http_peer_hear(fd)));
        } else {
            TEST_ASSERT_TRUE(http_peer_closed(fd));
        }
        (void)close(fd);
    }
    end();
}
