package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"watchkeeper/api"
	"watchkeeper/api/yamlfile"
)

// Probe is a service whose target the server looks at by itself.
type Probe struct {
	Service  string
	Settings api.ProbeSettings
	// More is what else the file says of the service; what is nil is left as it is.
	More api.ServiceInput
}

func probesOf(field *[]Probe) records[Probe] {
	return records[Probe]{
		field: field,
		name:  func(p Probe) string { return p.Service },
		parts: func(p *Probe) map[string]part {
			s := &p.Settings
			return map[string]part{
				"service": intoText(&p.Service),
				"alerts":  optional(&p.More.Alerts, intoList), "tags": optional(&p.More.Tags, intoList), "host": optional(&p.More.Host, intoText),
				"grace": optional(&p.More.Grace, intoSeconds), "failures_to_alert": optional(&p.More.FailuresToAlert, intoNumber),

				"kind": intoText(&s.Kind), "interval": intoSeconds(&s.Interval), "timeout": intoFraction(&s.Timeout),
				"url": intoText(&s.URL), "method": intoText(&s.Method), "headers": intoTexts(&s.Headers), "body": intoText(&s.Body),
				"statuses": intoList(&s.Statuses), "contains": intoText(&s.Contains), "lacks": intoText(&s.Lacks),
				"redirects": intoText(&s.Redirects), "insecure": intoSwitch(&s.Insecure), "proxy": intoText(&s.Proxy),
				"certificate_days": optional(&s.CertificateDays, intoNumber),
				"address":          intoText(&s.Address),
				"name":             intoText(&s.Name), "record": intoText(&s.Record), "resolver": intoText(&s.Resolver), "answers": intoList(&s.Answers),
			}
		},
		check: checkProbe,
		key:   "service",
		id:    func(p Probe) string { return p.Service },
	}
}

// ping is a probe as watchTower wrote them.
type ping struct {
	Probe
	alertType, alertTarget string
}

// watchTower's own numbers.
const (
	pingFrequency = api.Seconds(30)
	pingStatus    = "200"
)

// pingsOf reads the list that watchTower called pings, with its keys, into probes.
func pingsOf(field *[]Probe) pings { return pings{field} }

type pings struct{ field *[]Probe }

func (p pings) set(string) error { return errFileOnly }

func (p pings) String() string { return probesOf(p.field).String() }

func (p pings) decode(n yamlfile.Node) []fault {
	var read []ping
	faults := records[ping]{
		field: &read,
		parts: func(p *ping) map[string]part {
			p.Settings = api.ProbeSettings{Kind: api.ProbeHTTP, Interval: pingFrequency, Statuses: []string{pingStatus}}
			return map[string]part{
				"service": intoText(&p.Service), "url": intoText(&p.Settings.URL), "frequency": intoFrequency(&p.Settings.Interval),
				"alertType": intoText(&p.alertType), "alertTarget": intoText(&p.alertTarget), "proxyURL": intoText(&p.Settings.Proxy),
				"insecure": intoSwitch(&p.Settings.Insecure),
			}
		},
		check: func(p ping) error {
			if p.alertType == "" || p.alertTarget == "" {
				return errors.New("alertType and alertTarget must be given")
			}
			return checkProbe(p.plain())
		},
		key: "service",
		id:  func(p ping) string { return p.Service },
	}.decode(n)
	*p.field = nil
	for _, one := range read {
		*p.field = append(*p.field, one.plain())
	}
	return faults
}

func (p pings) checkAll() error { return probesOf(p.field).checkAll() }

// plain gives a ping as the probe that it is.
func (p ping) plain() Probe {
	p.More.Alerts = &[]string{api.Target{Channel: p.alertType, Address: p.alertTarget}.String()}
	return p.Probe
}

func checkProbe(p Probe) error {
	if reason := api.CheckName(p.Service); reason != "" {
		return errors.New("service " + reason)
	}
	in := p.More
	in.Name, in.Probe = &p.Service, &p.Settings
	settings := in.Apply(api.ServiceSettings{})
	return probeLocations(settings.Validate())
}

// probeLocations leaves out the part of a location that says that it is of a probe, as here everything is.
func probeLocations(err error) error {
	var wrong *api.Error
	if errors.As(err, &wrong) {
		for i := range wrong.Fields {
			wrong.Fields[i].Location = strings.TrimPrefix(wrong.Fields[i].Location, "body.probe.")
		}
	}
	return err
}

// checkBothProbes refuses a service that both lists name.
func checkBothProbes(c Config) error {
	for _, ping := range c.Pings {
		if slices.ContainsFunc(c.Probes, func(p Probe) bool { return p.Service == ping.Service }) {
			return fmt.Errorf("must not name a service that probes names, too: %s", ping.Service)
		}
	}
	return nil
}

// optional reads into a field that stays nil where the key is missing.
func optional[T any](field **T, into func(*T) part) part {
	return func(n yamlfile.Node) error {
		if n.Kind == yamlfile.None {
			return nil
		}
		*field = new(T)
		return into(*field)(n)
	}
}

func intoNumber(field *int) part {
	return func(n yamlfile.Node) error {
		text, err := textIn(n)
		if err != nil {
			return err
		}
		return numberOf(field).set(text)
	}
}

// intoFraction reads a duration into seconds with a fraction.
func intoFraction(field *float64) part {
	return func(n yamlfile.Node) error {
		text, err := textIn(n)
		if err != nil || text == "" {
			return err
		}
		d, err := api.ParseDuration(text)
		*field = api.InSeconds(d)
		return err
	}
}

// intoFrequency reads seconds, as watchTower has them, or a duration.
func intoFrequency(field *api.Seconds) part {
	return func(n yamlfile.Node) error {
		if seconds, err := strconv.ParseInt(n.Text, 10, 32); err == nil {
			*field = api.Seconds(seconds)
			if *field < 1 {
				return errors.New("must be at least 1 second")
			}
			return nil
		}
		return intoSeconds(field)(n)
	}
}
