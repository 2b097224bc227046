/* health.c - what a GAN's training notices about itself. Half-steps leave running means of gradients and of D's advantage; every
 * health-every steps generated rows are looked at. What stays wrong for some looks raises an event, and with health=act a remedy. */
#include "models/gan/health.h"
#include <math.h>
#include <string.h>

enum {
    WARM = 5,         /* looks before anything is said */
    STAYS = 3,        /* looks in a row that make a mishap an event */
    PAUSE = 10,       /* looks until the same event may be raised again */
    WINDOW = 8,       /* looks over which the way of the mean is measured .. */
    WINDOWS = 2,      /* .. and windows in a row that make an oscillation */
    SEEN = 50,        /* half-steps before a running mean says anything */
    RECENT = 10,      /* of D's, of which the band is */
    FIRST = 5,        /* of them, after which its largest value counts */
    BLAST_PAUSE = 100 /* half-steps between two alarms of D's gradient */
};
/* Where what is measured is taken for wrong; docs/gan.md says where they come from. */
static const double alike = 0.1, few_reached = 0.15, wide = 10, away = 10, sure = 0.995, poor = 0.5, lost = 0.3, confident = 0.95, flat = 0.01, blast = 100, grown = 1e4,
                    restless_step = 0.5, restless_net = 0.5, gap_growth = 2, gap_least = 0.5;

const int32_t gm__ill_events[GM__ILLS] = {GM_EVENT_MODE_COLLAPSE, GM_EVENT_VANISHING, GM_EVENT_EXPLODING, GM_EVENT_OSCILLATION, GM_EVENT_IMBALANCE, GM_EVENT_DUALITY_GAP};

static double *state(const gm_trainer *tr) { return gm__health_state(tr); }

/* Three digits, for a message. */
static double brief(double x)
{
    const double unit = x != 0 && isfinite(x) ? pow(10, 2 - floor(log10(fabs(x)))) : 0;
    return unit > 0 && isfinite(unit) ? round(x * unit) / unit : x;
}

/* ---- half-steps --------------------------------------------------------------------------- */

double gm__health_advantage(const gm_tensor *real, const gm_tensor *fake)
{
    int64_t twice = 0, n = real->shape[0], k = fake->shape[0];
    if (real->dtype != GM_F32 || fake->dtype != GM_F32 || !n || !k) return 0.5;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < k; j++) {
            const float r = gm__f32(real)[i * real->stride[0]], f = gm__f32(fake)[j * fake->stride[0]];
            twice += (r > f) + (r >= f);
        }
    return (double)twice / 2 / (double)n / (double)k;
}

/* Running mean over the last `most` numbers or so; seen: how many there were before. */
static void follow(double *mean, double seen, double value, double most) { *mean += (value - *mean) / fmin(seen + 1, most); }

static double log_norm(const gm_optim *o)
{
    const double norm = gm_optim_grad_norm(o);
    return log(fmax(isfinite(norm) ? norm : 1e30, 1e-30));
}

/* More steps for a D that falls below the band, fewer for one above it: by a little at each of its half-steps, so that few of them
 * change little before it is seen what they do. */
static void adapt(const gm__health *h, double *v)
{
    const double pace = 1.01;
    follow(&v[GM__H_RECENT], v[GM__H_D_SEEN], h->advantage, RECENT);
    if (!(h->band[1] > 0)) return;
    if (v[GM__H_RECENT] > h->band[1]) v[GM__H_RATIO] = fmax(v[GM__H_RATIO] / pace, 1.0 / 16);
    else if (v[GM__H_RECENT] < h->band[0]) v[GM__H_RATIO] = fmin(v[GM__H_RATIO] * pace, 16);
}

