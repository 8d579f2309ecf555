package app

import (
	"os"
	"path/filepath"
)

// demoBlock is the block of shell commands that the demo prints and the README
// shows: a token, a patient, a search, and the proof of that write in the audit
// log. A test runs it as it stands.
func demoBlock(self, dir, base string) string {
	return "W=" + self + " D=" + dir + " BASE=" + base + `
field() { sed -n 's/.*"'$1'": *"\([^"]*\)".*/\1/p' | head -n 1; }
call() { curl -sS --cacert $D/ca.pem -H "Authorization: Bearer $TOKEN" "$@"; echo; }

# a program with its secret, and a token for it
CLIENT=$($W client add --dir $D --name "try out" --scope 'system/*.cruds' --secret --json)
TOKEN=$(curl -sS --cacert $D/ca.pem -u "$(echo $CLIENT | field client_id):$(echo $CLIENT | field client_secret)" \
  -d grant_type=client_credentials $BASE/oauth2/token | field access_token)

# create a patient, and find her
ID=$(call -H 'Content-Type: application/fhir+json' $BASE/fhir/Patient -d '{"resourceType":"Patient",
  "name":[{"family":"Lovelace","given":["Ada"]}],"gender":"female","birthDate":"1990-12-10"}' | field id)
call $BASE/fhir/Patient/_search -d family=lovelace -d birthdate=1990-12-10

# the audit entries of that record, each with a proof anybody can check
$W audit prove --dir $D Patient/$ID
`
}

// ownPath is how a person calls this program from anywhere.
func ownPath() string {
	path, err := os.Executable()
	if err != nil {
		return "wardkeep"
	}
	return path
}

func absolute(dir string) string {
	if full, err := filepath.Abs(dir); err == nil {
		return full
	}
	return dir
}
