package mail

import (
	"encoding/base64"
	netmail "net/mail"
	"strings"
	"time"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"watchkeeper/server/alert/notify"
)

// compose writes the message. The mails of one incident hang together: the one that tells of its beginning has an
// identity made of the incident's, and all others answer it.
func compose(m *notify.Message, from *netmail.Address, to []*netmail.Address) (*gomail.Msg, error) {
	html, err := htmlBody(m)
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	msg.ToMailAddress(to...)
	set := func(name gomail.Header, value string) {
		if value != "" {
			msg.SetGenHeader(name, value)
		}
	}
	set(gomail.HeaderSubject, headerText(m.Title))
	msg.SetDateWithValue(m.Now.Std().In(zone(m)))
	domain := domainOf(from)
	id, thread := identities(m, domain)
	if id != "" { // else the library makes one
		set(gomail.HeaderMessageID, id)
	}
	set(gomail.HeaderInReplyTo, thread)
	set(gomail.HeaderReferences, thread)
	set("Auto-Submitted", "auto-generated")
	set(gomail.HeaderXAutoResponseSuppress, "All") // Exchange does not know the former
	set("List-Id", "Watchkeeper alerts <watchkeeper."+domain+">")
	set("X-Watchkeeper-Incident", token(m.IncidentID))
	set("X-Watchkeeper-About", string(m.About))
	msg.SetBodyString(gomail.TypeTextPlain, textBody(m))
	msg.AddAlternativeString(gomail.TypeTextHTML, html)
	return msg, nil
}

// identities gives the Message-ID of a mail and that of the one it answers, both with brackets, each empty where there
// is none.
func identities(m *notify.Message, domain string) (id, answers string) {
	root := identity(m.IncidentID, domain)
	switch {
	case root == "":
		return identity(m.DeliveryID, domain), ""
	case m.About == notify.AboutOpened, m.About == notify.AboutEvent:
		return root, ""
	}
	return identity(m.DeliveryID, domain), root
}

func identity(id, domain string) string {
	if id = token(id); id == "" {
		return ""
	}
	return "<" + id + "@" + domain + ">"
}

// token keeps of an id what may stand in any header.
func token(id string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' {
			return r
		}
		return -1
	}, notify.Cut(id, 100))
}

// The limits of a header. RFC 5322 section 2.1.1 wants lines of 78 characters, and the library folds before 76; RFC 2047
// section 2 allows 75 for an encoded word. Both are kept below what the library would fold right behind the name of the
// header, which leaves a first line that is empty and that some servers take for a forgery.
const (
	plainHeader = 60
	encodedWord = 36 // bytes, which become 48 in base64 and 60 with the frame
)

// headerText gives text as it may stand in a header: as it is when no reader could take it for anything else, otherwise
// in encoded words. It has no line breaks; the library folds it at its blanks. What is encoded also survives double
// blanks and very long names, and a name that looks like an encoded word is shown as it is.
func headerText(text string) string {
	text = notify.OneLine(text)
	if len(text) <= plainHeader && isPrintableASCII(text) && !strings.Contains(text, "=?") {
		return text
	}
	var words []string
	for text != "" {
		end := min(encodedWord, len(text))
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end--
		}
		words = append(words, "=?UTF-8?B?"+base64.StdEncoding.EncodeToString([]byte(text[:end]))+"?=")
		text = text[end:]
	}
	return strings.Join(words, " ")
}

func isPrintableASCII(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

func zone(m *notify.Message) *time.Location {
	if m.Zone == nil {
		return time.UTC
	}
	return m.Zone
}
