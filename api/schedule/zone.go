package schedule

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // machines and containers without a zone database
)

const maxZone = 64

// retired are names that databases of other programs still hold and that time/tzdata has dropped.
var retired = map[string]string{
	"Canada/East-Saskatchewan": "America/Regina",
	"US/Pacific-New":           "America/Los_Angeles",
}

// LoadZone finds a time zone by its IANA name, old names included. Empty means UTC, and Local the zone of this machine.
func LoadZone(name string) (*time.Location, error) {
	if known, ok := retired[name]; ok {
		name = known
	}
	location, err := time.LoadLocation(name)
	if err != nil || len(name) > maxZone || foreign(name) {
		return nil, fmt.Errorf("unknown time zone %.64q: write it as Area/City, such as Europe/Paris, or UTC", name)
	}
	return location, nil
}

// foreign reports names that only the files of some systems have, so that a second server might not know them.
func foreign(name string) bool {
	return strings.HasPrefix(name, "posix/") || strings.HasPrefix(name, "right/") || name == "posixrules" || name == "localtime"
}
