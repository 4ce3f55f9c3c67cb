/* SPDX-License-Identifier: BSD-3-Clause
 *
 * HTTP requests, as far as profiles need them. Strict: what could be read in two ways is refused,
 * for who stands between the client and us might have read the other one. */
#include "http/internal.h"

#include <string.h>

bool piece_is(struct piece piece, const char *text)
{
    return piece.n == strlen(text) && memcmp(piece.p, text, piece.n) == 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool piece_is_word(struct piece piece, const char *text)
{
    if (piece.n != strlen(text))
        return false;
    for (size_t i = 0; i < piece.n; i++)
        if (lower(piece.p[i]) != lower(text[i]))
            return false;
    return true;
}

static bool starts(struct piece piece, const char *text)
{
    const size_t n = strlen(text);
    return piece.n >= n && memcmp(piece.p, text, n) == 0;
}

static struct piece after(struct piece piece, size_t n)
{
    return piece_of(piece.p + n, piece.n - n);
}

/* Up to the character, or all of it. */
static struct piece until(struct piece piece, char c)
{
    const char *at = piece.n ? memchr(piece.p, c, piece.n) : NULL;
    return at ? piece_of(piece.p, (size_t)(at - piece.p)) : piece;
}

/* What stands between the character and its next, *rest being what is left; false: nothing is. */
static bool next_field(struct piece *rest, char c, struct piece *field)
{
    if (rest->n == 0)
        return false;
    *field = until(*rest, c);
    *rest = after(*rest, field->n < rest->n ? field->n + 1 : field->n);
    return true;
}

static struct piece trim(struct piece piece)
{
    while (piece.n > 0 && (*piece.p == ' ' || *piece.p == '\t'))
        piece = after(piece, 1);
    while (piece.n > 0 && (piece.p[piece.n - 1] == ' ' || piece.p[piece.n - 1] == '\t'))
        piece.n--;
    return piece;
}

static bool is_decimal(struct piece piece, uint64_t most, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < piece.n; i++) {
        if (piece.p[i] < '0' || piece.p[i] > '9')
            return false;
        *value = *value * 10 + (uint64_t)(piece.p[i] - '0');
        if (*value > most)
            *value = most + 1; /* too many, however many more */
    }
    return piece.n > 0;
}

/* ---- the head -------------------------------------------------------------------------------- */

static bool is_token(struct piece piece)
{
    for (size_t i = 0; i < piece.n; i++) {
        const unsigned char c = (unsigned char)piece.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
            return false;
    }
    return piece.n > 0;
}

/* No controls but tabs, which headers may have. */
static bool is_printable(struct piece piece, bool may_have_blanks)
{
    for (size_t i = 0; i < piece.n; i++) {
        const unsigned char c = (unsigned char)piece.p[i];
        const bool is_blank = c == ' ' || c == '\t';
        if ((c < ' ' && c != '\t') || c == 0x7f || (is_blank && !may_have_blanks))
            return false;
    }
    return true;
}

/* Where the head ends, behind its empty line; 0: not yet. */
static size_t head_end(const char *bytes, size_t n)
{
    for (const char *at = bytes; (at = memchr(at, '\n', n - (size_t)(at - bytes))) != NULL;) {
        const size_t next = (size_t)(++at - bytes);
        if (next < n && bytes[next] == '\n')
            return next + 1;
        if (next + 1 < n && bytes[next] == '\r' && bytes[next + 1] == '\n')
            return next + 2;
        if (next == n)
            break;
    }
    return 0;
}

static bool take_line(struct piece *rest, struct piece *line)
{
    if (!next_field(rest, '\n', line))
        return false;
    if (line->n > 0 && line->p[line->n - 1] == '\r')
        line->n--;
    return true;
}

/* "METHOD TARGET HTTP/1.1" */
static int parse_first(struct piece line, struct http_request *out)
{
    struct piece rest = line, version;
    if (!next_field(&rest, ' ', &out->method) || !next_field(&rest, ' ', &out->target) ||
        !next_field(&rest, ' ', &version) || rest.n > 0 || !is_token(out->method) ||
        !starts(version, "HTTP/"))
        return 400;
    if (out->target.n > HTTP_TARGET_MOST)
        return 414;
    if (!is_printable(out->target, false) || out->target.n == 0)
        return 400;
    if (!piece_is(version, "HTTP/1.1") && !piece_is(version, "HTTP/1.0"))
        return 505;
    /* "http://host/path", as a proxy is asked */
    if (starts(out->target, "http://")) {
        const struct piece place = after(out->target, strlen("http://"));
        out->target = after(place, until(place, '/').n);
    }
    return out->target.n > 0 && *out->target.p == '/' ? 0 : 400;
}

struct lengths {
    bool is_said, is_chunked;
    uint64_t n;
};

