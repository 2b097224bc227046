/* hf.c - GPT-2's files as Hugging Face keeps them: a folder with config.json, model.safetensors and, for text, vocab.json and merges.txt.
 *
 * Names are ours but for a few words, with or without "transformer." before them. The four matrices of a block lie there as [in, out],
 * the other way round than here. attn.bias and attn.masked_bias are masks, not weights. */
#include "base/json.h"
#include "io/io.h"
#include "models/gpt/gpt.h"
#include <math.h>
#include <string.h>

enum { PATH = 1024, NAME = 160 };

/* ---- names ----------------------------------------------------------------------------- */

static const struct { const char *ours, *theirs; bool turned; } outer[] = {
    { "tokens.weight", "wte.weight", false }, { "places.weight", "wpe.weight", false }, { "norm.weight", "ln_f.weight", false }, { "norm.bias", "ln_f.bias", false },
};
static const struct { const char *ours, *theirs; } inner[] = {
    { "norm1", "ln_1" }, { "attn.qkv", "attn.c_attn" }, { "attn.proj", "attn.c_proj" }, { "norm2", "ln_2" }, { "feed.in", "mlp.c_fc" }, { "feed.out", "mlp.c_proj" },
};

/* What a tensor of ours is called there, without a prefix; false: it has no place there. */
static bool their_name(const char *ours, char *out, bool *turned)
{
    *turned = false;
    for (size_t i = 0; i < GM__COUNT(outer); i++)
        if (!strcmp(ours, outer[i].ours)) return gm__format(out, NAME, "%s", outer[i].theirs) < NAME;
    if (strncmp(ours, "block.", 6)) return false;
    const char *rest = strchr(ours + 6, '.');
    for (size_t i = 0; rest && i < GM__COUNT(inner); i++) {
        const size_t n = strlen(inner[i].ours);
        if (strncmp(rest + 1, inner[i].ours, n) || rest[1 + n] != '.') continue;
        *turned = !strcmp(rest + n + 1, ".weight") && !strstr(inner[i].ours, "norm");
        return gm__format(out, NAME, "h.%.*s.%s%s", (int)(rest - ours - 6), ours + 6, inner[i].theirs, rest + 1 + n) < NAME;
    }
    return false;
}

static gm_status path_of(gm_ctx *ctx, const char *folder, const char *name, char out[PATH])
{
    const size_t n = strlen(folder);
    return gm__format(out, PATH, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name) < PATH ? GM_OK : gm__fail_ctx(ctx, GM_ELIMIT, "%.160s: the path is too long", folder);
}

/* ---- config.json -------------------------------------------------------------------------- */

typedef struct hf { gm_ctx *ctx; char path[PATH], data[PATH]; gm__json *root; gm__st *st; gm_model *m; gm_tokenizer *tk; } hf;

/* What is null counts as missing. */
static const gm__json *member(const hf *h, const char *key)
{
    const gm__json *v = gm__json_member(h->root, key);
    return gm__json_is(v, GM__JSON_NULL) ? NULL : v;
}

static gm_status whole(const hf *h, const char *key, const char *other, int64_t lo, int64_t hi, int64_t *out)
{
    const gm__json *v = member(h, key);
    if (!v && other) v = member(h, other);
    if (!v) return *out >= 0 ? GM_OK : gm__fail_ctx(h->ctx, GM_EFORMAT, "%.160s: %s is missing", h->path, key);
    if (v->kind != GM__JSON_WHOLE || v->is.whole < lo || v->is.whole > hi)
        return gm__fail_ctx(h->ctx, GM_EFORMAT, "%.160s: %s must be a whole number from %lld to %lld", h->path, key, (long long)lo, (long long)hi);
    *out = v->is.whole;
    return GM_OK;
}

static gm_status flag(const hf *h, const char *key, bool usual, bool *out)
{
    const gm__json *v = member(h, key);
    *out = v ? v->kind == GM__JSON_TRUE : usual;
    return !v || *out || v->kind == GM__JSON_FALSE ? GM_OK : gm__fail_ctx(h->ctx, GM_EFORMAT, "%.160s: %s must be true or false", h->path, key);
}

