package storetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var searchTests = map[string]func(*testing.T, *Fixture){
	"the index keeps segments and their parts":           indexKept,
	"an index that does not fit the events is made anew": indexAnew,
	"events are read by spans of ids":                    eventsWithin,
}

func indexKept(t *testing.T, f *Fixture) {
	ctx := context.Background()
	if _, err := f.Search.Segments(ctx, 0); err == nil {
		t.Error("an index that is not open answers")
	}
	same(t, "the first reason", must(f.Search.Open(ctx, "here"))(t), "")
	want := []store.Segment{
		{Number: 3, FirstID: 30, LastID: 39, MinTime: 5, MaxTime: 9, MinReceived: 6, MaxReceived: 8, Bytes: 77},
		{Number: 1 << 39, FirstID: 40, LastID: 49},
	}
	for i, s := range want {
		parts := make([][]byte, 256)
		parts[0], parts[255] = []byte{byte(i), 0, 255}, []byte(fmt.Sprint("last of ", i))
		for range 2 { // as two servers would
			if err := f.Search.Save(ctx, s, parts); err != nil {
				t.Fatal(err)
			}
		}
	}
	same(t, "segments", must(f.Search.Segments(ctx, 0))(t), want)
	same(t, "segments from a number on", must(f.Search.Segments(ctx, 4))(t), want[1:])
	parts := func(segments []int64, buckets ...int) map[string]string {
		got := map[string]string{}
		err := f.Search.Parts(ctx, segments, buckets, func(segment int64, bucket int, data []byte) {
			got[fmt.Sprint(segment, " ", bucket)] = string(data)
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	same(t, "parts", parts([]int64{1 << 39, 3, 9}, 0, 7, 255), map[string]string{
		"3 0": "\x00\x00\xff", "549755813888 0": "\x01\x00\xff", "3 255": "last of 0", "549755813888 255": "last of 1",
	})
	same(t, "outdated at 39", must(f.Search.Outdated(ctx, 39))(t), false)
	same(t, "forgotten at 39", must(f.Search.Forget(ctx, 39, 256))(t), false)
	same(t, "outdated at 40", must(f.Search.Outdated(ctx, 40))(t), true)
	same(t, "forgotten at 40", must(f.Search.Forget(ctx, 40, 256))(t), true)
	same(t, "what is left", must(f.Search.Segments(ctx, 0))(t), want[1:])
	same(t, "parts that are left", len(parts([]int64{3, 1 << 39}, 0, 255)), 2)
}

func indexAnew(t *testing.T, f *Fixture) {
	ctx := context.Background()
	last := must(f.Events.Add([]api.Event{f.event("s", "m"), f.event("s", "m")}, nil))(t).IDs[1]
	open := func(source string) (string, int) {
		s := Reopen(t, f.Options)
		reason := must(s.Search.Open(ctx, source))(t)
		segments := len(must(s.Search.Segments(ctx, 0))(t))
		if err := s.Search.Save(ctx, store.Segment{Number: 1, LastID: last}, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return reason, segments
	}
	for _, step := range []struct {
		source, reason string
		segments       int
	}{{"a", "", 0}, {"a", "", 1}, {"b", "of another database or version", 0}, {"b", "", 1}} {
		reason, segments := open(step.source)
		same(t, "the reason for "+step.source, reason, step.reason)
		same(t, "segments", segments, step.segments)
	}
	last++ // as when the events were put back from a copy
	open("c")
	reason, segments := open("c")
	same(t, "the reason of one that is ahead", reason, "ahead of the events")
	same(t, "segments", segments, 0)
	if f.Engine() == store.Postgres {
		return // where the index lives and dies with the events
	}
	last--
	path := filepath.Join(f.Options.Folder, store.SearchFile)
	if err := os.WriteFile(path, []byte("this is no database, and long enough for one to be read as such"), 0o600); err != nil {
		t.Fatal(err)
	}
	reason, segments = open("c")
	same(t, "the reason of one that is damaged", reason, "damaged")
	same(t, "segments", segments, 0)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	reason, segments = open("c")
	same(t, "the reason of one that is lost", reason, "")
	same(t, "segments", segments, 0)
}

func eventsWithin(t *testing.T, f *Fixture) {
	ids := must(f.Events.Add([]api.Event{f.event("a", "1"), f.event("b", "2"), f.event("a", "3"), f.event("a", "4")}, nil))(t).IDs
	read := func(service string, received store.Window, most int, spans ...store.Span) (got string) {
		err := f.Events.Within(context.Background(), spans, service, received, func(e *api.Event) bool {
			got += e.Message
			return len(got) < most
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	all, first := store.Span{First: ids[0], Last: ids[3]}, store.Span{First: ids[0], Last: ids[0]}
	end := store.Span{First: ids[2], Last: ids[3]}
	same(t, "two spans", len(read("", store.Window{}, 9, first, end)), 3)
	same(t, "of a service", len(read("a", store.Window{}, 9, all)), 3)
	same(t, "received then", len(read("", store.Window{From: f.now(), To: f.now()}, 9, all)), 4)
	same(t, "received later", read("", store.Window{From: f.now() + 1, To: f.now() + 2}, 9, all), "")
	same(t, "until it is enough", len(read("", store.Window{}, 2, all)), 2)
	same(t, "ids", must(f.Events.IDs(context.Background()))(t), all)
}
