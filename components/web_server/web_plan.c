/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** What several writes would change, and what stands in their way, in words. What is allowed is in the write gate. */
#include "web_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json_stream.h"
#include "tinybms_addresses.h"
#include "tinybms_write_gate.h"

#define SENTENCE_MAX 191
#define ELLIPSIS     "..."

/* ---- words ---- */

void web_plan_value_text(const tinybms_register_t *entry, int64_t raw, char text[WEB_VALUE_MAX + 1])
{
    int32_t factor = 1;
    json_stream_t stream;
    const unsigned digits = tinybms_register_digits(entry, &factor);
    json_stream_init(&stream, text, WEB_VALUE_MAX + 1, NULL, NULL);
    json_put_decimal(&stream, raw * factor, digits);
    if (entry->unit[0] != '\0') {
        json_rawf(&stream, " %s", entry->unit);
    }
    (void)json_stream_end(&stream); /* what is too long is cut */
}

/** The relation that a write would break. */
static const tinybms_relation_t *relation_of(uint16_t one, uint16_t other)
{
    const tinybms_relation_t *relation = NULL;
    for (size_t i = 0; (relation = tinybms_relation_at(i)) != NULL; i++) {
        if ((relation->lower == one && relation->upper == other) ||
            (relation->lower == other && relation->upper == one)) {
            break;
        }
    }
    return relation;
}

static void explain_relation(const tinybms_write_request_t *request, const tinybms_write_result_t *result, char *text,
                             size_t size)
{
    char mine[WEB_VALUE_MAX + 1];
    char its[WEB_VALUE_MAX + 1];
    const tinybms_register_t *const entry = request->entry;
    const tinybms_register_t *const other = tinybms_register_by_address(result->against);
    const tinybms_relation_t *const relation = relation_of(entry->address, result->against);
    if (other == NULL || relation == NULL) {
        (void)snprintf(text, size, "%s: %s", entry->name, tinybms_write_status_text(result->status));
        return;
    }
    web_plan_value_text(entry, request->raw, mine);
    web_plan_value_text(other, result->read_back, its);
    const bool is_lower = relation->lower == entry->address;
    (void)snprintf(text, size, "%s %s would %s %s %s", is_lower ? entry->name : other->name, is_lower ? mine : its,
                   relation->apart > 0 ? "not be below" : "be above", is_lower ? other->name : entry->name,
                   is_lower ? its : mine);
}

static void explain_loosening(const tinybms_write_request_t *request, const tinybms_write_result_t *result, char *text,
                              size_t size)
{
    char before[WEB_VALUE_MAX + 1];
    char after[WEB_VALUE_MAX + 1];
    web_plan_value_text(request->entry, result->read_back, before);
    web_plan_value_text(request->entry, request->raw, after);
    (void)snprintf(text, size, "%s %s -> %s loosens a protection", request->entry->name, before, after);
}

static void explain_cells(const tinybms_write_request_t *request, const tinybms_write_result_t *result, char *text,
                          size_t size)
{
    if (result->read_back == 0) {
        (void)snprintf(text, size, "%s cannot be %" PRId64 ": the BMS measures no cell", request->entry->name,
                       request->raw);
    } else {
        (void)snprintf(text, size, "%s cannot be %" PRId64 ": the BMS measures %" PRId64, request->entry->name,
                       request->raw, result->read_back);
    }
}

static void explain_range(const tinybms_write_request_t *request, const tinybms_write_result_t *result, char *text,
                          size_t size)
{
    char min[WEB_VALUE_MAX + 1];
    char max[WEB_VALUE_MAX + 1];
    web_plan_value_text(request->entry, result->min, min);
    web_plan_value_text(request->entry, result->max, max);
    (void)snprintf(text, size, "%s must be %s to %s", request->entry->name, min, max);
}

