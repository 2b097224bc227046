/* cpu.c - linked before gm_ctx_new of the library in builds of `make check-variants`: contexts that ask for no kernels in
 * particular get those that GM_TEST_CPU names. */
#include <gm/ctx.h>
#include <stdlib.h>
#include <string.h>

gm_status __real_gm_ctx_new(const gm_ctx_config *config, gm_ctx **out);
gm_status __wrap_gm_ctx_new(const gm_ctx_config *config, gm_ctx **out);

gm_status __wrap_gm_ctx_new(const gm_ctx_config *config, gm_ctx **out)
{
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    if (config && config->struct_size != sizeof c) return __real_gm_ctx_new(config, out); /* a struct that is wrong by intent */
    if (config) c = *config;
    if (!c.cpu || !strcmp(c.cpu, "auto")) c.cpu = getenv("GM_TEST_CPU");
    return __real_gm_ctx_new(&c, out);
}
