package auth_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/server/auth"
)

func TestCredentialsOf(t *testing.T) {
	basic := func(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }
	tests := []struct {
		name    string
		headers [][2]string
		want    auth.Credentials
	}{
		{"none", nil, nil},
		{"password", [][2]string{{"password", "pässword x"}}, auth.Credentials{"pässword x"}},
		{"empty password", [][2]string{{"password", ""}}, nil},
		{"bearer", [][2]string{{"Authorization", "Bearer wk_x"}}, auth.Credentials{"wk_x"}},
		{"scheme in any case, blanks", [][2]string{{"Authorization", "bEARER   wk_x "}}, auth.Credentials{"wk_x"}},
		{"empty bearer", [][2]string{{"Authorization", "Bearer "}}, nil},
		{"basic", [][2]string{{"Authorization", basic("user:wk_x")}}, auth.Credentials{"wk_x"}},
		{"basic without user, colon in the password", [][2]string{{"Authorization", basic(":a:b")}}, auth.Credentials{"a:b"}},
		{"basic without password", [][2]string{{"Authorization", basic("user:")}}, nil},
		{"basic without colon", [][2]string{{"Authorization", basic("user")}}, nil},
		{"basic that is no base 64", [][2]string{{"Authorization", "Basic %%%"}}, nil},
		{"another scheme", [][2]string{{"Authorization", "Digest username=x"}}, nil},
		{
			"a proxy's and ours",
			[][2]string{{"Authorization", basic("proxy:p")}, {"password", "ours"}},
			auth.Credentials{"ours", "p"},
		},
		{
			"many guesses",
			[][2]string{{"password", "1"}, {"password", "2"}, {"password", "3"}, {"password", "4"}},
			auth.Credentials{"1", "2", "3"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			for _, h := range test.headers {
				r.Header.Add(h[0], h[1])
			}
			if diff := cmp.Diff(test.want, auth.CredentialsOf(r.Header)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzCredentialsOf(f *testing.F) {
	f.Add("Bearer wk_x", "secret")
	f.Add("Basic dXNlcjpwYXNz", "")
	f.Add("Basic ", "\x00")
	f.Fuzz(func(t *testing.T, authorization, password string) {
		header := http.Header{"Authorization": {authorization, authorization}, "Password": {password}}
		list := auth.CredentialsOf(header)
		if len(list) > 3 {
			t.Errorf("%d guesses in one request", len(list))
		}
		for _, c := range list {
			if c == "" || len(c) > max(len(authorization), len(password)) {
				t.Errorf("found %q", c)
			}
		}
		if password != "" && list[0] != password {
			t.Errorf("the password became %q", list[0])
		}
		token, ok := strings.CutPrefix(authorization, "Bearer ")
		if ok && token != "" && strings.TrimSpace(token) == token && list[len(list)-1] != token {
			t.Errorf("the token became %q", list[len(list)-1])
		}
	})
}
