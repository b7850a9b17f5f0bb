package mail

import (
	"bytes"
	"mime"
	netmail "net/mail"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/alert/notify/notifytest"
)

// send gives the mail of a message as a server took it.
func sent(t *testing.T, m *notify.Message) notifytest.Mail {
	t.Helper()
	s := notifytest.StartSMTP(t, notifytest.SMTPOptions{})
	if _, err := sending(t, s, nil).Send(t.Context(), "me@example.org", m); err != nil {
		t.Fatal(err)
	}
	return s.Mails()[0]
}

func TestGoldenMails(t *testing.T) {
	boundary := regexp.MustCompile(`boundary=([0-9a-f]{20,})`)
	for name, m := range notifytest.Samples() {
		t.Run(name, func(t *testing.T) {
			mail := sent(t, &m)
			raw := bytes.ReplaceAll(mail.Raw, []byte("\r\n"), []byte("\n"))
			found := boundary.FindSubmatch(raw)
			if found == nil {
				t.Fatalf("no boundary in %s", raw)
			}
			header, _, _ := bytes.Cut(bytes.ReplaceAll(raw, found[1], []byte("BOUNDARY")), []byte("\n\n"))
			notifytest.Golden(t, name+".header", append(header, '\n'))
			notifytest.Golden(t, name+".txt", []byte(mail.Text))
			notifytest.Golden(t, name+".html", []byte(mail.HTML))
			if mail.Subject != m.Title {
				t.Errorf("subject %q, want %q", mail.Subject, m.Title)
			}
			first, _, _ := strings.Cut(m.Text, "\n")
			if line, _, _ := strings.Cut(mail.Text, "\n"); line != first {
				t.Errorf("the text begins with %q, want %q", line, first)
			}
		})
	}
}

func TestThreads(t *testing.T) {
	opened, repeated, recovered := sample("opened"), sample("repeated"), sample("recovered")
	repeated.DeliveryID, recovered.DeliveryID = "d-2", "d-3"
	root := sent(t, opened).Header.Get("Message-ID")
	if root != "<"+opened.IncidentID+"@example.org>" {
		t.Errorf("the first mail is %s", root)
	}
	for want, m := range map[string]*notify.Message{"<d-2@example.org>": repeated, "<d-3@example.org>": recovered} {
		h := sent(t, m).Header
		if id := h.Get("Message-ID"); id != want || h.Get("In-Reply-To") != root || h.Get("References") != root {
			t.Errorf("%s answers %s and %s, want %s and %s", id, h.Get("In-Reply-To"), h.Get("References"), want, root)
		}
	}
	digest := sent(t, sample("digest")).Header
	if digest.Get("In-Reply-To") != "" || digest.Get("X-Watchkeeper-Incident") != "" {
		t.Errorf("a digest answers %q", digest.Get("In-Reply-To"))
	}
}

