/* gpt2.c - byte-level BPE in GPT-2's two files: vocab.json (a name a token) and merges.txt (a merge a line).
 *
 * Names are bytes written as printable characters: those that print stand for themselves, the other 68 for 256 + 0, 1, .. [Radford et al. 2019]. */
#include "base/file.h"
#include "base/json.h"
#include "text/text.h"
#include <string.h>

enum { MOST = 1 << 20 };

static bool prints(int b) { return (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff); }

void gm__gpt2_order(uint8_t order[256])
{
    int n = 0;
    for (int b = 0; b < 256; b++)
        if (prints(b)) order[n++] = (uint8_t)b;
    for (int b = 0; b < 256; b++)
        if (!prints(b)) order[n++] = (uint8_t)b;
}

static void tables(uint16_t code[256], int16_t byte[324])
{
    uint16_t next = 256;
    for (int i = 0; i < 324; i++) byte[i] = -1;
    for (int b = 0; b < 256; b++) {
        code[b] = prints(b) ? (uint16_t)b : next++;
        byte[code[b]] = (int16_t)b;
    }
}

/* A name's bytes; false if it holds a character that stands for none. */
static bool unspell(const int16_t byte[324], const char *name, size_t n, gm__buf *out)
{
    out->len = 0;
    for (size_t at = 0, len; at < n; at += len) {
        uint32_t c = gm__utf8_code((const uint8_t *)name + at, n - at, &len);
        if (c >= 324 || byte[c] < 0) return false;
        gm__buf_put(out, &(uint8_t){ (uint8_t)byte[c] }, 1);
    }
    return true;
}

static void spell(const uint16_t code[256], const uint8_t *p, size_t n, gm__buf *out)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t c = code[p[i]];
        if (c < 0x80) gm__buf_put(out, &(char){ (char)c }, 1);
        else gm__buf_put(out, ((char[]){ (char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f)) }), 2);
    }
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Names by number: every number below the count must be there once. */
static gm_status by_number(gm_ctx *ctx, const char *path, const gm__json *root, const char **name, size_t n)
{
    for (const gm__json *v = root->first; v; v = v->next) {
        const int64_t id = v->kind == GM__JSON_WHOLE ? v->is.whole : -1;
        if (id < 0 || (uint64_t)id >= n || name[id]) return gm__fail_ctx(ctx, GM_EFORMAT, "%.160s: '%.64s': not a number of its own below %zu", path, v->key, n);
        name[id] = v->key;
    }
    return GM_OK;
}

/* Tokens in order. A name that no bytes spell, or whose token no merge makes, is special: which, is known after the merges. */
static gm_status read_vocab(gm_tokenizer *tk, const char *path, const uint8_t *text, size_t size, const int16_t byte[324])
{
    gm_ctx *ctx = tk->ctx;
    gm__json *root = NULL;
    const char **name = NULL;
    gm__buf b;
    gm__buf_init(&b, ctx);
    gm_status s = gm__json_parse(ctx, GM_EFORMAT, path, (const char *)text, size, &root);
    size_t n = !s && root->kind == GM__JSON_OBJECT ? root->n : 0;
    if (!s && (!n || n > MOST)) s = gm__fail_ctx(ctx, GM_EFORMAT, "%.160s: not an object of tokens", path);
    if (!s && !(name = gm__calloc(ctx, n, sizeof *name))) s = GM_ENOMEM;
    if (!s) s = by_number(ctx, path, root, name, n);
    for (size_t i = 0; !s && i < n; i++) {
        int64_t id;
        bool spelt = unspell(byte, name[i], strlen(name[i]), &b) && b.len;
        if (b.failed) s = GM_ENOMEM;
        else if (!*name[i]) s = gm__fail_ctx(ctx, GM_EFORMAT, "%.160s: the token %zu has no name", path, i);
        else if (!spelt) s = gm__tokenizer_special(tk, name[i], strlen(name[i]), GM__TOKEN_SPECIAL);
        else s = gm__vocab_add(&tk->vocab, b.data, b.len, &id);
        if (!s && tk->vocab.n != i + 1) s = gm__fail_ctx(ctx, GM_EFORMAT, "%.160s: the token %zu is there twice", path, i);
    }
    gm__free(ctx, (void *)name);
    gm__buf_free(&b);
    gm__free(ctx, root);
    return s;
}