void web_plan_explain(const tinybms_write_request_t *request, const tinybms_write_result_t *result, char *text,
                      size_t size)
{
    char value[WEB_VALUE_MAX + 1];
    const char *const name = request->entry->name;
    web_plan_value_text(request->entry, result->read_back, value);
    switch (result->status) {
    case TINYBMS_WRITE_OUT_OF_RANGE:
        explain_range(request, result, text, size);
        break;
    case TINYBMS_WRITE_CONTRADICTS:
        explain_relation(request, result, text, size);
        break;
    case TINYBMS_WRITE_NEEDS_CONFIRMATION:
        if (result->against == request->entry->address) {
            explain_loosening(request, result, text, size);
        } else {
            explain_relation(request, result, text, size);
        }
        break;
    case TINYBMS_WRITE_CELL_COUNT:
        explain_cells(request, result, text, size);
        break;
    case TINYBMS_WRITE_NO_ORDER:
        (void)snprintf(text, size,
                       "%s: whichever setting is written first contradicts another; move one of them further away "
                       "first",
                       name);
        break;
    case TINYBMS_WRITE_CHANGED:
        (void)snprintf(text, size, "%s is %s now", name, value);
        break;
    case TINYBMS_WRITE_NOT_VERIFIED:
        (void)snprintf(text, size, "%s: %s was read back", name, value);
        break;
    case TINYBMS_WRITE_NOT_ANSWERED:
        (void)snprintf(text, size, "the BMS did not answer; %s may or may not have been written", name);
        break;
    case TINYBMS_WRITE_REFUSED_BY_BMS:
        (void)snprintf(text, size, "the BMS has refused %s", name);
        break;
    default:
        (void)snprintf(text, size, "%s: %s", name, tinybms_write_status_text(result->status));
        break;
    }
}

/** One more sentence, or the sign that there are more. */
static void add_sentence(char *why, size_t size, const tinybms_write_request_t *request,
                         const tinybms_write_result_t *result)
{
    char sentence[SENTENCE_MAX + 1];
    const size_t used = strlen(why);
    const char *const between = used == 0 ? "" : "; ";
    web_plan_explain(request, result, sentence, sizeof(sentence));
    const size_t room = size > used + sizeof(ELLIPSIS) ? size - used - sizeof(ELLIPSIS) : 0;
    if (used >= sizeof(ELLIPSIS) - 1 && strcmp(&why[used - (sizeof(ELLIPSIS) - 1)], ELLIPSIS) == 0) {
        return;
    }
    const bool fits = strlen(between) + strlen(sentence) < room;
    (void)snprintf(&why[used], size - used, "%s%s", fits ? between : "", fits ? sentence : ELLIPSIS);
}

/* ---- the plan ---- */

/** Moves what differs to the front, in its order. */
static size_t keep_differences(const uint16_t *settings, tinybms_write_request_t *requests, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const tinybms_register_t *const entry = requests[i].entry;
        const uint16_t *const words = &settings[entry->address - TINYBMS_SETTINGS_FIRST];
        if (tinybms_register_raw(entry, words) != requests[i].raw) {
            requests[kept++] = requests[i];
        }
    }
    return kept;
}

/** The order in which they were given, which the gate has changed: `read_back` has the places. */
static void order_as_given(tinybms_write_request_t *requests, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const tinybms_write_request_t request = requests[i];
        size_t at = i;
        for (; at > 0 && requests[at - 1].read_back > request.read_back; at--) {
            requests[at] = requests[at - 1];
        }
        requests[at] = request;
    }
}

/** Confirms one by one what has to be confirmed. */
static tinybms_write_result_t judge(const uint16_t *settings, uint8_t cells, tinybms_write_request_t *requests,
                                    size_t count, char *why, size_t size)
{
    tinybms_write_result_t result = tinybms_write_gate_order(settings, cells, requests, count);
    while (result.status == TINYBMS_WRITE_NEEDS_CONFIRMATION && !requests[0].confirmed) {
        add_sentence(why, size, &requests[0], &result);
        requests[0].confirmed = true;
        result = tinybms_write_gate_order(settings, cells, requests, count);
    }
    return result;
}

web_verdict_t web_plan(const uint16_t settings[TINYBMS_SETTINGS_COUNT], uint8_t cells,
                       tinybms_write_request_t *requests, size_t *count, char *why, size_t size)
{
    why[0] = '\0';
    *count = keep_differences(settings, requests, *count);
    for (size_t i = 0; i < *count; i++) {
        requests[i].confirmed = false;
        requests[i].read_back = (int64_t)i;
    }
    const tinybms_write_result_t result = judge(settings, cells, requests, *count, why, size);
    if (result.status != TINYBMS_WRITE_PENDING) {
        why[0] = '\0';
        web_plan_explain(&requests[0], &result, why, size);
        return WEB_VERDICT_REFUSED;
    }
    if (why[0] == '\0') {
        return WEB_VERDICT_MAY_WRITE;
    }
    order_as_given(requests, *count);
    for (size_t i = 0; i < *count; i++) {
        requests[i].confirmed = true; /* as a whole, and so it will be written: that may be another order */
    }
    (void)tinybms_write_gate_order(settings, cells, requests, *count);
    return WEB_VERDICT_NEEDS_CONFIRMATION;
}
