/* words.c - the tokenizer of a language model: learned from the data of its first fit, kept among its tensors. */
#include "models/lm.h"
#include <string.h>

static gm_status gather(void *user, const uint8_t *text, size_t n)
{
    gm__buf *b = user;
    gm__buf_put(b, text, n);
    return b->failed ? GM_ENOMEM : GM_OK;
}

gm_status gm__lm_learn_tokenizer(gm_model *m, const gm_dataset *d, const gm__lm_words *w, const char *special, gm_tokenizer **out)
{
    static const char *const kinds[] = { "byte", "char", "word", "bpe" };
    const bool open = w->tokenizer == GM_TOKENIZE_CHAR || w->tokenizer == GM_TOKENIZE_WORD;
    char options[200];
    gm__buf bytes;
    size_t size = 0;
    const uint8_t *all = gm__dataset_bytes(d, &size);
    gm_status s = GM_OK;
    gm__buf_init(&bytes, m->ctx);
    if (!all && w->tokenizer != GM_TOKENIZE_BYTE) {
        s = gm__lm_texts(m->ctx, "train", d, gather, &bytes);
        all = (const uint8_t *)bytes.data;
        size = bytes.len;
    }
    gm__format(options, sizeof options, "kind=%s vocab=%lld min-count=%lld%s%s pattern=%s%s%s", kinds[w->tokenizer], (long long)w->vocab, (long long)w->min_count,
               open && w->unk ? " unk=on" : "", w->lower ? " lower=on" : "", w->pattern ? "space" : "gpt2", special ? " special=" : "", special ? special : "");
    if (!s) s = gm_tokenizer_train(m->ctx, options, all, size, out);
    gm__buf_free(&bytes);
    return s;
}

gm_status gm__lm_add_tokenizer(gm_model *m, const gm_tokenizer *tk)
{
    gm_tensor *parts[GM__TK_TENSORS];
    gm_status s = gm__tokenizer_store(tk, parts);
    if (s) return s;
    for (int i = 0; i < GM__TK_TENSORS; i++) {
        if (!s) s = gm__model_add_tensor(m, gm__tokenizer_names[i], parts[i], false);
        gm_tensor_free(parts[i]);
    }
    return s;
}

gm_tensor *gm__model_named(const gm_model *m, const char *name)
{
    for (size_t i = 0; i < m->n_tensors; i++)
        if (!strcmp(m->tensors[i].name, name)) return m->tensors[i].tensor;
    return NULL;
}

gm_status gm__lm_find_tokenizer(gm_model *m, gm_tokenizer **out)
{
    gm_tensor *parts[GM__TK_TENSORS];
    for (int i = 0; i < GM__TK_TENSORS; i++)
        if (!(parts[i] = gm__model_named(m, gm__tokenizer_names[i]))) return gm__fail_ctx(m->ctx, GM_EFORMAT, "%s: no tokenizer", m->family->name);
    return gm__tokenizer_restore(m->ctx, parts, out);
}
