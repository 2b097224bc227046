#!/bin/sh
# The examples that need no data run and reach what they promise (their exit code says so).
set -eu
"$GM_BUILD/examples/sin"
"$GM_BUILD/examples/own_training_loop"
"$GM_BUILD/examples/table"
