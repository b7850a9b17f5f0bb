package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"watchkeeper/api"
)

// List is a list of the server that has not been asked for yet.
type List[T any] struct {
	client *Client
	path   string
	query  url.Values
}

// Paging says which part of a list is wanted. The zero value is the first part, of the usual size.
type Paging struct {
	Limit  int    // 0 means 100; at most 1000 come
	Cursor string // the Next of the part before
}

// Page gives one part of the list.
func (l List[T]) Page(ctx context.Context, p Paging) (api.Page[T], error) {
	query := make(url.Values, len(l.query)+2)
	for name, values := range l.query {
		query[name] = values
	}
	if p.Limit > 0 {
		query.Set("limit", strconv.Itoa(p.Limit))
	}
	if p.Cursor != "" {
		query.Set("cursor", p.Cursor)
	}
	var page api.Page[T]
	_, err := l.client.do(ctx, call{method: http.MethodGet, path: l.path, query: query}, &page)
	return page, err
}

// All gives every item, asking for one part after another as they are needed. An error is the last thing it gives.
func (l List[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		p := Paging{Limit: api.MaxLimit}
		for {
			page, err := l.Page(ctx, p)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			if page.Next == p.Cursor {
				yield(none, api.Errorf(api.KindInternal, "the list of the server does not go on: the same place came twice"))
				return
			}
			p.Cursor = page.Next
		}
	}
}

// filter is the parameters of a list; what is empty is left out.
type filter url.Values

func (f filter) text(name, value string) {
	if value != "" {
		f[name] = []string{value}
	}
}

func (f filter) time(name string, value api.Time) {
	if value != 0 {
		f[name] = []string{value.String()}
	}
}

func texts[T ~string](f filter, name string, values []T) {
	for _, value := range values {
		f[name] = append(f[name], string(value))
	}
}
