package alert

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"watchkeeper/api"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

const linkNow = api.Time(1_772_366_400_000)

func TestLinks(t *testing.T) {
	key := must(secret.New("a secret of sixteen"))(t).Derive(linkLabel)
	l := link{uuid.MustParse("0194b9c2-7d3e-7c41-9a55-2f1c6e0d8b17"), linkNow.Add(linkTime)}
	text := l.text(key)
	same(t, "read", must(readLink(key, text, linkNow))(t).delivery, l.delivery)
	if _, err := readLink(key, text, l.until-1); err != nil {
		t.Errorf("at its last moment: %v", err)
	}
	if _, err := readLink(key, text, l.until); !errors.Is(err, ErrLinkExpired) {
		t.Errorf("at its end: %v", err)
	}
	other := must(secret.New("another secret of ours"))(t).Derive(linkLabel)
	if _, err := readLink(other, text, linkNow); !errors.Is(err, ErrLinkBroken) {
		t.Errorf("with another secret: %v", err)
	}
	if _, err := readLink(must(secret.New("a secret of sixteen"))(t).Derive("link"), text, linkNow); !errors.Is(err, ErrLinkBroken) {
		t.Errorf("with a key for something else: %v", err)
	}
	for i := range text {
		for _, c := range []byte("Ab9_") {
			if text[i] == c {
				continue
			}
			changed := text[:i] + string(c) + text[i+1:]
			if _, err := readLink(key, changed, linkNow); !errors.Is(err, ErrLinkBroken) {
				t.Errorf("with %q at %d: %v", c, i, err)
			}
		}
	}
	for name, broken := range map[string]string{
		"nothing": "", "cut": text[:len(text)-1], "longer": text + "A", "padded": text + "=", "with a line break": text[:10] + "\n" + text[11:],
		"blanks": strings.Repeat(" ", len(text)), "of the other alphabet": strings.Replace(strings.Repeat("_", len(text)), "_", "/", 1),
	} {
		if _, err := readLink(key, broken, linkNow); !errors.Is(err, ErrLinkBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzReadLink wants that a link is read only when it is exactly what was signed.
func FuzzReadLink(f *testing.F) {
	key := bytes.Repeat([]byte{7}, 32)
	f.Add(link{uuid.MustParse("0194b9c2-7d3e-7c41-9a55-2f1c6e0d8b17"), linkNow + 1}.text(key))
	f.Add("")
	f.Add(strings.Repeat("A", 54))
	f.Fuzz(func(t *testing.T, text string) {
		l, err := readLink(key, text, linkNow)
		if err == nil && (l.text(key) != text || l.until <= linkNow) {
			t.Fatalf("%q is read as %+v", text, l)
		}
		if err != nil && l != (link{}) {
			t.Fatalf("%q gives %+v with %v", text, l, err)
		}
	})
}

func TestWhichMessagesHaveALink(t *testing.T) {
	a := New(Options{Key: must(secret.New("a secret of sixteen"))(t), PublicURL: "https://watch.example.org", Zone: time.UTC})
	const id = "0194b9c2-7d3e-7c41-9a55-2f1c6e0d8b17"
	for _, test := range []struct {
		about api.DeliveryAbout
		kind  api.SubjectKind
		by    string
		want  bool
	}{
		{api.AboutOpened, api.SubjectService, "", true},
		{api.AboutRepeated, api.SubjectService, "", true},
		{api.AboutOpened, api.SubjectService, "ann", false},
		{api.AboutRecovered, api.SubjectService, "", false},
		{api.AboutOpened, api.SubjectEvent, "", false},
	} {
		d := store.Delivery{Delivery: api.Delivery{ID: id, Incident: "i", About: test.about, SubjectKind: test.kind, Subject: "web"}}
		var content store.DeliveryContent
		content.Incident.AcknowledgedBy = test.by
		content.Change = api.Change{SubjectKind: test.kind, Subject: "web", From: api.StateUp, To: api.StateDown, At: linkNow}
		m, _ := a.message(d, content, linkNow)
		if got := m.Acknowledge != ""; got != test.want {
			t.Errorf("%+v: %q", test, m.Acknowledge)
		}
		if test.want {
			l := must(readLink(a.linkKey(), strings.TrimPrefix(m.Acknowledge, "https://watch.example.org/ack/"), linkNow))(t)
			same(t, "valid for seven days", l.until, linkNow.Add(7*24*time.Hour))
			same(t, "of the delivery", l.delivery.String(), id)
		}
	}
	digest := store.Delivery{Delivery: api.Delivery{ID: id, About: api.AboutDigest}}
	if m, _ := a.message(digest, store.DeliveryContent{Members: []store.DigestMember{{}}}, linkNow); m.Acknowledge != "" {
		t.Errorf("a digest: %q", m.Acknowledge)
	}
}