static int parse_header(struct piece line, struct http_request *out, struct lengths *lengths)
{
    const struct piece name = until(line, ':');
    if (name.n == line.n || !is_token(name))
        return 400; /* a line that goes on with blanks as well */
    const struct piece value = trim(after(line, name.n + 1));
    if (!is_printable(value, true))
        return 400;
    if (piece_is_word(name, "content-length")) {
        uint64_t n;
        if (!is_decimal(value, HTTP_BODY_MOST, &n) || (lengths->is_said && n != lengths->n))
            return 400;
        lengths->is_said = true;
        lengths->n = n;
    } else if (piece_is_word(name, "transfer-encoding")) {
        lengths->is_chunked = true;
    } else if (piece_is_word(name, "host")) {
        if (out->has_host)
            return 400;
        out->has_host = true;
        out->host = value;
    } else if (piece_is_word(name, "expect")) {
        out->wants_continue = piece_is_word(value, "100-continue");
        if (!out->wants_continue)
            return 417;
    }
    return 0;
}

static int parse_head(struct piece head, struct http_request *out)
{
    struct piece line;
    struct lengths lengths = {0};
    int status = take_line(&head, &line) ? parse_first(line, out) : 400;
    while (status == 0 && take_line(&head, &line) && line.n > 0)
        status = parse_header(line, out, &lengths);
    if (status != 0)
        return status;
    if (lengths.is_chunked)
        return lengths.is_said ? 400 : 411;
    if (lengths.n > HTTP_BODY_MOST)
        return 413;
    if (!lengths.is_said && piece_is(out->method, "POST"))
        return 411;
    out->body_n = (size_t)lengths.n;
    return 0;
}

enum http_progress http_parse(const char *bytes, size_t n, struct http_request *out, int *status)
{
    size_t skipped = 0; /* an empty line before the first is allowed */
    while (skipped < n && skipped < 4 && (bytes[skipped] == '\r' || bytes[skipped] == '\n'))
        skipped++;
    *out = (struct http_request){0};
    const size_t end = n > skipped ? head_end(bytes + skipped, n - skipped) : 0;
    if (end == 0 || skipped + end > HTTP_HEAD_MOST) {
        *status = 431;
        return end != 0 || n > HTTP_HEAD_MOST ? HTTP_BAD : HTTP_HEAD;
    }
    out->head_n = skipped + end;
    *status = parse_head(piece_of(bytes + skipped, end), out);
    if (*status != 0)
        return HTTP_BAD;
    return n - out->head_n >= out->body_n ? HTTP_DONE : HTTP_BODY;
}

/* ---- what it asks for ------------------------------------------------------------------------ */

static bool is_number_or_dot(char c)
{
    return (c >= '0' && c <= '9') || c == '.';
}

bool http_host_is_local(struct piece host)
{
    if (starts(host, "[")) /* an IPv6 address */
        return true;
    const struct piece name = until(host, ':');
    if (piece_is_word(name, "localhost"))
        return true;
    size_t i = 0;
    while (i < name.n && is_number_or_dot(name.p[i]))
        i++;
    return i == name.n && name.n > 0;
}

bool http_page(struct piece target, struct piece *name, struct piece *query)
{
    static const char folder[] = "/pprof/";
    const struct piece path = until(until(target, '#'), '?');
    *query = path.n < target.n && target.p[path.n] == '?' ? until(after(target, path.n + 1), '#')
                                                          : piece_of("", 0);
    size_t at = path.n;
    while (at > 0 && path.p[at - 1] != '/')
        at--;
    const size_t n = strlen(folder);
    if (at < n || memcmp(path.p + at - n, folder, n) != 0)
        return false;
    *name = after(path, at);
    return true;
}

bool http_seconds(struct piece query, unsigned *seconds)
{
    static const char name[] = "seconds=";
    struct piece field;
    *seconds = HTTP_SECONDS_USUAL;
    while (next_field(&query, '&', &field)) {
        uint64_t value;
        if (!starts(field, name))
            continue;
        if (!is_decimal(after(field, strlen(name)), HTTP_SECONDS_MOST, &value) || value == 0 ||
            value > HTTP_SECONDS_MOST)
            return false;
        *seconds = (unsigned)value;
    }
    return true;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is no address is left out. */
bool http_address(struct piece *rest, uint64_t *address)
{
    while (rest->n > 0) {
        size_t n = 0;
        while (n < rest->n && !strchr("+ \t\r\n", rest->p[n])) /* NUL ends a field, too */
            n++;
        struct piece field = piece_of(rest->p, n);
        *rest = after(*rest, n < rest->n ? n + 1 : n);
        if (starts(field, "0x") || starts(field, "0X"))
            field = after(field, 2);
        uint64_t value = 0;
        size_t i = 0;
        for (; i < field.n && digit(field.p[i]) >= 0 && value >> 60 == 0; i++)
            value = value << 4 | (uint64_t)digit(field.p[i]);
        if (i == field.n && i > 0) {
            *address = value;
            return true;
        }
    }
    return false;
}
