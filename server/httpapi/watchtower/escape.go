package watchtower

import (
	"bytes"
	"strings"
)

// repairEscapes gives text with every backslash that begins no escape of JSON taken literally, as in the paths of
// Windows that the Java client sends. It reports whether it changed anything.
func repairEscapes(text []byte) ([]byte, bool) {
	out := make([]byte, 0, len(text)+16)
	changed := false
	for i := 0; i < len(text); i++ {
		out = append(out, text[i])
		switch {
		case text[i] != '\\':
		case beginsEscape(text[i+1:]):
			i++
			out = append(out, text[i])
		default:
			out = append(out, '\\')
			changed = true
		}
	}
	return out, changed
}

// beginsEscape reports whether what follows a backslash makes it an escape.
func beginsEscape(rest []byte) bool {
	if len(rest) == 0 {
		return false
	}
	if rest[0] == 'u' {
		return len(rest) >= 5 && strings.Trim(string(rest[1:5]), "0123456789abcdefABCDEF") == ""
	}
	return bytes.IndexByte([]byte(`"\/bfnrt`), rest[0]) >= 0
}
