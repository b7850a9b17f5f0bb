package alert

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

// newDirectory gives a directory of all kinds, of which mail is set up or not, and of the channels ops, which names its
// recipient, and hook, which does not.
func newDirectory(t testing.TB, smtpURL string) *directory {
	t.Helper()
	c, err := NewChannels(ChannelOptions{
		Registry: newPost().registry(), Common: notify.Options{Defaults: notify.Defaults{SMTPURL: smtpURL}},
		File: []api.ChannelInput{
			{Name: "ops", Kind: api.ChannelPushover, Settings: map[string]string{"to": "team"}},
			{Name: "Hook", Kind: api.ChannelWebhook},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c.current.Load()
}

func change(id int64, from, to api.State) api.Change {
	return api.Change{ID: id, SubjectKind: api.SubjectService, Subject: "job", From: from, To: to}
}

func delivery(about api.DeliveryAbout, channel, address string, state api.DeliveryState, attempts int) store.Delivery {
	return store.Delivery{
		Delivery: api.Delivery{ID: string(about) + channel + address, About: about, Channel: channel, State: state, Attempts: attempts}, Address: address, Lane: "lane of " + channel,
	}
}

func inDigest(d store.Delivery) store.Delivery {
	d.Digest = "digest"
	return d
}

// ordered gives orders as text.
func ordered(v store.Verdict) (out []string) {
	for _, o := range v.Deliver {
		text := fmt.Sprintf("%d %s %s", o.ChangeID, o.About, o.Target)
		if o.State != api.DeliveryWaiting {
			text += " " + string(o.State)
		}
		out = append(out, text)
	}
	return out
}

func TestPolicyDecides(t *testing.T) {
	opens, recovers := change(1, api.StateUp, api.StateDown), change(2, api.StateDown, api.StateUp)
	paused := change(2, api.StateDown, api.StatePaused)
	event := api.Change{ID: 7, SubjectKind: api.SubjectEvent, Subject: "7", To: "alert"}
	alerts := func(targets ...string) *api.Service {
		return &api.Service{ServiceSettings: api.ServiceSettings{Alerts: targets}}
	}
	legacy := func(kind, target string) *api.Service {
		return &api.Service{ServiceStatus: api.ServiceStatus{AlertType: kind, AlertTarget: target}}
	}
	both := alerts("ops", "webhook:https://a.example")
	both.AlertType, both.AlertTarget = "webhook", "https://a.example"
	tests := []struct {
		name    string
		service *api.Service
		told    []store.Delivery
		changes []api.Change
		route   string // default: mail:boss@example.org
		want    []string
		warning string // part of it
		skip    string // part of it
	}{
		{
			name: "its own targets", service: alerts("ops", "webhook:https://a.example"), changes: []api.Change{opens},
			want: []string{"1 opened ops", "1 opened webhook:https://a.example"},
		},
		{
			name: "its own and that of its pulse, once each", service: both, changes: []api.Change{opens},
			want: []string{"1 opened ops", "1 opened webhook:https://a.example"},
		},
		{name: "nobody named", service: alerts(), changes: []api.Change{opens}, want: []string{"1 opened mail:boss@example.org"}},
		{name: "no default route either", service: alerts(), changes: []api.Change{opens}, route: "-", want: []string{"1 opened  failed"}},
		{
			name: "a default route that leads nowhere", service: alerts(), changes: []api.Change{opens}, route: "gone",
			want: []string{"1 opened gone failed"},
		},
		{
			name: "several in the default route", service: alerts(), changes: []api.Change{opens}, route: "ops,mail:a@b.c,ops",
			want: []string{"1 opened ops", "1 opened mail:a@b.c"},
		},
		{
			name: "a kind in the pulse, in any case", service: legacy("PushOver", "KEY"), changes: []api.Change{opens},
			want: []string{"1 opened pushover:KEY"},
		},
		{
			name: "a channel in the pulse, in any case, whose recipient is its own", service: legacy("OPS", "whatever"),
			changes: []api.Change{opens}, want: []string{"1 opened ops"},
		},
		{
			name: "a channel in the pulse that takes an address", service: legacy("hook", "https://b.example"),
			changes: []api.Change{opens}, want: []string{"1 opened Hook:https://b.example"},
		},
		{
			name: "an unknown type in the pulse", service: legacy("pigeon\n", "x"), changes: []api.Change{opens},
			want: []string{"1 opened mail:boss@example.org"}, warning: `there is no channel "pigeon", only mail, pushover, webhook, shoutrrr, Hook, ops`,
		},
		{name: "a type without text", service: legacy(" ", "x"), changes: []api.Change{opens}, want: []string{"1 opened mail:boss@example.org"}},
		{
			name: "an address that cannot work", service: legacy("pushover", "bad"), changes: []api.Change{opens},
			want:    []string{"1 opened pushover:bad", "1 opened mail:boss@example.org"},
			warning: "pushover: the address must be good",
		},
		{
			name: "an address that the setting refuses", service: legacy("webhook", "https://evil.example"), changes: []api.Change{opens},
			want: []string{"1 opened mail:boss@example.org"}, warning: "alerts.targets",
		},
		{
			name: "the same in its own targets", service: alerts("webhook:https://evil.example"), changes: []api.Change{opens},
			want: []string{"1 opened webhook:https://evil.example"},
		},
		{
			name: "a channel that was deleted", service: alerts("ops", "gone"), changes: []api.Change{opens},
			want: []string{"1 opened ops", "1 opened mail:boss@example.org"}, warning: `no channel "gone"`,
		},
		{name: "an alert of an event", changes: []api.Change{event}, want: []string{"7 opened mail:boss@example.org"}},
		{
			name: "a recovery goes to whom the opening went", service: alerts("ops"), changes: []api.Change{recovers},
			told: []store.Delivery{
				delivery(api.AboutOpened, "mail", "sent", api.DeliverySent, 1),
				delivery(api.AboutOpened, "mail", "tried", api.DeliveryFailed, 3),
				delivery(api.AboutOpened, "mail", "never tried", api.DeliveryFailed, 0),
				inDigest(delivery(api.AboutOpened, "mail", "failed in a digest", api.DeliveryFailed, 0)),
				delivery(api.AboutOpened, "mail", "skipped", api.DeliverySkipped, 0),
				delivery(api.AboutOpened, "mail", "waiting", api.DeliveryWaiting, 0),
				inDigest(delivery(api.AboutOpened, "mail", "in a digest", api.DeliveryHeld, 0)),
				delivery(api.AboutOpened, "mail", "held", api.DeliveryHeld, 0),
				delivery(api.AboutOpened, "mail", "sent", api.DeliverySent, 1),
			},
			want: []string{"2 recovered mail:sent", "2 recovered mail:tried", "2 recovered mail:failed in a digest", "2 recovered mail:waiting", "2 recovered mail:in a digest"},
		},
		{
			name: "down and up before anybody looked", service: alerts("ops"), changes: []api.Change{opens, recovers},
			want: []string{"1 opened ops", "2 recovered ops"},
		},
		{
			name: "a recovery of what nobody was told", service: alerts("ops"), changes: []api.Change{recovers},
			told: []store.Delivery{delivery(api.AboutOpened, "ops", "", api.DeliveryHeld, 0)},
		},
		{
			name: "a recovery when the opening could not be told", service: alerts(), changes: []api.Change{opens, recovers}, route: "-",
			want: []string{"1 opened  failed"},
		},
		{
			name: "a pause is told to nobody", service: alerts("ops"), changes: []api.Change{paused},
			told: []store.Delivery{delivery(api.AboutOpened, "ops", "", api.DeliveryWaiting, 0)}, skip: "paused",
		},
		{
			name: "down and paused before anybody looked", service: alerts("ops"), changes: []api.Change{opens, paused}, skip: "paused",
			want: []string{"1 opened ops skipped"},
		},
		{
			name: "deleted", changes: []api.Change{change(2, api.StateDown, api.StateDeleted)}, skip: "deleted",
			told: []store.Delivery{delivery(api.AboutOpened, "mail", "boss@example.org", api.DeliverySent, 1)},
		},
		{name: "nothing new", service: alerts("ops")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			route := strings.Split(strings.ReplaceAll(test.route, "-", ""), ",")
			if test.route == "" {
				route = []string{"mail:boss@example.org"}
			}
			defaults, err := ParseRoute(route)
			if err != nil {
				t.Fatal(err)
			}
			p := policy{
				directory: newDirectory(t, "smtp://localhost"), defaults: defaults,
				patterns: map[api.ChannelKind][]string{api.ChannelWebhook: {"https://a.example*"}},
			}
			v := p.decide(attended(test.told, test.changes, test.service))
			if diff := cmp.Diff(test.want, ordered(v)); diff != "" {
				t.Errorf("deliveries (-want +got):\n%s", diff)
			}
			if !strings.Contains(v.Warning, test.warning) || (test.warning == "") != (v.Warning == "") {
				t.Errorf("warning %q, want %q in it", v.Warning, test.warning)
			}
			if !strings.Contains(v.Skip, test.skip) || (test.skip == "") != (v.Skip == "") {
				t.Errorf("skip %q, want %q in it", v.Skip, test.skip)
			}
			for _, o := range v.Deliver {
				if (o.Lane == "") != (o.State == api.DeliveryFailed) {
					t.Errorf("order %+v: a lane and a reason not to try exclude each other", o)
				}
			}
		})
	}
}

// noon is when the incidents of these tests began.
const noon = api.Time(1_767_268_800_000)

// attended is an incident that began at noon, at its first look a second later or at a later one, with these changes new.
func attended(told []store.Delivery, changes []api.Change, service *api.Service) store.Attended {
	a := store.Attended{Now: noon + 1000, Changes: changes, Service: service, Opening: change(1, api.StateUp, api.StateDown)}
	a.ID, a.Subject, a.SubjectKind, a.State, a.OpenedAt, a.Told = "incident", "job", api.SubjectService, api.IncidentOpen, noon, told
	if len(changes) > 0 && changes[0].SubjectKind == api.SubjectEvent {
		a.Opening, a.SubjectKind, a.State, a.ClosedAt = changes[0], api.SubjectEvent, api.IncidentClosed, noon
		a.Opening.Facts = api.Facts{Service: "job", Message: "help", Level: api.LevelError}
	}
	if len(changes) == 0 || changes[0].ID != a.Opening.ID {
		a.LookedAt = noon + 500
	}
	for i := range changes {
		if changes[i].Closes() {
			a.Closing, a.State, a.ClosedAt = &changes[i], api.IncidentClosed, a.Now
		}
	}
	return a
}

func TestPolicyWhileMailIsNotSetUp(t *testing.T) {
	p := policy{directory: newDirectory(t, ""), defaults: []api.Target{{Channel: "ops"}}}
	v := p.decide(attended(nil, []api.Change{change(1, api.StateUp, api.StateDown)},
		&api.Service{ServiceSettings: api.ServiceSettings{Alerts: []string{"mail:a@example.org"}}}))
	if diff := cmp.Diff([]string{"1 opened mail:a@example.org", "1 opened ops"}, ordered(v)); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	if !strings.Contains(v.Warning, "WATCHKEEPER_SMTP_URL") {
		t.Errorf("warning %q does not say what to set", v.Warning)
	}
}

// Whatever an incident goes through and however often somebody looks: nobody is told the same change twice, recoveries
// go to exactly those who were told of the opening, in that order, and an end without recovery is told to nobody.
func TestPolicyTellsEachChangeOnce(t *testing.T) {
	directory := newDirectory(t, "smtp://localhost")
	rapid.Check(t, func(t *rapid.T) {
		p := policy{directory: directory, defaults: []api.Target{{Channel: "mail", Address: "boss@example.org"}}}
		targets := rapid.SliceOfN(rapid.SampledFrom([]string{"ops", "mail:a", "mail:b", "webhook:c", "gone"}), 0, 4)
		service := &api.Service{ServiceSettings: api.ServiceSettings{Alerts: targets.Draw(t, "targets")}}
		ends := rapid.SampledFrom([]api.State{api.StateUp, api.StatePaused, api.StateDeleted, ""}).Draw(t, "ends")
		changes := []api.Change{change(1, api.StateUp, api.StateDown)}
		if ends != "" {
			changes = append(changes, change(2, api.StateDown, ends))
		}
		var told []store.Delivery
		var flap api.Flap
		shown, now, looked := 0, noon, api.Time(0)
		for shown < len(changes) || rapid.Bool().Draw(t, "look once more") {
			n := rapid.IntRange(0, len(changes)-shown).Draw(t, "changes at this look")
			if shown == 0 {
				n = max(n, 1) // the first look is at the opening
			}
			a := attended(told, changes[shown:shown+n], service)
			now = now.Add(time.Duration(rapid.IntRange(1, 900).Draw(t, "seconds")) * time.Second)
			a.Now, a.LookedAt, a.Flap = now, looked, flap
			if shown+n == 2 {
				a.Closing, a.State, a.ClosedAt = &changes[1], api.IncidentClosed, now
			}
			v := p.decide(a)
			shown, looked, flap = shown+n, now, v.Flap
			for i := range told {
				for _, m := range v.Settle {
					if m.ID == told[i].ID {
						told[i].State = m.State
					}
				}
				if v.Skip != "" && !told[i].State.Final() {
					told[i].State = api.DeliverySkipped
				}
			}
			for _, o := range v.Deliver {
				d := delivery(o.About, o.Target.Channel, o.Target.Address, o.State, 0)
				d.ChangeID, d.Route, d.DueAt = o.ChangeID, o.Route, now
				told = append(told, d)
			}
			for i := range told { // somebody sends
				if told[i].State == api.DeliveryWaiting && rapid.Bool().Draw(t, "attempt") {
					told[i].Attempts++
					told[i].State = rapid.SampledFrom([]api.DeliveryState{api.DeliverySent, api.DeliveryFailed, api.DeliveryWaiting}).Draw(t, "outcome")
				}
			}
			service.Alerts = targets.Draw(t, "targets later")
		}
		check(t, told, ends)
	})
}

func check(t *rapid.T, told []store.Delivery, ends api.State) {
	seen := map[string]bool{}
	var opened, recovered []string
	for _, d := range told {
		to := d.Channel + ":" + d.Address
		key := fmt.Sprint(d.ChangeID, to)
		if seen[key] {
			t.Fatalf("%s is told change %d twice", to, d.ChangeID)
		}
		seen[key] = true
		switch d.About {
		case api.AboutOpened:
			if slices.Contains(recovered, to) {
				t.Fatal("an opening after a recovery")
			}
			if d.State != api.DeliverySkipped || d.Attempts > 0 {
				opened = append(opened, to)
			}
		case api.AboutRecovered:
			recovered = append(recovered, to)
		}
	}
	slices.Sort(opened)
	slices.Sort(recovered)
	switch {
	case ends == api.StateUp && !slices.Equal(opened, recovered):
		t.Fatalf("opened to %v, recovered to %v", opened, recovered)
	case ends != api.StateUp && len(recovered) > 0:
		t.Fatalf("%q told as a recovery to %v", ends, recovered)
	case ends == "" && len(opened) == 0:
		t.Fatal("nobody was told of an incident that is open")
	}
}
