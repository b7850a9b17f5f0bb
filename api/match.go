package api

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The limits of matchers.
const (
	MaxMatchers      = 20
	MaxMatcherLength = 1000 // bytes of one, with its label and quotes
)

// The labels that every subject of an alert has; a tag is one value of LabelTag.
const (
	LabelName  = "name"
	LabelKind  = "kind"
	LabelHost  = "host"
	LabelTag   = "tag"
	LabelLevel = "level"
)

// Labels is what a subject is matched by. A label may have several values, as tags do.
type Labels map[string][]string

// Labels gives what routes, silences and maintenance match a service by.
func (s *ServiceSettings) Labels(level Level) Labels {
	l := Labels{LabelName: {s.Name}, LabelKind: {string(SubjectService)}, LabelLevel: {level.Name()}, LabelTag: s.Tags}
	if s.Host != "" {
		l[LabelHost] = []string{s.Host}
	}
	return l
}

// MatchOp is how a matcher compares.
type MatchOp string

// The comparisons, as Prometheus writes them. A regular expression must match the whole value.
const (
	MatchEqual     MatchOp = "="
	MatchNotEqual  MatchOp = "!="
	MatchRegexp    MatchOp = "=~"
	MatchNotRegexp MatchOp = "!~"
)

// Matcher is a condition on one label, such as tag=~"prod|staging".
type Matcher struct {
	Label string
	Op    MatchOp
	Value string

	pattern *regexp.Regexp
}

// String gives the matcher as ParseMatchers reads it.
func (m Matcher) String() string { return m.Label + string(m.Op) + strconv.Quote(m.Value) }

// holds reports whether one of the values satisfies the positive form of the matcher, turned round for a negative one.
// As in Prometheus a label that is absent counts as the empty value.
func (m Matcher) holds(values []string) bool {
	if len(values) == 0 {
		values = []string{""}
	}
	switch m.Op {
	case MatchEqual:
		return slices.Contains(values, m.Value)
	case MatchNotEqual:
		return !slices.Contains(values, m.Value)
	case MatchRegexp:
		return slices.ContainsFunc(values, m.whole)
	case MatchNotRegexp:
		return !slices.ContainsFunc(values, m.whole)
	}
	return false
}

// whole reports whether the pattern matches all of a value: a longest match that could begin anywhere does so at the
// beginning, if it can.
func (m Matcher) whole(value string) bool {
	at := m.pattern.FindStringIndex(value)
	return at != nil && at[0] == 0 && at[1] == len(value)
}

// compile reads the pattern. Nothing is put around its text, which could close brackets of ours or leave a quotation
// open.
func (m *Matcher) compile() (err error) {
	if m.pattern, err = compilePattern("(?s)", m.Value); err == nil {
		m.pattern.Longest()
	}
	return err
}

// Matchers are conditions that must all hold. None at all hold for everything. In JSON they are a list of strings;
// a single string is read as well, and each may hold several matchers separated by commas.
type Matchers []Matcher

// Match reports whether all conditions hold.
func (m Matchers) Match(l Labels) bool {
	return !slices.ContainsFunc(m, func(one Matcher) bool { return !one.holds(l[one.Label]) })
}

// String gives the matchers as ParseMatchers reads them.
func (m Matchers) String() string { return strings.Join(m.texts(), ", ") }

func (m Matchers) texts() []string {
	texts := make([]string, len(m))
	for i, one := range m {
		texts[i] = one.String()
	}
	return texts
}

// MarshalJSON writes one string for each matcher.
func (m Matchers) MarshalJSON() ([]byte, error) { return json.Marshal(m.texts()) }

// UnmarshalJSON reads a list of strings or a single one.
func (m *Matchers) UnmarshalJSON(b []byte) error {
	var texts []string
	if len(b) > 0 && b[0] == '"' {
		texts = make([]string, 1)
		if err := json.Unmarshal(b, &texts[0]); err != nil {
			return err
		}
	} else if err := json.Unmarshal(b, &texts); err != nil {
		return err
	}
	parsed, err := ParseMatchers(texts...)
	if err != nil {
		return err
	}
	if *m = parsed; parsed == nil {
		*m = Matchers{}
	}
	return nil
}

// ParseMatchers reads matchers as Prometheus writes them: label, comparison, quoted value, separated by commas. The
// error says in words what to write instead.
func ParseMatchers(texts ...string) (Matchers, error) {
	var all Matchers
	for _, text := range texts {
		for rest := strings.TrimSpace(text); rest != ""; {
			m, tail, err := parseMatcher(rest)
			if err != nil {
				return nil, err
			}
			if all = append(all, m); len(all) > MaxMatchers {
				return nil, fmt.Errorf("must be at most %d matchers", MaxMatchers)
			}
			more := strings.HasPrefix(tail, ",")
			if rest = strings.TrimSpace(strings.TrimPrefix(tail, ",")); rest != "" && !more {
				return nil, fmt.Errorf("a comma must separate matchers, before %s", cutQuote(rest))
			}
		}
	}
	return all, nil
}

var matcherHead = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_.-]{0,99})\s*(=~|!~|!=|=)\s*`)

func parseMatcher(text string) (m Matcher, rest string, err error) {
	head := matcherHead.FindStringSubmatch(text)
	if head == nil {
		return m, "", fmt.Errorf(`must be matchers such as name="db1" or tag=~"prod|staging", not %s`, cutQuote(text))
	}
	quoted, err := strconv.QuotedPrefix(text[len(head[0]):])
	if err != nil || quoted[0] == '\'' {
		return m, "", fmt.Errorf(`the value after %s must stand in double quotes, as in %s"db1"`, strings.TrimSpace(head[0]), strings.TrimSpace(head[0]))
	}
	m = Matcher{Label: head[1], Op: MatchOp(head[2])}
	if m.Value, err = strconv.Unquote(quoted); err != nil || !utf8.ValidString(m.Value) {
		return m, "", fmt.Errorf("the value after %s must be valid UTF-8", strings.TrimSpace(head[0]))
	}
	if len(m.String()) > MaxMatcherLength { // as it is kept and read again
		return m, "", fmt.Errorf("a matcher must be at most %d bytes", MaxMatcherLength)
	}
	switch m.Op {
	case MatchRegexp, MatchNotRegexp:
		if err := m.compile(); err != nil {
			return m, "", fmt.Errorf("the pattern of %s %w", m.Label, err)
		}
	case MatchEqual, MatchNotEqual:
		if level, ok := ParseLevel(m.Value); ok && m.Label == LabelLevel {
			m.Value = level.Name()
		}
	}
	return m, strings.TrimSpace(text[len(head[0])+len(quoted):]), nil
}

// Within gives a matcher that holds for the names that a credential's pattern reaches; see MatchName.
func Within(pattern string) Matcher {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	m := Matcher{Label: LabelName, Op: MatchRegexp, Value: strings.Join(parts, ".*")}
	m.pattern = regexp.MustCompile("(?s)" + m.Value) // of quoted text and .* alone
	m.pattern.Longest()
	return m
}

// Has reports whether one of the matchers is this one.
func (m Matchers) Has(one Matcher) bool {
	return slices.ContainsFunc(m, func(other Matcher) bool { return other.String() == one.String() })
}

func cutQuote(text string) string { return fmt.Sprintf("%.40q", text) }
