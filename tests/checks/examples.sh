#!/bin/sh
# The examples that need no data run and reach what they promise (their exit code says so).
set -eu
"$GM_BUILD/examples/sin"
"$GM_BUILD/examples/own_training_loop"
"$GM_BUILD/examples/table"
"$GM_BUILD/examples/custom_op"
"$GM_BUILD/examples/ratings"
"$GM_BUILD/examples/markov_text" >/dev/null
"$GM_BUILD/examples/char_rnn" README.md 20 >/dev/null
"$GM_BUILD/examples/adding_task" 100 >/dev/null
"$GM_BUILD/examples/gpt_shakespeare" README.md 100 >/dev/null
"$GM_BUILD/examples/names" >/dev/null
"$GM_BUILD/examples/attention_lookup" >/dev/null
"$GM_BUILD/examples/seq2seq_reverse" 500 >/dev/null
examples=$(cd "$GM_BUILD/examples" && pwd)
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
cd "$tmp" # pictures go here
"$examples/rbm_digits" 300
"$examples/complete_image" 300
"$examples/dbn_digits" 10
"$examples/boltzmann_small" >/dev/null
"$examples/dbm_digits" 20 >/dev/null
for e in autoencoder conv_vae conditional_vae cnn_classifier dimension_reduction compare gan_ring wgan_gp cgan_digits lapgan srgan; do "$examples/$e"; done
