package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/dial"
)

func TestHTTPAnswers(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		var code int
		_, _ = fmt.Sscan(r.PathValue("code"), &code)
		if code == http.StatusFound {
			w.Header().Set("Location", "/status/204")
		}
		w.WriteHeader(code)
	})
	mux.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "all is well here") })
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", maxJudged)+"behind")
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, c := range []struct {
		path string
		edit func(*api.ProbeSettings)
		want api.ProbeReason
	}{
		{"/status/200", nil, api.ProbeOK},
		{"/status/299", nil, api.ProbeOK},
		{"/status/503", nil, api.ProbeStatus},
		{"/status/404", func(p *api.ProbeSettings) { p.Statuses = []string{"200", "400-404"} }, api.ProbeOK},
		{"/status/302", nil, api.ProbeOK},
		{"/status/302", func(p *api.ProbeSettings) { p.Redirects = api.RedirectsStop }, api.ProbeStatus},
		{"/status/302", func(p *api.ProbeSettings) { p.Redirects, p.Statuses = api.RedirectsStop, []string{"3xx"} }, api.ProbeOK},
		{"/loop", nil, api.ProbeRedirect},
		{"/text", func(p *api.ProbeSettings) { p.Contains, p.Lacks = "is well", "error" }, api.ProbeOK},
		{"/text", func(p *api.ProbeSettings) { p.Contains = "unwell" }, api.ProbeTextMissing},
		{"/text", func(p *api.ProbeSettings) { p.Lacks = "well" }, api.ProbeTextFound},
		{"/long", func(p *api.ProbeSettings) { p.Contains = "behind" }, api.ProbeTextMissing},
		{"/cut", func(p *api.ProbeSettings) { p.Contains = "half" }, api.ProbeUnreachable},
	} {
		p := api.ProbeSettings{Kind: api.ProbeHTTP, URL: server.URL + c.path}
		if c.edit != nil {
			c.edit(&p)
		}
		r := look(t, p)
		wantReason(t, fmt.Sprintf("%s %+v", c.path, p), r, c.want)
		if r.Address != server.Listener.Addr().String() {
			t.Errorf("%s: address %q", c.path, r.Address)
		}
	}
}

func TestHTTPRequest(t *testing.T) {
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	wantReason(t, "the request", look(t, api.ProbeSettings{
		Kind: api.ProbeHTTP, URL: strings.Replace(server.URL, "://", "://me:word@", 1) + "/a?b=c", Method: "PATCH", Body: `{"a":1}`,
		Headers: map[string]string{"host": "other.example.org", "Content-Type": "application/json"},
	}), api.ProbeOK)
	user, password, _ := got.BasicAuth()
	same(t, "request", []string{got.Method, got.URL.String(), got.Host, user, password, got.Header.Get("Content-Type"), got.UserAgent(), string(body)},
		[]string{"PATCH", "/a?b=c", "other.example.org", "me", "word", "application/json", probeAgent, `{"a":1}`})
}

// TestRedirectsElsewhereCarryNothing checks that what is meant for the target stays there.
func TestRedirectsElsewhereCarryNothing(t *testing.T) {
	var reached atomic.Pointer[http.Request]
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached.Store(r) }))
	defer other.Close()
	status := http.StatusFound
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/there", status)
	}))
	defer server.Close()
	p := api.ProbeSettings{
		Kind: api.ProbeHTTP, URL: server.URL + "/?token=geheim", Headers: map[string]string{"X-Key": "geheim", "Host": "me.example.org"},
	}
	wantReason(t, "a redirect elsewhere", look(t, p), api.ProbeOK)
	r := reached.Swap(nil)
	if r == nil || r.Header.Get("X-Key") != "" || r.Header.Get("Referer") != "" || r.Host != other.Listener.Addr().String() {
		t.Errorf("the other host was asked: %+v", r)
	}
	p.Method, p.Body, status = "POST", "geheim", http.StatusTemporaryRedirect
	wantReason(t, "a redirect of the body", look(t, p), api.ProbeRedirect)
	if reached.Load() != nil {
		t.Error("the body was sent elsewhere")
	}
	status = http.StatusMultipleChoices // no redirect that is followed, but a text with the URL may come back
	p.Statuses = []string{"200"}
	r2 := look(t, p)
	wantReason(t, "an answer without a way on", r2, api.ProbeStatus)
	if strings.Contains(r2.Detail, "geheim") {
		t.Errorf("the detail tells a secret: %s", r2.Detail)
	}
}

