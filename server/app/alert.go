package app

import (
	"context"
	"fmt"
	"net/url"
	"os"

	"watchkeeper/api"
	"watchkeeper/server/alert"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/alert/notify/mail"
	"watchkeeper/server/alert/notify/pushover"
	"watchkeeper/server/alert/notify/shoutrrr"
	"watchkeeper/server/alert/notify/webhook"
	"watchkeeper/server/config"
	"watchkeeper/server/dial"
)

// channelKinds is every way of telling people.
func channelKinds() notify.Registry {
	return notify.Registry{
		api.ChannelMail: mail.Kind(), api.ChannelPushover: pushover.Kind(), api.ChannelWebhook: webhook.Kind(), api.ChannelShoutrrr: shoutrrr.Kind(),
	}
}

// openAlerts makes what tells people, from the settings and the database.
func (s *server) openAlerts(ctx context.Context) error {
	c := s.Config
	route, err := alert.ParseRoute(c.DefaultRoute)
	if err != nil {
		return fmt.Errorf("the setting default_route: %w", err)
	}
	hostname, err := os.Hostname()
	if err != nil {
		hostname = "localhost"
	}
	templates := map[api.ChannelKind]map[string]string{}
	for _, t := range c.Templates {
		templates[t.Kind] = map[string]string{notify.TitleTemplate: t.Title, notify.BodyTemplate: t.Body}
	}
	s.channels, err = alert.NewChannels(alert.ChannelOptions{
		Store: s.store, Hub: s.hub, Clock: s.clock, Log: s.log, Key: s.secret.key, Registry: channelKinds(), Zone: c.TimeZone,
		File: c.Channels, PulseTargets: c.Alerts.Targets, Templates: templates,
		Common: notify.Options{Dialer: dial.New(dialPolicy(c)), Defaults: notify.Defaults{
			SMTPURL: smtpURL(c), SMTPFrom: c.SMTPFrom, PushoverToken: c.PushoverToken, PushoverURL: c.PushoverURL, Hostname: hostname,
		}},
	})
	if err != nil {
		return err
	}
	if err := s.channels.Load(ctx); err != nil {
		return fmt.Errorf("reading channels: %w", err)
	}
	for _, trouble := range s.channels.CheckRoute(route) {
		s.log.Warn(trouble)
	}
	s.alertRoutes, err = alert.NewRoutes(alert.RouteOptions{Store: s.store, CheckTarget: s.channels.CheckTarget, File: c.Routes})
	if err != nil {
		return err
	}
	for _, trouble := range s.alertRoutes.Faults() {
		s.log.Warn(trouble)
	}
	s.maintenance, err = alert.NewMaintenance(alert.MaintenanceOptions{Store: s.store, Clock: s.clock, Zone: zoneName(c.TimeZone), File: c.Maintenance})
	if err != nil {
		return err
	}
	s.alerts = alert.New(alert.Options{
		Store: s.store, Hub: s.hub, Clock: s.clock, Log: s.log, Channels: s.channels, DefaultRoute: route, Key: s.secret.key,
		PublicURL: s.publicURL, Zone: c.TimeZone, Routes: s.alertRoutes, Maintenance: s.maintenance,
	})
	return nil
}

// dialPolicy says where the settings let the server connect to.
func dialPolicy(c config.Config) dial.Policy {
	if c.Alerts.RefusePrivate {
		return dial.RefusePrivate
	}
	return dial.AllowPrivate
}

// smtpURL gives the mail server's URL with the setting of its encryption, unless the URL says so itself.
func smtpURL(c config.Config) string {
	u, err := url.Parse(c.SMTPURL)
	if err != nil || u.Scheme != "smtp" || u.Query().Has("starttls") {
		return c.SMTPURL
	}
	word := map[config.SMTPTLS]string{
		config.SMTPTLSOpportunistic: "offered", config.SMTPTLSRequired: "required", config.SMTPTLSOff: "off",
	}[c.SMTPTLS]
	if word == "" {
		return c.SMTPURL
	}
	q := u.Query()
	q.Set("starttls", word)
	u.RawQuery = q.Encode()
	return u.String()
}
