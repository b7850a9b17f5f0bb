package notify

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
)

// wordedBy gives title and body that templates make of the first sample: a service that is down.
func wordedBy(t *testing.T, title, body string) (string, string) {
	t.Helper()
	made, err := NewTemplate(map[string]string{TitleTemplate: title, BodyTemplate: body})
	if err != nil {
		t.Fatalf("%s %s: %v", title, body, err)
	}
	m := templateSamples()[0]
	if err := made.Word(&m); err != nil {
		t.Fatalf("%s %s: %v", title, body, err)
	}
	return m.Title, m.Body
}

func TestTemplates(t *testing.T) {
	for body, want := range map[string]string{
		"":                      "",
		" {{/* nothing */}}\n ": "",
		"{{.Text}}":             "The service nightly backup is not pulsing since 20260729 11:10:07",
		"{{.Name}} {{.From}}>{{.State}} {{.Reason}} {{.Level}} {{.About}} {{.Kind}} {{.Host}}":      "nightly backup up>down timeout error opened service nas",
		"{{.Since}} {{.SinceUnix}} {{.At}}":                                                         "2026-07-30 12:05:07 +00:00 1785413107 2026-07-30 12:05:07 +00:00",
		"{{.NextIn}} {{.Grace}} {{.ExitCode}} {{.DownFor}}{{.Flapping}}":                            "86400 3600  false",
		`{{join .Tags "+"}} {{upper .Name}} {{lower "ÄB"}} {{cut 7 .Name}} {{default "none" .Gap}}`: "db NIGHTLY BACKUP äb nightl… none",
		`{{format "15:04" .SinceUnix}} {{format "15:04" 0}}{{oneline "a\nb"}}`:                      "12:05 a b",
		`{{range .Facts}}{{.Label}}: {{.Value}}; {{end}}`:                                           "Down since: 2026-07-30 12:05:07 +00:00, 5 minutes ago; Last pulse: 2026-07-29 11:10:07 +00:00, 1 day 1 hour ago; Why: no pulse came in time: one was due within 1 day, with a grace of 1 hour; Host: nas; Tags: db;",
		`{{if eq .State "down"}}{{printf "%s!%5d" .Name 7}}{{else}}{{.Brief}}{{end}}`:               "nightly backup!    7",
		`{{define "x"}}<{{.}}>{{end}}{{range .Tags}}{{template "x" .}}{{end}}{{html "<b>"}}`:        "<db>&lt;b&gt;",
		"{{.Link}} {{.Acknowledge}}":                                                                "https://watch.example.org/gui/ https://watch.example.org/ack/AZTx",
	} {
		title, got := wordedBy(t, "", body)
		if got != want || title != "Service nightly backup has not pulsed" {
			t.Errorf("%s: %q %q, want %q", body, title, got, want)
		}
	}
	if title, body := wordedBy(t, "{{.Name}}\n  is\t{{.State}}", ""); title != "nightly backup is down" || body != "" {
		t.Errorf("title %q, body %q", title, body)
	}
	if title, _ := wordedBy(t, strings.Repeat("{{.Name}}", 100), ""); len([]rune(title)) != maxTemplateTitle {
		t.Errorf("a title of %d characters", len([]rune(title)))
	}
	if title, _ := wordedBy(t, "{{if false}}x{{end}}", ""); title != "Service nightly backup has not pulsed" {
		t.Errorf("of an empty title: %q", title)
	}
	if none, err := NewTemplate(nil); none != nil || err != nil {
		t.Errorf("without templates: %v %v", none, err)
	}
}

func TestTemplatesThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"{{":                           "unclosed action",
		"{{.Colour}}":                  "can't evaluate field Colour in a message",
		"{{.Name.Upper}}":              "can't evaluate field Upper",
		"{{range .Name}}{{end}}":       "range can't iterate over",
		"{{template \"x\"}}":           "template \"x\" not defined",
		"{{index .Items 0}}":           "fails for a message of the sort opened",
		"{{index .Tags 0}}":            "fails for a message of the sort digest",
		"{{frobnicate .Name}}":         "function \"frobnicate\" not defined",
		"{{call .Name}}":               "wrong number of args",
		"{{.Name | printf \"%*d\" 9}}": "printf takes no widths above 999",
		"{{printf \"%99999d\" 1}}":     "printf takes no widths above 999",
		// What would go on for ever, or take all memory.
		"{{range 1000000000}}{{end}}": "too many steps",
		"{{range $i := 3000}}{{range $j := 3000}}{{range $k := 3000}}{{end}}{{end}}{{end}}":            "too many steps",
		`{{define "x"}}{{template "x"}}{{end}}{{template "x"}}`:                                        "too many steps",
		`{{define "x"}}{{template "x"}}{{template "x"}}{{end}}{{template "x"}}`:                        "too many steps",
		`{{$x := "0123456789"}}{{range 60}}{{$x = print $x $x}}{{end}}`:                                "a text in it becomes too long",
		`{{$x := "0123456789"}}{{range 60}}{{$x = printf "%s%s" $x $x}}{{end}}`:                        "a text in it becomes too long",
		`{{$x := "<<<<<<<<<<"}}{{range 9000}}{{$x = html $x}}{{end}}`:                                  "too many steps",
		`{{$x := "\u0001\u0001"}}{{range 60}}{{$x = js $x}}{{end}}`:                                    "a text in it becomes too long",
		`{{$x := "%%%%%%"}}{{range 9000}}{{$x = urlquery $x}}{{end}}`:                                  "too many steps",
		`{{$x := "x"}}{{range 14}}{{$x = print $x $x}}{{end}}{{range 20000}}{{$y := upper $x}}{{end}}`: "too many steps",
		"{{range 1000000000}}{{step -100}}{{end}}":                                                     "too many steps",
		"{{step 9223372036854775807}}{{step 9223372036854775807}}":                                     "too many steps",
		strings.Repeat("x", MaxBodyTemplate+1):                                                         "must be at most 10240 bytes",
	} {
		began := time.Now()
		_, err := NewTemplate(map[string]string{BodyTemplate: text})
		p := api.ProblemOf(err)
		if err == nil || len(p.Errors) != 1 || p.Errors[0].Location != "body.settings.body_template" || !strings.Contains(p.Errors[0].Message, want) {
			t.Errorf("%.80s: %v, want %s", text, err, want)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%.80s: took %s", text, took)
		}
	}
	if _, err := NewTemplate(map[string]string{TitleTemplate: "{{", BodyTemplate: "{{.X}}"}); len(api.ProblemOf(err).Errors) != 2 {
		t.Errorf("both wrong: %v", err)
	}
}

