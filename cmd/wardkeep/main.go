// Command wardkeep is the whole product in one file: server, demo and tools.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/wardkeep/wardkeep/cmd/wardkeep/app"
)

// version is set by the build.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := app.Main(ctx, app.Terminal{
		Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Version: version,
	})
	stop()
	os.Exit(code)
}
