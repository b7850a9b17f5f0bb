package schedule

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// field is one of the five places of an expression: what it is called and which values it takes.
type field struct {
	name     string
	min, max int
	names    []string // of the values from min on, upper case
}

var (
	minuteField  = field{name: "minute", max: 59}
	hourField    = field{name: "hour", max: 23}
	dayField     = field{name: "day of month", min: 1, max: 31}
	monthField   = field{name: "month", min: 1, max: 12, names: strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")}
	weekdayField = field{name: "day of week", max: 7, names: strings.Fields("SUN MON TUE WED THU FRI SAT")}
)

// parse reads a list of values, ranges and steps into a set of bits.
func (f field) parse(text string) (uint64, error) {
	var set uint64
	for item := range strings.SplitSeq(text, ",") {
		more, err := f.item(item)
		if err != nil {
			return 0, err
		}
		set |= more
	}
	return set, nil
}

// item reads one member of a list: a star, a value or a range, each perhaps with a step.
func (f field) item(text string) (uint64, error) {
	span, stepText, stepped := strings.Cut(text, "/")
	first, last, err := f.span(span)
	if err != nil {
		return 0, err
	}
	step := 1
	if stepped {
		if step, err = number(stepText); err != nil || step == 0 {
			return 0, f.errorf("the step in %q must be a number from 1 on", text)
		}
		if span != "*" && !strings.Contains(span, "-") {
			last = f.max
		}
	}
	var set uint64
	for value := first; value <= last; value += step {
		set |= 1 << value
	}
	return set, nil
}

func (f field) span(text string) (first, last int, err error) {
	if text == "*" {
		return f.min, f.max, nil
	}
	from, to, ranged := strings.Cut(text, "-")
	if first, err = f.value(from); err != nil {
		return 0, 0, err
	}
	if !ranged {
		return first, first, nil
	}
	if last, err = f.value(to); err != nil {
		return 0, 0, err
	}
	if last < first {
		return 0, 0, f.errorf("the range %s runs backwards, write it as two: %s-%d,%d-%s", text, from, f.max, f.min, to)
	}
	return first, last, nil
}

func (f field) value(text string) (int, error) {
	if i := slices.Index(f.names, strings.ToUpper(text)); i >= 0 {
		return f.min + i, nil
	}
	n, err := number(text)
	if err != nil || n < f.min || n > f.max {
		names := ""
		if len(f.names) > 0 {
			names = fmt.Sprintf(" or a name from %s to %s", f.names[0], f.names[len(f.names)-1])
		}
		return 0, f.errorf("%q must be a number from %d to %d%s", text, f.min, f.max, names)
	}
	return n, nil
}

func (f field) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %s", f.name, fmt.Sprintf(format, args...))
}

// number reads digits alone; strconv would take a sign too.
func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err
}

// from gives the lowest member of set that is at least n, and whether there is one.
func from(set uint64, n int) (int, bool) {
	rest := set >> n << n
	return bits.TrailingZeros64(rest), rest != 0
}
