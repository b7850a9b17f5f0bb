package pushover

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gregdel/pushover"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
)

// DefaultURL is where the service is.
const DefaultURL = "https://api.pushover.net/1"

// From https://pushover.net/api: after a 5xx an application waits at least 5 seconds. An emergency is repeated every
// retry seconds (at least 30) until it is acknowledged or expires (at most 10800).
const (
	leastWait       = 5 * time.Second
	emergencyRetry  = 60
	emergencyExpire = 3600
)

// Kind gives the settings of Pushover channels and how one is made.
func Kind() notify.Kind {
	return notify.Kind{
		Settings: []notify.Setting{
			{Name: "token", Secrecy: notify.Secret, Doc: "the application's token; default: that of the installation"},
			{Name: "user", Secrecy: notify.Secret, Doc: "key of a user or group; without one each target is a key"},
			{Name: "priority", Secrecy: notify.Public, Doc: "of trouble, from -2 to 2; default: 1 for critical events, else 0"},
			{Name: "sound", Secrecy: notify.Public, Doc: "name of the sound; default: the user's choice"},
			{Name: "device", Secrecy: notify.Public, Doc: "names of devices, separated by commas; default: all"},
		},
		New: newChannel,
	}
}

type channel struct {
	endpoint string
	token    string
	user     string
	priority *int
	sound    string
	device   string
	client   *http.Client
}

var _ notify.Channel = (*channel)(nil)

var (
	key        = regexp.MustCompile(`^[A-Za-z0-9]{30}$`)
	soundName  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,50}$`)
	deviceName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,25}(,[A-Za-z0-9_-]{1,25})*$`)
)

func newChannel(o notify.Options) (notify.Channel, error) {
	c := &channel{
		token: o.Settings["token"], user: o.Settings["user"],
		sound: o.Settings["sound"], device: o.Settings["device"],
		client: &http.Client{Transport: o.Dialer.Transport(), CheckRedirect: stay},
	}
	var fields api.Fields
	if c.token == "" {
		c.token = o.Defaults.PushoverToken
	}
	switch {
	case c.token == "":
		fields.Add(notify.SettingAt("token"), "is missing, and WATCHKEEPER_PUSHOVER_TOKEN is not set either")
	case !key.MatchString(c.token):
		fields.Add(notify.SettingAt("token"), "must be the application's token: 30 letters and digits")
	}
	if c.user != "" && !key.MatchString(c.user) {
		fields.Add(notify.SettingAt("user"), "must be a user or group key: 30 letters and digits")
	}
	if text := o.Settings["priority"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < pushover.PriorityLowest || n > pushover.PriorityEmergency {
			fields.Add(notify.SettingAt("priority"), "must be a number from -2 to 2")
		}
		c.priority = &n
	}
	if c.sound != "" && !soundName.MatchString(c.sound) {
		fields.Add(notify.SettingAt("sound"), "must be the name of a sound")
	}
	if c.device != "" && !deviceName.MatchString(c.device) {
		fields.Add(notify.SettingAt("device"), "must be names of devices, separated by commas")
	}
	base := o.Defaults.PushoverURL
	if base == "" {
		base = DefaultURL
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		fields.Add("pushover_url", "must be a URL such as %s", DefaultURL)
	}
	if err := fields.Err(); err != nil {
		return nil, err
	}
	c.endpoint = strings.TrimRight(base, "/") + "/messages.json"
	return c, nil
}

// stay follows no redirect: it would carry token and key to where it leads.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// ValidateTarget takes the key of a user or group.
func (c *channel) ValidateTarget(target string) error {
	_, err := c.recipient(target)
	return err
}

func (c *channel) recipient(target string) (string, error) {
	user, err := notify.Recipient(c.user, target)
	if err != nil {
		return "", err
	}
	if !key.MatchString(user) {
		return "", api.Errorf(api.KindInvalid, "is no Pushover user or group key, which is 30 letters and digits")
	}
	return user, nil
}