// What a name must not do: end a header, begin another, or become part of the page.
func TestHostileNames(t *testing.T) {
	m := sample("opened")
	m.Title = "a\r\nBcc: victim@example.org\r\n\r\nbody\x00\u202e" + notifytest.Hostile
	m.Text = m.Title
	m.IncidentID = "x>\r\nBcc: victim@example.org"
	m.DeliveryID = m.IncidentID
	m.Link = "javascript:alert(1)"
	m.Tags = []string{"\r\nBcc: victim@example.org", notifytest.Hostile}
	mail := sent(t, m)
	if mail.Header.Get("Bcc") != "" || len(mail.To) != 1 {
		t.Errorf("the mail goes to %v, Bcc %q", mail.To, mail.Header.Get("Bcc"))
	}
	if mail.Subject != notify.OneLine(m.Title) {
		t.Errorf("subject %q", mail.Subject)
	}
	for _, bad := range []string{"<script", "href=\"javascript", "</p><"} {
		if strings.Contains(mail.HTML, bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
	if strings.ContainsAny(mail.Text+mail.HTML, "\x00\x1b\u202e") {
		t.Error("control characters get through")
	}
}

func TestLargeMessages(t *testing.T) {
	m := sample("event")
	m.Title = strings.Repeat("服", 1000)
	m.Text = strings.Repeat("x", 1<<20)
	mail := sent(t, m)
	if mail.Subject != m.Title {
		t.Errorf("subject of %d characters, want all %d", utf8.RuneCountInString(mail.Subject), 1000)
	}
	if n := len(mail.Raw); n > 512<<10 {
		t.Errorf("a mail of %d bytes", n)
	}
	digest := sample("digest")
	for range 10_000 {
		digest.Items = append(digest.Items, notify.Item{Kind: api.SubjectService, Name: "s", State: api.StateDown})
	}
	mail = sent(t, digest)
	if want := "and 9504 more"; !strings.Contains(mail.Text, want) || !strings.Contains(mail.HTML, want) {
		t.Errorf("no line %q in %d bytes", want, len(mail.Raw))
	}
	for _, line := range bytes.Split(mail.Raw, []byte("\r\n")) {
		if len(line) > 998 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

func TestColumns(t *testing.T) {
	got := columns([][]string{{"a", "größe", "c"}, {"bbb", strings.Repeat("w", 50), "d"}, {"", "x", ""}})
	want := "a    größe" + strings.Repeat(" ", 37) + "c\nbbb  " + strings.Repeat("w", 50) + " d\n     x"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add("Service S has not pulsed", "0198f1a2")
	f.Add("a\r\nBcc: x@example.org", "\r\n")
	f.Add("=?utf-8?q?x?=  größe\xff "+strings.Repeat("w", 1000), "<>@")
	f.Fuzz(func(t *testing.T, title, id string) {
		m := notify.Message{About: notify.AboutRecovered, Title: title, IncidentID: id, DeliveryID: id, Text: title, Now: 1}
		from := &netmail.Address{Name: "Watchkeeper", Address: "wk@example.org"}
		msg, err := compose(&m, from, []*netmail.Address{{Address: "me@example.org"}})
		if err != nil {
			t.Fatal(err)
		}
		var raw bytes.Buffer
		if _, err := msg.WriteTo(&raw); err != nil {
			t.Fatal(err)
		}
		header, _, _ := strings.Cut(raw.String(), "\r\n\r\n")
		for _, line := range strings.Split(header, "\r\n") {
			if strings.ContainsAny(line, "\r\n\x00") || len(line) > 998 {
				t.Errorf("title %q, id %q: line %q", title, id, line)
			}
		}
		read, err := netmail.ReadMessage(&raw)
		if err != nil {
			t.Fatalf("title %q, id %q: %v", title, id, err)
		}
		for name := range read.Header {
			switch name {
			case "Date", "Mime-Version", "Message-Id", "From", "To", "Subject", "Content-Type", "In-Reply-To", "References",
				"Auto-Submitted", "X-Auto-Response-Suppress", "List-Id", "X-Watchkeeper-Incident", "X-Watchkeeper-About":
			default:
				t.Errorf("title %q, id %q made the header %s", title, id, name)
			}
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
		if err != nil || subject != notify.OneLine(title) {
			t.Errorf("title %q is read as %q, %v", title, subject, err)
		}
	})
}

func TestOwnWords(t *testing.T) {
	m := notifytest.Samples()["opened"]
	m.Body = "first <b>line</b>\n\x1b[2Jsecond"
	text := textBody(&m)
	if want := "first <b>line</b>\n\uFFFD[2Jsecond\n\nTo say that you are at it: " + m.Acknowledge + "\n\n" + m.Link + "\n"; text != want {
		t.Errorf("text %q, want %q", text, want)
	}
	html, err := htmlBody(&m)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"first &lt;b&gt;line&lt;/b&gt;<br>", m.Acknowledge, "I am at it", "Show in Watchkeeper"} {
		if !strings.Contains(html, want) {
			t.Errorf("no %q in %s", want, html)
		}
	}
	if strings.Contains(html, "Last pulse") || strings.Contains(html, m.Text) {
		t.Errorf("the built-in text is there, too: %s", html)
	}
}