static gm_status put_merge(gm_tokenizer *tk, int64_t a, int64_t b)
{
    if (tk->n_merges % 1024 == 0) {
        gm__merge *more = gm__realloc(tk->ctx, tk->merges, tk->n_merges + 1024, sizeof *more);
        if (!more) return GM_ENOMEM;
        tk->merges = more;
    }
    tk->merges[tk->n_merges++] = (gm__merge){ (int32_t)a, (int32_t)b };
    return GM_OK;
}

static gm_status merge_line(gm_tokenizer *tk, const char *path, size_t line, const char *p, size_t n, const int16_t byte[324], gm__buf *b)
{
    const char *blank = memchr(p, ' ', n);
    int64_t id[2] = { -1, -1 };
    for (int i = 0; blank && i < 2; i++) {
        const char *from = i ? blank + 1 : p;
        size_t len = i ? n - (size_t)(blank + 1 - p) : (size_t)(blank - p);
        if (unspell(byte, from, len, b)) id[i] = gm__vocab_find(&tk->vocab, b->data, b->len);
        if (b->failed) return GM_ENOMEM;
    }
    if (id[0] < 0 || id[1] < 0) return gm__fail_ctx(tk->ctx, GM_EFORMAT, "%.160s:%zu: not a merge of two tokens of the vocabulary", path, line);
    return put_merge(tk, id[0], id[1]);
}

static gm_status read_merges(gm_tokenizer *tk, const char *path, const uint8_t *text, size_t size, const int16_t byte[324])
{
    size_t line = 1;
    gm__buf b;
    gm__buf_init(&b, tk->ctx);
    gm_status s = GM_OK;
    for (size_t at = 0; !s && at < size; line++) {
        const char *p = (const char *)text + at, *end = memchr(p, '\n', size - at);
        size_t n = end ? (size_t)(end - p) : size - at, len = n && p[n - 1] == '\r' ? n - 1 : n;
        bool said = len && !(line == 1 && len > 8 && !memcmp(p, "#version", 8));
        if (said && tk->n_merges == MOST) s = gm__fail_ctx(tk->ctx, GM_ELIMIT, "%.160s: more than %d merges", path, MOST);
        else if (said) s = merge_line(tk, path, line, p, len, byte, &b);
        at += n + 1;
    }
    gm__buf_free(&b);
    return s;
}

/* Tokens that neither a byte nor a merge makes, such as <|endoftext|>. */
static gm_status mark_special(gm_tokenizer *tk)
{
    for (size_t i = 0; i < tk->n_merges; i++) tk->flags[tk->merged[i]] |= GM__TOKEN_UNKNOWN; /* made, for the moment */
    for (size_t i = 0; i < tk->vocab.n; i++) {
        bool made = tk->flags[i] & GM__TOKEN_UNKNOWN || gm__vocab_size(&tk->vocab, i) == 1;
        tk->flags[i] = made ? 0 : GM__TOKEN_SPECIAL;
    }
    return gm__tokenizer_ready(tk);
}

gm_status gm__gpt2_load(gm_ctx *ctx, const gm__gpt2_file file[2], gm_tokenizer **out)
{
    uint16_t code[256];
    int16_t byte[324];
    gm_tokenizer *tk = NULL;
    tables(code, byte);
    gm_status s = gm__tokenizer_make(ctx, GM_TOKENIZE_BPE, GM__SPLIT_GPT2, &tk);
    if (!s) s = read_vocab(tk, file[0].path, file[0].text, file[0].size, byte);
    if (!s) s = read_merges(tk, file[1].path, file[1].text, file[1].size, byte);
    if (!s) s = gm__tokenizer_ready(tk);
    if (!s) s = mark_special(tk);
    if (s) gm_tokenizer_free(tk);
    else *out = tk;
    return s;
}

