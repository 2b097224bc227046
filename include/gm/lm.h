/* gm/lm.h - language models: whatever gives the next token a probability. ngram, rnn, transformer, gpt.
 *
 *     gm_sampler *s = NULL; int64_t token;
 *     st = gm_sampler_new(ctx, model, "temperature=0.8 top-k=40 seed=1", &s);
 *     if (!st) st = gm_sampler_prompt(s, "ROMEO:", 6);
 *     while (!st && !(st = gm_sampler_next(s, &token))) ...
 *
 * A text is tokens of the model's tokenizer. log p(text) = sum_i log p(token_i | tokens before it).
 */
#ifndef GM_LM_H
#define GM_LM_H

#include <gm/sampler.h>
#include <gm/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The tokenizer of a language model. @return borrowed; NULL if m is none, or before its first fit. @errors none. @threads as the model's context. @since 0.1 */
GM_API gm_tokenizer *gm_lm_tokenizer(const gm_model *m);
/**
 * Gives an unbuilt model a tokenizer in place of the one that its first fit would make.
 * @param tk      retained
 * @errors    GM_EARG, GM_ESTATE (it has weights), GM_EUNSUPPORTED
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_lm_set_tokenizer(gm_model *m, gm_tokenizer *tk);
/** How many tokens the next one can depend on; 0: all of them (rnn). -1: no language model. @errors none. @threads any. @since 0.1 */
GM_API int64_t gm_lm_context(const gm_model *m);

/** The token that ends a text; -1: texts of this model go on. @errors none. @threads as the model's context. @since 0.1 */
GM_API int64_t gm_lm_end(const gm_model *m);

/**
 * Distribution of the next token.
 * @param tokens   i64 [T], T >= 0: what came before, from the text's start
 * @param out      f32 [vocabulary] of log-probabilities, whose exp sums to 1; the caller's
 * @errors    GM_EARG (no such token), GM_EUNSUPPORTED (no language model), GM_ESTATE, GM_EDTYPE, GM_EBUSY, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_lm_next(gm_model *m, gm_tensor *tokens, gm_tensor **out);

/**
 * Log-probability of every token of a text given those before it.
 * @param tokens   i64 [T]
 * @param out      f32 [T], nats; the caller's. The first stands at the start of a text. A model of limited context sees at least
 *                 half of it before each token
 * @errors    as gm_lm_next, GM_ECANCELED
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_lm_log_prob(gm_model *m, gm_tensor *tokens, gm_tensor **out);

/* ---- generation: a gm_sampler whose model is a language model ----------------------------
 * Further options of gm_sampler_new: temperature (1; 0: always the likeliest), top-k (0: all), top-p (1), min-p (0), typical (1),
 * repetition-penalty (1), frequency-penalty (0), presence-penalty (0), penalty-window (64 last tokens; 0: all), no-repeat-ngram (0),
 * stop (text that ends generation; several by |), max-tokens (0: no end). They apply in this order: bias, penalties, filter,
 * temperature, top-k, typical, top-p, min-p. State save and load carry the text so far: generation goes on with the same text. */

/**
 * Appends text to what the model has read; nothing is drawn. Longer than the context: its last tokens count.
 * @errors    GM_EARG (unknown token), GM_EFORMAT, GM_EUNSUPPORTED (no language model), GM_EBUSY, GM_ENOMEM
 * @threads   as the sampler's context
 * @since     0.1
 */
GM_API gm_status gm_sampler_prompt(gm_sampler *s, const void *text, size_t n);

/**
 * Draws the next token and appends it.
 * @param token   receives its number
 * @return    GM_END after an end-of-text token, a stop text or max-tokens; the sampler can be prompted again
 * @errors    GM_END, GM_EBUSY, GM_ENONFINITE, GM_ECANCELED, GM_ENOMEM
 * @threads   as the sampler's context
 * @since     0.1
 */
GM_API gm_status gm_sampler_next(gm_sampler *s, int64_t *token);

/** Receives text as it is made: whole UTF-8 characters (bytes that are none come as they are). Non-zero stops with GM_ECANCELED. */
typedef int (*gm_text_fn)(const char *bytes, size_t n, void *user);

/**
 * Draws up to `tokens` tokens and hands their text to fn; less if the text ends before (GM_END). A stop text is not handed out.
 * @param done    receives how many were drawn; may be NULL
 * @errors    as gm_sampler_next, GM_ECANCELED (by fn)
 * @threads   as the sampler's context; fn runs on the calling thread
 * @since     0.1
 */
GM_API gm_status gm_sampler_write(gm_sampler *s, int64_t tokens, gm_text_fn fn, void *user, int64_t *done);

/** Forgets the text, keeps the stream of draws. @errors GM_EUNSUPPORTED. @threads as the sampler's context. @since 0.1 */
GM_API gm_status gm_sampler_reset(gm_sampler *s);

/** Adds `bias` to the logit of a token; -INFINITY forbids it, 0 takes it back. @errors GM_EARG, GM_EUNSUPPORTED, GM_ENOMEM. @threads as the sampler's context. @since 0.1 */
GM_API gm_status gm_sampler_bias(gm_sampler *s, int64_t token, double bias);

/** The host's own rule: may change the logits [n] before temperature and truncation. Non-zero stops with GM_ECANCELED. */
typedef int (*gm_logits_fn)(float *logits, int64_t n, void *user);
/** @param fn NULL: none. @errors GM_EARG, GM_EUNSUPPORTED. @threads as the sampler's context. @since 0.1 */
GM_API gm_status gm_sampler_filter(gm_sampler *s, gm_logits_fn fn, void *user);

/**
 * The likeliest continuations by beam search.
 * @param prompt   i64 [T], T >= 0
 * @param options  beams (4), tokens (32), length-penalty (0: sum of log-probabilities; a: divided by length^a), results (1)
 * @param out      i64 [results, tokens], shorter ones padded with -1; the caller's
 * @param scores   f32 [results], best first; may be NULL
 * @errors    GM_EARG, GM_EUNSUPPORTED, GM_EBUSY, GM_ECANCELED, GM_ENOMEM
 * @threads   as the model's context
 * @since     0.1
 */
GM_API gm_status gm_lm_beam(gm_model *m, gm_tensor *prompt, const char *options, gm_tensor **out, gm_tensor **scores);

#ifdef __cplusplus
}
#endif
#endif
