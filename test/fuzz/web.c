/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "esp_log.h"
#include "event_bus.h"
#include "fuzz.h"
#include "host.h"
#include "httpd_address.h"
#include "settings.h"
#include "web_server.h"
#include "work.h"

#define PATIENCE_MS 20000
#define OPEN_FILES  16

static char s_flash[] = "/tmp/fuzz_web.XXXXXX";

static int remove_file(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_flash(void)
{
    (void)nftw(s_flash, remove_file, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
}

/** Else nothing but the refusal of a stranger would be reached. */
static void let_anybody_read(settings_handle_t settings, access_handle_t access)
{
    const settings_change_t change = {.id = SETTINGS_WEB_READ_OPEN, .value = {.number = 1}};
    const access_try_t who = {.address = "127.0.0.1"};
    char code[ACCESS_CODE_LENGTH + 1];
    settings_refusal_t refusal;
    fuzz_check(settings_save(settings, &change, 1, &refusal) == ESP_OK, "web.read_open");
    fuzz_check(access_setup_code(access, code) == ESP_OK, "the set-up code");
    fuzz_check(access_set_first_password(access, &who, code, "a password of fuzzing").outcome == ACCESS_GOOD,
               "the first password");
}

void web_start(void)
{
    const web_server_services_t services = {0};
    settings_handle_t settings = NULL;
    access_handle_t access = NULL;
    event_bus_handle_t bus = NULL;
    if (httpd_address_port() != 0) {
        return;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    esp_log_level_set("*", ESP_LOG_NONE);
    host_options.data_dir = mkdtemp(s_flash);
    fuzz_check(host_options.data_dir != NULL && atexit(remove_flash) == 0, "a directory");
    fuzz_check(httpd_address_open("127.0.0.1:0", NULL) == NULL, "a free port");
    fuzz_check(settings_open(&settings) == ESP_OK, "factory settings");
    fuzz_check(access_open(&access) == ESP_OK, "a set-up code");
    let_anybody_read(settings, access);
    fuzz_check(event_bus_create(&bus) == ESP_OK, "an event bus");
    fuzz_check(work_start(bus, NULL) == ESP_OK, "the task work");
    fuzz_check(web_server_start(bus, settings, access, &services) == ESP_OK, "the web server");
}

static int connect_client(void)
{
    const int one = 1;
    const struct linger reset = {.l_onoff = 1}; /* leaves no port in TIME_WAIT */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(httpd_address_port())};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    fuzz_check(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "the server listens");
    return fd;
}

/** False: the server has ended the connection, in order or not. */
static bool receive_some(int fd, char received[WEB_RECEIVED_MAX], size_t *length)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    fuzz_check(poll(&ready, 1, PATIENCE_MS) == 1, "the server answers or closes");
    fuzz_check(*length < WEB_RECEIVED_MAX, "an answer has an end");
    const ssize_t got = recv(fd, &received[*length], WEB_RECEIVED_MAX - *length, 0);
    *length += got > 0 ? (size_t)got : 0;
    return got > 0;
}

size_t web_say(const char *head, size_t head_length, const uint8_t *bytes, size_t length,
               char received[WEB_RECEIVED_MAX])
{
    size_t got = 0;
    const int fd = connect_client();
    if (head_length > 0) {
        (void)send(fd, head, head_length, MSG_NOSIGNAL);
    }
    if (length > 0) {
        (void)send(fd, bytes, length, MSG_NOSIGNAL);
    }
    (void)shutdown(fd, SHUT_WR);
    while (receive_some(fd, received, &got)) {
    }
    (void)close(fd);
    return got;
}

typedef struct {
    const char *at;
    size_t left;
} reader_t;

static void skip(reader_t *reader, size_t count)
{
    fuzz_check(count <= reader->left, "an answer is whole");
    reader->at += count;
    reader->left -= count;
}

/** The next line; its CRLF is skipped. */
static size_t take_line(reader_t *reader, const char **line)
{
    const char *const end = memmem(reader->at, reader->left, "\r\n", 2);
    fuzz_check(end != NULL, "a line has an end");
    const size_t length = (size_t)(end - reader->at);
    *line = reader->at;
    fuzz_check(memchr(*line, '\0', length) == NULL && memchr(*line, '\n', length) == NULL, "a line is a line");
    skip(reader, length + 2);
    return length;
}

static unsigned take_status(reader_t *reader)
{
    const char *line = NULL;
    const size_t length = take_line(reader, &line);
    fuzz_check(length > 13 && memcmp(line, "HTTP/1.1 ", 9) == 0 && line[12] == ' ', "a status line");
    const unsigned status = (unsigned)strtoul(&line[9], NULL, 10);
    fuzz_check(status >= 100 && status < 600, "a status");
    fuzz_check(status < 500 || status == 501 || status == 503 || status == 505, "no error of the server's own");
    return status;
}

typedef struct {
    bool has_length;
    bool chunked;
    size_t length;
} body_t;

static body_t take_headers(reader_t *reader)
{
    static const char of_length[] = "Content-Length: ";
    static const char of_coding[] = "Transfer-Encoding: chunked";
    body_t body = {.length = 0};
    const char *line = NULL;
    for (size_t length = 0; (length = take_line(reader, &line)) > 0;) {
        const char *const colon = memchr(line, ':', length);
        fuzz_check(colon != NULL && colon > line && memchr(line, ' ', (size_t)(colon - line)) == NULL, "a header");
        if (length > sizeof(of_length) - 1 && memcmp(line, of_length, sizeof(of_length) - 1) == 0) {
            fuzz_check(!body.has_length, "one length");
            body.has_length = true;
            body.length = strtoul(&line[sizeof(of_length) - 1], NULL, 10);
        }
        body.chunked = body.chunked || (length == sizeof(of_coding) - 1 && memcmp(line, of_coding, length) == 0);
    }
    fuzz_check(!body.has_length || !body.chunked, "a length or chunks");
    return body;
}

static void skip_chunks(reader_t *reader)
{
    const char *line = NULL;
    for (size_t size = 1; size > 0;) {
        fuzz_check(take_line(reader, &line) > 0 && strchr("0123456789abcdef", *line) != NULL, "the size of a chunk");
        size = strtoul(line, NULL, 16);
        skip(reader, size);
        fuzz_check(reader->left >= 2 && memcmp(reader->at, "\r\n", 2) == 0, "the end of a chunk");
        skip(reader, 2);
    }
}

size_t web_check_answers(const char *bytes, size_t length, unsigned *good)
{
    reader_t reader = {.at = bytes, .left = length};
    *good = 0;
    while (reader.left > 0) {
        const unsigned status = take_status(&reader);
        const body_t body = take_headers(&reader);
        *good += status == 200 ? 1U : 0U;
        if (status == 101) {
            break;
        }
        if (body.chunked) {
            skip_chunks(&reader);
        } else {
            skip(&reader, body.length); /* neither: HEAD */
        }
    }
    return length - reader.left;
}

void web_check_alive(void)
{
    static const char request[] = "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static char received[WEB_RECEIVED_MAX];
    unsigned good = 0;
    const size_t length = web_say(request, sizeof(request) - 1, NULL, 0, received);
    fuzz_check(web_check_answers(received, length, &good) == length && good == 1, "a good request is answered");
    fuzz_check(memmem(received, length, "\"api\":1", 7) != NULL, "as always");
}
