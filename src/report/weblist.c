/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Source with values as one page: a click on a line opens the instructions it became. The page
 * stands alone (no network, no other file) and all text in it is escaped in one place, since names,
 * paths and sources are strangers'. What follows the legend is the layout that people's scripts and
 * styles know; before it the page is free. Nothing is written where no routine matches. */
#include "report/internal.h"

#include <stdio.h>

/* An instruction with its address is made this wide. */
#define ASM_COLUMNS 80

struct writer {
    const struct report *report;
    struct out *out;
    struct sources *sources;
    struct buf text, place;
    struct buf before; /* the place of the instruction before, of the same routine */
    bool has_page;
};

/* ---- escaping -----------------------------------------------------------------------------------
 */

/* Text as HTML, for elements: no attribute holds a stranger's text. Control bytes, which HTML does
 * not allow, become U+FFFD; other bytes are left to the browser, for which wrong UTF-8 is U+FFFD
 * too. */
static void write_html(struct out *out, struct span text)
{
    size_t done = 0;
    for (size_t i = 0; i < text.n; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        const char *entity = NULL;
        switch (c) {
        case '&':
            entity = "&amp;";
            break;
        case '<':
            entity = "&lt;";
            break;
        case '>':
            entity = "&gt;";
            break;
        case '\t':
        case '\n':
            break;
        default:
            if (c < 0x20 || c == 0x7f)
                entity = "\xef\xbf\xbd";
            break;
        }
        if (!entity)
            continue;
        out_bytes(out, span_make(text.p + done, i - done));
        out_text(out, entity);
        done = i + 1;
    }
    out_bytes(out, span_skip(text, done));
}

/* ---- the page -----------------------------------------------------------------------------------
 */

static const char style[] =
    ":root{color-scheme:light dark;--ground:#fff;--ink:#1b1f24;--soft:#6a737d;--faint:#a4acb5;"
    "--rule:#e1e4e8;--live:#b3261e;--dead:#2e6b3a;--hover:#f1f4f8;--asm:#f7f8fa;--accent:#0b57d0}\n"
    "@media(prefers-color-scheme:dark){:root{--ground:#16181c;--ink:#e3e5e8;--soft:#9aa2ab;"
    "--faint:#69717a;--rule:#30343a;--live:#ff8a80;--dead:#81c995;--hover:#22262c;--asm:#1c1f24;"
    "--accent:#8ab4f8}}\n"
    "body{margin:0 auto;padding:1.5rem;max-width:90rem;background:var(--ground);color:var(--ink);"
    "font:15px/1.5 system-ui,sans-serif}\n"
    ".bar{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:baseline;color:var(--soft)}\n"
    ".bar button{font:inherit;color:var(--accent);background:none;border:1px solid var(--rule);"
    "border-radius:.4rem;padding:.15rem .8rem;cursor:pointer}\n"
    ".bar .livesrc{color:var(--live);font-weight:600}\n"
    ".bar .deadsrc{color:var(--dead)}\n"
    ".legend{margin:1rem 0;font-size:1.05rem;font-weight:600}\n"
    "h1{margin:2rem 0 0;font-size:1.35rem;line-height:1.3;overflow-wrap:anywhere}\n"
    "pre{margin:.5rem 0 0;padding:.8rem .6rem;border:1px solid var(--rule);border-radius:.5rem;"
    "overflow-x:auto;tab-size:8;font:13px/1.5 ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',"
    "monospace}\n"
    ".line{color:var(--faint);user-select:none}\n"
    ".nop{color:var(--soft)}\n"
    "pre .livesrc{color:var(--live);font-weight:600;cursor:pointer}\n"
    "pre .deadsrc{color:var(--dead);cursor:pointer}\n"
    "pre .livesrc:hover,pre .deadsrc:hover{background:var(--hover)}\n"
    ":focus-visible{outline:2px solid var(--accent);outline-offset:-1px}\n"
    ".asm{display:none;color:var(--ink);background:var(--asm);font-weight:normal}\n"
    ".asm.open{display:block;border-left:3px solid var(--accent);margin:0 0 -1.5em .6rem}\n"
    ".unimportant{color:var(--faint)}\n"
    ".disasmloc{color:var(--dead)}\n"
    "@media print{.bar button{display:none}}\n";

