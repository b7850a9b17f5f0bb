package v1_test

import (
	"regexp"
	"strings"
	"testing"

	"watchkeeper/api"
	"watchkeeper/api/manifest"
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
	tags := map[string]bool{"": true}
	for _, path := range []string{"/openapi.json", "/manifest.schema.json"} {
		tag := s.get(t, path).want(200).header.Get("ETag")
		r := s.ask(t, ask{method: "GET", path: path, header: map[string]string{"If-None-Match": tag}}).want(304)
		if tags[tag] || r.body != "" {
			t.Errorf("%s: tag %q, body %q", path, tag, r.body)
		}
		tags[tag] = true
	}
}

func TestSchemaOfManifestsIsServed(t *testing.T) {
	s := onSQLite(t)
	if got := s.get(t, "/manifest.schema.json").want(200); got.body != string(manifest.Schema) {
		t.Errorf("got %s", got.body)
	}
	s.ask(t, ask{method: "GET", path: "/manifest.schema.json", token: "none"}).refused(api.KindUnauthorized)
}
