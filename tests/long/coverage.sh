#!/bin/sh
# Lines and branches that the suite has run, by folder, from the counts of a build with --coverage; the files that have least.
# Branches are those of the machine code as gcc counts them: every && and ||, and the way out of each failing allocation.
# usage: coverage.sh BUILD    (after the tests ran)
set -eu
build=$1
out=$build/coverage.txt
objects=$(find "$build/src" -name '*.gcno' | sort)
grep -qs avx512vl /proc/cpuinfo || objects=$(echo "$objects" | grep -v kern_avx512) # what this machine cannot run
# one line a source line: file, line number, count (- for none); one a branch: file, line, "b", its number, count
gcov -b -c -t $objects 2>/dev/null | awk '
    /^ +-: +0:Source:/ { file = $0; sub(/.*Source:/, "", file); line = ""; next }
    /^branch +[0-9]+/ { if (line != "" && file ~ /^src\//) { taken = $3 == "taken" ? $4 : 0; key = file ":" line ":" $2; if (!(key in b) || taken > b[key]) b[key] = taken + 0 } next }
    /^(call|function|unconditional|---)/ { next }
    {
        split($0, part, ":"); count = part[1]; number = part[2]; gsub(/[ *]/, "", count); gsub(/ /, "", number)
        if (file !~ /^src\// || number == 0) next
        line = number
        if (count == "-") next
        n = count ~ /^[#=]/ ? 0 : count + 0; key = file ":" number
        if (!(key in l) || n > l[key]) l[key] = n
    }
    END {
        for (k in l) { split(k, q, ":"); lines[q[1]]++; ran[q[1]] += l[k] > 0; if (!l[k]) print q[1] ":" q[2] > "'"$build/uncovered.txt"'" }
        for (k in b) { split(k, q, ":"); branches[q[1]]++; took[q[1]] += b[k] > 0 }
        for (f in lines) print f, lines[f], ran[f], branches[f] + 0, took[f] + 0
    }' | sort >"$out"
test -s "$out" || { echo "no counts under $build"; exit 1; }
sort -t: -k1,1 -k2,2n -o "$build/uncovered.txt" "$build/uncovered.txt"
folders() { # how a path is named in the table
    awk -v OFS=' ' '{ n = split($1, p, "/"); d = p[2] == "models" && n > 3 ? "models/" p[3] : p[2]; print d, $2, $3, $4, $5; print "all", $2, $3, $4, $5 }' "$out"
}
echo "folder                lines     run  branches   taken"
folders | awk '{ l[$1] += $2; r[$1] += $3; b[$1] += $4; t[$1] += $5 }
    END { for (d in l) printf "%-18s %8d  %5.1f%%  %8d  %5.1f%%\n", d, l[d], 100 * r[d] / l[d], b[d], b[d] ? 100 * t[d] / b[d] : 100 }' | sort
echo "files with most lines that never ran ($build/uncovered.txt lists them):"
awk '$2 > $3 { printf "%5d of %5d  %s\n", $2 - $3, $2, $1 }' "$out" | sort -rn | head -n 25
echo "parsers, allocator and checkpoint, lines that never ran:"
awk '$1 ~ /^src\/io\/|^src\/data\/read_|^src\/base\/(alloc|json|number|pairs|options)\.c|^src\/models\/(checkpoint|file)\.c|^src\/text\/gpt2|^src\/models\/ngram\/arpa/ && $2 > $3 { printf "%5d of %5d  %s\n", $2 - $3, $2, $1; n += $2 - $3 } END { print n + 0, "in all" }' "$out"
