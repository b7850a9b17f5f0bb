package api

import (
	"testing"
)

func TestNearestIsWhatWasMeant(t *testing.T) {
	known := []string{"grace", "next_in", "name", "tags"}
	for word, want := range map[string]string{
		"grase": "grace", "nextin": "next_in", "nam": "name", "tag": "tags", "colour": "", "": "", "x": "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
