// Package e2e tests the built program from outside: real processes, real files,
// a real browser, as a nurse, an officer and an attacker would meet it.
package e2e