// Send posts the message.
func (c *channel) Send(ctx context.Context, target string, m *notify.Message) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, notify.SendTimeout)
	defer cancel()
	user, err := c.recipient(target)
	if err != nil {
		return "", notify.Fail(notify.GiveUp, err.Error(), err)
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	response, err := notify.Post{URL: c.endpoint, Header: header, Body: []byte(c.form(user, m).Encode())}.Do(ctx, c.client)
	if err != nil {
		return "", err
	}
	return read(response, m.Now, notify.Secrets{c.token, user})
}

func (c *channel) form(user string, m *notify.Message) url.Values {
	form := url.Values{
		"token": {c.token}, "user": {user},
		"title":   {notify.Cut(notify.OneLine(m.Title), pushover.MessageTitleMaxLength)},
		"message": {notify.Cut(m.Brief(pushover.MessageMaxLength), pushover.MessageMaxLength)},
	}
	set := func(name, value string) {
		if value != "" {
			form.Set(name, value)
		}
	}
	priority := c.priorityOf(m)
	form.Set("priority", strconv.Itoa(priority))
	if priority == pushover.PriorityEmergency {
		form.Set("retry", strconv.Itoa(emergencyRetry))
		form.Set("expire", strconv.Itoa(emergencyExpire))
	}
	set("sound", c.sound)
	set("device", c.device)
	if m.At > 0 {
		form.Set("timestamp", strconv.FormatInt(m.At.Unix(), 10))
	}
	// There is room for one link, and one that was cut leads nowhere. The page to acknowledge at leads on.
	for _, link := range []struct{ title, url string }{{"Acknowledge", m.Acknowledge}, {"Show in Watchkeeper", m.Link}} {
		if link.url != "" && len(link.url) <= pushover.MessageURLMaxLength {
			form.Set("url", link.url)
			form.Set("url_title", link.title)
			break
		}
	}
	return form
}

// priorityOf is normal by itself, as with watchTower: whether the phone rings in quiet hours is its owner's choice and
// made by the setting, except for what a sender calls critical. The end of trouble never rings louder than normal.
func (c *channel) priorityOf(m *notify.Message) int {
	priority := pushover.PriorityNormal
	switch {
	case c.priority != nil:
		priority = *c.priority
	case m.Level >= api.LevelCritical:
		priority = pushover.PriorityHigh
	}
	if !m.Urgent() {
		priority = min(priority, pushover.PriorityNormal)
	}
	return priority
}

// read decides by the answer, in whose body the service says whether it took the message.
func read(response notify.Response, now api.Time, secrets notify.Secrets) (string, error) {
	var said pushover.Response
	err := json.Unmarshal(response.Body, &said)
	quota := remaining(response.Header)
	switch {
	case response.OK() && err != nil:
		// Whoever answers there is not the service: a proxy, a portal.
		return "", notify.Fail(notify.TryFew, "not an answer of Pushover: "+response.Text(secrets), err)
	case response.OK() && said.Status == 1:
		receipt := "request " + said.ID
		if quota.total != "" {
			receipt += fmt.Sprintf(", %s of %s messages left", quota.left, quota.total)
		}
		return secrets.Clean(receipt), nil
	}
	f := response.Failure(now, secrets)
	if len(said.Errors) > 0 {
		f.Answer = secrets.Clean(fmt.Sprintf("HTTP %d: %s", response.Status, strings.Join(said.Errors, "; ")))
	}
	switch {
	case response.OK():
		f.Persistence = notify.GiveUp
	case response.Status >= 500:
		f.RetryAfter = max(f.RetryAfter, leastWait)
	case response.Status == http.StatusTooManyRequests && quota.reset > now:
		f.RetryAfter = max(f.RetryAfter, quota.reset.Sub(now))
	}
	return "", f
}

// quota is what the service says of the month's messages. An answer without it is as good as one with it.
type quota struct {
	left, total string
	reset       api.Time
}

func remaining(header http.Header) quota {
	q := quota{left: header.Get("X-Limit-App-Remaining"), total: header.Get("X-Limit-App-Limit")}
	if reset, err := api.ParseTime(header.Get("X-Limit-App-Reset")); err == nil {
		q.reset = reset
	}
	return q
}
