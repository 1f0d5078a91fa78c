/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Request line and headers, read in blocks into the scratch buffer and given to the parser that ESP-IDF uses as well.
 * The parser is paused behind the request line, where the buffer is used anew for the headers, and at the body; what it
 * has not seen by then is kept for the next read. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "esp_log.h"
#include "httpd_private.h"

static const char *TAG = "httpd_parse";

typedef enum {
    AT_START,
    IN_URL,
    IN_FIELD,
    IN_VALUE,
    IN_BODY, /* the headers are complete */
    COMPLETE,
    FAILED,
} stage_t;

typedef struct {
    http_parser parser;
    http_parser_settings settings;
    httpd_req_t *req;
    stage_t stage;
    httpd_err_code_t error; /* why it failed */
    char *token;            /* in the scratch buffer: URL, name or value, whatever the stage is about */
    size_t token_length;
    bool paused;
    size_t seen;   /* of the bytes that were kept, those that the parser has seen */
    size_t filled; /* of the scratch buffer */
} parse_t;

static request_t *request_of(const parse_t *parse)
{
    return parse->req->aux;
}

/** Callbacks return it, and the parser gives up. */
static int fail(parse_t *parse, httpd_err_code_t error)
{
    parse->stage = FAILED;
    parse->error = error;
    return -1;
}

static void begin_token(parse_t *parse, stage_t stage, const char *at)
{
    const request_t *const request = request_of(parse);
    parse->stage = stage;
    parse->token = &request->scratch[at - request->scratch];
    parse->token_length = 0;
}

/** Stops the parser; the bytes from `at` on are read again later. */
static int pause_at(parse_t *parse, const char *at)
{
    const request_t *const request = request_of(parse);
    const size_t offset = (size_t)(at - request->scratch);
    if (offset > parse->filled || (offset < parse->filled && !httpd_keep(parse->req, at, parse->filled - offset))) {
        ESP_LOGE(TAG, "cannot keep the rest of a block");
        return fail(parse, HTTPD_500_INTERNAL_SERVER_ERROR);
    }
    parse->seen = parse->filled - offset; /* at most; parse_block() knows better when the parser has returned */
    parse->paused = true;
    http_parser_pause(&parse->parser, 1);
    return 0;
}

/* Debian's parser is compiled without HTTP_PARSER_STRICT and knows a method more than that of ESP-IDF: what is refused
 * there is refused here, in the callbacks. */

static bool strict_url(const char *at, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (at[i] == '\t' || at[i] == '\f' || ((unsigned char)at[i] & 0x80U) != 0) {
            return false;
        }
    }
    return true;
}

/** Behind the URL: nothing, or the protocol with a version that does not begin with 0. */
static bool strict_protocol(const parse_t *parse)
{
    const char *const end = &parse->token[parse->token_length];
    const char *const protocol = &end[strspn(end, " ")];
    return *protocol != 'H' || (strncmp(protocol, "HTTP/", 5) == 0 && protocol[5] != '0');
}

/** Without a header: is the line behind the request line an empty one? */
static bool strict_end(const parse_t *parse)
{
    const request_t *const request = request_of(parse);
    const size_t offset = (size_t)(parse->token - request->scratch);
    const char *const end = memchr(parse->token, '\n', parse->filled - offset);
    return end == NULL || end[1] != '\r' || end[2] == '\n';
}

static int check_request_line(parse_t *parse)
{
    httpd_req_t *const req = parse->req;
    request_t *const request = request_of(parse);
    const http_parser *const parser = &parse->parser;
    char *const uri = (char *)req->uri;
    req->method = (int)parser->method;
    if (parse->token_length >= sizeof(req->uri)) {
        return fail(parse, HTTPD_414_URI_TOO_LONG);
    }
    memcpy(uri, parse->token, parse->token_length);
    uri[parse->token_length] = '\0';
    if (!strict_protocol(parse)) {
        return fail(parse, HTTPD_400_BAD_REQUEST);
    }
    if (parser->http_major != 1 || parser->http_minor > 1) {
        ESP_LOGW(TAG, "HTTP version %d.%d", parser->http_major, parser->http_minor);
        return fail(parse, HTTPD_505_VERSION_NOT_SUPPORTED);
    }
    http_parser_url_init(&request->url);
    if (http_parser_parse_url(req->uri, parse->token_length, parser->method == HTTP_CONNECT, &request->url) != 0) {
        return fail(parse, HTTPD_400_BAD_REQUEST);
    }
    return 0;
}

static int on_url(http_parser *parser, const char *at, size_t length)
{
    parse_t *const parse = parser->data;
    if (parser->method > HTTP_UNLINK || !strict_url(at, length)) {
        return fail(parse, HTTPD_400_BAD_REQUEST);
    }
    if (parse->stage == AT_START) {
        begin_token(parse, IN_URL, at);
    } else if (parse->stage != IN_URL) {
        return fail(parse, HTTPD_500_INTERNAL_SERVER_ERROR);
    }
    parse->token_length += length;
    const httpd_config_t *const config = &((const server_t *)parse->req->handle)->config;
    const size_t most = config->max_uri_len > 0 ? config->max_uri_len : CONFIG_HTTPD_MAX_URI_LEN;
    return parse->token_length > most ? fail(parse, HTTPD_414_URI_TOO_LONG) : 0;
}

