#!/bin/sh
# peers.sh BUILD PYTHON WHICH - benchmarks beside the same work in other libraries: bench_NAME and peers/NAME.py
# run in turn, ROUNDS times (3), for every number of threads in THREADS ("1 2"); medians, and the peer's time over ours.
# WHICH is a NAME, or 1 for all; PART, a part of a workload's name, selects some. PYTHON may name several, run one after the other.
set -e
build=$1 python=$2 which=$3
here=tests/bench/peers
[ "$which" = 1 ] && which=$(ls $here | sed -n 's/\.py$//p' | grep -vx timing)
for name in $which; do
    [ -x "$build/tests/bench/bench_$name" ] && [ -f "$here/$name.py" ] || { echo "peers: no benchmark $name with a peer"; exit 1; }
    for threads in ${THREADS:-1 2}; do
        lines=$(mktemp)
        trap 'rm -f "$lines"' EXIT
        for round in $(seq "${ROUNDS:-3}"); do
            "$build/tests/bench/bench_$name" "$threads" $PART >>"$lines"
            for p in $python; do "$p" "$here/$name.py" "$threads" $PART >>"$lines"; done
        done
        echo "== $name, $threads threads"
        "${python%% *}" "$here/../ratios.py" <"$lines"
        rm -f "$lines"
    done
done
