package notify

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/template"
	"text/template/parse"
	"time"
	"unicode/utf8"

	"watchkeeper/api"
)

// The settings that channels of every kind have beside their own.
const (
	TitleTemplate = "title_template"
	BodyTemplate  = "body_template"
)

var wording = []Setting{
	{Name: TitleTemplate, Secrecy: Public, Doc: "template of the title, in place of the built-in one; see docs/templates.md"},
	{Name: BodyTemplate, Secrecy: Public, Doc: "template of what stands above the links"},
}

// The limits of templates. Steps are what a round of a loop or a use of a defined template costs, by the length of its
// text, and what a call of a function costs, by the length of its result.
const (
	MaxTitleTemplate = 1000     // bytes
	MaxBodyTemplate  = 10 << 10 // bytes
	maxTemplateTitle = 500      // characters that come out
	maxTemplateBody  = 64 << 10 // bytes that come out, and of any text on the way
	maxTemplateSteps = 200_000
	bytesPerStep     = 10
	resultPerStep    = 256
	maxTemplateItems = 1000
)

// Template words messages in a channel's own way. A nil one leaves them as they are.
type Template struct{ title, body *template.Template }

// NewTemplate reads the templates of a channel, and tries them on a message of every sort. Its error is of KindInvalid
// and names the setting that is at fault. It gives nil when none is set.
func NewTemplate(settings map[string]string) (*Template, error) {
	var t Template
	var fields api.Fields
	for _, one := range []struct {
		name string
		most int
		into **template.Template
	}{{TitleTemplate, MaxTitleTemplate, &t.title}, {BodyTemplate, MaxBodyTemplate, &t.body}} {
		text := settings[one.name]
		if text == "" {
			continue
		}
		if len(text) > one.most {
			fields.Add(SettingAt(one.name), "must be at most %d bytes", one.most)
			continue
		}
		parsed, err := parseTemplate(text)
		if err != nil {
			fields.Add(SettingAt(one.name), "%s", templateFault(err))
			continue
		}
		*one.into = parsed
		for _, m := range templateSamples() {
			if _, err := run(parsed, DataOf(&m), maxTemplateBody); err != nil {
				fields.Add(SettingAt(one.name), "fails for a message of the sort %s: %s", sortOf(&m), templateFault(err))
				break
			}
		}
	}
	if err := fields.Err(); err != nil || t == (Template{}) {
		return nil, err
	}
	return &t, nil
}

func sortOf(m *Message) string {
	if m.Flapping {
		return "flapping"
	}
	return string(m.About)
}

// Word gives title and body of a message their words. A template from which only blanks come leaves what was there. On
// an error the message is as it was.
func (t *Template) Word(m *Message) error {
	if t == nil {
		return nil
	}
	title, body := m.Title, m.Body
	data := DataOf(m)
	if t.title != nil {
		text, err := run(t.title, data, maxTemplateBody)
		if err != nil {
			return fmt.Errorf("the title: %s", templateFault(err))
		}
		if text = Cut(OneLine(text), maxTemplateTitle); text != "" {
			title = text
		}
	}
	if t.body != nil {
		text, err := run(t.body, data, maxTemplateBody)
		if err != nil {
			return fmt.Errorf("the body: %s", templateFault(err))
		}
		if text = strings.TrimSpace(text); text != "" {
			body = text
		}
	}
	m.Title, m.Body = title, body
	return nil
}

// TemplateData is what templates know of a message. It has no methods, so that nothing can be done with it. Times are
// texts with date and offset, empty for none; the same in seconds since 1970 is beside each, 0 for none.
type TemplateData struct {
	About         string // opened, repeated, recovered, digest, event or test
	Kind          string // service, host, ...
	Name          string // of the service or host; of an event its service
	Host          string // on which the service runs, where that is known
	From          string // state before
	State         string // state now: up, late, down, paused
	Reason        string // timeout, fail, ...
	Why           string // the reason in words
	Level         string // debug, info, warning, error, critical
	Title         string // built-in title
	Text          string // built-in first sentence; of an event its whole message
	Brief         string // built-in body, short
	At            string // when it happened
	AtUnix        int64
	Since         string // when it went down
	SinceUnix     int64
	LastPulse     string // last sign of life
	LastPulseUnix int64
	Now           string // when the message is sent
	NowUnix       int64
	DownFor       string // of a recovery, in words: 5 minutes
	NextIn        int64  // seconds between pulses
	Grace         int64  // seconds of grace
	ExitCode      string // of a run that failed
	Tags          []string
	Affects       []string // services that cannot be reached without it
	Flapping      bool     // it goes up and down, or did until now
	Gap           string   // a sentence where our own absence may be the cause
	Reminder      string   // a sentence where the message is not the first
	Facts         []TemplateFact
	Items         []TemplateItem // of a digest
	Link          string         // page about it
	Acknowledge   string         // page with the button to say that one is at it
	Incident      string         // id
	Delivery      string         // id
}