/** The request line is over: the headers begin where the scratch buffer begins. */
static int begin_headers(parse_t *parse, const char *at)
{
    const httpd_config_t *const config = &((const server_t *)parse->req->handle)->config;
    request_t *const request = request_of(parse);
    if (check_request_line(parse) != 0) {
        return -1;
    }
    begin_token(parse, IN_FIELD, request->scratch);
    request->scratch_limit = config->max_req_hdr_len > 0 ? config->max_req_hdr_len : CONFIG_HTTPD_MAX_REQ_HDR_LEN;
    return pause_at(parse, at);
}

static int on_header_field(http_parser *parser, const char *at, size_t length)
{
    parse_t *const parse = parser->data;
    if (memchr(at, ' ', length) != NULL) {
        return fail(parse, HTTPD_400_BAD_REQUEST);
    }
    if (parse->stage == IN_URL) {
        if (begin_headers(parse, at) != 0) {
            return -1;
        }
    } else if (parse->stage == IN_VALUE) {
        char *const end = &parse->token[parse->token_length];
        memset(end, '\0', (size_t)(at - end)); /* the end of the line before */
        begin_token(parse, IN_FIELD, at);
        request_of(parse)->header_count++;
    } else if (parse->stage != IN_FIELD) {
        return fail(parse, HTTPD_500_INTERNAL_SERVER_ERROR);
    }
    parse->token_length += length;
    return 0;
}

/** For an empty value the parser points behind the line; it begins behind the colon. */
static char *empty_value(char *at)
{
    do {
        at--;
    } while (*at != ':');
    return &at[1 + strspn(&at[1], " ")];
}

static int on_header_value(http_parser *parser, const char *at, size_t length)
{
    parse_t *const parse = parser->data;
    if (parse->stage == IN_FIELD) {
        if (length == 0 && at[-1] != '\n') {
            return fail(parse, HTTPD_400_BAD_REQUEST);
        }
        begin_token(parse, IN_VALUE, at);
        parse->token = length == 0 ? empty_value(parse->token) : parse->token;
    } else if (parse->stage != IN_VALUE) {
        return fail(parse, HTTPD_500_INTERNAL_SERVER_ERROR);
    }
    parse->token_length += length;
    return 0;
}

/** Overwrites the line ends behind the last header and sets the token to what follows; false: they are not all there.
 */
static bool end_headers(parse_t *parse)
{
    request_t *const request = request_of(parse);
    char *at = &parse->token[parse->token_length];
    unsigned lines = 2;
    for (size_t left = parse->filled - (size_t)(at - request->scratch); left > 0 && lines > 0; left--) {
        lines -= *at == '\n' ? 1 : 0;
        *at++ = '\0';
    }
    parse->token = at;
    request->header_count++;
    return lines == 0;
}

/** Only a WebSocket is an upgrade. */
static int check_upgrade(parse_t *parse)
{
#ifdef CONFIG_HTTPD_WS_SUPPORT
    char value[sizeof("websocket")];
    if (httpd_req_get_hdr_value_str(parse->req, "Upgrade", value, sizeof(value)) == ESP_OK &&
        strcasecmp(value, "websocket") == 0) {
        request_of(parse)->upgrade = true;
        return 0;
    }
#endif
    ESP_LOGW(TAG, "an upgrade to something else than a WebSocket");
    return fail(parse, HTTPD_400_BAD_REQUEST);
}

/** What the chip keeps of the length in 32 bits; 0 without a length, or with chunks. */
static size_t content_length(const http_parser *parser)
{
    const uint32_t length = (uint32_t)parser->content_length;
    return length == UINT32_MAX ? 0 : length;
}

static int on_headers_complete(http_parser *parser)
{
    parse_t *const parse = parser->data;
    request_t *const request = request_of(parse);
    if (parse->stage == IN_URL) {
        if (!strict_end(parse)) {
            return fail(parse, HTTPD_400_BAD_REQUEST);
        }
        if (check_request_line(parse) != 0) {
            return -1;
        }
    } else if (parse->stage != IN_VALUE) {
        return fail(parse, HTTPD_500_INTERNAL_SERVER_ERROR);
    } else if (!end_headers(parse)) {
        return fail(parse, HTTPD_400_BAD_REQUEST);
    }
    parse->req->content_len = content_length(parser);
    if (parser->upgrade && check_upgrade(parse) != 0) {
        return -1;
    }
    parse->stage = IN_BODY;
    request->remaining = parse->req->content_len;
    httpd_event(HTTP_SERVER_EVENT_ON_HEADER, &request->session->fd, sizeof(request->session->fd));
    return 0;
}

