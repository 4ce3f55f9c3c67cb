/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bodies of replies. They lie in pages of their own, not in the program's heap, which a reply may
 * be about. In front of the bytes stands how many pages there are. */
#include "http/internal.h"

#include <stdarg.h>
#include <string.h>

#include "base/message.h"
#include "base/pages.h"

enum { FRONT = 64, FIRST_ROOM = 16 << 10 };
#define MOST ((size_t)256 << 20)

static size_t *front_of(const char *p)
{
    return (size_t *)((uintptr_t)p - FRONT);
}

static void release(void *body)
{
    size_t *front = front_of(body);
    pages_unmap(front, *front);
}

bool body_reserve(struct body *body, size_t n)
{
    if (body->is_full || n > MOST - body->n) {
        body->is_full = true;
        return false;
    }
    if (n <= body->room - body->n)
        return true;
    size_t room = body->room ? body->room : FIRST_ROOM - FRONT;
    while (room < body->n + n)
        room = 2 * (room + FRONT) - FRONT;
    size_t *front = pages_map(NULL, FRONT + room, SYSTEM_PAGE);
    if (!front) {
        body->is_full = true;
        return false;
    }
    *front = FRONT + room;
    char *p = (char *)front + FRONT;
    if (body->p) {
        memcpy(p, body->p, body->n);
        release(body->p);
    }
    body->p = p;
    body->room = room;
    return true;
}

void body_add(struct body *body, const char *p, size_t n)
{
    if (n == 0 || !body_reserve(body, n))
        return;
    memcpy(body->p + body->n, p, n);
    body->n += n;
}

static void put(void *to, const char *piece, size_t n)
{
    body_add(to, piece, n);
}

static void body_vprint(struct body *body, const char *format, va_list arguments)
{
    const struct text_sink sink = {put, body};
    text_vformat(&sink, format, arguments);
}

void body_print(struct body *body, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    body_vprint(body, format, arguments);
    va_end(arguments);
}

void body_free(struct body *body)
{
    if (body->p)
        release(body->p);
    *body = (struct body){0};
}

void body_reply(struct body *body, int status, const char *content_type,
                struct cprof_http_reply *reply)
{
    if (body->is_full) {
        body_free(body);
        reply_say(reply, 500, "there is not enough memory for the answer\n");
        return;
    }
    *reply = (struct cprof_http_reply){
        .status = status,
        .content_type = content_type,
        .body = body->p,
        .len = body->n,
        .release = body->p ? release : NULL,
    };
    *body = (struct body){0};
}

void reply_say(struct cprof_http_reply *reply, int status, const char *format, ...)
{
    struct body body = {0};
    va_list arguments;
    va_start(arguments, format);
    body_vprint(&body, format, arguments);
    va_end(arguments);
    if (body.is_full)
        body_free(&body); /* the status alone has to do */
    body_reply(&body, status, "text/plain; charset=utf-8", reply);
}
