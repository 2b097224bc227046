/* print.c - what a model is, as text for people. */
#include "models/model.h"
#include <string.h>

static const char *kind_text(int32_t kind)
{
    switch (kind) {
    case GM_LOG_PROB_EXACT: return "exact";
    case GM_LOG_PROB_LOWER_BOUND: return "a lower bound";
    case GM_LOG_PROB_UNNORMALISED: return "unnormalised";
    case GM_LOG_PROB_ESTIMATE: return "an estimate";
    case GM_LOG_PROB_CONDITIONAL: return "of the label given the row";
    default: return "not available";
    }
}

static void print_options(const gm_model *m, gm__buf *b)
{
    const gm__opts *o = m->family->opts;
    gm__buf_text(b, "options\n");
    for (size_t i = 0; i < o->n; i++) {
        char value[256];
        gm__opts_value(o, i, m->cfg, value, sizeof value);
        if (value[0]) gm__buf_format(b, "  %-16s %s\n", o->rows[i].name, value);
    }
}

static void print_tensors(const gm_model *m, gm__buf *b)
{
    gm__buf_text(b, "tensors\n");
    for (size_t i = 0; i < m->n_tensors; i++) {
        char shape[128];
        const gm_tensor *t = m->tensors[i].tensor;
        gm__buf_format(b, "  %-28s %-16s %s%s\n", m->tensors[i].name, gm__shape_text(shape, t->ndim, t->shape), gm_dtype_name(t->dtype),
                       m->tensors[i].parameter ? "" : ", kept, not trained");
    }
}

static void print_nets(const gm_model *m, gm__buf *b)
{
    for (size_t i = 0; i < m->n_nets; i++) {
        gm__buf_format(b, "%s\n", m->nets[i].prefix);
        size_t n = gm_net_print(m->nets[i].net, NULL, 0);
        char *text = gm__alloc(m->ctx, n + 1, 1);
        if (!text) {
            b->failed = true;
            return;
        }
        gm_net_print(m->nets[i].net, text, n + 1);
        gm__buf_text(b, text);
        if (n && text[n - 1] != '\n') gm__buf_text(b, "\n");
        gm__free(m->ctx, text);
    }
}

void gm__model_tables(const gm_model *m, gm__buf *b)
{
    if (m->built && m->family->print) m->family->print(m, b);
    else if (m->built) print_nets(m, b);
}

size_t gm_model_print(gm_model *m, char *out, size_t cap)
{
    char shape[128];
    if (out && cap) out[0] = 0;
    if (!gm__is(m, GM__MODEL)) return 0;
    const gm__family *f = m->family;
    gm__buf b;
    gm__buf_init(&b, m->ctx);
    gm__buf_format(&b, "%s: %s\n", f->name, f->title);
    gm__buf_format(&b, "shape       %s\n", m->built ? gm__shape_text(shape, m->ndim, m->shape) : "unknown until the first fit");
    gm__buf_format(&b, "parameters  %lld\n", (long long)gm_model_parameters(m));
    gm__buf_format(&b, "log_prob    %s\n", gm_model_can(m) & GM_CAN_LOG_PROB ? kind_text(f->log_prob_kind) : "not available");
    gm__buf_format(&b, "score       %s\n", gm_model_can(m) & GM_CAN_SCORE ? f->score_formula : "not available");
    gm__buf_format(&b, "written by  libgm %s\n", m->version);
    print_options(m, &b);
    gm__model_tables(m, &b);
    if (m->built) print_tensors(m, &b);
    size_t n = b.failed ? 0 : b.len;
    if (n && out && cap) {
        size_t k = n < cap - 1 ? n : cap - 1;
        memcpy(out, b.data, k);
        out[k] = 0;
    }
    gm__buf_free(&b);
    return n;
}
