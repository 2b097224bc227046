/* prefetch.c - one thread that fills the next batch. It allocates nothing, calls
 * nobody and touches a slot and the order only between ask and wait. */
#include "data/batches.h"
#include <signal.h>
#include <unistd.h>

static const size_t stack_bytes = (size_t)256 << 10;

static void *work(void *arg)
{
    gm_batches *b = arg;
    gm__fetch *f = &b->fetch;
    pthread_mutex_lock(&f->lock);
    for (;;) {
        while (!f->stop && (!f->slot || f->ready)) pthread_cond_wait(&f->changed, &f->lock);
        if (f->stop) break;
        gm__slot *s = f->slot;
        pthread_mutex_unlock(&f->lock);
        gm__batches_fill(b, s, s->epoch, s->pos, true); /* what fails stays empty: the caller tries again and says why */
        pthread_mutex_lock(&f->lock);
        f->ready = true;
        pthread_cond_broadcast(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

static bool start(gm_batches *b)
{
    gm__fetch *f = &b->fetch;
    pthread_attr_t attr;
    sigset_t all, old;
    bool made = false;
    if (pthread_mutex_init(&f->lock, NULL)) return false;
    if (pthread_cond_init(&f->changed, NULL)) goto no_cond;
    if (pthread_attr_init(&attr)) goto no_attr;
    sigfillset(&all); /* the host's signals are the host's threads' */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    made = !pthread_attr_setstacksize(&attr, stack_bytes) && !pthread_create(&f->thread, &attr, work, b);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    if (made) {
        f->pid = getpid();
        return f->started = true;
    }
no_attr:
    pthread_cond_destroy(&f->changed);
no_cond:
    pthread_mutex_destroy(&f->lock);
    return false;
}

/* In a forked child there is no thread, and its lock may be held for ever. */
static bool lost(const gm_batches *b) { return b->fetch.started && b->fetch.pid != getpid(); }

void gm__fetch_ask(gm_batches *b, gm__slot *s, uint64_t epoch, uint64_t pos)
{
    gm__fetch *f = &b->fetch;
    if (!f->on || lost(b)) return;
    if (!f->started && !start(b)) {
        f->on = false; /* without a thread the caller fills */
        return;
    }
    pthread_mutex_lock(&f->lock);
    s->epoch = epoch;
    s->pos = pos;
    f->slot = s;
    f->ready = false;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

gm__slot *gm__fetch_wait(gm_batches *b)
{
    gm__fetch *f = &b->fetch;
    if (!f->started) return NULL;
    if (lost(b)) {
        f->started = f->on = false;
        b->order_valid = false; /* it may have been writing it */
        return NULL;
    }
    pthread_mutex_lock(&f->lock);
    gm__slot *s = f->slot;
    while (s && !f->ready) pthread_cond_wait(&f->changed, &f->lock);
    f->slot = NULL;
    pthread_mutex_unlock(&f->lock);
    return s;
}

void gm__fetch_end(gm_batches *b)
{
    gm__fetch *f = &b->fetch;
    if (!f->started || lost(b)) return;
    pthread_mutex_lock(&f->lock);
    f->stop = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    f->started = false;
}
