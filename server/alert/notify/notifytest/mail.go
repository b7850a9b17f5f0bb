package notifytest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// Mail is a mail as a server took it.
type Mail struct {
	From    string   // of the envelope
	To      []string // of the envelope
	User    string   // who signed in
	TLS     bool     // whether the connection was encrypted
	Raw     []byte
	Header  mail.Header
	Subject string // decoded
	Text    string // the plain part, decoded, with \n
	HTML    string // the other part, decoded, with \n
}

func (m *Mail) parse() error {
	message, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		return fmt.Errorf("reading a mail: %w", err)
	}
	m.Header = message.Header
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject")); err != nil {
		return fmt.Errorf("decoding a subject: %w", err)
	}
	return m.read(message.Body, message.Header.Get("Content-Type"), message.Header.Get("Content-Transfer-Encoding"))
}

// read reads one part of a mail, and those within it.
func (m *Mail) read(body io.Reader, contentType, encoding string) error {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("reading a content type: %w", err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		for parts := multipart.NewReader(body, parameters["boundary"]); ; {
			part, err := parts.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return fmt.Errorf("reading the parts of a mail: %w", err)
			}
			if err := m.read(part, part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding")); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("decoding a part of a mail: %w", err)
	}
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	switch kind {
	case "text/plain":
		m.Text = text
	case "text/html":
		m.HTML = text
	}
	return nil
}
