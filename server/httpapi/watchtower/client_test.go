package watchtower_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"watchkeeper/server/app"
	"watchkeeper/server/config"
	"watchkeeper/server/httpapi/httpapitest"
)

// startProgram runs the whole server, with its own certificate, and gives its address and data folder.
func startProgram(t *testing.T) (address, folder string) {
	t.Helper()
	c := config.Default()
	c.Listen, c.Data, c.Password, c.TimeZone = "127.0.0.1:0", t.TempDir(), httpapitest.Password, time.UTC
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, app.Options{
			Config: c, Version: httpapitest.Version, Log: slog.New(slog.DiscardHandler), Ready: func(a string) { ready <- a },
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	select {
	case address = <-ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("the server did not start: %v", err)
	}
	return address, c.Data
}

// sent is one request as a published client was seen to send it, and what its answer must hold.
type sent struct {
	head string // lines without carriage returns; HOST and PASSWORD stand for what they say
	body string
	want object
}

// published are the requests of the published clients, recorded from their HTTP libraries: requests 2.34 on Python 3.11,
// HttpURLConnection of Java 17 and request-promise 4 on Node 20. Java 8 and Node 12 differ in one header each.
var published = map[string][]sent{
	"Python": {
		{
			python("POST /heartbeat"), `{"service": "nightly backup \u00e9", "alertType": "pushover", "alertTarget": "uQ", "nextIn": 60}`,
			object{"action": "pulse", "result": 200.0},
		},
		{
			python("POST /event"), `{"service": "python", "message": "m \"q\"\nC:\\dir \ud83d\ude00", "level": 3}`, object{"result": 200.0},
		},
		{python("DELETE /heartbeat"), `{"service": "nightly backup \u00e9"}`, object{"action": "cancel", "result": 200.0}},
		{python("DELETE /heartbeat"), `{"service": "nightly backup \u00e9"}`, object{"action": "cancel", "result": 200.0}},
		{python("GET /heartbeats"), "", object{"result": 200.0}},
		{python("GET /events?from=1&to=4000000000&service=PYTH.N&message=&level=0"), "", object{"result": 200.0}},
	},
	"Java 17": java("Java/17.0.15", "text/html, image/gif, image/jpeg, */*; q=0.2"),
	"Java 8":  java("Java/1.8.0_381", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"),
	"Node 20": javaScript("keep-alive"),
	"Node 12": javaScript("close"),
	"curl": {
		{
			curl("POST /"), `{"service":"curl","alertType":"mail","alertTarget":"me@example.org","nextIn":"60"}`,
			object{"action": "pulse", "result": 200.0},
		},
		{curl("DELETE /"), `{"service":"curl"}`, object{"action": "cancel", "result": 200.0}},
		{curl("GET /get/curl"), "", object{"result": 200.0}},
	},
}

func python(to string) string {
	head := to + ` HTTP/1.1
Host: HOST
User-Agent: python-requests/2.34.2
Accept-Encoding: gzip, deflate
Accept: */*
Connection: keep-alive
password: PASSWORD`
	if !strings.HasPrefix(to, "GET") {
		head += "\nContent-Length: LENGTH\nContent-Type: application/json"
	}
	return head
}

func java(agent, accept string) []sent {
	head := func(to string) string {
		return to + ` HTTP/1.1
Content-Type: application/json
password: PASSWORD
User-Agent: ` + agent + `
Host: HOST
Accept: ` + accept + `
Connection: keep-alive
Content-Length: LENGTH`
	}
	return []sent{
		{
			head("POST /heartbeat"), `{"service":"tcm","alertType":"pushover","alertTarget":"uQ","nextIn":60}`,
			object{"action": "pulse", "result": 200.0},
		},
		// The path is no valid JSON.
		{head("POST /event"), `{"service":"tcm","message":"C:\dir \"x\"","level":"3"}`, object{"result": 200.0}},
		{head("DELETE /heartbeat"), `{"service":"tcm"}`, object{"action": "cancel", "result": 200.0}},
	}
}

func javaScript(connection string) []sent {
	head := func(to string) string {
		return to + ` HTTP/1.1
password: PASSWORD
host: HOST
content-type: application/x-www-form-urlencoded
accept: application/json
content-length: LENGTH
Connection: ` + connection
	}
	return []sent{
		{
			head("POST /heartbeat"), "service=nightly%20%281%29%20100%25%20%C3%A9&alertType=pushover&alertTarget=uQ&nextIn=60",
			object{"action": "pulse", "result": 200.0},
		},
		{head("DELETE /heartbeat"), "service=nightly%20%281%29%20100%25%20%C3%A9", object{"action": "cancel", "result": 200.0}},
		{"GET /heartbeats HTTP/1.1\npassword: PASSWORD\nhost: HOST\nConnection: " + connection, "", object{"result": 200.0}},
	}
}

func curl(to string) string {
	head := to + " HTTP/1.1\nHost: HOST\nUser-Agent: curl/8.5.0\nAccept: */*\npassword: PASSWORD"
	if !strings.HasPrefix(to, "GET") {
		head += "\nContent-Length: LENGTH\nContent-Type: application/x-www-form-urlencoded"
	}
	return head
}

// wire is a connection of a client that takes any certificate, as the published ones do.
type wire struct {
	net.Conn
	answers *bufio.Reader
}

func dial(t *testing.T, address string) *wire {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &wire{conn, bufio.NewReader(conn)}
}

// send writes a request as it stands, the body apart from the head, and reads its answer.
func (w *wire) send(t *testing.T, r sent) *http.Response {
	t.Helper()
	head := strings.NewReplacer(
		"\n", "\r\n", "HOST", w.RemoteAddr().String(), "PASSWORD", httpapitest.Password, "LENGTH", strconv.Itoa(len(r.body)),
	).Replace(r.head) + "\r\n\r\n"
	for _, part := range []string{head, r.body} {
		if _, err := io.WriteString(w, part); err != nil {
			t.Fatal(err)
		}
	}
	method, _, _ := strings.Cut(head, " ")
	answer, err := http.ReadResponse(w.answers, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s: %v", r.head, err)
	}
	return answer
}

func TestPublishedClientsWorkUnmodified(t *testing.T) {
	address, _ := startProgram(t)
	for name, requests := range published {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, address)
			for _, r := range requests {
				answer := conn.send(t, r)
				body, err := io.ReadAll(answer.Body)
				if err != nil {
					t.Fatal(err)
				}
				line := strings.TrimSuffix(string(body), "\n")
				if answer.StatusCode != 200 || strings.Contains(line, "\n") || answer.Header.Get("Content-Encoding") != "" {
					t.Fatalf("%s: %d %v %s", r.head, answer.StatusCode, answer.Header, body)
				}
				var got object
				if err := json.Unmarshal([]byte(line), &got); err != nil {
					t.Fatalf("%s: %v", body, err)
				}
				for key, want := range r.want {
					same(t, r.head+": "+key, got[key], want)
				}
				if answer.Close {
					conn = dial(t, address)
				}
			}
		})
	}

	conn := dial(t, address)
	read := func(to string) object {
		t.Helper()
		var got object
		if err := json.NewDecoder(conn.send(t, sent{head: python(to)}).Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	names := map[string]bool{}
	for _, name := range texts(read("GET /heartbeats")["heartBeats"], "service") {
		names[name] = true
	}
	same(t, "services", names, map[string]bool{"nightly backup é": true, "tcm": true, "nightly (1) 100% é": true, "curl": true})
	same(t, "Python's message", texts(read("GET /events?service=python")["events"], "message"), []string{"m \"q\"\nC:\\dir 😀"})
	same(t, "Java's message", texts(read("GET /events?level=3&service=tcm")["events"], "message"), []string{`C:\dir "x"`, `C:\dir "x"`})
	same(t, "no answer is a redirect", conn.send(t, sent{head: python("GET //hello")}).StatusCode, 200)
}

// A client that does verify, as the JavaScript one, is content with the authority that the server hands out.
func TestClientThatVerifies(t *testing.T) {
	address, folder := startProgram(t)
	pem, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("no certificate in %q", pem)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
	get := func(path string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header["password"] = []string{httpapitest.Password} // as HTTP/2 sends it
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	same(t, "list", get("/heartbeats"), `{"heartBeats":[],"result":200}`+"\n")
	same(t, "authority", get("/ca.pem"), string(pem))
}

// A sign of life is not refused for an alert type that does not exist, but somebody hears of it, once.
func TestUnknownAlertTypeLeavesAWarning(t *testing.T) {
	address, _ := startProgram(t)
	conn := dial(t, address)
	for range 3 {
		body := `{"service":"job","alertType":"telepathy","alertTarget":"me","nextIn":60}`
		answer := conn.send(t, sent{head: python("POST /heartbeat"), body: body})
		if text, err := io.ReadAll(answer.Body); err != nil || !strings.Contains(string(text), `"result":200`) {
			t.Fatalf("%s, %v", text, err)
		}
	}
	var got object
	if err := json.NewDecoder(conn.send(t, sent{head: python("GET /events?level=warning&service=job")}).Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if warnings := texts(got["events"], "message"); len(warnings) != 1 || !strings.Contains(warnings[0], "telepathy") {
		t.Errorf("warnings %q", warnings)
	}
}