void gm__health_saw_d(gm_model *m, gm_trainer *tr)
{
    double *v = state(tr);
    const double now = log_norm(tr->rival), seen = v[GM__H_D_SEEN];
    const bool due = v[GM__H_D_BLAST] < 0 || seen - v[GM__H_D_BLAST] >= BLAST_PAUSE;
    if (gm__gan_cfg(m)->health && seen > SEEN && due && now > v[GM__H_D_NORM] + log(blast)) {
        v[GM__H_D_BLAST] = seen;
        gm__trainer_raise(tr, GM_EVENT_EXPLODING, exp(now), "discriminator: gradient norm %g, usually about %g: try a smaller d-lr or clip-norm", brief(exp(now)), brief(exp(v[GM__H_D_NORM])));
        gm__remedy(m, tr, GM__ILL_EXPLODING, 0);
    }
    if (!(seen > 0)) v[GM__H_D_FIRST] = now;
    follow(&v[GM__H_D_NORM], seen, now, SEEN);
    follow(&v[GM__H_ADVANTAGE], seen, gm__health_of(tr)->advantage, SEEN);
    adapt(gm__health_of(tr), v);
    v[GM__H_D_SEEN]++;
    gm__trainer_record(tr, "d-advantage", gm__health_of(tr)->advantage);
}

static double d_steps(const gm_model *m, const double *v) { return gm__gan_cfg(m)->d_steps * v[GM__H_RATIO]; }

/* Whole numbers whose mean is d-steps, the larger ones first. */
int64_t gm__health_d_steps(const gm_model *m, const gm_trainer *tr)
{
    const double *v = state(tr);
    return (int64_t)ceil(v[GM__H_OWED] + d_steps(m, v) - 1e-9);
}

void gm__health_saw_g(gm_model *m, gm_trainer *tr)
{
    double *v = state(tr);
    v[GM__H_OWED] += d_steps(m, v) - (double)gm__health_d_steps(m, tr);
    const double now = log_norm(tr->optim);
    if (!(v[GM__H_G_SEEN] > 0)) v[GM__H_G_FIRST] = now;
    follow(&v[GM__H_G_NORM], v[GM__H_G_SEEN], now, SEEN);
    v[GM__H_G_SEEN]++;
    v[GM__H_G_TOP] = v[GM__H_G_SEEN] > FIRST ? fmax(v[GM__H_G_TOP], v[GM__H_G_NORM]) : v[GM__H_G_NORM];
    if (gm__health_of(tr)->band[1] > 0) gm__trainer_record(tr, "d-steps", d_steps(m, v));
}

/* ---- judging --------------------------------------------------------------------------------- */

/* Has it been so for as many looks in a row as make an event, and may that be raised? */
static bool stays(gm_trainer *tr, int ill, int counter, bool so, int most)
{
    double *v = state(tr);
    gm__health_of(tr)->troubled |= so;
    v[counter] = so ? v[counter] + 1 : 0;
    if (v[counter] < most || v[GM__H_REST + ill] > 0 || v[GM__H_LOOKS] < WARM) return false;
    v[counter] = 0;
    v[GM__H_REST + ill] = PAUSE;
    return true;
}

static void judge_rows(gm_model *m, gm_trainer *tr, const gm__look *look)
{
    const double *v = state(tr), growth = fmax(v[GM__H_G_NORM] - v[GM__H_G_FIRST], v[GM__H_D_NORM] - v[GM__H_D_FIRST]);
    const bool few = look->diversity < alike, far = !look->finite || look->diversity > wide || look->distance > away;
    if (stays(tr, GM__ILL_EXPLODING, GM__H_FAR, far || growth > log(grown), STAYS)) {
        if (!far) gm__trainer_raise(tr, GM_EVENT_EXPLODING, exp(growth), "gradients are %g times what they were at first: try smaller rates", brief(exp(growth)));
        else gm__trainer_raise(tr, GM_EVENT_EXPLODING, look->diversity, "generated rows spread %g and lie %g times the data's spread away: try smaller rates", brief(look->diversity), brief(look->distance));
        gm__remedy(m, tr, GM__ILL_EXPLODING, 0);
    }
    if (!look->finite || !stays(tr, GM__ILL_COLLAPSE, GM__H_ALIKE, few || look->reach < few_reached, STAYS)) return;
    if (few) gm__trainer_raise(tr, GM_EVENT_MODE_COLLAPSE, look->diversity, "mode collapse: generated rows spread %g of what the data do: try pack, mbstd, a penalty", brief(look->diversity));
    else gm__trainer_raise(tr, GM_EVENT_MODE_COLLAPSE, look->reach, "mode collapse: generated rows reach %g of the data: try pack, mbstd, a penalty", brief(look->reach));
    gm__remedy(m, tr, GM__ILL_COLLAPSE, 1);
}

