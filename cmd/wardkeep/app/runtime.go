package app

import (
	"os"
	"runtime"
	"runtime/debug"
)

// A server holds little that lives long on the heap, its blocks lie outside it,
// and throws much away with every answer: collected at twice what lives, garbage
// took a sixth of its time. The limit makes collections frequent again before a
// server that does hold much (a large bundle, an export) grows further.
const (
	heapGrowth = 400 // per cent of what lives
	heapLimit  = 320 << 20

	// An import fills the store's own memory to the brim, which lies outside the
	// heap, and holds whole bundles.
	importLimit = 224 << 20
)

// tuneCollector sets the collector for a server or an import, unless the operator has.
func tuneCollector(limit int64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}

// spareThread lets one thread more run Go code than there are processors, unless
// the operator has set how many. One of a server's mostly waits for the device,
// and the scheduler notices too late that its place could be given away.
func spareThread() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}
