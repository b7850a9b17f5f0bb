package app

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestZoneName(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		zone     *time.Location
		tz, want string
	}{
		{paris, "Asia/Tokyo", "Europe/Paris"}, // the setting wins
		{time.UTC, "Asia/Tokyo", "UTC"},
		{time.Local, "Asia/Tokyo", "Asia/Tokyo"},
		{time.Local, ":Asia/Tokyo", "Asia/Tokyo"},
	} {
		t.Setenv("TZ", c.tz)
		if got := zoneName(c.zone); got != c.want {
			t.Errorf("the zone %s with TZ=%s is called %q, want %q", c.zone, c.tz, got, c.want)
		}
	}
	for _, tz := range []string{"", "Local", "No/Where", "CET-1CEST,M3.5.0,M10.5.0/3"} { // some other name, but one that can be loaded
		t.Setenv("TZ", tz)
		got := zoneName(time.Local)
		if _, err := time.LoadLocation(got); err != nil || got == "" || got == "Local" || got == tz {
			t.Errorf("with TZ=%q the zone of the machine is called %q (%v)", tz, got, err)
		}
	}
}

func TestZoneOfTheMachine(t *testing.T) {
	folder := t.TempDir()
	link, file := filepath.Join(folder, "localtime"), filepath.Join(folder, "timezone")
	if err := os.Symlink("../usr/share/zoneinfo/Europe/Paris", link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(" Asia/Tokyo \nmore\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string][2]string{
		"a link": {linkedZone(link), "Europe/Paris"}, "no link": {linkedZone(file), ""},
		"a file": {firstLine(file), "Asia/Tokyo"}, "no file": {firstLine(link + "x"), ""},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %q, want %q", what, c[0], c[1])
		}
	}
}
