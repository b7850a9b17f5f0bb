package alert

import (
	"context"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/secret"
)

func wantKind(t *testing.T, what string, err error, kind api.ErrorKind) {
	t.Helper()
	if got := api.KindOf(err); got != kind {
		t.Errorf("%s: error %v is of kind %q, want %q", what, err, got, kind)
	}
}

func TestChannelsAreMadeChangedAndDeleted(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		ctx, c := context.Background(), w.alerts.Channels
		in := api.ChannelInput{Name: "team", Kind: api.ChannelPushover, Settings: map[string]string{"to": "all", "key": "hush"}}
		made := must(c.Create(ctx, in))(t)
		same(t, "made", made, api.Channel{
			Name: "team", Kind: api.ChannelPushover, Source: "api", CreatedAt: w.now(), UpdatedAt: w.now(),
			Settings: map[string]string{"to": "all", "key": notify.Masked},
		})
		same(t, "by name", must(c.Get("team"))(t), made)
		file := must(c.Get("ops"))(t)
		same(t, "source", file.Source, "file")
		same(t, "list", c.List(), []api.Channel{file, made})
		for _, s := range must(w.Store.Channels.List(ctx))(t) {
			if strings.Contains(s.Settings, "hush") {
				t.Error("the settings are not sealed")
			}
		}
		in.Name = "TEAM"
		_, err := c.Create(ctx, in)
		wantKind(t, "a name in another case", err, api.KindConflict)
		in.Name = "ops"
		_, err = c.Create(ctx, in)
		wantKind(t, "the name of one of the file", err, api.KindConflict)
		in.Name = "mail"
		_, err = c.Create(ctx, in)
		wantKind(t, "the name of a kind", err, api.KindInvalid)
		in.Name, in.Settings = "other", map[string]string{"key": "wrong"}
		_, err = c.Create(ctx, in)
		wantKind(t, "a setting that is wrong", err, api.KindInvalid)

		// A secret that comes back as it was shown keeps its value; what is left out is gone.
		w.clock.Advance(time.Second)
		changed := must(c.Replace(ctx, "team", api.ChannelInput{Kind: api.ChannelPushover, Settings: map[string]string{"to": "few", "key": notify.Masked}}))(t)
		same(t, "changed", []any{changed.CreatedAt, changed.UpdatedAt}, []any{made.CreatedAt, w.now()})
		same(t, "kept", c.current.Load().channels["team"].settings, map[string]string{"to": "few", "key": "hush"})
		must(c.Replace(ctx, "team", api.ChannelInput{Name: "team", Kind: api.ChannelPushover}))(t)
		same(t, "left out", len(c.current.Load().channels["team"].settings), 0)
		_, err = c.Replace(ctx, "team", api.ChannelInput{Name: "crew", Kind: api.ChannelPushover})
		wantKind(t, "another name", err, api.KindInvalid)
		_, err = c.Replace(ctx, "ops", api.ChannelInput{Kind: api.ChannelPushover})
		wantKind(t, "replacing one of the file", err, api.KindConflict)
		_, err = c.Replace(ctx, "nothing", api.ChannelInput{Kind: api.ChannelPushover})
		wantKind(t, "replacing none", err, api.KindNotFound)

		wantKind(t, "deleting one of the file", c.Delete(ctx, "ops"), api.KindConflict)
		wantKind(t, "deleting none", c.Delete(ctx, "nothing"), api.KindNotFound)
		if err := c.Delete(ctx, "team"); err != nil {
			t.Fatal(err)
		}
		_, err = c.Get("team")
		wantKind(t, "after it was deleted", err, api.KindNotFound)
	})
}

