/* neighbours.h - how well rows tell their label: by a vote of the nearest rows whose label is known. */
#ifndef TESTS_EXPERIMENTS_NEIGHBOURS_H
#define TESTS_EXPERIMENTS_NEIGHBOURS_H

#include <gm/gm.h>

enum { NEIGHBOURS_MOST = 32, NEIGHBOURS_CLASSES = 64 };

static inline float squared_distance(const float *a, const float *b, int64_t n)
{
    float sum[8] = {0}; /* eight at a time, which compilers make vectors of */
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) sum[k] += (a[i + k] - b[i + k]) * (a[i + k] - b[i + k]);
    for (; i < n; i++) sum[0] += (a[i] - b[i]) * (a[i] - b[i]);
    return sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7];
}

/* The commonest label of the k nearest of n rows; among equals that of the nearest. */
static inline int64_t nearest_label(const float *query, const float *x, const int64_t *label, int64_t n, int64_t width, int k)
{
    float best[NEIGHBOURS_MOST];
    int64_t which[NEIGHBOURS_MOST], most = 0;
    int votes[NEIGHBOURS_CLASSES] = {0}, found = 0;
    for (int64_t i = 0; i < n; i++) {
        const float d = squared_distance(query, x + i * width, width);
        if (found == k && d >= best[k - 1]) continue;
        int at = found < k ? found++ : k - 1;
        for (; at > 0 && best[at - 1] > d; at--) best[at] = best[at - 1], which[at] = which[at - 1];
        best[at] = d, which[at] = label[i];
    }
    for (int i = 0; i < found; i++) votes[which[i]]++;
    for (int i = found - 1; i >= 0; i--)
        if (i == found - 1 || votes[which[i]] >= votes[most]) most = which[i];
    return most;
}

/* Share of queries whose label the k nearest rows tell. */
static inline double nearest_accuracy(const gm_tensor *x, const gm_tensor *label, const gm_tensor *query, const gm_tensor *truth, int k)
{
    const int64_t n = gm_tensor_dim(x, 0), queries = gm_tensor_dim(query, 0), width = gm_tensor_size(x) / n;
    int64_t right = 0;
    for (int64_t i = 0; i < queries; i++)
        right += nearest_label((const float *)gm_tensor_data(query) + i * width, gm_tensor_data(x), gm_tensor_data(label), n, width, k)
                 == ((const int64_t *)gm_tensor_data(truth))[i];
    return (double)right / (double)queries;
}

#endif
