/* targets.h - one function an input: it takes any bytes and leaves nothing behind. For libFuzzer (fuzz.c), for the
 * mutations of our own (plain.c) and for the replay of the seeds (test_corpus.c). A name has a folder under seeds/. */
#ifndef FUZZ_TARGETS_H
#define FUZZ_TARGETS_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_TARGETS(X)                                                                             \
    X(safetensors) X(npy) X(idx) X(csv) X(spec) X(cifar) X(npz) X(lines) X(ratings) X(png) X(gzip)  \
    X(arpa) X(gpt2) X(tokenizer) X(model) X(checkpoint) X(options) X(net) X(state) X(writer) X(choose) X(calls)

typedef void fuzz_fn(const uint8_t *p, size_t n);
#define FUZZ_DECLARE(name) fuzz_fn fuzz_##name;
FUZZ_TARGETS(FUZZ_DECLARE)
#undef FUZZ_DECLARE

fuzz_fn *fuzz_find(const char *name); /* NULL if there is none */
/* Runs it; aborts if that took more than a second of this process's time. */
void fuzz_timed(fuzz_fn *target, const uint8_t *p, size_t n);

#endif
