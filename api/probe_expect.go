package api

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// StatusRange is HTTP statuses from one to another, both included.
type StatusRange struct{ From, To int }

// ParseStatuses reads statuses, each as 200, 2xx or 200-299. A text that is none of these is given back.
func ParseStatuses(texts []string) (ranges []StatusRange, wrong string) {
	for _, text := range texts {
		r, ok := parseStatus(strings.TrimSpace(text))
		if !ok {
			return nil, text
		}
		ranges = append(ranges, r)
	}
	return ranges, ""
}

func parseStatus(text string) (StatusRange, bool) {
	if class, found := strings.CutSuffix(strings.ToLower(text), "xx"); found {
		if len(class) != 1 || class[0] < '1' || class[0] > '5' {
			return StatusRange{}, false
		}
		from := int(class[0]-'0') * 100
		return StatusRange{from, from + 99}, true
	}
	first, last, span := strings.Cut(text, "-")
	from, ok := statusCode(first)
	if !ok || !span {
		return StatusRange{from, from}, ok
	}
	to, ok := statusCode(last)
	return StatusRange{from, to}, ok && from <= to
}

func statusCode(text string) (int, bool) {
	const least, most = 100, 599
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err == nil && len(text) == 3 && n >= least && n <= most
}

// StatusExpected reports whether a status lies in one of the ranges.
func StatusExpected(ranges []StatusRange, status int) bool {
	return slices.ContainsFunc(ranges, func(r StatusRange) bool { return status >= r.From && status <= r.To })
}

// RecordTypes are the types of records that a probe can ask for.
var RecordTypes = []string{"A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"}

// NormalAnswer gives the content of a record in the one spelling in which answers are compared: addresses as they are
// usually written, names in lower case without the dot at their end, one blank between parts. Texts stay as they are.
func NormalAnswer(record, text string) string {
	if record == "TXT" {
		return text
	}
	text = strings.TrimSpace(text)
	switch record {
	case "A", "AAAA":
		if address, err := netip.ParseAddr(text); err == nil {
			return address.Unmap().WithZone("").String()
		}
	case "CAA":
		return strings.Join(strings.Fields(strings.ReplaceAll(text, `"`, "")), " ")
	}
	parts := strings.Fields(strings.ToLower(text))
	for i, part := range parts {
		if len(part) > 1 {
			parts[i] = strings.TrimSuffix(part, ".")
		}
	}
	return strings.Join(parts, " ")
}

// MissingAnswer gives the first expected record that is not among the answers, which are normal.
func MissingAnswer(record string, expected, answers []string) (string, bool) {
	for _, want := range expected {
		if !slices.Contains(answers, NormalAnswer(record, want)) {
			return want, true
		}
	}
	return "", false
}
