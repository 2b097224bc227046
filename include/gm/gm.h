/* gm/gm.h - all of libgm. */
#ifndef GM_GM_H
#define GM_GM_H

#include <gm/status.h>
#include <gm/ctx.h>
#include <gm/tensor.h>
#include <gm/tape.h>
#include <gm/ops.h>
#include <gm/custom.h>
#include <gm/image.h>
#include <gm/attention.h>
#include <gm/linalg.h>
#include <gm/ops_rnn.h>
#include <gm/net.h>
#include <gm/optim.h>
#include <gm/dataset.h>
#include <gm/file.h>
#include <gm/metrics.h>
#include <gm/model.h>
#include <gm/trainer.h>
#include <gm/sampler.h>
#include <gm/tokenizer.h>
#include <gm/vae.h>
#include <gm/classifier.h>
#include <gm/bm.h>
#include <gm/rbm.h>
#include <gm/dbn.h>
#include <gm/gan.h>
#include <gm/lapgan.h>
#include <gm/srgan.h>
#include <gm/dbm.h>
#include <gm/lm.h>
#include <gm/ngram.h>
#include <gm/rnn.h>
#include <gm/gpt.h>
#include <gm/transformer.h>

#endif
