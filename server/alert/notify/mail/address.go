package mail

import (
	netmail "net/mail"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
)

// From RFC 5321 section 4.5.3.1.3: a path is at most 256 octets, with its brackets. The number of recipients is ours: a
// server takes at least 100, and who wants more has a list.
const (
	maxAddress    = 254
	maxRecipients = 50
	maxTarget     = maxRecipients * 2 * maxAddress
)

// parseRecipients reads one or more addresses, separated by commas, each with or without a name.
func parseRecipients(text string) ([]*netmail.Address, error) {
	if len(text) > maxTarget {
		return nil, api.Errorf(api.KindInvalid, "must be at most %d bytes", maxTarget)
	}
	list, err := netmail.ParseAddressList(text)
	if err != nil {
		return nil, api.Errorf(api.KindInvalid, "must be one or more mail addresses, separated by commas")
	}
	if len(list) > maxRecipients {
		return nil, api.Errorf(api.KindInvalid, "must be at most %d mail addresses", maxRecipients)
	}
	for _, address := range list {
		if err := checkAddress(address); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func parseSender(text string) (*netmail.Address, error) {
	address, err := netmail.ParseAddress(text)
	if err != nil {
		return nil, api.Errorf(api.KindInvalid, "must be a mail address, such as watchkeeper@example.org")
	}
	return address, checkAddress(address)
}

// checkAddress refuses what a server could read differently from us. Addresses beyond ASCII need an extension that not
// every server on the way has; domains can be written in their ASCII form.
func checkAddress(a *netmail.Address) error {
	if len(a.Address) > maxAddress {
		return api.Errorf(api.KindInvalid, "must be mail addresses of at most %d bytes", maxAddress)
	}
	for _, r := range a.Address {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`"\<>`, r) {
			return api.Errorf(api.KindInvalid,
				"must be mail addresses of plain ASCII letters, digits and signs (domains as xn--...)")
		}
	}
	if a.Name != notify.OneLine(a.Name) {
		return api.Errorf(api.KindInvalid, "must be mail addresses whose names have no control characters")
	}
	return nil
}

// path gives an address as SMTP commands want it.
func path(a *netmail.Address) string { return "<" + a.Address + ">" }

func domainOf(a *netmail.Address) string {
	return a.Address[strings.LastIndexByte(a.Address, '@')+1:]
}
