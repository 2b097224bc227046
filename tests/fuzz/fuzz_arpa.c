/* fuzz_arpa.c - libFuzzer target: clang -fsanitize=fuzzer,address,undefined. */
#include "fuzz/targets.inc"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fuzz_arpa(p, n);
    return 0;
}
