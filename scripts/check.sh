#!/usr/bin/env bash
# What must hold of the source itself.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf -- '-- %s\n' "$1"; }

step gofmt
unformatted=$(git ls-files '*.go' | xargs gofmt -l)
[ -z "$unformatted" ] || { echo "$unformatted"; exit 1; }

step vet
go vet ./...

step staticcheck
go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

step architecture
go test -count=1 ./internal/

step licences
scripts/licences.sh

# Go modules and npm packages against known holes, what is newer, and SECURITY.md's times. What cannot be
# looked at is said; WARDKEEP_LOOK=must, for releases, makes that a failure.
step 'known vulnerabilities, and ages of components'
data=${WARDKEEP_TESTDATA:-../shared/data}
args=()
[ "${WARDKEEP_LOOK:-}" != must ] || args+=(-must)
[ ! -f "$data/npm-audit.json" ] || args+=(-npm-audit "$data/npm-audit.json")
if [ -f "$data/vulndb/db.tgz" ]; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	tar -xzf "$data/vulndb/db.tgz" -C "$dir"
	root=$(dirname "$(find "$dir" -type d -name index | head -n 1)")
	args+=(-db "file://$root")
fi
go run ./supply/holes "${args[@]}"
echo ok