// TestTemplateOfALongDigest lets a template that is in use meet a message of the largest size.
func TestTemplateOfALongDigest(t *testing.T) {
	made, err := NewTemplate(map[string]string{BodyTemplate: "{{range .Items}}{{.Line}}\n{{end}}"})
	if err != nil {
		t.Fatal(err)
	}
	items := make([]Item, 5000)
	for i := range items {
		items[i] = Item{Kind: api.SubjectService, Name: strings.Repeat("ü", 1000), State: api.StateDown}
	}
	m := OfDigest(items, time.UTC)
	if err := made.Word(&m); err != nil {
		t.Fatal(err)
	}
	if len(m.Body) > maxTemplateBody || len(m.Body) < maxTemplateBody-10 || !strings.HasPrefix(m.Body, "üüü") {
		t.Errorf("a body of %d bytes", len(m.Body))
	}
}

// TestTemplateThatFailsOnARealMessage: no sample can show all that comes.
func TestTemplateThatFailsOnARealMessage(t *testing.T) {
	made, err := NewTemplate(map[string]string{TitleTemplate: "x", BodyTemplate: `{{if eq .Name "web"}}{{index .Tags 7}}{{end}}ok`})
	if err != nil {
		t.Fatal(err)
	}
	m := OfChange(&api.Change{SubjectKind: api.SubjectService, Subject: "web", From: api.StateUp, To: api.StateDown, At: 1}, AboutOpened, time.UTC)
	if err := made.Word(&m); err == nil || m.Title != "Service web has not pulsed" || m.Body != "" {
		t.Errorf("%v: %q %q", err, m.Title, m.Body)
	}
}

// TestTemplatesPage holds docs/templates.md to what templates know.
func TestTemplatesPage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/templates.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []struct {
		prefix string
		fields reflect.Type
	}{{".", reflect.TypeFor[TemplateData]()}, {".", reflect.TypeFor[TemplateItem]()}, {".", reflect.TypeFor[TemplateFact]()}} {
		for i := range of.fields.NumField() {
			if name := of.fields.Field(i).Name; !strings.Contains(string(page), "`"+of.prefix+name+"`") {
				t.Errorf("%s of %s is not on the page", name, of.fields)
			}
		}
		if of.fields.NumMethod() != 0 || reflect.PointerTo(of.fields).NumMethod() != 0 {
			t.Errorf("%s has methods, which templates could call", of.fields)
		}
	}
	for name := range functions(&budget{}) {
		switch name {
		case "step", "call", "js", "println":
			continue
		}
		if !strings.Contains(string(page), "`"+name) {
			t.Errorf("the function %s is not on the page", name)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		"{{.Name}}", "{{range .Items}}{{.Line}}{{else}}x{{end}}", `{{define "x"}}{{end}}{{template "x" .}}`, "{{with $x := .Tags}}{{len $x}}{{end}}",
		"{{range $i := 7}}{{break}}{{end}}", `{{printf "%v" .}}`, `{{block "b" .}}{{.}}{{end}}`, `{{slice .Name 1}}`, "{{step 3}}", "{{step -9}}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		began := time.Now()
		made, err := NewTemplate(map[string]string{BodyTemplate: text, TitleTemplate: text})
		if took := time.Since(began); took > 20*time.Second {
			t.Fatalf("took %s", took)
		}
		if err != nil {
			return
		}
		for _, m := range templateSamples() {
			if err := made.Word(&m); err != nil || len(m.Body) > maxTemplateBody || strings.ContainsAny(m.Title, "\r\n") || m.Title == "" {
				t.Fatalf("%q: %v %q", text, err, m.Title)
			}
		}
	})
}
