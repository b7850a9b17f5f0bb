package cert

import (
	"testing"
	"time"

	"watchkeeper/server/store/storetest"
)

func newPair(t testing.TB, now time.Time) pair {
	t.Helper()
	p, err := newAuthority(now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPairComesBack(t *testing.T) {
	p := newPair(t, storetest.Start)
	encoded, err := p.encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := decodePair(encoded)
	if err != nil || !back.certificate.Equal(p.certificate) || !back.key.Equal(p.key) {
		t.Errorf("came back as %v, %v", back, err)
	}
	swapped := pair{p.certificate, newPair(t, storetest.Start).key}
	if encoded, err = swapped.encode(); err != nil {
		t.Fatal(err)
	}
	if _, err := decodePair(encoded); err == nil {
		t.Error("took a key that is not the certificate's")
	}
}

func FuzzDecodePair(f *testing.F) {
	encoded, err := newPair(f, storetest.Start).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded)
	f.Add([]byte(`{"certificate":"","key":""}`))
	f.Add([]byte(`{"certificate":"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodePair(b)
		if (err == nil) != (p.certificate != nil && p.key != nil) {
			t.Errorf("read %v, %v", p, err)
		}
		if err == nil && !p.key.PublicKey.Equal(p.certificate.PublicKey) {
			t.Error("the key is not the certificate's")
		}
	})
}
