package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchkeeper/api"
	"watchkeeper/api/yamlfile"
)

// value reads and writes the text of one field of a Config. Its errors begin with "must" and never repeat the text. A
// wrong text leaves something wrong in the field, so that no check of another setting takes it for the default.
type value interface {
	set(text string) error
	String() string
}

// manyValue is a value of several items, which a list in the file or a repeated flag gives one by one.
type manyValue interface {
	value
	setAll(items []string) error
}

// nodeValue is a value that has a form of its own in the file.
type nodeValue interface {
	value
	decode(n yamlfile.Node) []fault
}

// scalar is a field that one text describes.
type scalar[T any] struct {
	field  *T
	parse  func(string) (T, error)
	format func(T) string
}

func (s scalar[T]) set(text string) error {
	var err error
	*s.field, err = s.parse(text)
	return err
}

func (s scalar[T]) String() string { return s.format(*s.field) }

// list is a field of several items, in one text separated by commas.
type list[T any] struct {
	field  *[]T
	parse  func(string) (T, error)
	format func(T) string
}

func (l list[T]) set(text string) error { return l.setAll(strings.Split(text, ",")) }

func (l list[T]) setAll(items []string) error {
	var parsed []T
	for _, item := range items {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		p, err := l.parse(item)
		if err != nil {
			return err
		}
		parsed = append(parsed, p)
	}
	*l.field = parsed
	return nil
}

func (l list[T]) String() string {
	texts := make([]string, 0, len(*l.field))
	for _, item := range *l.field {
		texts = append(texts, l.format(item))
	}
	return strings.Join(texts, ",")
}

func accept(text string) (string, error) { return text, nil }

func textOf(field *string) value { return scalar[string]{field, accept, plain[string]} }

func textsOf(field *[]string) value { return list[string]{field, accept, plain[string]} }

// baseURLOf is for addresses that paths are added to.
func baseURLOf(field *string) value {
	return scalar[string]{field, func(text string) (string, error) { return strings.TrimRight(text, "/"), nil }, plain[string]}
}

func durationOf(field *time.Duration) value {
	return scalar[time.Duration]{field, api.ParseDuration, api.FormatDuration}
}

func sizeOf(field *int64) value { return scalar[int64]{field, ParseSize, FormatSize} }

func numberOf(field *int) value {
	return scalar[int]{field, func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, errors.New("must be a whole number")
		}
		return n, nil
	}, strconv.Itoa}
}

func switchOf(field *bool) value {
	return scalar[bool]{field, func(text string) (bool, error) {
		switch strings.ToLower(text) {
		case "true", "1", "yes":
			return true, nil
		case "false", "0", "no":
			return false, nil
		}
		return false, errors.New("must be true, 1 or yes, or false, 0 or no")
	}, strconv.FormatBool}
}

// wordOf is for a field that is one of a few words.
func wordOf[T ~string](field *T, words []T) value {
	return scalar[T]{field, func(text string) (T, error) { return T(text), checkWord(T(text), words) }, plain[T]}
}

func plain[T ~string](word T) string { return string(word) }

func joined[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return strings.Join(texts, ", ")
}

var logLevels = []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}

func levelOf(field *slog.Level) value {
	format := func(level slog.Level) string { return strings.ToLower(level.String()) }
	return scalar[slog.Level]{field, func(text string) (slog.Level, error) {
		for _, level := range logLevels {
			if format(level) == text {
				return level, nil
			}
		}
		return 0, errors.New("must be one of debug, info, warn, error")
	}, format}
}

func zoneOf(field **time.Location) value {
	return scalar[*time.Location]{field, func(text string) (*time.Location, error) {
		zone, err := time.LoadLocation(text)
		if err != nil {
			return nil, errors.New("must be a time zone such as Europe/Paris, UTC, or Local for that of the system")
		}
		return zone, nil
	}, (*time.Location).String}
}

func prefixesOf(field *[]netip.Prefix) value {
	return list[netip.Prefix]{field, func(text string) (netip.Prefix, error) {
		if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
			address = address.Unmap()
			return netip.PrefixFrom(address, address.BitLen()), nil
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return netip.Prefix{}, errors.New("must be addresses or networks such as 10.0.0.0/8 or fd00::/8")
		}
		return prefix.Masked(), nil
	}, netip.Prefix.String}
}

// targets is the field of patterns by kind of channel: in one text kind=pattern,kind=pattern, in the file a map of lists.
type targets struct {
	field *map[api.ChannelKind][]string
}

func (t targets) set(text string) error { return t.setAll(strings.Split(text, ",")) }

func (t targets) setAll(items []string) error {
	read := map[api.ChannelKind][]string{}
	for _, item := range items {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		kind, pattern, found := strings.Cut(item, "=")
		if !found {
			return errors.New("must be patterns such as mail=*@example.org, each after the kind of channel it is for")
		}
		if err := addTarget(read, kind, pattern); err != nil {
			return err
		}
	}
	*t.field = read
	return nil
}

func (t targets) decode(n yamlfile.Node) []fault {
	pairs, err := pairsIn(n)
	if err != nil {
		return []fault{{line: n.Line, message: err.Error()}}
	}
	read := map[api.ChannelKind][]string{}
	var faults []fault
	for _, p := range pairs {
		patterns, err := textsIn(p.Value)
		if err == nil && len(patterns) == 0 {
			err = errors.New("must be a list of patterns")
		}
		for _, pattern := range patterns {
			err = cmp.Or(err, addTarget(read, p.Key, pattern))
		}
		if err != nil {
			faults = append(faults, fault{line: p.Line, path: "." + p.Key, message: err.Error()})
		}
	}
	*t.field = read
	return faults
}

func addTarget(read map[api.ChannelKind][]string, kind, pattern string) error {
	if !api.ChannelKind(kind).Valid() {
		return fmt.Errorf("must name kinds of channels: %s", joined(api.ChannelKinds))
	}
	if pattern == "" {
		return errors.New("must have a pattern after each kind, * for any text")
	}
	read[api.ChannelKind(kind)] = append(read[api.ChannelKind(kind)], pattern)
	return nil
}

func (t targets) String() string {
	var items []string
	for _, kind := range slices.Sorted(maps.Keys(*t.field)) {
		for _, pattern := range (*t.field)[kind] {
			items = append(items, string(kind)+"="+pattern)
		}
	}
	return strings.Join(items, ",")
}