/* The rows' mean goes far between looks and gets nowhere. */
static void judge_way(gm_model *m, gm_trainer *tr, const gm__look *look, const gm_tensor *mean)
{
    gm__health *h = gm__health_of(tr);
    double *v = state(tr);
    const size_t row = (size_t)m->row;
    v[GM__H_PATH] += look->moved;
    v[GM__H_SINCE] += v[GM__H_LOOKS] > 0;
    if (v[GM__H_SINCE] >= WINDOW) {
        const double each = v[GM__H_PATH] / WINDOW;
        if (stays(tr, GM__ILL_OSCILLATION, GM__H_RESTLESS, each > restless_step && look->net < restless_net * v[GM__H_PATH], WINDOWS)) {
            gm__trainer_raise(tr, GM_EVENT_OSCILLATION, each, "generated rows wander: their mean moves %g spreads of the data between looks: try optimistic, extragradient, smaller rates", brief(each));
            gm__remedy(m, tr, GM__ILL_OSCILLATION, 1);
        }
        v[GM__H_PATH] = v[GM__H_SINCE] = 0;
    }
    if (v[GM__H_SINCE] <= 0) memcpy(gm__f32(h->place) + row, gm__f32(mean), row * sizeof(float));
    memcpy(gm__f32(h->place), gm__f32(mean), row * sizeof(float));
}

static void judge_players(gm_model *m, gm_trainer *tr, const gm__look *look)
{
    double *v = state(tr);
    const double a = v[GM__H_ADVANTAGE], norm = exp(v[GM__H_G_NORM]), top = exp(v[GM__H_G_TOP]);
    const bool seen = v[GM__H_D_SEEN] > SEEN, both = seen && v[GM__H_G_SEEN] > SEEN;
    if (stays(tr, GM__ILL_VANISHING, GM__H_FLAT, both && a > confident && norm < flat * top, STAYS)) {
        gm__trainer_raise(tr, GM_EVENT_VANISHING, norm, "the generator's gradient is %g, it was %g, and the discriminator tells %g of all pairs: not minimax, fewer d-steps", brief(norm), brief(top), brief(a));
        gm__remedy(m, tr, GM__ILL_VANISHING, -1);
    }
    const bool d_ahead = seen && a > sure && (look->diversity < poor || look->distance > poor), g_ahead = seen && a < lost;
    if (stays(tr, GM__ILL_IMBALANCE, GM__H_SURE, d_ahead, STAYS)) {
        gm__trainer_raise(tr, GM_EVENT_IMBALANCE, a, "the discriminator tells %g of all pairs: try a penalty, a smaller d-lr, instance-noise", brief(a));
        gm__remedy(m, tr, GM__ILL_IMBALANCE, -1);
    } else if (stays(tr, GM__ILL_IMBALANCE, GM__H_LOST, g_ahead, STAYS)) {
        gm__trainer_raise(tr, GM_EVENT_IMBALANCE, a, "the discriminator tells %g of all pairs, less than by chance: try more d-steps, a larger d-lr", brief(a));
        gm__remedy(m, tr, GM__ILL_IMBALANCE, 1);
    }
}

/* An alarm of the trainer's, about the generator's gradient. */
static void hear(gm_model *m, gm_trainer *tr)
{
    double *v = state(tr);
    if (tr->st.exploded < 0 || (double)tr->st.exploded <= v[GM__H_BLAST]) return;
    v[GM__H_BLAST] = (double)tr->st.exploded;
    gm__remedy(m, tr, GM__ILL_EXPLODING, 0);
}

/* ---- looks ------------------------------------------------------------------------------------- */

static void record(gm_trainer *tr, const gm__look *look)
{
    if (!look->finite) return;
    gm__trainer_record(tr, "diversity", look->diversity);
    gm__trainer_record(tr, "reach", look->reach);
    gm__trainer_record(tr, "distance", look->distance);
    gm__trainer_record(tr, "moved", look->moved);
}

