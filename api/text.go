package api

import (
	"strings"
	"unicode/utf8"
)

// CleanText gives s with NUL and invalid UTF-8 replaced by U+FFFD, which both databases can keep. Clean text, by far
// the usual, is returned as it is.
func CleanText(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// CutText gives the first limit bytes of s, less what would split a character.
func CutText(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
