package ping

import (
	"regexp"
	"strings"

	"watchkeeper/api"
)

// address is what the path of a ping says.
type address struct {
	id        string // of the service, or
	key, slug string
	action    string // "", start, fail, log or digits
}

var (
	errURL      = api.Errorf(api.KindMalformed, "invalid url format")
	errLongSlug = api.Errorf(api.KindMalformed, "invalid url format: a slug has at most %d characters", api.MaxSlugLength)

	canonicalID = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	keyOrSlug   = regexp.MustCompile(`^[-a-zA-Z0-9_]+$`)
	action      = regexp.MustCompile(`^(start|fail|log|[0-9]+)$`)
)

// parseAddress reads the path behind /ping/. A path that is no address is KindNotFound, one with a slug that can be none
// KindMalformed.
func parseAddress(path string) (address, error) {
	first, rest, more := strings.Cut(path, "/")
	if canonicalID.MatchString(first) && (rest == "" || action.MatchString(rest)) {
		return address{id: strings.ToLower(first), action: rest}, nil
	}
	if !more || !keyOrSlug.MatchString(first) {
		return address{}, errNotFound
	}
	a := address{key: first}
	a.slug, a.action, more = strings.Cut(rest, "/")
	switch {
	case !keyOrSlug.MatchString(a.slug), more && !action.MatchString(a.action):
		return address{}, errNotFound
	case a.slug != strings.ToLower(a.slug):
		return address{}, errURL
	case len(a.slug) > api.MaxSlugLength:
		return address{}, errLongSlug
	}
	return a, nil
}
