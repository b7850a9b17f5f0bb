package client_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func TestAllPages(t *testing.T) {
	pages := map[string]string{
		"":  `{"items":[{"id":1},{"id":2}],"next":"b"}`,
		"b": `{"items":[],"next":"c"}`,
		"c": `{"items":[{"id":3}]}`,
		"x": `{"items":[{"id":4}],"next":"x"}`,
	}
	asked := 0
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.FormValue("limit") != "1000" || r.FormValue("service") != "s" {
			t.Errorf("query %s", r.URL.RawQuery)
		}
		_, _ = io.WriteString(w, pages[r.FormValue("cursor")])
	})
	var ids []int64
	for e, err := range c.Events(client.EventFilter{Service: "s"}).All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID)
	}
	if diff := cmp.Diff([]int64{1, 2, 3}, ids); diff != "" {
		t.Error(diff)
	}
	asked = 0
	for range c.Events(client.EventFilter{Service: "s"}).All(t.Context()) {
		break
	}
	if asked != 1 {
		t.Errorf("%d pages were asked for, want the one that was needed", asked)
	}
	pages["c"] = pages["x"]
	var last error
	for _, err := range c.Events(client.EventFilter{Service: "s"}).All(t.Context()) {
		last = err
	}
	if last == nil {
		t.Error("a list that goes in a circle ended well")
	}
	pages["b"] = `no JSON`
	for _, err := range c.Events(client.EventFilter{Service: "s"}).All(t.Context()) {
		last = err
	}
	if api.KindOf(last) != api.KindInternal {
		t.Errorf("error %v", last)
	}
}
