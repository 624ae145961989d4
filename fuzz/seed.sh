#!/usr/bin/env bash
# Fills fuzz/corpus/ with the documents and reports of the tests. libFuzzer starts from them.
set -euo pipefail
cd "$(dirname "$0")/.."

# Copies each file under the digest of its content, as libFuzzer does.
seed() {
    local folder=fuzz/corpus/$1 file
    mkdir -p "$folder"
    while IFS= read -r file; do
        cp "$file" "$folder/$(git hash-object "$file")"
    done
}

contracts() { git ls-files 'contracts/*.yaml' '*/fixtures/*.yaml' '*/fixtures/*.json'; }
for target in contract_load lint_diff codegen; do contracts | seed "$target"; done
git ls-files 'ratchet/tests/fixtures/*' | seed reports

for old in $(git ls-files 'contracts/blessed/*.yaml'); do
    new=contracts/$(basename "$old")
    { cat "$old"; printf '\n=====\n'; cat "$new"; } > "fuzz/corpus/lint_diff/$(basename "$old").pair"
done
find fuzz/corpus -type f | wc -l | xargs echo "seeds:"