static const char *text(const hf *h, const char *key, const char *usual)
{
    const gm__json *v = member(h, key);
    return gm__json_is(v, GM__JSON_TEXT) ? v->is.text : usual;
}

static gm_status activation(const hf *h, const char **out)
{
    static const struct { const char *theirs, *ours; } all[] = { { "gelu_new", "gelu" }, { "gelu_pytorch_tanh", "gelu" }, { "gelu", "gelu-erf" }, { "relu", "relu" } };
    const char *name = text(h, "activation_function", "gelu_new");
    for (size_t i = 0; i < GM__COUNT(all); i++)
        if (!strcmp(name, all[i].theirs)) {
            *out = all[i].ours;
            return GM_OK;
        }
    return gm__fail_ctx(h->ctx, GM_EFORMAT, "%.160s: activation_function: no '%.40s' here; there are gelu_new, gelu, relu", h->path, name);
}

static const gm__entry *entry(const hf *h, const char *theirs)
{
    char name[NAME + 16];
    const gm__entry *e = gm__st_find(h->st, theirs);
    gm__format(name, sizeof name, "transformer.%s", theirs);
    return e ? e : gm__st_find(h->st, name);
}

static gm_status configure(hf *h, int64_t *vocab)
{
    int64_t depth = -1, heads = -1, embd = -1, block = -1, hidden = 0;
    bool tie, scaled, by_layer;
    const char *how = NULL;
    char options[300];
    if (h->root->kind != GM__JSON_OBJECT || strcmp(text(h, "model_type", "gpt2"), "gpt2"))
        return gm__fail_ctx(h->ctx, GM_EFORMAT, "%.160s: model_type is '%.40s', gpt2 wanted", h->path, text(h, "model_type", "?"));
    *vocab = -1;
    GM__TRY(whole(h, "vocab_size", NULL, 1, 1 << 24, vocab));
    GM__TRY(whole(h, "n_layer", "num_hidden_layers", 1, 1000, &depth));
    GM__TRY(whole(h, "n_head", "num_attention_heads", 1, 1024, &heads));
    GM__TRY(whole(h, "n_embd", "hidden_size", 1, 1 << 16, &embd));
    GM__TRY(whole(h, "n_positions", "n_ctx", 1, 1 << 20, &block));
    GM__TRY(whole(h, "n_inner", NULL, 1, 1 << 18, &hidden));
    GM__TRY(flag(h, "tie_word_embeddings", true, &tie));
    GM__TRY(flag(h, "scale_attn_weights", true, &scaled));
    GM__TRY(flag(h, "scale_attn_by_inverse_layer_idx", false, &by_layer));
    GM__TRY(activation(h, &how));
    const gm__json *eps = gm__json_member(h->root, "layer_norm_epsilon");
    if (!scaled || by_layer || (eps && fabs(gm__json_number(eps) - 1e-5) > 1e-9))
        return gm__fail_ctx(h->ctx, GM_EFORMAT, "%.160s: only attention scaled by 1/sqrt of a head's size and layer_norm_epsilon 1e-5 are known", h->path);
    if ((double)*vocab * (double)embd + 12.0 * (double)depth * (double)embd * (double)embd > (double)h->st->size) /* hidden is checked by shapes */
        if (!hidden || (double)*vocab * (double)embd > (double)h->st->size)
            return gm__fail_ctx(h->ctx, GM_EFORMAT, "%.160s: asks for more weights than model.safetensors holds", h->path);
    gm__format(options, sizeof options, "depth=%lld heads=%lld embd=%lld block=%lld hidden=%lld activation=%s tie=%s tokenizer=bpe", (long long)depth,
               (long long)heads, (long long)embd, (long long)block, (long long)hidden, how, tie ? "on" : "off");
    gm_status s = gm_model_new(h->ctx, "gpt", options, &h->m);
    return s == GM_EARG ? gm__blame(h->ctx, GM_EFORMAT, h->path, "it") : s;
}

/* ---- the tokenizer --------------------------------------------------------------------------- */

