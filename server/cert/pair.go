package cert

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
)

const (
	typeCertificate = "CERTIFICATE"
	typeKey         = "PRIVATE KEY"
)

// pair is a certificate and its key.
type pair struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// keptPair is how a pair is kept, in PEM. It is always sealed.
type keptPair struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

func (p pair) encode() ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	return json.Marshal(keptPair{
		Certificate: string(certificatePEM(p.certificate)),
		Key:         string(pem.EncodeToMemory(&pem.Block{Type: typeKey, Bytes: key})),
	})
}

// decodePair refuses a key that is not the certificate's.
func decodePair(b []byte) (pair, error) {
	var kept keptPair
	if err := json.Unmarshal(b, &kept); err != nil {
		return pair{}, fmt.Errorf("reading a certificate and its key: %w", err)
	}
	certificateBlock, _ := pem.Decode([]byte(kept.Certificate))
	keyBlock, _ := pem.Decode([]byte(kept.Key))
	if certificateBlock == nil || certificateBlock.Type != typeCertificate || keyBlock == nil || keyBlock.Type != typeKey {
		return pair{}, errors.New("reading a certificate and its key: not in PEM")
	}
	certificate, err := x509.ParseCertificate(certificateBlock.Bytes)
	if err != nil {
		return pair{}, fmt.Errorf("reading a certificate: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return pair{}, fmt.Errorf("reading the key of a certificate: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(certificate.PublicKey) {
		return pair{}, errors.New("reading the key of a certificate: it is not the certificate's")
	}
	return pair{certificate, key}, nil
}

func certificatePEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: c.Raw})
}
