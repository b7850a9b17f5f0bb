package ping

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"watchkeeper/api"
	"watchkeeper/server/service"
)

func FuzzParseAddress(f *testing.F) {
	const id = "0190b0c4-5d3e-7abc-8def-0123456789AB"
	for _, seed := range []string{
		id, id + "/", id + "/fail", id + "/007", id + "/Foo", "key/slug", "key/slug/start", "key/Slug", "//", "", "a/b/c/d", "é/x", id + "\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		a, err := parseAddress(path)
		if err != nil {
			if kind := api.KindOf(err); kind != api.KindNotFound && kind != api.KindMalformed {
				t.Fatalf("error of kind %q", kind)
			}
			return
		}
		if (a.id != "") == (a.key != "") || (a.key != "") != (a.slug != "") {
			t.Fatalf("%+v names not one service", a)
		}
		if a.slug != "" && !api.ValidSlug(a.slug) {
			t.Fatalf("%q is no slug", a.slug)
		}
		back := a.id
		if a.key != "" {
			back = a.key + "/" + a.slug
		}
		if a.action != "" {
			back += "/" + a.action
		}
		if !strings.EqualFold(back, strings.TrimSuffix(path, "/")) {
			t.Fatalf("%q was read as %q", path, back)
		}
		sign := service.Sign{}
		if err := readAction(&sign, a.action); err == nil {
			if !sign.Kind.Valid() || sign.ExitCode != nil && (*sign.ExitCode < 0 || *sign.ExitCode > api.MaxExitCode) {
				t.Fatalf("signal %+v", sign)
			}
		} else if api.KindOf(err) != api.KindMalformed {
			t.Fatalf("error of kind %q", api.KindOf(err))
		}
	})
}

func FuzzReadQuery(f *testing.F) {
	for _, seed := range []string{"rid=0190b0c4-5d3e-7abc-8def-0123456789AB", "rid=", "nextIn=60", "nextIn=-1&rid=x", "rid=%zz", "a;b", "%00"} {
		f.Add(seed, "")
		f.Add("", seed)
	}
	f.Fuzz(func(t *testing.T, query, header string) {
		sign := service.Sign{}
		r := &http.Request{URL: &url.URL{RawQuery: query}, Header: http.Header{headerNextIn: {header}}}
		err := readQuery(&sign, r)
		switch {
		case err != nil && api.KindOf(err) != api.KindMalformed:
			t.Fatalf("error of kind %q", api.KindOf(err))
		case err == nil && (sign.NextIn < 0 || sign.NextIn > api.MaxSeconds):
			t.Fatalf("nextIn %d", sign.NextIn)
		case err == nil && sign.RID != "" && (!canonicalID.MatchString(sign.RID) || sign.RID != strings.ToLower(sign.RID)):
			t.Fatalf("rid %q", sign.RID)
		}
	})
}