func TestHTTPThatIsRefused(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("http://169.254.169.254/latest/", http.StatusFound))
	defer server.Close()
	wantReason(t, "a redirect to the metadata service", look(t, api.ProbeSettings{Kind: api.ProbeHTTP, URL: server.URL}), api.ProbeNotAllowed)
	wantReason(t, "loopback under the strict policy", lookWith(t, dial.RefusePrivate, api.ProbeSettings{Kind: api.ProbeHTTP, URL: server.URL}), api.ProbeNotAllowed)
	wantReason(t, "nobody", look(t, api.ProbeSettings{Kind: api.ProbeHTTP, URL: "http://" + nobody(t)}), api.ProbeRefused)
	wantReason(t, "a name that is none", look(t, api.ProbeSettings{Kind: api.ProbeHTTP, URL: "http://nowhere.invalid"}), api.ProbeNameFailed)
	wantReason(t, "https where http is spoken", look(t, api.ProbeSettings{Kind: api.ProbeHTTP, URL: strings.Replace(server.URL, "http", "https", 1)}), api.ProbeTLS)
	r := look(t, api.ProbeSettings{Kind: api.ProbeHTTP, URL: "http://" + hanging(t).String(), Timeout: 0.3})
	wantReason(t, "one that never answers", r, api.ProbeTimeout)
	if r.Duration < 0.3 || r.Duration > 5 {
		t.Errorf("it took %v s", r.Duration)
	}
}

func TestHTTPThatDrips(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, ".")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}))
	defer server.Close()
	p := api.ProbeSettings{Kind: api.ProbeHTTP, URL: server.URL, Timeout: 0.3}
	wantReason(t, "one that drips, by its status", look(t, p), api.ProbeOK)
	p.Contains = "done"
	wantReason(t, "one that drips, by its text", look(t, p), api.ProbeTimeout)
}

func TestHTTPThroughAProxy(t *testing.T) {
	target := httptest.NewTLSServer(http.NotFoundHandler())
	defer target.Close()
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.Host+" "+r.Header.Get("Proxy-Authorization"))
		if r.Method != http.MethodConnect {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		there := must(net.Dial("tcp", target.Listener.Addr().String()))(t)
		w.WriteHeader(http.StatusOK)
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		go func() { _, _ = io.Copy(there, here); _ = there.Close() }()
		_, _ = io.Copy(here, there)
		_ = here.Close()
	}))
	defer proxy.Close()
	through := "http://me:word@" + proxy.Listener.Addr().String()
	wantReason(t, "http", look(t, api.ProbeSettings{Kind: api.ProbeHTTP, URL: "http://inside.invalid/", Proxy: through}), api.ProbeOK)
	wantReason(t, "https", look(t, api.ProbeSettings{
		Kind: api.ProbeHTTP, URL: "https://inside.invalid/", Proxy: through, Insecure: true, Statuses: []string{"404"},
	}), api.ProbeOK)
	same(t, "what the proxy was asked", asked, []string{"GET inside.invalid Basic bWU6d29yZA==", "CONNECT inside.invalid:443 Basic bWU6d29yZA=="})
	wantReason(t, "a proxy at a refused address", look(t, api.ProbeSettings{
		Kind: api.ProbeHTTP, URL: "http://inside.invalid/", Proxy: "http://169.254.169.254:3128",
	}), api.ProbeNotAllowed)
}

// tlsServer answers over TLS with a certificate of its own until the given moment.
func tlsServer(t *testing.T, until time.Time) *httptest.Server {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-365 * 24 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	raw := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of clients that do not trust it
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestCertificates(t *testing.T) {
	until := time.Now().Add(100 * time.Hour).Truncate(time.Second)
	server := tlsServer(t, until)
	p := api.ProbeSettings{Kind: api.ProbeHTTP, URL: server.URL}
	r := look(t, p)
	wantReason(t, "an authority that nobody knows", r, api.ProbeCertificate)
	same(t, "end of the certificate that was refused", r.CertificateExpires, api.TimeOf(until))
	p.Insecure = true
	r = look(t, p)
	wantReason(t, "any certificate", r, api.ProbeOK)
	same(t, "end of the certificate", r.CertificateExpires, api.TimeOf(until))
	if r.Timing == nil || r.Timing.TLS <= 0 || r.Timing.Connect < 0 {
		t.Errorf("timing %+v", r.Timing)
	}
	expired := tlsServer(t, time.Now().Add(-time.Hour))
	r = look(t, api.ProbeSettings{Kind: api.ProbeHTTP, URL: expired.URL, Insecure: true})
	wantReason(t, "one that has ended, where any will do", r, api.ProbeOK)
}

func TestSecretsAreNotRepeated(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A target that repeats what it was sent, where the client's errors repeat it in turn.
		w.Header().Set("Location", "http://%zz/"+r.URL.Query().Get("token")+r.Header.Get("X-Key"))
		w.WriteHeader(http.StatusFound)
	}))
	defer server.Close()
	r := look(t, api.ProbeSettings{
		Kind: api.ProbeHTTP, URL: server.URL + "/?token=" + url.QueryEscape("ge&heim"), Headers: map[string]string{"X-Key": "schluessel"},
	})
	if r.OK || strings.Contains(r.Detail, "ge&heim") || strings.Contains(r.Detail, "schluessel") || !strings.Contains(r.Detail, "***") {
		t.Errorf("%s: %s", r.Reason, r.Detail)
	}
}
