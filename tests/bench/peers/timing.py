"""What products.py and elementwise.py share: threads, clock, and the median of many runs of a call as a JSON line."""
import json
import os
import sys
import time

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
PART = sys.argv[2] if len(sys.argv) > 2 else ""
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)

import torch  # noqa: E402

torch.set_num_threads(THREADS)
torch.set_flush_denormal(True)
CLOCK = time.process_time if os.environ.get("BENCH_CLOCK") == "cpu" else time.perf_counter


def report(name, fn, calls, seconds=0.1):
    if PART not in name:
        return
    for _ in range(3):
        fn()
    samples, end = [], CLOCK() + seconds
    while len(samples) < 5 or (len(samples) < 2000 and CLOCK() < end):
        start = CLOCK()
        for _ in range(calls):
            fn()
        samples.append((CLOCK() - start) / calls)
    print(json.dumps({"workload": name, "peer": "torch-" + torch.__version__.split("+")[0], "threads": THREADS, "metric": "time",
                      "value": float("%.5g" % (1e3 * sorted(samples)[len(samples) // 2])), "unit": "ms", "n": len(samples)}), flush=True)
