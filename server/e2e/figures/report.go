package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// result is one line of the table.
type result struct {
	Figure string  `json:"figure"` // its number, and after a space what of it
	Engine string  `json:"engine"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Ratio  float64 `json:"ratio,omitempty"` // to the baseline of the same minutes
	Goal   goal    `json:"goal,omitzero"`
	// Reached is absent where there is no goal.
	Reached *bool  `json:"reached,omitempty"`
	Note    string `json:"note,omitempty"`
}

// goal is what a figure has to be.
type goal struct {
	Of    measure `json:"of"`
	Bound bound   `json:"bound"`
	Than  float64 `json:"than"`
}

// measure is which number of a result a goal is about.
type measure string

// bound is on which side of a goal a figure has to be.
type bound string

const (
	ofValue measure = "value"
	ofRatio measure = "ratio"

	atLeast bound = "at least"
	atMost  bound = "at most"
)

func (g goal) reachedBy(r result) bool {
	number := r.Value
	if g.Of == ofRatio {
		number = r.Ratio
	}
	if g.Bound == atLeast {
		return number >= g.Than
	}
	return number <= g.Than
}

func (g goal) text(unit string) string {
	switch {
	case g == goal{}:
		return ""
	case g.Of == ofRatio:
		return fmt.Sprintf("%s %.2f of it", g.Bound, g.Than)
	}
	return fmt.Sprintf("%s %g %s", g.Bound, g.Than, unit)
}

// report gathers results and shows each as soon as it is there.
type report struct {
	out     io.Writer
	results []result
	failed  []string // what could not be measured, and why
}

func newReport(out io.Writer) *report { return &report{out: out} }

func (r *report) add(res result) {
	if res.Goal != (goal{}) {
		reached := res.Goal.reachedBy(res)
		res.Reached = &reached
	}
	r.results = append(r.results, res)
	fmt.Fprintf(r.out, "  %s, %s: %s %s\n", res.Figure, res.Engine, number(res.Value), res.Unit)
}

// fail notes that a figure could not be measured.
func (r *report) fail(figure, engine string, err error) {
	what := fmt.Sprintf("figure %s on %s: %v", figure, engine, err)
	r.failed = append(r.failed, what)
	fmt.Fprintln(r.out, " ", what)
}

// number writes what people compare: three digits at least, and no more than say something.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// describeMachine says on what the figures were measured, and warns where they would mean little.
func (r *report) describeMachine(folder string) error {
	var files syscall.Statfs_t
	if err := syscall.Statfs(folder, &files); err != nil {
		return err
	}
	const inMemory = 0x01021994 // tmpfs, where a sync is for nothing
	if files.Type == inMemory {
		return errors.New("the cache folder is on a file system in memory, where syncing costs nothing")
	}
	model := "unknown processor"
	if content, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(content)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	_, err := fmt.Fprintf(r.out, "%s, %d processors, load before %s, %s, %s\n",
		model, runtime.NumCPU(), loadAverage(), runtime.Version(), time.Now().UTC().Format(time.DateTime))
	return err
}

// finish prints the table, keeps the results beside those of earlier runs, and says which figures were better then.
func (r *report) finish(history string) error {
	earlier, err := readHistory(history)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nfigure\tengine\tvalue\tto baseline\tgoal\treached\tnote")
	var fell []string
	for _, res := range r.results {
		verdict := ""
		switch {
		case res.Reached == nil:
		case *res.Reached:
			verdict = "yes"
		case earlier.reached(res):
			verdict = "no, it did before"
			fell = append(fell, res.Figure+" on "+res.Engine)
		default:
			verdict = "no"
		}
		ratio := ""
		if res.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", res.Ratio)
		}
		fmt.Fprintf(table, "%s\t%s\t%s %s\t%s\t%s\t%s\t%s\n",
			res.Figure, res.Engine, number(res.Value), res.Unit, ratio, res.Goal.text(res.Unit), verdict, res.Note)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(fell) > 0 {
		fmt.Fprintf(r.out, "\nFELL below a goal that was reached before: %s\n", strings.Join(fell, "; "))
	}
	if err := appendHistory(history, r.results); err != nil {
		return err
	}
	if len(r.failed) > 0 {
		return fmt.Errorf("not measured: %s", strings.Join(r.failed, "; "))
	}
	return nil
}

// entry is a line of the history.
type entry struct {
	At string `json:"at"`
	result
}

type history []entry

// reached reports whether an earlier run reached the goal of a result: from then on it is a floor.
func (h history) reached(r result) bool {
	for _, e := range h {
		if e.Figure == r.Figure && e.Engine == r.Engine && e.Goal == r.Goal && e.Reached != nil && *e.Reached {
			return true
		}
	}
	return false
}

func readHistory(path string) (history, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var h history
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var e entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("reading the history of results: %w", err)
		}
		h = append(h, e)
	}
	return h, lines.Err()
}

func appendHistory(path string, results []result) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	lines := json.NewEncoder(file)
	at := time.Now().UTC().Format(time.RFC3339)
	for _, r := range results {
		if err := lines.Encode(entry{at, r}); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	return file.Close()
}
