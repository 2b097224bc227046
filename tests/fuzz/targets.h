/* targets.h - one function an input format, for libFuzzer (fuzz_NAME.c) and for the replay of the seeds
 * (test_corpus.c). Each takes any bytes and leaves nothing behind. */
#ifndef FUZZ_TARGETS_H
#define FUZZ_TARGETS_H

#include <stddef.h>
#include <stdint.h>

void fuzz_safetensors(const uint8_t *p, size_t n);
void fuzz_npy(const uint8_t *p, size_t n);
void fuzz_idx(const uint8_t *p, size_t n);
void fuzz_csv(const uint8_t *p, size_t n);
void fuzz_spec(const uint8_t *p, size_t n);
void fuzz_cifar(const uint8_t *p, size_t n);
void fuzz_npz(const uint8_t *p, size_t n);
void fuzz_lines(const uint8_t *p, size_t n);
void fuzz_ratings(const uint8_t *p, size_t n);
void fuzz_png(const uint8_t *p, size_t n);
void fuzz_gzip(const uint8_t *p, size_t n);
void fuzz_arpa(const uint8_t *p, size_t n);
void fuzz_gpt2(const uint8_t *p, size_t n);
void fuzz_tokenizer(const uint8_t *p, size_t n);

#endif