gm_status gm_tokenizer_load_gpt2(gm_ctx *ctx, const char *vocab_json, const char *merges_txt, gm_tokenizer **out)
{
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX) || !out) return GM_EARG;
    if (!vocab_json || !merges_txt) return gm__fail_ctx(ctx, GM_EARG, "gm_tokenizer_load_gpt2: a path is NULL");
    gm__gpt2_file file[2] = { { .path = vocab_json }, { .path = merges_txt } };
    uint8_t *text[2] = { NULL, NULL };
    gm_status s = gm__file_read(ctx, vocab_json, GM__JSON_BYTES, &text[0], &file[0].size);
    if (!s) s = gm__file_read(ctx, merges_txt, 64 << 20, &text[1], &file[1].size);
    for (int i = 0; i < 2; i++) file[i].text = text[i];
    if (!s) s = gm__gpt2_load(ctx, file, out);
    gm__free(ctx, text[0]);
    gm__free(ctx, text[1]);
    return s;
}

/* ---- writing -------------------------------------------------------------------------------- */

static bool write_name(const gm_tokenizer *tk, const uint16_t code[256], size_t i, gm__buf *out)
{
    const uint8_t *p = gm__vocab_bytes(&tk->vocab, i);
    size_t n = gm__vocab_size(&tk->vocab, i);
    if (tk->flags[i] & GM__TOKEN_SPECIAL) return gm__buf_put(out, p, n);
    spell(code, p, n, out);
    return !out->failed;
}

gm_status gm_tokenizer_save_gpt2(gm_tokenizer *tk, const char *vocab_json, const char *merges_txt)
{
    if (!gm__is(tk, GM__TOKENIZER)) return GM_EARG;
    if (!vocab_json || !merges_txt) return gm__fail_ctx(tk->ctx, GM_EARG, "gm_tokenizer_save_gpt2: a path is NULL");
    if (tk->kind != GM_TOKENIZE_BPE || tk->pattern != GM__SPLIT_GPT2)
        return gm__fail_ctx(tk->ctx, GM_EUNSUPPORTED, "gm_tokenizer_save_gpt2: only kind=bpe pattern=gpt2 can be written so");
    uint16_t code[256];
    int16_t byte[324];
    gm__buf vocab, merges, name;
    tables(code, byte);
    gm__buf_init(&vocab, tk->ctx);
    gm__buf_init(&merges, tk->ctx);
    gm__buf_init(&name, tk->ctx);
    gm__buf_text(&vocab, "{");
    for (size_t i = 0; i < tk->vocab.n; i++) {
        name.len = 0;
        write_name(tk, code, i, &name);
        gm__buf_text(&vocab, i ? ", " : "");
        gm__json_string(&vocab, name.data, name.len);
        gm__buf_format(&vocab, ": %zu", i);
    }
    gm__buf_text(&vocab, "}\n");
    gm__buf_text(&merges, "#version: 0.2\n");
    for (size_t i = 0; i < tk->n_merges; i++) {
        write_name(tk, code, (size_t)tk->merges[i].a, &merges);
        gm__buf_text(&merges, " ");
        write_name(tk, code, (size_t)tk->merges[i].b, &merges);
        gm__buf_text(&merges, "\n");
    }
    gm_status s = vocab.failed || merges.failed || name.failed ? GM_ENOMEM : GM_OK;
    if (!s) s = gm__file_write(tk->ctx, vocab_json, vocab.data, vocab.len);
    if (!s) s = gm__file_write(tk->ctx, merges_txt, merges.data, merges.len);
    gm__buf_free(&vocab);
    gm__buf_free(&merges);
    gm__buf_free(&name);
    return s;
}
