/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Options in the hands of somebody who looks at one report and wants the next one a little
 * different: a new choice replaces the old one, and what is set can be shown. The invariant: after
 * a change that failed the settings are what they were. */
#include "analysis/internal.h"

#include <inttypes.h>

/* Back to what it is where nobody says anything. */
static void reset(const struct option *option, struct settings *settings)
{
    struct settings fresh;
    settings_init(&fresh);
    if (option->said)
        memset((char *)settings + option->said, 0, sizeof(bool));
    char *field = (char *)settings + option->at;
    const char *from = (const char *)&fresh + option->at;
    switch (option->kind) {
    case OPTION_FLAG:
    case OPTION_ON:
        memcpy(field, from, sizeof(bool));
        break;
    case OPTION_WHOLE:
        memcpy(field, from, sizeof(int64_t));
        break;
    case OPTION_REAL:
        memcpy(field, from, sizeof(double));
        break;
    case OPTION_TEXT: {
        char *text;
        memcpy(&text, field, sizeof text);
        base_free(text);
        text = NULL; /* no text has another default */
        memcpy(field, &text, sizeof text);
        break;
    }
    case OPTION_GRAIN:
        bit_set(&settings->grains, option->at, false);
        break;
    case OPTION_LIST:
    case OPTION_OUTPUT:
    case OPTION_MODE:
        break; /* not changed between reports */
    }
}

static void turn_off_others(const struct options *options, const struct option *on,
                            struct settings *settings)
{
    for (uint32_t i = 0; i < options->n; i++) {
        if (&options->rows[i] != on && (options->rows[i].choice & on->choice))
            reset(&options->rows[i], settings);
    }
}

bool options_change(const struct options *options, struct span name, struct span value,
                    struct settings *settings, struct error *err)
{
    struct option_use use;
    struct buf complaints = BUF_MAX(COMPLAINTS_MAX);
    const bool is_known = options_find(options, name, &use, &complaints);
    struct span rest = buf_span(&complaints), line = {0};
    if (!is_known) {
        (void)span_line(&rest, &line);
        error_set(err, ERROR_USAGE, "%.*s", (int)line.n, line.p ? line.p : "");
    }
    buf_free(&complaints);
    if (!is_known)
        return false;
    if (!(use.option->doors & DOOR_PROMPT) || use.option->kind == OPTION_OUTPUT)
        return error_set(err, ERROR_USAGE, "Option %s cannot be changed here", use.option->name);
    if (value.p && value.n == 0) {
        reset(use.option, settings);
        return true;
    }

    struct settings changed;
    settings_copy(&changed, settings);
    if (!use.is_off)
        turn_off_others(options, use.option, &changed);
    if (!options_set(options, name, value, &changed, err) || !settings_check(&changed, err)) {
        settings_free(&changed);
        return false;
    }
    settings_free(settings);
    *settings = changed;
    return true;
}

void option_value(const struct option *option, const struct settings *settings, struct buf *to)
{
    const char *field = (const char *)settings + option->at;
    switch (option->kind) {
    case OPTION_FLAG:
    case OPTION_ON: {
        bool on;
        memcpy(&on, field, sizeof on);
        buf_text(to, on ? "on" : "off");
        break;
    }
    case OPTION_WHOLE: {
        int64_t whole;
        memcpy(&whole, field, sizeof whole);
        buf_printf(to, "%" PRId64, whole);
        break;
    }
    case OPTION_REAL: {
        double real;
        char text[UNITS_TEXT];
        memcpy(&real, field, sizeof real);
        buf_text(to, units_general(text, real));
        break;
    }
    case OPTION_TEXT: {
        const char *text;
        memcpy(&text, field, sizeof text);
        buf_text(to, text ? text : "");
        break;
    }
    case OPTION_GRAIN:
        buf_text(to, settings->grains >> option->at & 1 ? "on" : "off");
        break;
    case OPTION_OUTPUT:
        buf_text(to, settings->outputs >> option->at & 1 ? "on" : "off");
        break;
    case OPTION_MODE:
        buf_text(to, settings->modes >> option->at & 1 ? "on" : "off");
        break;
    case OPTION_LIST: {
        struct texts texts;
        memcpy(&texts, field, sizeof texts);
        for (uint32_t i = 0; i < texts.n; i++)
            buf_printf(to, "%s%s", i ? " " : "", texts.list[i]);
        break;
    }
    }
}
