#!/bin/sh
# docs/options.md is what the option rows say; UPDATE=1 writes it anew.
set -eu
page() {
    echo "# Options"
    echo
    echo "Made from the option rows by \`UPDATE=1 sh tests/checks/options.sh\`; the same as \`gm help FAMILY\`. In C: a config struct's fields, or"
    echo "\`key=value\` text for gm_model_new and gm_fit."
    for family in $("$GM_BUILD/gm" models | cut -d' ' -f1); do
        printf '\n## `%s`\n\n```\n' "$family"
        "$GM_BUILD/gm" help "$family" | sed '/^training options/,$d' | sed '$d'
        printf '```\n'
        "$GM_BUILD/gm" help "$family" | sed -n 's/^training options (of .*: \(.*\))$/\nTraining, unless told otherwise: `\1`./p'
    done
    printf '\n## Training\n\n```\n'
    "$GM_BUILD/gm" help "$("$GM_BUILD/gm" models | head -1 | cut -d' ' -f1)" | sed -n '/^training options/,$p'
    printf '```\n'
}
if [ -n "${UPDATE:-}" ]; then page >docs/options.md; else page | diff docs/options.md -; fi