// TemplateFact is a line that the built-in body has below its first sentence.
type TemplateFact struct{ Label, Value string }

// TemplateItem is a line of a digest.
type TemplateItem struct {
	Kind      string
	Name      string
	State     string // empty for an event
	Since     string
	SinceUnix int64
	Text      string // message of an event
	Line      string // all of it in one line, as built in
}

// DataOf gives what templates know of a message.
func DataOf(m *Message) TemplateData {
	moment := func(t api.Time) string {
		if t == 0 {
			return ""
		}
		return m.Clock(t)
	}
	unix := func(t api.Time) int64 { return t.Unix() }
	d := TemplateData{
		About: string(m.About), Kind: string(m.Kind), Name: m.Name, Host: m.Host, From: string(m.From), State: string(m.State),
		Reason: string(m.Reason), Why: m.Why(), Level: m.Level.Name(), Title: m.Title, Text: m.Text, Brief: m.Brief(maxTemplateBody / 4),
		At: moment(m.At), AtUnix: unix(m.At), Since: moment(m.Since), SinceUnix: unix(m.Since),
		LastPulse: moment(m.LastPulse), LastPulseUnix: unix(m.LastPulse), Now: moment(m.Now), NowUnix: unix(m.Now),
		NextIn: int64(m.NextIn), Grace: int64(m.Grace), Tags: m.Tags, Affects: m.Affects, Flapping: m.Flapping, Gap: m.GapNote(),
		Reminder: m.Reminder(), Link: m.Link, Acknowledge: m.Acknowledge, Incident: m.IncidentID, Delivery: m.DeliveryID,
	}
	if down := m.DownFor(); down > 0 {
		d.DownFor = Duration(down)
	}
	if m.ExitCode != nil {
		d.ExitCode = fmt.Sprint(*m.ExitCode)
	}
	for _, f := range m.Facts() {
		d.Facts = append(d.Facts, TemplateFact(f))
	}
	for _, i := range m.Items[:min(len(m.Items), maxTemplateItems)] {
		d.Items = append(d.Items, TemplateItem{
			Kind: string(i.Kind), Name: i.Name, State: string(i.State), Since: moment(i.Since), SinceUnix: unix(i.Since), Text: i.Text, Line: m.Line(i),
		})
	}
	return d
}

var (
	errSteps = errors.New("it takes too many steps")
	errLarge = errors.New("a text in it becomes too long")
	errFull  = errors.New("full")
)

// budget is what one run of a template may use up.
type budget struct{ steps int }

// step takes so many steps. It gives nothing to print.
func (b *budget) step(n int) (string, error) {
	if n < 0 || n > maxTemplateSteps { // a template may name this function, too
		return "", errSteps
	}
	if b.steps += n; b.steps > maxTemplateSteps {
		return "", errSteps
	}
	return "", nil
}

// text lets a function give a text, unless that is too long.
func (b *budget) text(s string) (string, error) {
	if len(s) > maxTemplateBody {
		return "", errLarge
	}
	return b.also(s)
}

func (b *budget) also(s string) (string, error) {
	_, err := b.step(1 + len(s)/resultPerStep)
	return s, err
}

// wideFormat finds widths and precisions with which a few bytes make a megabyte.
var wideFormat = regexp.MustCompile(`%[^a-zA-Z%]*(\*|[0-9]{4,})`)