static gm_status look_at_rows(gm_model *m, gm_trainer *tr)
{
    double *v = state(tr);
    gm__look look;
    gm_tensor *mean = NULL;
    GM__TRY(gm__probe_look(m, tr, &look, &mean)); /* after this nothing fails */
    for (int i = 0; i < GM__ILLS; i++) v[GM__H_REST + i] = fmax(v[GM__H_REST + i] - 1, 0);
    gm__health_of(tr)->troubled = false;
    record(tr, &look);
    judge_rows(m, tr, &look);
    if (look.finite) judge_way(m, tr, &look, mean);
    judge_players(m, tr, &look);
    if (gm__health_of(tr)->n && !gm__health_of(tr)->troubled) gm__remedy_keep(tr);
    v[GM__H_LOOKS]++;
    v[GM__H_LOOKED] = (double)tr->st.step;
    return GM_OK;
}

/* Far above the least so far, and not by rounding of something small. */
static gm_status look_at_gap(gm_model *m, gm_trainer *tr)
{
    double *v = state(tr), gap;
    GM__TRY(gm__gan_gap(m, tr, &gap));
    if (v[GM__H_GAPPED] < 0 || gap < v[GM__H_GAP_BEST]) v[GM__H_GAP_BEST] = gap;
    gm__trainer_record(tr, "duality-gap", gap);
    v[GM__H_GAPPED] = (double)tr->st.step;
    const bool worse = gap > gap_least && gap > gap_growth * v[GM__H_GAP_BEST];
    v[GM__H_GAP_WORSE] = worse ? v[GM__H_GAP_WORSE] + 1 : 0;
    if (v[GM__H_GAP_WORSE] < STAYS) return GM_OK;
    v[GM__H_GAP_WORSE] = 0;
    gm__trainer_raise(tr, GM_EVENT_DUALITY_GAP, gap, "duality gap %g, at best %g: the two get further from a balance", brief(gap), brief(v[GM__H_GAP_BEST]));
    gm__remedy(m, tr, GM__ILL_GAP, 1);
    return GM_OK;
}

gm_status gm__health_attend(gm_model *m, gm_trainer *tr)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    double *v = state(tr);
    const int64_t step = tr->st.step;
    if (c->health && !tr->st.played) {
        hear(m, tr);
        if (step % c->health_every == 0 && v[GM__H_LOOKED] < (double)step) GM__TRY(look_at_rows(m, tr));
        if (c->gap_every && step && step % c->gap_every == 0 && v[GM__H_GAPPED] < (double)step) GM__TRY(look_at_gap(m, tr));
    }
    gm__optim_scale(tr->optim, v[GM__H_RATE]);
    gm__optim_scale(tr->rival, v[GM__H_RATE]);
    return GM_OK;
}

/* ---- beginning ------------------------------------------------------------------------------------ */

static void free_health(gm_ctx *ctx, void *own)
{
    gm__health *h = own;
    gm__probe_free(ctx, h);
    gm_tensor_free(h->state), gm_tensor_free(h->place);
    for (size_t i = 0; i < h->n; i++) gm_tensor_free(h->live[i]), gm_tensor_free(h->kept[i]);
    gm__free(ctx, h->live), gm__free(ctx, h->kept);
    gm__free(ctx, h);
}

static bool may_roll_back(const gm__health *h)
{
    for (int i = 0; i < GM__ILLS; i++)
        if (h->cure[i] == GM__CURE_ROLLBACK) return true;
    return false;
}

gm_status gm__health_begin(gm_model *m, gm_trainer *tr)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    gm_ctx *ctx = tr->ctx;
    gm__health *h = gm__calloc(ctx, 1, sizeof *h);
    if (!h) return GM_ENOMEM;
    tr->own = h, tr->own_free = free_health;
    GM__TRY(gm__gan_cures(ctx, c->remedies, h->cure));
    GM__TRY(gm__gan_band(ctx, c->d_band, h->band));
    GM__TRY(gm_tensor_new(ctx, GM_F64, 1, (int64_t[]){GM__H_SIZE}, &h->state));
    GM__TRY(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){2, m->row}, &h->place));
    double *v = gm__f64(h->state);
    v[GM__H_RATIO] = v[GM__H_RATE] = 1;
    v[GM__H_D_BLAST] = v[GM__H_BLAST] = v[GM__H_LOOKED] = v[GM__H_GAPPED] = -1;
    GM__TRY(gm__trainer_keep(tr, "health", h->state));
    GM__TRY(gm__trainer_keep(tr, "place", h->place));
    return c->health == GM_HEALTH_ACT && may_roll_back(h) ? gm__remedy_room(m, tr) : GM_OK;
}
