package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of times in /proc, the same on every Linux that Go runs on.
const ticksPerSecond = 100

// cpuOf gives the processor time, user and system, that a process has taken.
func cpuOf(pid int) (time.Duration, error) {
	s, err := readStat(pid)
	return s.own, err
}

// cpuOfFamily gives the processor time of a process and of its children, also of those that are gone.
func cpuOfFamily(pid int) (time.Duration, error) {
	parent, err := readStat(pid)
	if err != nil {
		return 0, err
	}
	total := parent.own + parent.gone
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, path := range stats {
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		// One that ends meanwhile is counted with the next look at its parent.
		if s, err := readStat(child); err == nil && s.parent == pid {
			total += s.own + s.gone
		}
	}
	return total, nil
}

// stat is what is used of /proc/PID/stat.
type stat struct {
	parent int
	own    time.Duration // of the process
	gone   time.Duration // of its children that have ended
}

func readStat(pid int) (stat, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(content)
}

func parseStat(content []byte) (stat, error) {
	// The second field is a name in parentheses, which may hold anything.
	after := content[bytes.LastIndexByte(content, ')')+1:]
	fields := strings.Fields(string(after))
	const parent, user, childrenSystem = 1, 11, 14 // counted from the third field of proc(5)
	if len(fields) <= childrenSystem {
		return stat{}, fmt.Errorf("/proc/PID/stat has %d fields", len(fields))
	}
	var numbers [5]int64
	for i, at := range []int{parent, user, user + 1, user + 2, childrenSystem} {
		var err error
		if numbers[i], err = strconv.ParseInt(fields[at], 10, 64); err != nil {
			return stat{}, fmt.Errorf("reading /proc/PID/stat: %w", err)
		}
	}
	ticks := func(a, b int64) time.Duration { return time.Duration(a+b) * time.Second / ticksPerSecond }
	return stat{parent: int(numbers[0]), own: ticks(numbers[1], numbers[2]), gone: ticks(numbers[3], numbers[4])}, nil
}

// memory is what a process takes, in bytes. File pages can be dropped at any time and anonymous ones cannot.
type memory struct{ resident, anonymous, highest int64 }

func memoryOf(pid int) (memory, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	return parseStatus(string(content))
}

func parseStatus(content string) (memory, error) {
	var m memory
	wanted := map[string]*int64{"VmRSS": &m.resident, "RssAnon": &m.anonymous, "VmHWM": &m.highest}
	for line := range strings.Lines(content) {
		name, value, _ := strings.Cut(line, ":")
		into := wanted[name]
		if into == nil {
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return m, fmt.Errorf("reading /proc/PID/status: %w", err)
		}
		*into = kilobytes << 10
		delete(wanted, name)
	}
	if len(wanted) > 0 {
		return m, fmt.Errorf("/proc/PID/status lacks %d of the figures", len(wanted))
	}
	return m, nil
}

// loadAverage gives the first figure of /proc/loadavg: how much else goes on.
func loadAverage() string {
	content, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	average, _, _ := strings.Cut(string(content), " ")
	return average
}