func TestChannelsOfAnotherServerAreSeen(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		other := w.another(t)
		stop := other.run(t)
		must(w.alerts.Channels.Create(ctx, api.ChannelInput{Name: "team", Kind: api.ChannelPushover}))(t)
		known := func() bool { _, err := other.alerts.Channels.Get("team"); return err == nil }
		w.until(t, func() bool { // no word of it reaches the other: it looks by itself
			w.clock.Advance(time.Second)
			return known()
		})
		stop()
		if err := w.alerts.Channels.Delete(ctx, "team"); err != nil {
			t.Fatal(err)
		}
		if err := other.alerts.Channels.Load(ctx); err != nil {
			t.Fatal(err)
		}
		if known() {
			t.Error("a channel that was deleted is still known")
		}
	})
}

// Without a word of it, and at once: a client may ask one server after the other.
func TestChannelThatAnotherServerHasJustMade(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		other := w.another(t)
		must(w.alerts.Channels.Create(context.Background(), api.ChannelInput{Name: "team", Kind: api.ChannelPushover, Settings: map[string]string{"to": "all"}}))(t)
		if err := other.alerts.Channels.CheckTarget("team"); err != nil {
			t.Error(err)
		}
	})
}

func TestChannelSealedWithAnotherSecret(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		c := w.alerts.Channels
		must(c.Create(ctx, api.ChannelInput{Name: "team", Kind: api.ChannelPushover, Settings: map[string]string{"to": "all"}}))(t)
		o := c.ChannelOptions
		o.Key = must(secret.New("another secret of sixteen"))(t)
		moved := must(NewChannels(o))(t)
		if err := moved.Load(ctx); err != nil {
			t.Fatal(err)
		}
		same(t, "listed", len(moved.List()), 2)
		wantKind(t, "as a target", moved.CheckTarget("team"), api.KindInvalid)
		_, err := moved.TestTarget(ctx, api.Target{Channel: "team"})
		wantKind(t, "tested", err, api.KindInvalid)
		must(moved.Replace(ctx, "team", api.ChannelInput{Kind: api.ChannelPushover, Settings: map[string]string{"to": "all"}}))(t)
		if err := moved.CheckTarget("team"); err != nil {
			t.Errorf("after its settings were set again: %v", err)
		}
	})
}

func TestChannelOfTheFileThatCannotBeMade(t *testing.T) {
	for name, in := range map[string]api.ChannelInput{
		"key must be another":                  {Name: "ops", Kind: api.ChannelPushover, Settings: map[string]string{"key": "wrong"}},
		"token is not known":                   {Name: "ops", Kind: api.ChannelPushover, Settings: map[string]string{"token": "x"}},
		"must not be the name of a kind":       {Name: "webhook", Kind: api.ChannelPushover},
		"url is missing, and WATCHKEEPER_SMTP": {Name: "post", Kind: api.ChannelMail},
	} {
		_, err := NewChannels(ChannelOptions{Registry: newPost().registry(), File: []api.ChannelInput{in}})
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), `"`+in.Name+`"`) {
			t.Errorf("%+v: error %v, want %q and the name in it", in, err, name)
		}
	}
}

func TestTestTarget(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		ctx, c := context.Background(), w.alerts.Channels
		w.post.answer = func(_ context.Context, l letter) error {
			w.clock.Advance(120 * time.Millisecond)
			if l.to == "mail:nobody" {
				return notify.Fail(notify.GiveUp, "550 no such user", nil)
			}
			return nil
		}
		same(t, "a channel", must(c.TestTarget(ctx, api.Target{Channel: "ops"}))(t), api.ChannelTest{OK: true, Answer: "taken", Took: "120ms"})
		same(t, "told", w.post.got(), []string{"shoutrrr:team test ops"})
		same(t, "refused", must(c.TestTarget(ctx, api.Target{Channel: "mail", Address: "nobody"}))(t),
			api.ChannelTest{Answer: "550 no such user", Took: "120ms"})
		_, err := c.TestTarget(ctx, api.Target{Channel: "mail"})
		wantKind(t, "a kind without an address", err, api.KindInvalid)
		_, err = c.TestTarget(ctx, api.Target{Channel: "nothing"})
		wantKind(t, "no such channel", err, api.KindNotFound)
		same(t, "deliveries", w.deliveries(t), []string(nil))
	})
}
