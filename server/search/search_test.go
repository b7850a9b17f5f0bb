package search_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"watchkeeper/server/search"
)

// narrowed builds a segment of texts, a cell for each, and gives those that a need leaves.
func narrowed(t testing.TB, n search.Need, services, messages []string) map[int]bool {
	b := &search.Builder{}
	b.Reset()
	for i := range messages {
		b.Add(i*search.CellSize, services[i], messages[i])
	}
	parts := b.Parts()
	set := n.Cells(func(s search.Slot) search.Cells {
		c, ok := search.Lookup(parts[s.Bucket()], s)
		if !ok {
			t.Fatalf("the part of slot %d cannot be read", s)
		}
		return c
	})
	left := map[int]bool{}
	for i := range messages {
		left[i] = set.Has(i)
	}
	return left
}

func TestNeeds(t *testing.T) {
	messages := []string{
		"disk /dev/sda1 is nearly full", "Connection refused by 10.0.0.7", "ÄRGER with Straße", "user \u212Aelvin signed in", "ok",
		"backup of db7 finished in 12 s", "",
	}
	services := make([]string, len(messages))
	for i := range services {
		services[i] = fmt.Sprintf("Service-%03d", i)
	}
	for _, c := range []struct {
		need string // a pattern; text: before it where it is none
		want string // the numbers of the messages that are left
	}{
		{"text:nearly FULL", "0"},
		{"text:ärger", "2"},
		{"text:kelvin", "3"},
		{"text:ok", "0123456"},
		{"name:Service-004", "4"},
		{"name:service-004", ""},
		{"name:Service-00", ""},
		{"text:no such words", ""},
		{"connection (refused|timed out)", "1"},
		{"refused.*10\\.0\\.", "1"},
		{"dis+k|back[up]{2}", "05"},
		{"a?disk", "0"},
		{"db[0-9]", "5"},
		{"db[0-9] (finished|failed)", "5"},
		{"(?-i)DISK", "0"},
		{".*", "0123456"},
		{"o.", "0123456"},
		{"stra[sß]e", "2"},
		{"^disk", "0"},
		{"\\bnearly\\b", "0"},
		{"nea(rly)+ f", "0"},
		{"(ner|nea)rly", "0"},
		{"ok|disk", "0123456"},
		{"disk|.*", "0123456"},
		{"(disk|refused)x*", "01"},
		{"[^a]", "0123456"},
		{"(?:)", "0123456"},
		{"[[:alpha:]]isk", "0"},
		{"service:service-003", "3"},
		{"service:disk", ""},
	} {
		var need search.Need
		if text, is := strings.CutPrefix(c.need, "text:"); is {
			need = search.OfText(search.Message, text)
		} else if text, is := strings.CutPrefix(c.need, "service:"); is {
			need = search.OfText(search.Service, text)
		} else if name, is := strings.CutPrefix(c.need, "name:"); is {
			need = search.OfName(name)
		} else {
			need = search.OfPattern(search.Message, regexp.MustCompile("(?is)"+c.need))
		}
		got := ""
		left := narrowed(t, need, services, messages)
		for i := range messages {
			if left[i] {
				got += fmt.Sprint(i)
			}
		}
		if got != c.want {
			t.Errorf("%s leaves %q, want %q", c.need, got, c.want)
		}
	}
}

// TestFoldsAsPatternsDo holds Fold to what regular expressions take for the same letter.
func TestFoldsAsPatternsDo(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		s := string(r)
		folded := search.Fold(s)
		if folded != s && !regexp.MustCompile("(?i)^"+regexp.QuoteMeta(s)+"$").MatchString(folded) {
			t.Fatalf("%q became %q, which no pattern takes for the same", s, folded)
		}
		if search.Fold(folded) != folded || search.Fold(strings.ToUpper(folded)) != search.Fold(strings.ToUpper(s)) {
			t.Fatalf("%q becomes %q, which is not the end of it", s, folded)
		}
	}
}

