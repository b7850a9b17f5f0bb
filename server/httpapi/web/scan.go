package web

import "strconv"

// Scanner reads flat JSON in a tenth of the time that encoding/json takes. It knows only what clients usually write, text
// of ASCII without escapes and plain numbers, and refuses everything else; then DecodeJSON decides, and finds the words
// for what is wrong. What it gives points into the text.
type Scanner struct {
	data []byte
	at   int
}

// NewScanner begins at the beginning of a text.
func NewScanner(data []byte) Scanner { return Scanner{data: data} }

// Take steps over a character, if it comes next.
func (s *Scanner) Take(c byte) bool {
	s.blank()
	if s.at == len(s.data) || s.data[s.at] != c {
		return false
	}
	s.at++
	return true
}

// Done reports whether nothing follows.
func (s *Scanner) Done() bool {
	s.blank()
	return s.at == len(s.data)
}

// Text gives a text. Where none comes next it steps over nothing.
func (s *Scanner) Text() ([]byte, bool) {
	s.blank()
	if s.at == len(s.data) || s.data[s.at] != '"' {
		return nil, false
	}
	for i := s.at + 1; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			text := s.data[s.at+1 : i]
			s.at = i + 1
			return text, true
		case c < ' ' || c == '\\' || c >= 0x80:
			return nil, false
		}
	}
	return nil, false
}

// Number gives a number without sign and exponent, nothing where none comes next.
func (s *Scanner) Number() []byte {
	s.blank()
	from := s.at
	whole := s.digits()
	if whole == 0 || whole > 1 && s.data[from] == '0' {
		return nil
	}
	if s.at < len(s.data) && s.data[s.at] == '.' {
		if s.at++; s.digits() == 0 {
			return nil
		}
	}
	return s.data[from:s.at]
}

// Integer gives a number that has no fraction.
func (s *Scanner) Integer() (int64, bool) {
	n, err := strconv.ParseInt(string(s.Number()), 10, 64)
	return n, err == nil
}

// Raw gives the text or number that comes next as it is written.
func (s *Scanner) Raw() ([]byte, bool) {
	s.blank()
	from := s.at
	if _, ok := s.Text(); !ok && len(s.Number()) == 0 {
		return nil, false
	}
	return s.data[from:s.at], true
}

func (s *Scanner) blank() {
	for s.at < len(s.data) && (s.data[s.at] == ' ' || s.data[s.at] == '\n' || s.data[s.at] == '\r' || s.data[s.at] == '\t') {
		s.at++
	}
}

// digits steps over digits and counts them.
func (s *Scanner) digits() int {
	from := s.at
	for s.at < len(s.data) && s.data[s.at] >= '0' && s.data[s.at] <= '9' {
		s.at++
	}
	return s.at - from
}
