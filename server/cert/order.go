package cert

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// failure is what is known of orders that failed since the last that did not. All servers share it, so that together they
// do not ask more often than one.
type failure struct {
	Count int    `json:"count"`
	At    int64  `json:"at"` // of the last one, Unix milliseconds
	Error string `json:"error"`
}

// orderWaits are how long after the first, second and so on failure another order is tried. Let's Encrypt takes five
// failures of a name an hour.
var orderWaits = []time.Duration{time.Minute, 5 * time.Minute, 20 * time.Minute, time.Hour, 3 * time.Hour}

// next gives when to try again; the zero time for now.
func (f failure) next() time.Time {
	if f.Count == 0 {
		return time.Time{}
	}
	return time.UnixMilli(f.At).Add(orderWaits[min(f.Count, len(orderWaits))-1])
}

// orderReason says why a certificate has to be ordered for names, in place of the one that is there, if any.
func orderReason(c *x509.Certificate, names []string, now time.Time) reissue {
	switch {
	case c == nil:
		return reissueFirst
	case !slices.Equal(covered(c).dns, names):
		return reissueNames
	case now.Sub(c.NotBefore) >= c.NotAfter.Sub(c.NotBefore)/3*2: // one of an authority whose clock is ahead is no reason for another
		return reissueDue
	}
	return reissueNone
}

// newRequest asks for a certificate for names and a key.
func newRequest(names []string, key *ecdsa.PrivateKey) (*x509.CertificateRequest, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: names}, key)
	if err != nil {
		return nil, fmt.Errorf("writing the request for a certificate: %w", err)
	}
	return x509.ParseCertificateRequest(der)
}
