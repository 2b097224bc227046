"""Medians of times in milliseconds, or of errors, from JSON lines of benchmarks, libgm beside another library, and their ratio."""
import json
import math
import statistics
import sys

times = {}
for line in sys.stdin:
    r = json.loads(line)
    if r["metric"] in ("time", "error"):
        times.setdefault(r["workload"], {}).setdefault(r["peer"], []).append(r["value"])
logs = {}
for workload, by in times.items():
    if "libgm" not in by:
        continue
    ours = statistics.median(by.pop("libgm"))
    for peer, values in by.items():
        theirs = statistics.median(values)
        logs.setdefault(peer, []).append(math.log(theirs / ours))
        print("%-34s libgm %9.4g  %s %9.4g  ratio %.2f" % (workload, ours, peer, theirs, theirs / ours))
for peer, values in logs.items():
    print("geometric mean of %d beside %s: %.2f" % (len(values), peer, math.exp(sum(values) / len(values))))
