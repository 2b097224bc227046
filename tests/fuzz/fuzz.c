/* fuzz.c - all targets behind libFuzzer's entry; the environment's FUZZ_TARGET names the one. Built and run by `make fuzz`. */
#include "fuzz/targets.inc"
#include <stdio.h>

static fuzz_fn *target;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    const char *name = getenv("FUZZ_TARGET");
    target = name ? fuzz_find(name) : NULL;
    if (target) return 0;
    fprintf(stderr, "FUZZ_TARGET names no target\n");
    exit(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fuzz_timed(target, p, n);
    return 0;
}
