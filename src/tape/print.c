/* print.c - the recorded graph as text. */
#include "tape/tape.h"

typedef struct { char *out; size_t cap, len; } sink;

/* Where the next piece goes; the length counts on past the end. */
#define PUT(s, ...) ((s)->len += gm__format((s)->len < (s)->cap ? (s)->out + (s)->len : NULL, (s)->len < (s)->cap ? (s)->cap - (s)->len : 0, __VA_ARGS__))

/* A leaf's number is where the tape first kept it. */
static size_t leaf_number(const gm_tape *t, const gm_tensor *x)
{
    size_t i = 0;
    while (i < t->n_kept && t->kept[i] != x) i++;
    return i;
}

static void put_type(sink *s, const gm_tensor *x)
{
    char text[128];
    PUT(s, "%s %s", gm_dtype_name(x->dtype), gm__shape_text(text, x->ndim, x->shape));
}

static void put_input(sink *s, const gm_tape *t, const gm_tensor *x)
{
    if (!x) PUT(s, "-");
    else if (x->node) PUT(s, "%%%d", (int)x->node->index);
    else if (!x->tape) PUT(s, "%c%zu", x->wants_grad ? 'w' : 'x', leaf_number(t, x));
    else put_type(s, x); /* an op result that was not recorded */
}

size_t gm_tape_print(const gm_tape *t, char *out, size_t cap)
{
    sink s = {out, out ? cap : 0, 0};
    if (s.cap) out[0] = 0;
    if (!gm__is(t, GM__TAPE)) return 0;
    for (size_t i = 0; i < t->n_kept; i++) {
        const gm_tensor *x = t->kept[i];
        if (leaf_number(t, x) != i) continue;
        PUT(&s, "%c%zu = leaf ", x->wants_grad ? 'w' : 'x', i);
        put_type(&s, x);
        PUT(&s, "\n");
    }
    for (size_t k = 0; k < t->n_nodes; k++) {
        const gm__node *n = t->nodes[k];
        PUT(&s, "%%%d = %s(", (int)n->index, n->op->name);
        for (int32_t i = 0; i < n->nin; i++) {
            if (i) PUT(&s, ", ");
            put_input(&s, t, n->in[i]);
        }
        PUT(&s, ") ");
        put_type(&s, n->out);
        PUT(&s, "\n");
    }
    return s.len;
}
