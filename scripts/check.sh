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

step 'known vulnerabilities'
db=${WARDKEEP_TESTDATA:-../shared/data}/vulndb/db.tgz
if [ -f "$db" ]; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	tar -xzf "$db" -C "$dir"
	root=$(dirname "$(find "$dir" -type d -name index | head -n 1)")
	go run golang.org/x/vuln/cmd/govulncheck@v1.8.0 -db "file://$root" ./...
else
	echo "skipped: no vulnerability database beside the checkout"
fi
echo ok
