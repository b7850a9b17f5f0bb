package auth

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// Credentials are the texts of one request that may be a password or a token. One of them being right is enough, since a
// proxy on the way may have put in another for itself.
type Credentials []string

const (
	maxCredentials = 3    // guesses in one request
	maxCredential  = 1000 // bytes; far above any that is right, and what is longer is not worth a hash
)

// CredentialsOf gives what a request shows in the header password, as a bearer token, or as the password of basic
// authentication, whose user does not matter. Empty ones do not count.
func CredentialsOf(header http.Header) Credentials {
	var list Credentials
	for _, value := range header["Password"] {
		list = list.add(value)
	}
	for _, value := range header["Authorization"] {
		scheme, rest, _ := strings.Cut(value, " ")
		switch {
		case strings.EqualFold(scheme, "Bearer"):
			list = list.add(strings.TrimSpace(rest))
		case strings.EqualFold(scheme, "Basic"):
			list = list.add(basicPassword(strings.TrimSpace(rest)))
		}
	}
	return list
}

func (c Credentials) add(credential string) Credentials {
	if credential == "" || len(c) == maxCredentials {
		return c
	}
	return append(c, credential)
}

// basicPassword gives the part of basic authentication behind the first colon, and "" for what is malformed.
func basicPassword(encoded string) string {
	plain, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return ""
	}
	_, password, _ := strings.Cut(string(plain), ":")
	return password
}
