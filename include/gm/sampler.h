/* gm/sampler.h - a stream of draws from one model.
 *
 * Many samplers, each with a context of its own on a thread of its own, may share
 * one model: it is not changed while sampled.
 */
#ifndef GM_SAMPLER_H
#define GM_SAMPLER_H

#include <gm/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gm_sampler gm_sampler;

/**
 * New stream of draws.
 * @param ctx       the calling thread's context
 * @param m         model, retained; may belong to another context
 * @param options   seed (0), temperature (1: scales the latent noise; of Boltzmann machines: that of their distribution). Boltzmann machines alone:
 *                  chains (0: every row has a chain of its own from noise; else so many Gibbs chains give the rows in turn and go on from draw to
 *                  draw), burn-in (-1: the model's own; steps before the first row of a chain), thin (1: steps before each row), mean (on: rows
 *                  are means of p(v|h) as without chains; off: states), trace (off)
 * @param out       receives the sampler, the caller's
 * @errors    GM_EARG, GM_EUNSUPPORTED, GM_ESTATE, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_sampler_new(gm_ctx *ctx, gm_model *m, const char *options, gm_sampler **out);

/**
 * The next n rows of the stream: draws i .. i+n-1, each a function of (seed, index) alone; with chains=C row i is chain i modulo C at
 * its kept step i / C.
 * @param cond   of a conditional model: labels, i32 or i64 [n] or [1] for all rows; or numbers, f32 [n or 1, classes];
 *               NULL: draw i has label i modulo classes. NULL for any other model.
 *               With chains=C for [C] chains or [1] for all, held in the steps of this call; NULL: chain c has label c modulo classes
 * @param out    [n, shape of x], the caller's
 * @errors    GM_EARG, GM_EUNSUPPORTED (a condition for a model without), GM_EBUSY (model in training), GM_ECANCELED, GM_ENOMEM
 * @threads   as the sampler's context
 * @since     0.1
 */
GM_API gm_status gm_sampler_draw(gm_sampler *s, int64_t n, gm_tensor *cond, gm_tensor **out);

/**
 * Energies of the states kept since the sampler was made or its state loaded (chains=C trace=on), nats, up to a constant: free energy of an rbm's
 * visible units, and of those of a dbn's topmost machine; of a dbm that of its even layers, the visible units being layer 0;
 * energy of all units of a bm. A trace for gm_effective_samples.
 * @param out    f32 [chains, steps], the caller's
 * @errors    GM_EARG, GM_ESTATE (no trace; nothing drawn), GM_ENOMEM
 * @threads   as the sampler's context
 * @since     0.1
 */
GM_API gm_status gm_sampler_trace(gm_sampler *s, gm_tensor **out);

/** Writes the stream's state, chains included, their trace not. @param size in: bytes at out; out: bytes needed, which grow once with chains: at the first draw. out may be NULL to ask. @errors GM_EARG, GM_ELIMIT. @threads as the sampler's context. @since 0.1 */
GM_API gm_status gm_sampler_state_save(gm_sampler *s, void *out, size_t *size);
/** Goes on from a saved state of a sampler of the same model. @errors GM_EFORMAT, GM_EARG. @threads as the sampler's context. @since 0.1 */
GM_API gm_status gm_sampler_state_load(gm_sampler *s, const void *in, size_t size);
/** Frees the sampler. @errors none. @threads any. @since 0.1 */
GM_API void gm_sampler_free(gm_sampler *s);

#ifdef __cplusplus
}
#endif
#endif
