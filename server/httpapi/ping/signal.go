package ping

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/service"
)

var (
	errRID    = api.Errorf(api.KindMalformed, "invalid uuid format")
	errNextIn = api.Errorf(api.KindMalformed, "nextIn must be 1 to %d seconds (ten years)", api.MaxSeconds)
)

// readAction reads what the path says beside the service.
func readAction(sign *service.Sign, action string) error {
	switch action {
	case "":
		sign.Kind = api.PulseSuccess
	case "start", "fail", "log":
		sign.Kind = api.PulseKind(action)
	default:
		code, err := strconv.Atoi(action)
		if err != nil || code > api.MaxExitCode {
			return errURL
		}
		sign.Kind, sign.ExitCode = api.PulseSuccess, &code
	}
	return nil
}

// headerNextIn says the same as the parameter nextIn, for clients that cannot change the URL.
const headerNextIn = "Nextin"

// readQuery reads rid and nextIn.
func readQuery(sign *service.Sign, r *http.Request) error {
	if r.URL.RawQuery == "" && r.Header[headerNextIn] == nil {
		return nil
	}
	params := r.URL.Query()
	if params.Has("rid") {
		rid := params.Get("rid")
		if !canonicalID.MatchString(rid) {
			return errRID
		}
		sign.RID = strings.ToLower(rid)
	}
	nextIn := cmp.Or(params.Get("nextIn"), r.Header.Get(headerNextIn))
	if nextIn == "" {
		return nil
	}
	n, err := strconv.ParseInt(nextIn, 10, 64)
	if err != nil || n < 1 || n > int64(api.MaxSeconds) {
		return errNextIn
	}
	sign.NextIn = api.Seconds(n)
	return nil
}
