package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// machine is what the figures were measured on.
type machine struct {
	CPU      string  `json:"cpu"`
	Cores    int     `json:"cores"`
	MemoryGB float64 `json:"memory_gb"`
	Kernel   string  `json:"kernel"`
	Disk     string  `json:"disk"` // file system of the work folder
	Load     string  `json:"load"` // one-minute load before the start
	SyncMs   float64 `json:"sync_ms"`
	SyncP99  float64 `json:"sync_p99_ms"`
}

func inspect(dir string) (machine, error) {
	m := machine{Cores: runtime.NumCPU(), CPU: procField("/proc/cpuinfo", "model name")}
	kb, _ := strconv.ParseFloat(strings.TrimSuffix(procField("/proc/meminfo", "MemTotal"), " kB"), 64)
	m.MemoryGB = kb / (1 << 20)
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(release))
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(load), " ")
	}
	m.Disk = fileSystem(dir)
	syncs, err := syncTimes(dir, 200)
	m.SyncMs, m.SyncP99 = syncs.percentile(50), syncs.percentile(99)
	return m, err
}

// procField returns the first value of a "name : value" file.
func procField(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// fileSystem names the file system a folder lies on, by the longest mount point.
func fileSystem(dir string) string {
	dir, err := filepath.Abs(dir)
	mounts, readErr := os.ReadFile("/proc/mounts")
	if err != nil || readErr != nil {
		return "unknown"
	}
	best, kind := "", "unknown"
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		at := strings.TrimSuffix(fields[1], "/") + "/"
		if strings.HasPrefix(dir+"/", at) && len(at) >= len(best) {
			best, kind = at, fields[2]
		}
	}
	return kind
}

// syncTimes appends a block of the size of a small commit and waits for the
// device, n times.
func syncTimes(dir string, n int) (latencies, error) {
	f, err := os.CreateTemp(dir, "sync")
	if err != nil {
		return nil, fmt.Errorf("the device cannot be measured: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, 4096)
	times := make(latencies, 0, n)
	for range n {
		if _, err := f.Write(block); err != nil {
			return nil, fmt.Errorf("the device cannot be measured: %w", err)
		}
		start := time.Now()
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return nil, fmt.Errorf("the device cannot be measured: %w", err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return times, nil
}
