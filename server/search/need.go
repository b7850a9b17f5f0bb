package search

import (
	"cmp"
	"regexp"
	"regexp/syntax"
	"slices"
)

// Need is what an event must have in it to fit: of each clause at least one alternative, of an alternative all slots.
// The zero Need is met by every event.
type Need struct{ clauses []clause }

type clause [][]Slot

const (
	slotsOfText  = 8  // trigrams that one text is looked for by; more find hardly less
	slotsOfNeed  = 48 // slots of a whole need, each of which costs a look into every segment
	maxVariants  = 16 // texts that a part of a pattern may stand for before it is given up
	maxClassSize = 64 // runes of a class that are tried for being few texts
)

// OfText gives what must be in an event whose field has a text in it, in any case.
func OfText(f Field, text string) Need { return needOf(f, []string{Fold(text)}).limited() }

// OfName gives what must be in an event of the service with just this name.
func OfName(service string) Need {
	name := slotsOfName(service)
	return Need{[]clause{{name[:]}}}
}

// OfPattern gives what must be in an event whose field has a match of a regular expression in it.
func OfPattern(f Field, re *regexp.Regexp) Need {
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return Need{}
	}
	s := analysis{f}.shape(parsed.Simplify())
	if s.known {
		return needOf(f, s.texts).limited()
	}
	return s.need.limited()
}

// All gives what must be in an event that meets all needs.
func All(needs ...Need) Need {
	var out Need
	for _, n := range needs {
		out.clauses = append(out.clauses, n.clauses...)
	}
	return out.limited()
}

// Narrows reports whether the need leaves any event out.
func (n Need) Narrows() bool { return len(n.clauses) > 0 }

// Slots gives the slots that Cells asks for, in order.
func (n Need) Slots() []Slot {
	var out []Slot
	for _, c := range n.clauses {
		for _, alternative := range c {
			out = append(out, alternative...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Cells gives the cells of a segment that may hold what is needed. have gives the cells of a slot.
func (n Need) Cells(have func(Slot) Cells) Cells {
	out := AllCells()
	for _, c := range n.clauses {
		var any Cells
		for _, alternative := range c {
			all := AllCells()
			for _, s := range alternative {
				set := have(s)
				all.and(&set)
			}
			any.or(&all)
		}
		out.and(&any)
	}
	return out
}

// limited leaves out what would cost more than it narrows.
func (n Need) limited() Need {
	clauses := slices.Clone(n.clauses)
	slices.SortStableFunc(clauses, func(a, b clause) int { return cmp.Compare(len(a), len(b)) })
	var out Need
	for _, c := range clauses {
		more := Need{append(slices.Clip(out.clauses), c)}
		if len(more.Slots()) > slotsOfNeed {
			break
		}
		out = more
	}
	return out
}

// needOf gives what must be in an event that has at least one of some folded texts in it.
func needOf(f Field, texts []string) Need {
	var c clause
	for _, text := range texts {
		s := slotsOf(f, text)
		if s == nil {
			return Need{}
		}
		c = append(c, s)
	}
	if c == nil {
		return Need{}
	}
	return Need{[]clause{c}}
}

// slotsOf gives slots of a folded text, nil when it has no trigram: all of a short one, some of all over a long one.
func slotsOf(f Field, folded string) []Slot {
	var all []Slot
	eachTrigram(folded, func(t uint32) { all = append(all, slot(f, t)) })
	if len(all) > slotsOfText {
		some := make([]Slot, slotsOfText)
		for i := range some {
			some[i] = all[i*(len(all)-1)/(slotsOfText-1)]
		}
		all = some
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// analysis finds what every match of a pattern must contain.
type analysis struct{ field Field }

// shape is what is known of the matches of a part of a pattern: that each is one of some folded texts, or else what must
// be in it.
type shape struct {
	known bool
	texts []string
	need  Need
}

func exactly(texts ...string) shape { return shape{known: true, texts: texts} }

func (a analysis) shape(re *syntax.Regexp) shape {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return exactly("")
	case syntax.OpLiteral:
		return exactly(Fold(string(re.Rune)))
	case syntax.OpCharClass:
		return class(re.Rune)
	case syntax.OpCapture:
		return a.shape(re.Sub[0])
	case syntax.OpQuest:
		if s := a.shape(re.Sub[0]); s.known && len(s.texts) < maxVariants {
			return exactly(append([]string{""}, s.texts...)...)
		}
	case syntax.OpPlus, syntax.OpConcat:
		return a.concat(re)
	case syntax.OpAlternate:
		return a.alternate(re.Sub)
	}
	return shape{}
}

// class gives the runes of a small class, each as a text.
func class(ranges []rune) shape {
	size := 0
	for i := 0; i < len(ranges); i += 2 {
		if size += int(ranges[i+1]-ranges[i]) + 1; size > maxClassSize {
			return shape{}
		}
	}
	var texts []string
	for i := 0; i < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			texts = append(texts, string(foldRune(r)))
		}
	}
	slices.Sort(texts)
	if texts = slices.Compact(texts); len(texts) == 0 || len(texts) > maxVariants {
		return shape{}
	}
	return exactly(texts...)
}

// concat joins texts that follow each other for as long as they are few, so that trigrams across their borders count.
func (a analysis) concat(re *syntax.Regexp) shape {
	var need Need
	run, broken := []string{""}, false
	end := func() {
		need.clauses = append(need.clauses, needOf(a.field, run).clauses...)
		run, broken = []string{""}, true
	}
	for _, part := range a.parts(re) {
		switch {
		case !part.known:
			end()
			need.clauses = append(need.clauses, part.need.clauses...)
		case len(run)*len(part.texts) > maxVariants:
			end()
			run = part.texts
		default:
			run = join(run, part.texts)
		}
	}
	if !broken {
		return exactly(run...)
	}
	end()
	return shape{need: need}
}

// parts gives the shapes of what follows each other: x+ is x and then anything.
func (a analysis) parts(re *syntax.Regexp) []shape {
	var out []shape
	switch re.Op {
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			out = append(out, a.parts(sub)...)
		}
	case syntax.OpCapture:
		out = a.parts(re.Sub[0])
	case syntax.OpPlus:
		out = append(a.parts(re.Sub[0]), shape{})
	default:
		out = append(out, a.shape(re))
	}
	return out
}

func join(left, right []string) []string {
	out := make([]string, 0, len(left)*len(right))
	for _, l := range left {
		for _, r := range right {
			out = append(out, l+r)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// alternate keeps of each alternative what must be in it for sure.
func (a analysis) alternate(subs []*syntax.Regexp) shape {
	var texts []string
	known := true
	var c clause
	for _, sub := range subs {
		s := a.shape(sub)
		known = known && s.known
		texts = append(texts, s.texts...)
		if s.known {
			s.need = needOf(a.field, s.texts)
		}
		if c = append(c, s.need.certain()); c[len(c)-1] == nil && !known {
			return shape{}
		}
	}
	if known && len(texts) <= maxVariants {
		return exactly(texts...)
	}
	if len(c) > maxVariants || slices.ContainsFunc(c, func(alternative []Slot) bool { return alternative == nil }) {
		return shape{}
	}
	return shape{need: Need{[]clause{c}}}
}

// certain gives the slots that every event must have which meets the need.
func (n Need) certain() []Slot {
	var out []Slot
	for _, c := range n.clauses {
		for _, s := range c[0] {
			if !slices.ContainsFunc(c[1:], func(other []Slot) bool { return !slices.Contains(other, s) }) {
				out = append(out, s)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