static gm_status there(gm_ctx *ctx, const char *path, bool *is)
{
    gm__pfile *f = NULL;
    gm_status s = gm__pfile_open(ctx, path, &f);
    *is = !s;
    gm__pfile_free(f);
    return s == GM_ENOMEM ? s : GM_OK;
}

/* vocab.json's, if it is there; numbers without text become special tokens <|N|>. */
static gm_status tokenizer_of(hf *h, const char *folder, int64_t vocab)
{
    char json[PATH], merges[PATH], name[32];
    GM__TRY(path_of(h->ctx, folder, "vocab.json", json));
    GM__TRY(path_of(h->ctx, folder, "merges.txt", merges));
    bool text;
    GM__TRY(there(h->ctx, json, &text));
    if (text) GM__TRY(gm_tokenizer_load_gpt2(h->ctx, json, merges, &h->tk));
    else GM__TRY(gm__tokenizer_make(h->ctx, GM_TOKENIZE_WORD, GM__SPLIT_GPT2, &h->tk));
    if (gm_tokenizer_size(h->tk) > vocab)
        return gm__fail_ctx(h->ctx, GM_EFORMAT, "%.160s: %lld tokens, and config.json has vocab_size %lld", json, (long long)gm_tokenizer_size(h->tk), (long long)vocab);
    while (gm_tokenizer_size(h->tk) < vocab) {
        const size_t n = gm__format(name, sizeof name, "<|%lld|>", (long long)gm_tokenizer_size(h->tk));
        GM__TRY(gm__tokenizer_special(h->tk, name, n, GM__TOKEN_SPECIAL));
        if (n > h->tk->longest) h->tk->longest = n;
    }
    return text ? GM_OK : gm__tokenizer_ready(h->tk);
}

/* ---- weights ------------------------------------------------------------------------------------ */

/* y [b, a] = x [a, b] the other way round */
static void turn(const gm_tensor *x, gm_tensor *y)
{
    const int64_t a = x->shape[0], b = x->shape[1];
    for (int64_t i = 0; i < a; i++)
        for (int64_t j = 0; j < b; j++) gm__f32(y)[j * a + i] = gm__f32(x)[i * b + j];
}

static gm_status load_one(const hf *h, const char *theirs, bool turned, gm_tensor *dst)
{
    const gm__entry *e = entry(h, theirs);
    gm_tensor *x = NULL;
    if (!e) return gm__fail_ctx(h->ctx, GM_EFORMAT, "%.160s: no tensor %s", h->path, theirs);
    if (!turned) {
        gm_status s = gm__load_tensor(h->ctx, h->st, h->path, e->name, dst);
        return s == GM_ESHAPE ? gm__ctx_err(h->ctx)->status = GM_EFORMAT : s;
    }
    GM__TRY(gm_tensor_new(h->ctx, GM_F32, 2, (int64_t[]){ dst->shape[1], dst->shape[0] }, &x));
    gm_status s = gm__load_tensor(h->ctx, h->st, h->path, e->name, x);
    if (!s) turn(x, dst);
    gm_tensor_free(x);
    return s == GM_ESHAPE ? gm__ctx_err(h->ctx)->status = GM_EFORMAT : s;
}

static bool ends_in(const char *name, const char *end)
{
    const size_t n = strlen(name), k = strlen(end);
    return n >= k && !strcmp(name + n - k, end);
}

/* Nothing but what was read, masks, and the last product where it is the table. */
static gm_status no_strangers(const hf *h)
{
    char theirs[NAME];
    bool turned;
    for (size_t i = 0; i < h->st->n; i++) {
        const char *name = h->st->entries[i].name, *bare = strncmp(name, "transformer.", 12) ? name : name + 12;
        bool known = ends_in(name, ".attn.bias") || ends_in(name, ".attn.masked_bias") || !strcmp(name, "lm_head.weight");
        for (size_t j = 0; !known && j < h->m->n_tensors; j++) known = their_name(h->m->tensors[j].name, theirs, &turned) && !strcmp(bare, theirs);
        if (!known) return gm__fail_ctx(h->ctx, GM_EFORMAT, "%.160s: tensor %.100s does not belong to a GPT-2 of this config.json", h->path, name);
    }
    return GM_OK;
}