/** The body begins at `at`, or there is none: the handler's turn, before another request in the same block is looked
 * at. */
static int finish(parse_t *parse, const char *at)
{
    if (parse->stage != IN_BODY) {
        return fail(parse, HTTPD_500_INTERNAL_SERVER_ERROR);
    }
    if (pause_at(parse, at) != 0) {
        return -1;
    }
    parse->stage = COMPLETE;
    return 0;
}

static int on_body(http_parser *parser, const char *at, size_t length)
{
    (void)length;
    return finish(parser->data, at);
}

static int on_message_complete(http_parser *parser)
{
    parse_t *const parse = parser->data;
    return finish(parse, parse->token);
}

static esp_err_t answer_timeout(parse_t *parse)
{
    return httpd_request_error(parse->req, HTTPD_408_REQ_TIMEOUT);
}

/** Bytes behind `offset` of the scratch buffer; 0: it is full; negative: the connection is of no use any more. */
static int read_block(parse_t *parse, size_t offset)
{
    request_t *const request = request_of(parse);
    const size_t token = parse->token == NULL ? 0 : (size_t)(parse->token - request->scratch);
    const size_t room = request->scratch_limit > offset ? request->scratch_limit - offset : 0;
    const size_t size = room < HTTPD_BLOCK_SIZE ? room : HTTPD_BLOCK_SIZE;
    int length = HTTPD_SOCK_ERR_TIMEOUT;
    if (size == 0) {
        return 0;
    }
    char *const scratch = realloc(request->scratch, offset + size);
    if (scratch == NULL) {
        return 0;
    }
    parse->token = parse->token == NULL ? NULL : &scratch[token];
    request->scratch = scratch;
    request->scratch_size = offset + size;
    while (length == HTTPD_SOCK_ERR_TIMEOUT) { /* an error handler may be patient */
        length = httpd_receive(parse->req, &scratch[offset], size, RECEIVE_KEPT_ONLY);
        if (length == HTTPD_SOCK_ERR_TIMEOUT && answer_timeout(parse) != ESP_OK) {
            length = HTTPD_SOCK_ERR_FAIL;
        }
    }
    return length > 0 ? length : HTTPD_SOCK_ERR_FAIL;
}

/** The stage in which the buffer was full says which limit it was. */
static int fail_full(parse_t *parse)
{
    switch (parse->stage) {
    case IN_URL:
        return fail(parse, HTTPD_414_URI_TOO_LONG);
    case IN_FIELD:
    case IN_VALUE:
        return fail(parse, HTTPD_431_REQ_HDR_FIELDS_TOO_LARGE);
    default:
        return fail(parse, HTTPD_500_INTERNAL_SERVER_ERROR);
    }
}

/** Where the next block goes in the scratch buffer; -1: failed. */
static int parse_block(parse_t *parse, size_t offset, size_t length)
{
    if (length == 0) {
        return fail_full(parse);
    }
    if (parse->paused) {
        const size_t skipped = length < parse->seen ? length : parse->seen;
        http_parser_pause(&parse->parser, 0);
        parse->paused = false;
        parse->seen -= skipped;
        offset += skipped;
        length -= skipped;
        if (length == 0) {
            return (int)skipped;
        }
    }
    const size_t parsed =
        http_parser_execute(&parse->parser, &parse->settings, &request_of(parse)->scratch[offset], length);
    if (parse->stage == FAILED) {
        return -1;
    }
    if (parse->paused) {
        parse->seen -= length - parsed;
        return 0;
    }
    return parsed == length ? (int)(offset + parsed) : fail(parse, HTTPD_400_BAD_REQUEST);
}

static void prepare(parse_t *parse, httpd_req_t *req)
{
    *parse = (parse_t){.req = req, .stage = AT_START};
    http_parser_init(&parse->parser, HTTP_REQUEST);
    http_parser_settings_init(&parse->settings);
    parse->parser.data = parse;
    parse->settings.on_url = on_url;
    parse->settings.on_header_field = on_header_field;
    parse->settings.on_header_value = on_header_value;
    parse->settings.on_headers_complete = on_headers_complete;
    parse->settings.on_body = on_body;
    parse->settings.on_message_complete = on_message_complete;
}

/** Reads and serves a request. */
esp_err_t httpd_request_parse(server_t *server)
{
    parse_t parse;
    int offset = 0;
    prepare(&parse, &server->req);
    while (parse.stage != COMPLETE) {
        const int length = read_block(&parse, (size_t)offset);
        if (length < 0) {
            return ESP_FAIL;
        }
        parse.filled = (size_t)offset + (size_t)length;
        offset = parse_block(&parse, (size_t)offset, (size_t)length);
        if (offset < 0) {
            return httpd_request_error(&server->req, parse.error);
        }
    }
    return httpd_request_route(server);
}
