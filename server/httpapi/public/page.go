package public

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"

	"watchkeeper/api"
)

// The page is one answer: its style and script stand in it, and only these two may run.
var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string

	pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
		"style":  func() template.CSS { return template.CSS(pageStyle) },
		"script": func() template.JS { return template.JS(pageScript) },
		"shown":  func(t api.Time) string { return t.Std().Format("2006-01-02 15:04 UTC") },
	}).Parse(pageText))

	pagePolicy = "default-src 'none'; style-src " + sourceOf(pageStyle) + "; script-src " + sourceOf(pageScript) +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// sourceOf names a text for a content security policy.
func sourceOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// page answers /status/TAG for people and /status/TAG.json for programs.
func (h *routes) page(w http.ResponseWriter, r *http.Request) error {
	parts, suffix, err := form(r, pagePath, ".json")
	if err != nil || len(parts) != 1 {
		return errNothing
	}
	all, err := h.of(r.Context(), parts[0])
	if err != nil {
		return err
	}
	if suffix == ".json" {
		return writeJSON(w, all)
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, map[string]any{"Shown": all, "Headline": headline(all)}); err != nil {
		return err
	}
	return write(w, "text/html; charset=utf-8", b.Bytes())
}

// headline says in a sentence how the services of a tag are.
func headline(s *shown) string {
	count := map[api.State]int{}
	for _, service := range s.Services {
		count[service.State]++
	}
	watched := count[api.StateUp] + count[api.StateLate] + count[api.StateDown]
	switch {
	case watched == 0:
		return "Nothing is watched at the moment"
	case count[api.StateDown] > 0:
		return fmt.Sprintf("%d of %d services down", count[api.StateDown], watched)
	case count[api.StateLate] > 0:
		return fmt.Sprintf("%d of %d services late", count[api.StateLate], watched)
	case watched == 1:
		return "The service is up"
	}
	return fmt.Sprintf("All %d services are up", watched)
}
