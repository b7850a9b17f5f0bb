package api

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestThePageOfStatesIsTrue puts a service into every state, does everything to it, and compares the transitions with the
// table of docs/states.md.
func TestThePageOfStatesIsTrue(t *testing.T) {
	t.Parallel()
	settings := ServiceSettings{NextIn: 60, Grace: 30, FinishWithin: 20, MaxRun: 10, MinRun: 5}
	abrupt := settings
	abrupt.Grace = 0
	reach := map[State][]act{
		StateNew:    {},
		StateUp:     {success(50)},
		StateLate:   {success(1), judge(61)},
		StateDown:   {fail(1)},
		StatePaused: {pause(1)},
	}
	everything := [][]act{
		{success(62)},
		{fail(62)},
		{success(62).exit(1)},
		{start(62), judge(82)},
		{start(62), success(74)},
		{start(62), success(63)},
		{send(62, PulseLog)},
		{judge(1e6)},
		{pause(62)},
		{cancel(62)},
		{resume(62)},
		{change(62, func(s *ServiceSettings) { s.NextIn = 1000 })},
		{change(62, func(s *ServiceSettings) { s.NextIn = 0 })},
	}
	var found []string
	for state, way := range reach {
		for _, c := range []ServiceSettings{settings, abrupt} {
			for _, acts := range everything {
				w := watch(c)
				for _, a := range way {
					a.on(w)
				}
				if w.State != state && (state != StateLate || c.Grace > 0) {
					t.Fatalf("is %s where it should be %s", w.State, state)
				}
				for _, a := range acts {
					a.on(w)
				}
				for _, line := range w.log {
					_, transition, _ := strings.Cut(line, " ")
					found = append(found, transition)
				}
			}
		}
	}
	slices.Sort(found)
	if diff := cmp.Diff(pageOfStates(t), slices.Compact(found)); diff != "" {
		t.Errorf("transitions (-the page +the code):\n%s", diff)
	}
}

// TestTheExamplesOfThePageAreTrue tells the examples of docs/states.md, in seconds since noon or since three at night.
func TestTheExamplesOfThePageAreTrue(t *testing.T) {
	t.Parallel()
	nightly := ServiceSettings{NextIn: 86400, FinishWithin: 3600}
	bounded := ServiceSettings{NextIn: 86400, MaxRun: 600, MinRun: 5}
	tell(t, []story{
		{"late, then down", everyMinute, []act{success(0.25), judge(1e6)}, "0.25 new>up pulse, 60.25 up>late expected, 90.25 late>down timeout"},
		{
			"late, then up", everyMinute,
			[]act{success(0.25), judge(61), success(70), judge(80)},
			"0.25 new>up pulse, 60.25 up>late expected, 70 late>up pulse",
		},
		{"without grace", strict, []act{success(0.25), judge(1e6)}, "0.25 new>up pulse, 60.25 up>down timeout"},
		{"a run that ends late", nightly, []act{start(0), judge(3600), success(4800)}, "3600 new>down not_finished, 4800 down>up pulse"},
		{"a run that is too fast", bounded, []act{start(0), success(2)}, "2 new>down ran_too_fast"},
		{"a run that is too long", bounded, []act{start(0), judge(600), success(720)}, "600 new>down not_finished"},
		{"news of a silence", strict, []act{success(0), judge(60), success(180).of(20)}, "0 new>up pulse, 60 up>down timeout"},
		{
			"news of a life", strict,
			[]act{success(0), judge(60), success(180).of(150), judge(209.999), judge(210)},
			"0 new>up pulse, 60 up>down timeout, 150 down>up pulse, 210 up>down timeout",
		},
		{
			"an absence of 70 s", strict,
			[]act{success(0), away(30, 100), judge(159.999), judge(160)},
			"0 new>up pulse, 160 up>down timeout away 30-100",
		},
		{
			"an absence of an hour, and a deadline later than 10 minutes after it",
			ServiceSettings{NextIn: 90_000},
			[]act{success(0), away(85_000, 88_600), judge(89_999.999), judge(90_000)},
			"0 new>up pulse, 90000 up>down timeout away 85000-88600",
		},
		{
			"an absence of an hour until the deadline",
			ServiceSettings{NextIn: 90_000},
			[]act{success(0), away(86_400, 90_000), judge(90_599.999), judge(90_600)},
			"0 new>up pulse, 90600 up>down timeout away 86400-90000",
		},
	})
}

var quotedWord = regexp.MustCompile("`([a-z_]+)`")

// pageOfStates reads the table of transitions, "FROM>TO REASON" each, less the end of a service, which is no matter of
// this package.
func pageOfStates(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../docs/states.md")
	if err != nil {
		t.Fatal(err)
	}
	words := func(cell string) []string {
		var list []string
		for _, match := range quotedWord.FindAllStringSubmatch(cell, -1) {
			list = append(list, match[1])
		}
		return list
	}
	var list []string
	within := false
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 {
			within = false
			continue
		}
		within = within || strings.TrimSpace(cells[1]) == "from"
		for _, from := range words(cells[1]) {
			if to, reasons := words(cells[2]), words(cells[4]); within {
				checkTold(t, from, to[0], cells[5])
				for _, reason := range reasons {
					list = append(list, from+">"+to[0]+" "+reason)
				}
			}
		}
	}
	slices.Sort(list)
	return list
}

// checkTold compares what the page says of people with what a change does.
func checkTold(t *testing.T, from, to, cell string) {
	t.Helper()
	c := Change{From: State(from), To: State(to)}
	if says := strings.Contains(cell, "yes"); says != (c.Opens() || c.Recovers()) {
		t.Errorf("%s>%s: the page says%s", from, to, cell)
	}
	if opens, closes := strings.Contains(cell, "opens"), strings.Contains(cell, "closes"); opens != c.Opens() || closes != c.Closes() {
		t.Errorf("%s>%s: the page says%s", from, to, cell)
	}
}
