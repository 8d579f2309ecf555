#!/usr/bin/env bash
# Fuzzes what reads other people's bytes, FUZZTIME each (10m), JOBS at a time (2).
# A crash is written to the package's testdata and ends the run with 1.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=(
	"internal/fhir FuzzParse"
	"internal/fhir/xml FuzzToJSON"
	"internal/search FuzzQuery"
	"internal/search FuzzFilter"
	"internal/fhir/path FuzzCompileEval"
	"internal/fhir/patch FuzzPatch"
)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

fuzz() {
	read -r package target <<<"$1"
	if go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10m}" -parallel 1 "./$package" >"$out/$target" 2>&1; then
		echo "ok   $package $target: $(grep -o 'execs: [0-9]*' "$out/$target" | tail -n 1)"
	else
		echo "FAIL $package $target"
		tail -n 40 "$out/$target"
		return 1
	fi
}
export -f fuzz
export out
printf '%s\n' "${targets[@]}" | xargs -P "${JOBS:-2}" -I{} bash -c 'fuzz "$@"' _ {}
