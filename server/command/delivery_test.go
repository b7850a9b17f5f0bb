package command

import (
	"testing"
	"time"

	"watchkeeper/api"
)

func TestTold(t *testing.T) {
	const parent = "parent db1 is down since 10:02"
	delivery := func(state api.DeliveryState, attempts int, reason string) api.Delivery {
		return api.Delivery{About: api.AboutOpened, Channel: "mail", Target: "a@example.org", State: state, Attempts: attempts, Reason: reason}
	}
	for _, c := range []struct {
		about string
		told  []api.Delivery
		want  string
	}{
		{"nothing was ordered", nil, "nobody yet"},
		{"sent", []api.Delivery{delivery(api.DeliverySent, 3, "")}, "mail:a@example.org (sent)"},
		{"not tried", []api.Delivery{delivery(api.DeliveryWaiting, 0, "")}, "mail:a@example.org (waiting)"},
		{"refused once", []api.Delivery{delivery(api.DeliveryWaiting, 1, "")}, "mail:a@example.org (waiting, tried once in vain)"},
		{"refused often", []api.Delivery{delivery(api.DeliveryWaiting, 8, "")}, "mail:a@example.org (waiting, tried 8 times in vain)"},
		{"held", []api.Delivery{delivery(api.DeliveryHeld, 0, "held: "+parent)}, "nobody: " + parent},
	} {
		if got := told(c.told); got != c.want {
			t.Errorf("%s: %q, want %q", c.about, got, c.want)
		}
	}
	imported := api.Trouble{Told: []api.Delivery{}, Untold: "it was down already when it was imported"}
	if got, want := toldOf(&imported), "nobody: it was down already when it was imported"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWhyOfADelivery(t *testing.T) {
	now := time.Date(2026, 1, 31, 10, 2, 0, 0, time.UTC)
	at := clock{now: now, zone: time.UTC}
	const refused = "127.0.0.1:25 (recipient): 451 later"
	for _, c := range []struct {
		delivery api.Delivery
		want     string
	}{
		{api.Delivery{State: api.DeliveryWaiting, LastError: refused}, refused},
		{
			api.Delivery{State: api.DeliveryWaiting, LastError: refused, NextAttempt: api.TimeOf(now.Add(7 * time.Minute))},
			refused + "; tried again at 10:09:00 (in 7 min)",
		},
		{api.Delivery{State: api.DeliveryHeld, Reason: "held: parent db1 is down"}, "parent db1 is down"},
		{api.Delivery{State: api.DeliverySent, LastError: refused}, "-"},
		{api.Delivery{State: api.DeliverySent, Reason: "told in the digest"}, "told in the digest"},
	} {
		if got := whyOf(&c.delivery, at); got != c.want {
			t.Errorf("%s: %q, want %q", c.delivery.State, got, c.want)
		}
	}
}
