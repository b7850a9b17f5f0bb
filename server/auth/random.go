package auth

import (
	"crypto/rand"
	"math/big"
	"strings"
)

const (
	// Without letters that are taken for digits, and without u, so that nothing obscene comes out.
	readable = "0123456789abcdefghjkmnpqrstvwxyz"
	lower    = "0123456789abcdefghijklmnopqrstuvwxyz"

	passwordGroups = 5
	groupSize      = 5
	pingKeySize    = 22
	tokenBytes     = 32
	tokenDigits    = 43 // of base 62, for the largest number of tokenBytes bytes
	tokenPrefix    = "wk_"
)

// newPassword gives 125 bits in five groups that can be read aloud.
func newPassword() string {
	groups := make([]string, passwordGroups)
	for i := range groups {
		groups[i] = randomText(readable, groupSize)
	}
	return strings.Join(groups, "-")
}

// newPingKey gives 113 bits that need no escaping in a URL.
func newPingKey() string { return randomText(lower, pingKeySize) }

// newToken gives 256 bits behind a prefix by which scanners for leaked secrets can know them.
func newToken() string {
	random := make([]byte, tokenBytes)
	_, _ = rand.Read(random) // never fails: it ends the program instead
	digits := new(big.Int).SetBytes(random).Text(62)
	return tokenPrefix + strings.Repeat("0", tokenDigits-len(digits)) + digits
}

// randomText draws n characters of an alphabet, all equally likely.
func randomText(alphabet string, n int) string {
	// The part of a byte's range that every character has the same share of.
	fair := 256 - 256%len(alphabet)
	text := make([]byte, 0, n)
	random := make([]byte, n)
	for len(text) < n {
		_, _ = rand.Read(random)
		for _, b := range random {
			if int(b) < fair && len(text) < n {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(text)
}

// looksLikeToken keeps what cannot be a token from being looked up.
func looksLikeToken(credential string) bool {
	digits, ok := strings.CutPrefix(credential, tokenPrefix)
	if !ok || len(digits) != tokenDigits {
		return false
	}
	for i := range len(digits) {
		switch c := digits[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		default:
			return false
		}
	}
	return true
}
