package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/api/client"
	"watchkeeper/server/config"
)

// remote is what the commands that ask a server have in common: the flags that name it, and how its answers are shown.
type remote struct {
	run     *run
	server  string
	token   string
	ca      string
	asJSON  bool
	answers [][]byte       // as they came
	watch   *durationValue // nil for a command that cannot
}

// remoteFlags adds the flags by which the server is named. They come before all others of a command.
func (r *run) remoteFlags(c *cobra.Command) *remote {
	m := &remote{run: r}
	f := c.Flags()
	f.StringVar(&m.server, "server", "", "`address` of the server; unless given, the one on this machine [WATCHKEEPER_URL]")
	f.StringVar(&m.token, "token", "", "`token` for it; unless given, the password, where that is known [WATCHKEEPER_TOKEN]")
	f.StringVar(&m.ca, "ca", "", "`file` with the certificate authority of the server; unless given, ca.pem of the data folder [WATCHKEEPER_CA]")
	f.VisitAll(share)
	f.BoolVar(&m.asJSON, "json", false, "print what the server answered, as JSON")
	settingFlags(c, "data")
	return m
}

// fromEnvironment fills in what no flag says.
func (m *remote) fromEnvironment() error {
	for name, field := range map[string]*string{
		"WATCHKEEPER_URL": &m.server, "WATCHKEEPER_TOKEN": &m.token, "WATCHKEEPER_CA": &m.ca,
	} {
		if *field != "" {
			continue
		}
		value, err := m.run.variable(name)
		if err != nil {
			return err
		}
		*field = value
	}
	return nil
}

// variable gives an environment variable, or what is in the file that NAME_FILE names.
func (r *run) variable(name string) (string, error) {
	text, path := "", ""
	for _, assignment := range r.Environ {
		switch key, value, _ := strings.Cut(assignment, "="); key {
		case name:
			text = value
		case name + "_FILE":
			path = value
		}
	}
	if text != "" || path == "" {
		return text, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", wrongUsage("%s_FILE: %w", name, err)
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}

// ask does something with a client of the server that the flags and settings name.
func (m *remote) ask(c *cobra.Command, do func(context.Context, *client.Client) error) error {
	if err := m.fromEnvironment(); err != nil {
		return err
	}
	o, err := m.run.databaseOptions(c)
	if err != nil {
		return err
	}
	t := target{local: m.server == "", option: client.Options{
		URL: m.server, Token: m.token, UserAgent: "watchkeeper/" + m.run.Version,
		OnAnswer: func(body []byte) { m.answers = append(m.answers, body) },
	}}
	if t.local {
		t.option.URL = localURL(o.Config)
	}
	if err := t.trust(o.Config, m.ca); err != nil {
		return err
	}
	if m.token == "" {
		if err := t.password(c.Context(), o); err != nil {
			return err
		}
	}
	made, err := client.New(t.option)
	if err != nil {
		return usageError{err}
	}
	defer made.Close()
	err = do(c.Context(), made)
	if t.local && api.KindOf(err) == api.KindUnavailable && errors.As(err, new(net.Error)) {
		err = hinted{err, "The settings say that the server of this machine listens there. Is it running? Another is named with --server."}
	}
	return err
}

// localURL gives the address of the server on this machine.
func localURL(c config.Config) string {
	host, port, err := net.SplitHostPort(c.Listen)
	if address, bad := netip.ParseAddr(host); err == nil && (host == "" || bad == nil && address.IsUnspecified()) {
		host = "127.0.0.1"
		if address.Is6() {
			host = "::1"
		}
	}
	u := url.URL{Scheme: "https", Host: net.JoinHostPort(host, port)}
	if c.TLS == config.TLSOff {
		u.Scheme = "http"
	}
	return u.String()
}

// question is asked for one thing, which is then printed.
type question[T any] struct {
	ask   func(context.Context, *client.Client) (T, error)
	print func(*page, T)
}

func (q question[T]) put(m *remote, c *cobra.Command) error {
	return m.show(c, func(ctx context.Context, server *client.Client) error {
		got, err := q.ask(ctx, server)
		if err != nil {
			return err
		}
		return m.print(func(p *page) { q.print(p, got) })
	})
}

// print prints what the server answered last, or what is made of it for people.
func (m *remote) print(forPeople func(*page)) error {
	p := m.run.page()
	m.clearScreen(p)
	if !m.asJSON {
		forPeople(p)
	} else if n := len(m.answers); n > 0 {
		_, _ = p.out.Write(m.answers[n-1]) // flush gives the error
	}
	return p.flush()
}

// listing asks for a list, page by page, of which at most so many items are then printed; 0 means all.
type listing[T any] struct {
	limit int
	list  func(*client.Client) client.List[T]
	print func(*page, []T)
}

func (l listing[T]) put(m *remote, c *cobra.Command) error {
	return m.show(c, func(ctx context.Context, server *client.Client) error {
		items, more, err := gather(ctx, l.list(server), l.limit)
		if err != nil {
			return err
		}
		if m.asJSON {
			return m.printMerged()
		}
		p := m.run.page()
		m.clearScreen(p)
		l.print(p, items)
		if err := p.flush(); err != nil {
			return err
		}
		if more {
			m.run.say("There are more; see them with --limit.")
		}
		return nil
	})
}

// gather gives the items of a list, at most so many, and whether there are more.
func gather[T any](ctx context.Context, list client.List[T], limit int) (items []T, more bool, err error) {
	at := client.Paging{}
	for {
		at.Limit = api.MaxLimit
		if limit > 0 {
			at.Limit = min(at.Limit, limit-len(items))
		}
		part, err := list.Page(ctx, at)
		if err != nil {
			return nil, false, err
		}
		items = append(items, part.Items...)
		if part.Next == "" || limit > 0 && len(items) >= limit {
			return items, part.Next != "", nil
		}
		at.Cursor = part.Next
	}
}

// printMerged prints the pages that the server answered as one.
func (m *remote) printMerged() error {
	if len(m.answers) == 1 {
		return m.print(nil)
	}
	merged := api.NewPage[json.RawMessage](nil, "")
	for _, answer := range m.answers {
		var part api.Page[json.RawMessage]
		if err := json.Unmarshal(answer, &part); err != nil {
			return fmt.Errorf("reading an answer again: %w", err)
		}
		merged = api.NewPage(append(merged.Items, part.Items...), part.Next)
	}
	return m.run.encode(merged)
}

func (r *run) encode(v any) error {
	encoder := json.NewEncoder(r.Out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
