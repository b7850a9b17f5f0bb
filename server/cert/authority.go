package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

const (
	authorityYears   = 10
	authorityOverlap = 2 * 365 * 24 * time.Hour // in which clients can fetch the next certificate of the authority
	// Certificates begin a day ago, for clients whose clock is in another zone than they think.
	backdate   = 24 * time.Hour
	serverLife = 180 * 24 * time.Hour
)

// Authority is what may be known of the installation's certificate authority.
type Authority struct {
	PEM         []byte    // the certificate, for clients that shall trust it
	Fingerprint string    // SHA-256 of the certificate, in pairs of hexadecimal digits with colons, as browsers show it
	Pin         string    // SHA-256 of the public key, in 64 hexadecimal digits; stays when the certificate is renewed
	NotAfter    time.Time // when it ends; it is renewed long before
}

func (p pair) authority() *Authority {
	certificate := sha256.Sum256(p.certificate.Raw)
	key := sha256.Sum256(p.certificate.RawSubjectPublicKeyInfo)
	pairs := make([]string, len(certificate))
	for i, b := range certificate {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return &Authority{
		PEM:         certificatePEM(p.certificate),
		Fingerprint: strings.Join(pairs, ":"),
		Pin:         hex.EncodeToString(key[:]),
		NotAfter:    p.certificate.NotAfter,
	}
}

// newAuthority makes a key and its first certificate.
func newAuthority(now time.Time) (pair, error) {
	key, err := newKey()
	if err != nil {
		return pair{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return pair{}, fmt.Errorf("encoding the authority's key: %w", err)
	}
	// The name tells installations apart, both for people who look at a list of authorities and for programs, which
	// take two authorities of one name for the same.
	id := sha256.Sum256(public)
	return signAuthority(key, pkix.Name{CommonName: fmt.Sprintf("Watchkeeper authority %x", id[:4])}, now)
}

// renewAuthority makes the next certificate for the same key and name: what either of the two signed, the other did.
func (p pair) renewAuthority(now time.Time) (pair, error) {
	return signAuthority(p.key, p.certificate.Subject, now)
}

func signAuthority(key *ecdsa.PrivateKey, name pkix.Name, now time.Time) (pair, error) {
	template := &x509.Certificate{
		Subject:               name,
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.AddDate(authorityYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	return sign(template, key, pair{template, key})
}

// authorityDue reports whether the authority needs a new certificate. One that is not good yet was made while the clock
// was wrong.
func (p pair) authorityDue(now time.Time) bool {
	return now.Before(p.certificate.NotBefore) || p.certificate.NotAfter.Sub(now) < authorityOverlap
}

// issue makes a certificate of the server, with a key of its own.
func (p pair) issue(covered names, now time.Time) (pair, error) {
	key, err := newKey()
	if err != nil {
		return pair{}, err
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: covered.title()},
		NotBefore:   now.Add(-backdate),
		NotAfter:    now.Add(serverLife - backdate),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    covered.dns,
		IPAddresses: covered.ips(),
	}
	return sign(template, key, p)
}

// issued reports whether the authority signed the certificate, be it before its own was renewed.
func (p pair) issued(c *x509.Certificate) bool { return c.CheckSignatureFrom(p.certificate) == nil }

// due reports whether two thirds of a certificate's life are over. One that is not good yet was made while the clock was
// wrong.
func due(c *x509.Certificate, now time.Time) bool {
	life := c.NotAfter.Sub(c.NotBefore)
	return now.Before(c.NotBefore) || now.Sub(c.NotBefore) >= life/3*2
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return key, nil
}

func sign(template *x509.Certificate, key *ecdsa.PrivateKey, by pair) (pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, by.certificate, &key.PublicKey, by.key)
	if err != nil {
		return pair{}, fmt.Errorf("signing a certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return pair{}, fmt.Errorf("reading back a certificate: %w", err)
	}
	return pair{certificate, key}, nil
}
