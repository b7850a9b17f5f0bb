package app

import (
	"os"
	"strings"
	"time"
)

// zoneName gives the name of a time zone that any program knows, also of the one that the machine is set to.
func zoneName(zone *time.Location) string {
	if zone != time.Local {
		return zone.String()
	}
	for _, name := range []string{os.Getenv("TZ"), linkedZone("/etc/localtime"), firstLine("/etc/timezone")} {
		if name = strings.TrimPrefix(name, ":"); name == "" {
			continue
		}
		if _, err := time.LoadLocation(name); err == nil && name != "Local" {
			return name
		}
	}
	return "UTC"
}

// linkedZone gives the zone that a link into the zone database names.
func linkedZone(path string) string {
	target, err := os.Readlink(path)
	if err != nil {
		return ""
	}
	_, name, _ := strings.Cut(target, "zoneinfo/")
	return name
}

func firstLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}
