package v1

import (
	"strconv"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/web"
)

// scanPulse reads the bodies that scripts send, flat and without escapes, in a tenth of the time that encoding/json takes.
// It gives up, with false, at whatever is unusual or wrong: then the slow way decides, and finds the words for what is
// wrong.
func scanPulse(data []byte) (in api.PulseInput, ok bool) {
	s := web.NewScanner(data)
	if !s.Take('{') {
		return in, false
	}
	for more := !s.Take('}'); more; {
		key, ok := s.Text()
		if !ok || !s.Take(':') || !scanMember(&s, &in, key) {
			return in, false
		}
		if more = s.Take(','); !more && !s.Take('}') {
			return in, false
		}
	}
	return in, s.Done()
}

// scanMember reads the value of one member.
func scanMember(s *web.Scanner, in *api.PulseInput, key []byte) (ok bool) {
	var text []byte
	var n int64
	switch string(key) {
	case "kind":
		text, ok = s.Text()
		in.Kind = api.PulseKind(text)
	case "next_in":
		n, ok = s.Integer()
		in.NextIn = api.Seconds(n)
	case "rid":
		text, ok = s.Text()
		in.RID = string(text)
	case "body":
		text, ok = s.Text()
		in.Body = string(text)
	case "exit_code":
		n, ok = s.Integer()
		code := int(n)
		in.ExitCode = &code
	case "duration":
		duration, err := strconv.ParseFloat(string(s.Number()), 64)
		in.Duration, ok = &duration, err == nil
	case "time":
		text, ok = s.Raw()
		ok = ok && in.Time.UnmarshalJSON(text) == nil
	}
	return ok
}