/* Without it the page still shows sources and values. Keys do what clicks do. */
static const char script[] =
    "function toggle(line,open){const a=line.nextElementSibling;"
    "if(!a||a.className.split(' ')[0]!=='asm')return;"
    "const is=open===undefined?!a.classList.contains('open'):open;"
    "a.classList.toggle('open',is);line.setAttribute('aria-expanded',is);}\n"
    "function pprof_toggle_asm(){const e=window.event;"
    "const l=e&&e.target.closest('.livesrc,.deadsrc');"
    "if(l&&!String(getSelection()))toggle(l);}\n"
    "addEventListener('DOMContentLoaded',()=>{"
    "const lines=document.querySelectorAll('pre .livesrc,pre .deadsrc');"
    "for(const l of lines){l.tabIndex=0;l.setAttribute('role','button');"
    "l.setAttribute('aria-expanded','false');"
    "l.addEventListener('keydown',e=>{if(e.key==='Enter'||e.key===' '){e.preventDefault();"
    "toggle(l);}});}\n"
    "const b=document.getElementById('all');let open=false;b.hidden=false;"
    "b.addEventListener('click',()=>{open=!open;for(const l of lines)toggle(l,open);"
    "b.textContent=open?'Hide all instructions':'Show all instructions';});});\n";