// functions are what templates may call beside comparisons, and, or, not, index, slice and len. Those that text/template
// has of its own and that make texts are here again, bounded.
func functions(b *budget) template.FuncMap {
	printed := func(text string) (string, error) { return b.text(text) }
	return template.FuncMap{
		"step":  b.step,
		"upper": func(s string) (string, error) { return b.text(strings.ToUpper(s)) },
		"lower": func(s string) (string, error) { return b.text(strings.ToLower(s)) },
		"join": func(list []string, by string) (string, error) {
			if size := len(list) * len(by); size > maxTemplateBody {
				return "", errLarge
			}
			return b.text(strings.Join(list, by))
		},
		"cut":     func(most int, s string) (string, error) { return b.also(Cut(s, most)) },
		"oneline": func(s string) (string, error) { return b.also(OneLine(s)) },
		"default": func(instead, s string) (string, error) {
			if s == "" {
				s = instead
			}
			return b.also(s)
		},
		"format": func(layout string, unix int64) (string, error) {
			if unix == 0 || len(layout) > 100 {
				return b.also("")
			}
			return b.also(time.Unix(unix, 0).UTC().Format(layout))
		},
		"print":   func(args ...any) (string, error) { return printed(fmt.Sprint(args...)) },
		"println": func(args ...any) (string, error) { return printed(fmt.Sprintln(args...)) },
		"printf": func(format string, args ...any) (string, error) {
			if wideFormat.MatchString(format) {
				return "", errors.New("printf takes no widths above 999")
			}
			return printed(fmt.Sprintf(format, args...))
		},
		"html":     func(s string) (string, error) { return b.text(template.HTMLEscapeString(s)) },
		"js":       func(s string) (string, error) { return b.text(template.JSEscapeString(s)) },
		"urlquery": func(s string) (string, error) { return b.text(template.URLQueryEscaper(s)) },
		"call":     func() (string, error) { return "", errors.New("there is nothing to call") },
	}
}

// parseTemplate reads a template and makes every loop and every use of a defined template count its steps: a template
// cannot be stopped from outside.
func parseTemplate(text string) (*template.Template, error) {
	t, err := template.New("template").Option("missingkey=error").Funcs(functions(&budget{})).Parse(text)
	if err != nil {
		return nil, err
	}
	for _, defined := range t.Templates() {
		if defined.Tree == nil {
			continue
		}
		if err := countSteps(defined.Root); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// countSteps lets a list, and the lists in it, begin with taking the steps that they cost.
func countSteps(list *parse.ListNode) error {
	if list == nil {
		return nil
	}
	cost := 1 + len(list.String())/bytesPerStep
	for _, node := range list.Nodes {
		var branch *parse.BranchNode
		switch n := node.(type) {
		case *parse.RangeNode:
			branch = &n.BranchNode
		case *parse.IfNode:
			branch = &n.BranchNode
		case *parse.WithNode:
			branch = &n.BranchNode
		default:
			continue
		}
		if err := errors.Join(countSteps(branch.List), countSteps(branch.ElseList)); err != nil {
			return err
		}
	}
	counter, err := template.New("step").Funcs(functions(&budget{})).Parse(fmt.Sprintf("{{step %d}}", cost))
	if err != nil {
		return err
	}
	list.Nodes = append([]parse.Node{counter.Root.Nodes[0]}, list.Nodes...)
	return nil
}

// bounded takes so many bytes.
type bounded struct {
	strings.Builder
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := b.most - b.Len(); len(p) > room {
		_, _ = b.Builder.Write(p[:room])
		return room, errFull
	}
	return b.Builder.Write(p)
}

var _ io.Writer = (*bounded)(nil)

// run executes a template within its bounds. What comes out above the most bytes is cut off.
func run(t *template.Template, data TemplateData, most int) (text string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it broke off: %v", r)
		}
	}()
	own, err := t.Clone()
	if err != nil {
		return "", err
	}
	out := &bounded{most: most}
	err = own.Funcs(functions(&budget{})).Execute(out, data)
	if errors.Is(err, errFull) {
		err = nil
	}
	text = strings.ToValidUTF8(out.String(), "")
	if !utf8.ValidString(text) {
		return "", errors.New("it gives no text")
	}
	return text, err
}

// templateFault gives what is wrong with a template without the words of the library that say nothing.
func templateFault(err error) string {
	for _, known := range []error{errSteps, errLarge} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	text := OneLine(err.Error())
	text = strings.TrimPrefix(text, "template: template:")
	text = strings.ReplaceAll(text, "in type notify.TemplateData", "in a message")
	text = strings.ReplaceAll(text, "notify.Template", "")
	return Cut(text, 300)
}
