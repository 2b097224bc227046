/* Writes rows of a data set as MNIST's image file (gzip), for programs that expect one: write_idx SPEC FILE */
#include <gm/gm.h>
#include <stdio.h>
#include <zlib.h>

int main(int argc, char **argv)
{
    gm_ctx *ctx = NULL; gm_dataset *d = NULL; gm_tensor *x = NULL;
    if (argc != 3 || gm_ctx_new(NULL, &ctx) || gm_dataset_open(ctx, argv[1], &d)) return 1;
    uint32_t n = (uint32_t)gm_dataset_rows(d);
    if (gm_dataset_read(d, "x", 0, n, &x) || gm_tensor_size(x) != (int64_t)n * 784) return 1;
    unsigned char head[16] = {0, 0, 8, 3, (unsigned char)(n >> 24), (unsigned char)(n >> 16), (unsigned char)(n >> 8), (unsigned char)n,
                              0, 0, 0, 28, 0, 0, 0, 28};
    gzFile out = gzopen(argv[2], "wb");
    const float *p = gm_tensor_data(x);
    if (!out || gzwrite(out, head, 16) != 16) return 1;
    for (size_t i = 0; i < (size_t)n * 784; i++)
        if (gzputc(out, (int)(p[i] * 255 + 0.5f)) < 0) return 1;
    if (gzclose(out) != Z_OK) return 1;
    gm_tensor_free(x); gm_dataset_free(d); gm_ctx_free(ctx);
    return 0;
}
