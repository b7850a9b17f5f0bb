package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
)

// request is a way to send a pulse.
type request string

// The ways that are measured.
const (
	requestHeartbeat request = "POST /heartbeat"                     // as watchTower's clients do
	requestPulse     request = "POST /api/v1/services/{name}/pulses" // the REST interface
	requestPing      request = "GET /ping/{uuid}"                    // a cron line
	requestEvent     request = "POST /api/v1/events"                 // one event
	requestEvents    request = "POST /api/v1/events, in batches"
)

// numberWidth is how many digits the numbers of services have in their names, idWidth in their ids.
const (
	numberWidth = 7
	idWidth     = 12
	nextInWidth = 9
)

// serviceName and serviceID are what data sets call a service by its number.
func serviceName(n int) string { return fmt.Sprintf("service-%0*d", numberWidth, n) }

func serviceID(n int) string { return fmt.Sprintf("01900000-0000-7000-8000-%0*d", idWidth, n) }

// message is a request that was written once, in which only digits are replaced, and room for its answer. Both ends share
// a machine, so what the client costs is missing at the server.
type message struct {
	bytes  []byte
	number []byte     // the digits that name the service, within bytes
	nextIn []byte     // the digits of nextIn within bytes; nil where the request does not say it
	others []*message // to be sent in turn after this one
	turn   int
	answer []byte
}

const headers = " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: figures/1\r\n"

func newMessage(r request) *message {
	if r == requestEvents {
		return batchMessages()
	}
	m := &message{answer: make([]byte, 4096)}
	var text, name string
	switch r {
	case requestHeartbeat:
		name = serviceName(0)
		body := fmt.Sprintf(`{"service":"%s","nextIn":%*d,"alertType":"%s","alertTarget":"%s"}`, name, nextInWidth, 0, alertType, alertTarget)
		text = fmt.Sprintf("POST /heartbeat%spassword: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			headers, password, len(body), body)
	case requestPulse:
		name = serviceName(0)
		body := fmt.Sprintf(`{"next_in":%*d}`, nextInWidth, 0)
		text = fmt.Sprintf("POST /api/v1/services/%s/pulses%spassword: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			name, headers, password, len(body), body)
	case requestEvent:
		name = serviceName(0)
		body := eventText(rand.New(rand.NewPCG(1, 1)), name)
		text = fmt.Sprintf("POST /api/v1/events%spassword: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			headers, password, len(body), body)
	case requestPing:
		name = serviceID(0)
		text = "GET /ping/" + name + headers + "\r\n"
	}
	m.bytes = []byte(text)
	end := bytes.Index(m.bytes, []byte(name)) + len(name)
	m.number = m.bytes[end-numberWidth : end]
	if at := bytes.LastIndex(m.bytes, []byte("        0")); at >= 0 {
		m.nextIn = m.bytes[at : at+nextInWidth]
	}
	return m
}

// batches is how many different batches a connection sends.
const batches = 40

// batchMessages gives batches of events that one after another are sent; their services and texts differ.
func batchMessages() *message {
	r := rand.New(rand.NewPCG(rand.Uint64(), 7))
	var first *message
	for range batches {
		lines := make([]string, eventBatch)
		for i := range lines {
			lines[i] = eventText(r, serviceName(r.IntN(1000)))
		}
		body := "[" + strings.Join(lines, ",") + "]"
		m := &message{bytes: fmt.Appendf(nil, "POST /api/v1/events%spassword: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			headers, password, len(body), body)}
		if first == nil {
			m.answer = make([]byte, 64<<10)
			first = m
		}
		first.others = append(first.others, m)
	}
	return first
}

// exchange sends the pulse of a service, or events, and reads the answer, which must say that it was stored.
func (m *message) exchange(conn net.Conn, service, nextIn int) error {
	if m.others != nil {
		m.bytes = m.others[m.turn%len(m.others)].bytes
		m.turn++
	}
	m.address(service, nextIn)
	if _, err := conn.Write(m.bytes); err != nil {
		return err
	}
	n := 0
	for {
		read, err := conn.Read(m.answer[n:])
		n += read
		if err != nil {
			return err
		}
		switch done, err := stored(m.answer[:n]); {
		case err != nil:
			return err
		case done:
			return nil
		case n == len(m.answer):
			return errors.New("the answer is too long")
		}
	}
}

func (m *message) address(service, nextIn int) {
	for i := len(m.number) - 1; i >= 0; i-- {
		m.number[i] = byte('0' + service%10)
		service /= 10
	}
	for i := len(m.nextIn) - 1; i >= 0; i-- {
		m.nextIn[i] = ' '
		if nextIn > 0 {
			m.nextIn[i] = byte('0' + nextIn%10)
			nextIn /= 10
		}
	}
}

var (
	endOfHeaders  = []byte("\r\n\r\n")
	contentLength = []byte("\r\nContent-Length: ")
	success       = []byte("HTTP/1.1 20")
	refused       = []byte(`"result":5`) // watchTower tells of failures under status 200
)

// stored reports whether an answer is complete; an error when it is no success.
func stored(answer []byte) (bool, error) {
	end := bytes.Index(answer, endOfHeaders)
	if end < 0 {
		return false, nil
	}
	header, body := answer[:end+2], answer[end+len(endOfHeaders):]
	at := bytes.Index(header, contentLength)
	if at < 0 {
		return false, errors.New("the answer has no length")
	}
	digits, _, _ := bytes.Cut(header[at+len(contentLength):], []byte("\r\n"))
	length, err := strconv.Atoi(string(digits))
	if err != nil {
		return false, fmt.Errorf("reading the length of the answer: %w", err)
	}
	if len(body) < length {
		return false, nil
	}
	if !bytes.HasPrefix(answer, success) || bytes.Contains(body, refused) {
		return false, fmt.Errorf("not stored: %s", answer)
	}
	return true, nil
}
