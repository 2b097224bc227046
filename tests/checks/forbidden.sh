#!/bin/sh
# Names that the library never imports: it does not print, exit, abort, seed, change the locale or read numbers by it.
set -eu
nm -u "$GM_LIB/libgm.a" 2>/dev/null | awk '$1 == "U" {print $2}' | sed 's/@.*//' | sort -u >"$GM_BUILD/tests/imports"
test -s "$GM_BUILD/tests/imports"
for name in abort exit _exit _Exit quick_exit atexit on_exit printf fprintf vprintf vfprintf sprintf snprintf vsnprintf vsprintf \
    __printf_chk __fprintf_chk __sprintf_chk __snprintf_chk puts putchar fputs perror signal sigaction setlocale uselocale rand srand \
    random drand48 strtod strtof atof atoi strtol strerror system popen fork execve setenv putenv chdir fesetround fesetenv \
    feenableexcept __assert_fail GOMP_parallel omp_get_num_threads strcpy strcat sprintf gets scanf sscanf fscanf longjmp_chk; do
    if grep -qx "$name" "$GM_BUILD/tests/imports"; then echo "imported: $name"; bad=1; fi
done
exit ${bad:-0}
