#!/bin/sh
# Unit and op tests of builds by each compiler and optimisation, and with the kernels of each instruction set.
# usage: variants.sh BUILD MAKE [VARIANT..]
set -eu
build=$1 make=$2
shift 2
wanted=$*
export CK_TIMEOUT_MULTIPLIER=20 GM_TEST_TIMEOUT=7200 # -O0 is slow
gcc=${GCC:-gcc} clang=${CLANG:-clang}
failed=
run() { # name compiler optimisation [variable=value..]
    name=$1 compiler=$2 opt=$3
    shift 3
    [ -z "$wanted" ] || case " $wanted " in *" $name "*) ;; *) return ;; esac
    [ -e "$build/$name.done" ] && { echo "$name: done before"; return; }
    command -v "${compiler##* }" >/dev/null || { echo "$name: skipped, no $compiler"; return; }
    mkdir -p "$build"
    if $make --no-print-directory BUILD="$build/$name" LIBD="$build/$name/lib" CC="$compiler" OPT="$opt" "$@" run-tests WHICH="unit ops" >"$build/$name.log" 2>&1; then
        : >"$build/$name.done"
        echo "$name: $(tail -n 1 "$build/$name.log")"
    else
        grep -A 40 -E 'FAILED|error:' "$build/$name.log" | head -n 60
        echo "$name: FAILED, see $build/$name.log"
        failed=1
    fi
}
run gcc-O0 "$gcc" -O0
run gcc-O3 "$gcc" -O3
run clang-O0 "$clang" -O0
run clang-O3 "$clang" -O3
for cpu in plain avx2 avx512; do
    case $cpu in avx2) need=avx2 ;; avx512) need=avx512vl ;; *) need=. ;; esac
    grep -qs "$need" /proc/cpuinfo || { echo "$cpu: skipped, not offered by this machine"; continue; }
    export GM_TEST_CPU=$cpu
    run "$cpu" "$gcc" -O2 TEST_LINK="tests/long/cpu.c -Wl,--wrap=gm_ctx_new"
done
[ -z "$failed" ]
