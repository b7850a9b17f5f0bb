package v1_test

import (
	"regexp"
	"strings"
	"testing"

	"watchkeeper/api"
)

func TestPageOfTheDocument(t *testing.T) {
	s := onSQLite(t)
	browser := map[string]string{"Accept": "text/html,application/xhtml+xml"}
	page := s.ask(t, ask{method: "GET", path: "/docs", header: browser}).want(200)
	for _, r := range []*reply{
		page,
		s.ask(t, ask{method: "GET", path: "/docs", header: browser, token: "none"}).want(401),
		s.ask(t, ask{method: "GET", path: "/docs/page.js", token: "none"}).want(200),
		s.ask(t, ask{method: "GET", path: "/docs/page.css", token: "none"}).want(200),
	} {
		policy := r.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("policy %q", policy)
			}
		}
		// Nothing of others, nothing that the policy would refuse, and no text of the document as markup.
		foreign := regexp.MustCompile(`https?://|\burl\(|@import|<style|\sstyle=|\son[a-z]+=|<script>|innerHTML|outerHTML|insertAdjacent|document\.write|eval\(`)
		if found := foreign.FindString(r.body); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
	for _, file := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.body, -1) {
		s.get(t, "/"+file[1]).want(200)
	}
	if at := s.get(t, "/docs/").want(308).header.Get("Location"); at != "/docs" {
		t.Errorf("led to %s", at)
	}
	s.ask(t, ask{method: "GET", path: "/docs", token: "none"}).refused(api.KindUnauthorized)
	s.ask(t, ask{method: "GET", path: "/docs", header: browser, token: s.token(t, api.ScopePulse, "")}).refused(api.KindForbidden)
	s.ask(t, ask{method: "GET", path: "/openapi.json", token: "none"}).refused(api.KindUnauthorized)
}

func TestDocumentIsNotSentTwice(t *testing.T) {
	s := onSQLite(t)
	tag := s.get(t, "/openapi.json").want(200).header.Get("ETag")
	r := s.ask(t, ask{method: "GET", path: "/openapi.json", header: map[string]string{"If-None-Match": tag}}).want(304)
	if tag == "" || r.body != "" {
		t.Errorf("tag %q, body %q", tag, r.body)
	}
}