static void write_head(struct writer *w)
{
    const struct view *view = w->report->view;
    const struct span program = span_of(w->report->options->program);
    char total[UNITS_TEXT];
    out_text(w->out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width\">\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                     "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>");
    write_html(w->out, program);
    out_text(w->out, "</title>\n<style>\n");
    out_text(w->out, style);
    out_text(w->out, "</style>\n<script>\n");
    out_text(w->out, script);
    out_text(w->out, "</script>\n</head>\n<body>\n"
                     "<div class=\"bar\"><span>Flat and cumulative values; click a line to see its "
                     "instructions.</span> <span class=\"livesrc\">has samples</span> "
                     "<span class=\"deadsrc\">has code</span> "
                     "<button id=\"all\" type=\"button\" hidden>Show all instructions</button>"
                     "</div>\n<div class=\"legend\">");
    write_html(w->out, program);
    out_printf(w->out, "<br>Total: %s %s</div>\n", view_value_text(view, view->total, total),
               view->format.unit);
}

/* ---- a routine ----------------------------------------------------------------------------------
 */

/* The instructions of each line of an excerpt, in the order of their addresses: those of line n are
 * order[at[n - first]] .. order[at[n - first + 1] - 1]. */
struct by_line {
    uint32_t *at, *order;
    uint32_t n_lines;
};

static void sort_by_line(const struct routine *routine, const struct excerpt *e,
                         struct arena *arena, struct by_line *out)
{
    const uint32_t last = e->last < e->to ? e->last : e->to;
    const uint32_t n = last < e->first ? 0 : last - e->first + 1;
    uint32_t *at = arena_alloc(arena, (size_t)n + 2, sizeof *at);
    uint32_t *line_of = arena_alloc(arena, routine->n_code, sizeof *line_of);
    uint32_t *order = arena_alloc(arena, routine->n_code, sizeof *order);
    for (uint32_t i = 0; i < routine->n_code; i++) {
        const struct instruction *instruction = &routine->code[i];
        const bool is_here = instruction->line >= e->first && instruction->line <= last &&
                             source_is_same(instruction->file, e->file);
        line_of[i] = is_here ? instruction->line - e->first : n;
        at[line_of[i] + 1]++;
    }
    for (uint32_t i = 0; i < n; i++)
        at[i + 1] += at[i];
    uint32_t *next = arena_alloc(arena, (size_t)n + 1, sizeof *next);
    memcpy(next, at, ((size_t)n + 1) * sizeof *next);
    for (uint32_t i = 0; i < routine->n_code; i++) {
        if (line_of[i] < n)
            order[next[line_of[i]]++] = i;
    }
    *out = (struct by_line){.at = at, .order = order, .n_lines = n};
}

static const char *blank_cell(const struct view *view, double value, char text[UNITS_TEXT])
{
    return value == 0 ? "" : view_value_text(view, value, text);
}

/* How much of a place repeats the one before: whole folders, the file. */
static size_t repeated(struct span place, struct span before)
{
    if (span_equal(place, before))
        return place.n;
    size_t n = 0, cut = 0;
    while (n < place.n && n < before.n && place.p[n] == before.p[n]) {
        if (place.p[n] == ':')
            cut = n;
        else if (place.p[n] == '/')
            cut = n + 1;
        n++;
    }
    return cut;
}

static void write_place(struct writer *w, const struct instruction *instruction)
{
    buf_clear(&w->place);
    const char *file = instruction->inner_file ? source_shown(instruction->inner_file) : "??";
    buf_printf(&w->place, "%s:%u", file, instruction->inner_line);
    const struct span place = buf_span(&w->place);
    const size_t n = repeated(place, buf_span(&w->before));
    if (n) {
        out_text(w->out, "<span class=unimportant>");
        write_html(w->out, span_first(place, n));
        out_text(w->out, "</span>");
    }
    if (n < place.n) {
        out_text(w->out, "<span class=disasmloc>");
        write_html(w->out, span_skip(place, n));
        out_text(w->out, "</span>");
    }
    buf_clear(&w->before);
    buf_add(&w->before, place);
}

static void write_instruction(struct writer *w, const struct routine *routine,
                              const struct instruction *instruction)
{
    const struct view *view = w->report->view;
    const struct span bytes = span_skip(routine->bytes, instruction->address - routine->low);
    char flat[UNITS_TEXT], cum[UNITS_TEXT], address[20];
    (void)snprintf(address, sizeof address, "%llx", (unsigned long long)instruction->address);
    buf_clear(&w->text);
    buf_printf(&w->text, "      %6s %6s \t\t%8s: ", blank_cell(view, instruction->flat, flat),
               blank_cell(view, instruction->cum, cum), address);
    assembly_text(routine->assembly, bytes, instruction->address, &w->text);
    buf_byte(&w->text, ' ');
    while (w->text.n < ASM_COLUMNS && !w->text.is_full)
        buf_byte(&w->text, ' ');
    write_html(w->out, buf_span(&w->text));
}

static void write_code(struct writer *w, const struct routine *routine, const uint32_t *order,
                       uint32_t n)
{
    out_text(w->out, "<span class=\"asm\">");
    for (uint32_t i = 0; i < n; i++) {
        if (i && order[i] != order[i - 1] + 1)
            out_byte(w->out, '\n');
        write_instruction(w, routine, &routine->code[order[i]]);
        write_place(w, &routine->code[order[i]]);
        out_byte(w->out, '\n');
    }
    out_text(w->out, "</span>");
}

static void write_line(struct writer *w, const struct routine *routine, const struct excerpt *e,
                       const struct by_line *by_line, uint32_t n)
{
    const struct view *view = w->report->view;
    char flat_text[UNITS_TEXT], cum_text[UNITS_TEXT];
    const uint32_t at = n - e->first;
    const bool is_inside = n >= e->first && at < by_line->n_lines;
    const double flat = is_inside ? e->flat[at] : 0, cum = is_inside ? e->cum[at] : 0;
    const uint32_t first = is_inside ? by_line->at[at] : 0;
    const uint32_t n_code = is_inside ? by_line->at[at + 1] - first : 0;
    const char *class = flat != 0 || cum != 0 ? "livesrc" : n_code ? "deadsrc" : "nop";
    out_printf(w->out, "<span class=\"line\">%5u</span> <span class=\"%s\">%6s %6s ", n, class,
               blank_cell(view, flat, flat_text), blank_cell(view, cum, cum_text));
    write_html(w->out, source_line(e->source, n));
    out_text(w->out, "</span>");
    if (n_code)
        write_code(w, routine, by_line->order + first, n_code);
    out_byte(w->out, '\n');
}

static bool write_routine(void *to, const struct routine *routine, double flat_total)
{
    (void)flat_total;
    struct writer *w = to;
    const struct view *view = w->report->view;
    char flat[UNITS_TEXT], cum[UNITS_TEXT];
    struct arena *arena = arena_new();
    struct excerpt e;
    if (excerpt_make(routine, w->sources, w->report, arena, &e)) {
        struct by_line by_line;
        sort_by_line(routine, &e, arena, &by_line);
        if (!w->has_page)
            write_head(w);
        w->has_page = true;
        buf_clear(&w->before);
        out_text(w->out, "<h1>");
        write_html(w->out, span_of(routine->name));
        out_text(w->out, "</h1>");
        write_html(w->out, span_of(source_shown(e.file)));
        out_printf(w->out,
                   "\n<pre onClick=\"pprof_toggle_asm()\">\nTotal:%6s %6s (flat / cumulative %s)\n",
                   view_value_text(view, routine->flat, flat),
                   view_value_text(view, routine->cum, cum), view->format.unit);
        for (uint32_t n = e.from; n <= e.to && !out_failed(w->out); n++)
            write_line(w, routine, &e, &by_line, n);
        out_text(w->out, "</pre>\n");
    }
    arena_free(arena);
    return !out_failed(w->out);
}

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    struct writer w = {
        .report = report,
        .out = out,
        .sources = sources_new(report),
        .text = BUF_MAX(WORDS_MAX),
        .place = BUF_MAX(WORDS_MAX),
        .before = BUF_MAX(WORDS_MAX),
    };
    const bool is_written = routines_each(report, "--weblist", write_routine, &w, err);
    if (is_written && w.has_page)
        out_text(out, "</body>\n</html>\n");
    sources_free(w.sources);
    buf_free(&w.text);
    buf_free(&w.place);
    buf_free(&w.before);
    return is_written;
}

const struct emitter weblist_emitter = {
    .name = "weblist",
    .help = "the same as a page: lines open to their instructions",
    .extension = "html",
    .more =
        "What --list shows as a page of HTML that needs no other file and no network: a click "
        "on a line shows the instructions it became. Where no routine matches there is no page.",
    .arg = "regex",
    .form = OUTPUT_PAGE,
    .grain = GRANULARITY_ADDRESSES,
    .has_fixed_grain = true,
    .wants_heading = true,
    .needs_program = true,
    .emit = emit,
};