static gm_status weights(const hf *h)
{
    char theirs[NAME];
    bool turned;
    for (size_t i = 0; i < h->m->n_tensors; i++) {
        const gm__named *n = &h->m->tensors[i];
        if (!n->parameter) continue;
        const bool head = !strcmp(n->name, "head.weight");
        if (!head && !their_name(n->name, theirs, &turned)) return gm__fail_ctx(h->ctx, GM_EINTERNAL, "gpt: %s has no name there", n->name);
        GM__TRY(load_one(h, head ? "lm_head.weight" : theirs, !head && turned, n->tensor));
    }
    return no_strangers(h);
}

static gm_status load(hf *h, const char *folder)
{
    char json[PATH];
    uint8_t *bytes = NULL;
    size_t size;
    int64_t vocab;
    GM__TRY(path_of(h->ctx, folder, "config.json", json));
    GM__TRY(path_of(h->ctx, folder, "model.safetensors", h->path));
    GM__TRY(gm__read_all(h->ctx, json, GM__JSON_BYTES, &bytes, &size));
    gm_status s = gm__json_parse(h->ctx, GM_EFORMAT, json, (const char *)bytes, size, &h->root);
    gm__free(h->ctx, bytes);
    if (!s) s = gm__st_open(h->ctx, h->path, &h->st);
    memcpy(h->data, h->path, PATH);
    memcpy(h->path, json, PATH); /* messages name the file that is read */
    if (!s) s = configure(h, &vocab);
    memcpy(h->path, h->data, PATH);
    if (!s) s = tokenizer_of(h, folder, vocab);
    if (!s) s = gm__gpt_make(h->m, h->tk);
    return s ? s : weights(h);
}

gm_status gm_gpt_load_hf(gm_ctx *ctx, const char *folder, gm_model **out)
{
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX) || !out) return GM_EARG;
    if (!folder) return gm__fail_ctx(ctx, GM_EARG, "gm_gpt_load_hf: folder is NULL");
    hf *h = gm__calloc(ctx, 1, sizeof *h);
    if (!h) return GM_ENOMEM;
    h->ctx = ctx;
    gm_status s = load(h, folder);
    gm__free(ctx, h->root);
    gm__st_close(h->st);
    gm_tokenizer_free(h->tk);
    if (s) gm_model_free(h->m);
    else *out = h->m;
    gm__free(ctx, h);
    return s;
}

/* ---- writing ------------------------------------------------------------------------------------- */

static gm_status write_config(const gm_model *m, const char *path)
{
    static const char *const names[] = { "gelu_new", "gelu", "relu" };
    const gm_gpt_config *c = gm__gpt_cfg(m);
    const gm__gpt *g = gm__gpt_of(m);
    gm__buf b;
    gm__buf_init(&b, m->ctx);
    gm__buf_format(&b, "{\n  \"architectures\": [\"GPT2LMHeadModel\"],\n  \"model_type\": \"gpt2\",\n  \"activation_function\": \"%s\",\n", names[c->activation]);
    gm__buf_format(&b, "  \"vocab_size\": %lld,\n  \"n_positions\": %d,\n  \"n_ctx\": %d,\n  \"n_embd\": %d,\n  \"n_layer\": %d,\n  \"n_head\": %d,\n  \"n_inner\": %lld,\n",
                   (long long)g->vocab, c->block, c->block, c->embd, c->depth, c->heads, (long long)g->cfg.hidden);
    if (g->end >= 0) gm__buf_format(&b, "  \"bos_token_id\": %lld,\n  \"eos_token_id\": %lld,\n", (long long)g->end, (long long)g->end);
    gm__buf_format(&b, "  \"embd_pdrop\": %g,\n  \"resid_pdrop\": %g,\n  \"attn_pdrop\": 0.0,\n  \"layer_norm_epsilon\": 1e-05,\n  \"scale_attn_weights\": true,\n"
                       "  \"tie_word_embeddings\": %s,\n  \"torch_dtype\": \"float32\"\n}\n", c->dropout, c->dropout, c->tie ? "true" : "false");
    gm_status s = b.failed ? GM_ENOMEM : gm__file_write(m->ctx, path, b.data, b.len);
    gm__buf_free(&b);
    return s;
}