// FuzzNarrowing looks for a text that a pattern matches and that the index leaves out.
func FuzzNarrowing(f *testing.F) {
	for _, seed := range []struct{ pattern, text string }{
		{"(ab|cd)+ef?g", "xxabcdeg"},
		{"a{2,3}bc|[x-z]yz", "aabc"},
		{"(?-i:Straße)", "Straße"},
		{"k.k", "\u212A k"},
		{"(a|b|c|d|)(e|f|g|h|)ijk", "ijk"},
		{"((a+b)*c)+def", "aabcdef"},
		{"[a-f]{5}", "abcde"},
		{"^$|abc", ""},
		{"\\Qa.b\\E.*c", "a.b c"},
		{"(a?b?c?d?e?)xyz", "abcdexyz"},
	} {
		f.Add(seed.pattern, seed.text)
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 100 || len(text) > 1000 || !utf8.ValidString(text) {
			return
		}
		re, err := regexp.Compile("(?is)" + pattern)
		if err != nil {
			return
		}
		need := search.OfPattern(search.Message, re)
		if n := len(need.Slots()); n > 48 {
			t.Fatalf("%d slots", n)
		}
		if re.MatchString(text) && !narrowed(t, need, []string{""}, []string{text})[0] {
			t.Fatalf("%q matches %q and is left out", pattern, text)
		}
		if !narrowed(t, search.OfText(search.Message, text), []string{""}, []string{"<" + text + ">"})[0] {
			t.Fatalf("%q is left out by itself", text)
		}
	})
}

// FuzzLookup reads parts that no Builder made.
func FuzzLookup(f *testing.F) {
	f.Add([]byte{1, 1, 5, 2, 0}, uint16(2))
	f.Fuzz(func(_ *testing.T, part []byte, s uint16) { search.Lookup(part, search.Slot(s)) })
}

// TestSegment compares a full segment with what was put into it, for rare, common and ever-present trigrams.
func TestSegment(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	b := &search.Builder{}
	b.Reset()
	words := []string{"alpha", "beta", "gamma", "delta", "epsilon"}
	want := map[string]map[int]bool{}
	for i := range search.SegmentSize {
		word := words[min(int(r.ExpFloat64()*1.2), len(words)-1)]
		if want[word] == nil {
			want[word] = map[int]bool{}
		}
		want[word][i/search.CellSize] = true
		b.Add(i, "s", fmt.Sprintf("%s %d", word, r.Uint64()))
	}
	parts := b.Parts()
	for word, cells := range want {
		set := search.OfText(search.Message, word).Cells(func(s search.Slot) search.Cells {
			c, _ := search.Lookup(parts[s.Bucket()], s)
			return c
		})
		for cell := range search.SegmentSize / search.CellSize {
			if cells[cell] && !set.Has(cell) {
				t.Fatalf("%s is missing in cell %d", word, cell)
			}
		}
		if extra := set.Count() - len(cells); extra > search.SegmentSize/search.CellSize/10 {
			t.Errorf("%s: %d cells for nothing beside %d", word, extra, len(cells))
		}
	}
	b.Reset()
	for i, part := range b.Parts() {
		if part != nil {
			t.Fatalf("part %d is not empty after Reset", i)
		}
	}
}

func BenchmarkSegment(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	messages := make([]string, search.SegmentSize)
	for i := range messages {
		messages[i] = fmt.Sprintf("worker %d connected to node-%03d request %016x after %d ms from 10.%d.%d.%d",
			r.IntN(64), r.IntN(500), r.Uint64(), r.IntN(5000), r.IntN(256), r.IntN(256), r.IntN(256))
	}
	builder := &search.Builder{}
	size := 0
	for b.Loop() {
		builder.Reset()
		for i, m := range messages {
			builder.Add(i, "service", m)
		}
		size = 0
		for _, p := range builder.Parts() {
			size += len(p)
		}
	}
	b.ReportMetric(float64(size)/search.SegmentSize, "B/event")
}
