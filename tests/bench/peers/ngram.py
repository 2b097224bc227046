"""KenLM beside bench_ngram: its programs (in the folder KENLM, else on the PATH) make an ARPA file of the same text, and score it."""
import json
import os
import statistics
import subprocess
import sys
import time

folder, bins = os.environ.get("TMPDIR", "/tmp"), os.environ.get("KENLM", "")
text = os.path.join(folder, "gm_bench_zipf.txt")
part = sys.argv[2] if len(sys.argv) > 2 else ""


def timed(program, *args, stdin=os.devnull, rounds=3):
    seconds = []
    for _ in range(rounds):
        with open(stdin) as source:
            start = time.perf_counter()
            subprocess.run([os.path.join(bins, program), *args], stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def emit(workload, seconds, peer="kenlm"):
    if part in workload:
        print(json.dumps({"workload": workload, "peer": peer, "threads": int(sys.argv[1]), "metric": "time", "value": 1e3 * seconds, "unit": "ms", "n": 3}))


for order in (3, 5):
    arpa, probing = (os.path.join(folder, "gm_bench_peer." + end) for end in ("arpa", "probing"))
    emit("ngram_train_o%d_1Mtok" % order, timed("lmplz", "-o", str(order), "-S", "2G", "-T", folder + "/", "--discount_fallback", "--text", text, "--arpa", arpa))
    timed("build_binary", "probing", arpa, probing, rounds=1)
    loading = timed("query", "-v", "summary", probing)
    emit("ngram_query_o%d_1Mtok" % order, timed("query", "-v", "summary", probing, stdin=text) - loading)
    os.remove(arpa)
    os.remove(probing)