/* Adds every weight under its name there; turned ones as copies, kept until the file is written. */
static gm_status add_weights(const gm_model *m, gm__stw *w, gm_tensor **copies)
{
    char theirs[NAME], name[NAME + 16];
    bool turned = false;
    for (size_t i = 0; i < m->n_tensors; i++) {
        const gm__named *n = &m->tensors[i];
        gm_tensor *t = n->tensor;
        const bool head = !strcmp(n->name, "head.weight");
        if (!n->parameter) continue;
        if (head) gm__format(name, sizeof name, "lm_head.weight");
        else if (their_name(n->name, theirs, &turned)) gm__format(name, sizeof name, "transformer.%s", theirs);
        else return gm__fail_ctx(m->ctx, GM_EINTERNAL, "gpt: %s has no name there", n->name);
        if (!head && turned) {
            GM__TRY(gm_tensor_new(m->ctx, GM_F32, 2, (int64_t[]){ t->shape[1], t->shape[0] }, &copies[i]));
            turn(t, copies[i]);
            t = copies[i];
        }
        GM__TRY(gm__stw_tensor(w, name, t, true));
    }
    return gm__stw_meta(w, "format", "pt");
}

static gm_status write_weights(const gm_model *m, const char *path)
{
    gm__stw *w = NULL;
    gm_tensor **copies = gm__calloc(m->ctx, m->n_tensors, sizeof *copies);
    gm_status s = copies ? gm__stw_new(m->ctx, &w) : GM_ENOMEM;
    if (!s) s = add_weights(m, w, copies);
    if (!s) s = gm__stw_commit(w, path);
    gm__stw_free(w);
    for (size_t i = 0; copies && i < m->n_tensors; i++) gm_tensor_free(copies[i]);
    gm__free(m->ctx, copies);
    return s;
}

/* The option that a GPT-2 does not have, NULL if it has all. */
static const char *beyond(const gm_gpt_config *c)
{
    if (c->kv_heads && c->kv_heads != c->heads) return "kv-heads";
    if (c->norm != GM_GPT_NORM_LAYER) return "norm";
    if (c->post) return "post";
    if (c->positions != GM_GPT_POSITIONS_LEARNED) return "positions";
    if (!c->bias) return "bias=off";
    return c->activation == GM_GPT_SWIGLU ? "activation=swiglu" : NULL;
}

static gm_status save(gm_model *m, const char *folder)
{
    char path[PATH], merges[PATH];
    gm_tokenizer *tk = gm__gpt_of(m)->tk;
    GM__TRY(gm__folder_make(m->ctx, folder));
    GM__TRY(path_of(m->ctx, folder, "model.safetensors", path));
    GM__TRY(write_weights(m, path));
    if (tk->kind == GM_TOKENIZE_BPE && tk->pattern == GM__SPLIT_GPT2) {
        GM__TRY(path_of(m->ctx, folder, "vocab.json", path));
        GM__TRY(path_of(m->ctx, folder, "merges.txt", merges));
        GM__TRY(gm_tokenizer_save_gpt2(tk, path, merges));
    }
    GM__TRY(path_of(m->ctx, folder, "config.json", path));
    return write_config(m, path);
}

gm_status gm_gpt_save_hf(gm_model *m, const char *folder)
{
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    if (!folder) return gm__fail_ctx(m->ctx, GM_EARG, "gm_gpt_save_hf: folder is NULL");
    if (m->family != &gm__family_gpt) return gm__fail_ctx(m->ctx, GM_EARG, "gm_gpt_save_hf: the model is a %s", m->family->name);
    GM__TRY(gm__lm_able(m->ctx, m, "be written"));
    const char *what = beyond(gm__gpt_cfg(m));
    if (what) return gm__fail_ctx(m->ctx, GM_EUNSUPPORTED, "gm_gpt_save_hf: GPT-2 has no %s", what);
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm_status s = save(m, folder);
    gm__model_end_use(m);
    return s;
}
