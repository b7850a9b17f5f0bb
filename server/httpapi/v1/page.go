package v1

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"watchkeeper/api"
	"watchkeeper/server/alert"
	"watchkeeper/server/store"
)

// Paging is the parameters of every list. It is exported so that huma sees what is embedded.
type Paging struct {
	Limit  limitParam `query:"limit" doc:"how many items at most; more than 1000 is cut"`
	Cursor string     `query:"cursor" doc:"the next of the page before"`
}

// limitParam is a number that the rules of package api read; huma would have its own words for a wrong one.
type limitParam string

// Schema describes the parameter.
func (limitParam) Schema(huma.Registry) *huma.Schema {
	least := 1.0
	return &huma.Schema{Type: huma.TypeInteger, Default: api.DefaultLimit, Minimum: &least, Examples: []any{50}}
}

// timeParam is a moment.
type timeParam string

// Schema describes the parameter.
func (timeParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Examples: []any{"2026-01-31T08:00:00Z", "1769846400"}}
}

// levelParam is a level by number or name.
type levelParam string

// Schema describes the parameter.
func (levelParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Examples: []any{"warning", "2"}}
}

// place is where a page begins.
type place struct {
	limit  int
	cursor *api.Cursor // nil for the beginning
}

// place reads the parameters of a list. Order is what the list is sorted by, and which list it is.
func (h *routes) place(p Paging, order string) (place, error) {
	limit, err := api.ParseLimit(string(p.Limit))
	if err != nil || p.Cursor == "" {
		return place{limit: limit}, err
	}
	c, err := api.ParseCursor(p.Cursor, h.Generation, order)
	if err != nil {
		return place{}, err
	}
	if !storable(c.Key) || !storable(c.ID) {
		return place{}, errCursor
	}
	return place{limit, &c}, nil
}

var errCursor = malformed("query.cursor", "is not a cursor of this server")

// millis writes a moment into a cursor, and parseMillis reads it.
func millis(t api.Time) string { return strconv.FormatInt(int64(t), 10) }

func parseMillis(text string) (api.Time, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return api.Time(n), err == nil && n >= 0
}

// mark reads a cursor of a list that is ordered by time and id.
func (p place) mark() (store.Mark, error) {
	if p.cursor == nil {
		return store.Mark{}, nil
	}
	at, is := parseMillis(p.cursor.Key)
	id, err := strconv.ParseInt(p.cursor.ID, 10, 64)
	if !is || err != nil || id < 0 {
		return store.Mark{}, errCursor
	}
	return store.Mark{Time: at, ID: id}, nil
}

// markCursor gives the cursor that mark reads.
func (h *routes) markCursor(m store.Mark, order string) string {
	return api.Cursor{
		Generation: h.Generation, Order: order, Key: millis(m.Time), ID: strconv.FormatInt(m.ID, 10),
	}.String()
}

// behind reads a cursor of a list that is ordered by time and a textual id.
func (p place) behind() (store.Place, error) {
	if p.cursor == nil {
		return store.Place{}, nil
	}
	at, is := parseMillis(p.cursor.Key)
	if !is {
		return store.Place{}, errCursor
	}
	return store.Place{Time: at, ID: p.cursor.ID}, nil
}

// behindCursor gives the cursor that behind reads, none at the end of a list.
func (h *routes) behindCursor(p store.Place, order string) string {
	if p == (store.Place{}) {
		return ""
	}
	return api.Cursor{Generation: h.Generation, Order: order, Key: millis(p.Time), ID: p.ID}.String()
}

// newestList gives a page of a list whose newest come first.
func newestList[T any](h *routes, p Paging, order string, list func(after store.Place, limit int) (alert.Found[T], error)) (*answer[api.Page[T]], error) {
	at, err := h.place(p, order)
	if err != nil {
		return nil, err
	}
	after, err := at.behind()
	if err != nil {
		return nil, err
	}
	found, err := list(after, at.limit)
	if err != nil {
		return nil, err
	}
	return newAnswer(api.NewPage(found.Items, h.behindCursor(found.Next, order))), nil
}

// pageOf cuts a list that was asked for with one item more than the page holds. next gives the cursor behind an item.
func pageOf[T any](items []T, limit int, next func(*T) string) api.Page[T] {
	if len(items) <= limit {
		return api.NewPage(items, "")
	}
	items = items[:limit]
	return api.NewPage(items, next(&items[limit-1]))
}

// parameters reads what a request wants narrowed, and gathers what cannot be.
type parameters struct{ wrong api.Fields }

func (p *parameters) time(location string, text timeParam) api.Time {
	if text == "" {
		return 0
	}
	t, err := api.ParseTime(string(text))
	p.note(location, err)
	return t
}

func (p *parameters) level(location string, text levelParam) *api.Level {
	if text == "" {
		return nil
	}
	var level api.Level
	p.note(location, level.UnmarshalText([]byte(text)))
	return &level
}

// text gives a value that both databases can compare with.
func (p *parameters) text(location, text string) string {
	if !storable(text) {
		p.wrong.Add(location, "must be valid UTF-8 without NUL")
	}
	return text
}

// words splits a parameter that may be repeated or hold several values with commas between.
func (p *parameters) words(location string, values []string) []string {
	var words []string
	for _, value := range values {
		for word := range strings.SplitSeq(value, ",") {
			if word = strings.TrimSpace(word); word != "" {
				words = append(words, p.text(location, word))
			}
		}
	}
	if len(words) > maxWords {
		p.wrong.Add(location, "must be at most %d values", maxWords)
	}
	return words
}

// maxWords bounds a statement that asks for each of them.
const maxWords = 100

func (p *parameters) note(location string, err error) {
	if err != nil {
		p.wrong.Add(location, "%s", api.ProblemOf(err).Detail)
	}
}

// storable reports whether both databases can keep a text as it is.
func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// window is a page of a list that is short enough to be had whole.
type window struct {
	from, to int
	next     string
}

// cut gives the page of a list of n items whose cursor is the number of items before it.
func (h *routes) cut(n int, at place, order string) (window, error) {
	from := 0
	if at.cursor != nil {
		var err error
		if from, err = strconv.Atoi(at.cursor.ID); err != nil || from < 0 {
			return window{}, errCursor
		}
	}
	w := window{from: min(from, n)}
	w.to = min(n, w.from+at.limit)
	if w.to < n {
		w.next = api.Cursor{Generation: h.Generation, Order: order, ID: strconv.Itoa(w.to)}.String()
	}
	return w, nil
}

// wholeList gives a page of a list that is short enough to be had whole.
func wholeList[T any](h *routes, p Paging, order string, list func() ([]T, error)) (*answer[api.Page[T]], error) {
	at, err := h.place(p, order)
	if err != nil {
		return nil, err
	}
	all, err := list()
	if err != nil {
		return nil, err
	}
	page, err := h.cut(len(all), at, order)
	if err != nil {
		return nil, err
	}
	return newAnswer(api.NewPage(all[page.from:page.to], page.next)), nil
}
