#!/usr/bin/env bash
# Every module linked into the binaries must have a licence we can ship.
set -euo pipefail
cd "$(dirname "$0")/.."

bad=0
while read -r path dir; do
	[ -n "$dir" ] || continue
	file=$(find "$dir" -maxdepth 1 -iname 'licen[cs]e*' -o -maxdepth 1 -iname 'copying*' | sort | head -n 1)
	if [ -z "$file" ]; then
		echo "no licence file: $path"
		bad=1
	elif grep -qiE 'affero|server side public|business source license' "$file"; then
		echo "licence that is not linked here: $path"
		bad=1
	elif ! grep -qiE 'apache license|permission is hereby granted|redistribution and use|mozilla public license|isc license|permission to use, copy' "$file"; then
		echo "licence not recognised, look at it: $path ($(basename "$file"))"
		bad=1
	fi
done < <(go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}' ./cmd/... | sort -u)
exit $bad
