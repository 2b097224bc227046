#!/bin/sh
# run.sh BUILD LIBDIR - the benchmarks, each figure as a JSON line, and a table of all at the end.
# ONLY=NAME: those of bench_NAME, else the workloads whose names hold NAME; THREADS="1": numbers of threads ("1 2").
set -e
build=$1 libs=$2
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
part=$ONLY
benches=$build/tests/bench/bench_*
[ -n "$ONLY" ] && [ -x "$build/tests/bench/bench_$ONLY" ] && benches=$build/tests/bench/bench_$ONLY part=
for b in $benches; do
    case $b in *.d | *.o) continue ;; esac
    for threads in ${THREADS:-1 2}; do
        "$b" "$threads" ${part:+"$part"} >"$lines.one" || { rm -f "$lines.one"; exit 1; }
        tee -a "$lines" <"$lines.one"
    done
done
rm -f "$lines.one"
case footprint in *"$ONLY"*) sh tests/bench/footprint.sh "$build" "$libs" | tee -a "$lines" ;; esac
[ -s "$lines" ] || { echo "bench: no workload is called $ONLY"; exit 1; }
# a row for each workload and number of threads, its figures in the order of the lines
sed 's/[{}"]//g; s/,/:/g' "$lines" | awk -F: '
    { id = $2 " " $6
      if (!(id in text)) { order[n++] = id; if (length($2) > wide) wide = length($2) }
      text[id] = text[id] sprintf("  %s %s %s", $8, $10, $12) }
    END { printf "\n%-*s threads\n", wide, "workload"
          for (i = 0; i < n; i++) { split(order[i], p, " "); printf "%-*s %7d%s\n", wide, p[1], p[2], text[order[i]] } }'
