#!/usr/bin/env bash
# Installs what the tests need beside Go and Node: client libraries and identity
# providers of others, a browser, a collector of logs, ClamAV's
# clamd, and curl for the README's block. On Debian and Ubuntu by apt; elsewhere
# it says what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

for folder in e2e/clients e2e/federation; do
	if command -v npm >/dev/null && ! cmp -s $folder/package-lock.json $folder/node_modules/.installed; then
		(cd $folder && npm ci --no-audit --no-fund --silent --ignore-scripts --omit=optional && cp package-lock.json node_modules/.installed)
	fi
done

need=()
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || need+=(chromium)
command -v curl >/dev/null || need+=(curl)
[ -x /usr/sbin/rsyslogd ] || command -v rsyslogd >/dev/null || need+=(rsyslog rsyslog-gnutls)
[ -x /usr/sbin/clamd ] || command -v clamd >/dev/null || need+=(clamav-daemon clamav-freshclam-)
[ -n "${AWSKMS_TEST:-}" ] || echo "Not tested: a key service of AWS's own. AWSKMS_TEST names two of its keys (docs/adr/0032-the-root-in-a-key-service.md); a server of the tests' stands in." >&2
[ ${#need[@]} -eq 0 ] && exit 0

if command -v apt-get >/dev/null; then
	sudo=""
	[ "$(id -u)" -eq 0 ] || sudo="sudo"
	$sudo apt-get update -qq
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq "${need[@]}" >/dev/null
	exit 0
fi
echo "The browser tests need: ${need[*]}. Install it with your system's package manager." >&2
[ "${CI:-}" != true ]
