package alert

import (
	"maps"

	"watchkeeper/api"
)

// subject is what a message is about, as routes, silences and maintenance see it.
type subject struct {
	kind    api.SubjectKind
	name    string
	service *api.Service // as it is now; nil when it is gone or an event of no service
	labels  api.Labels
	host    api.Labels // as the host on which it runs; nil when none is known
}

// subjectOf gives the subject of an incident that a change has opened.
func subjectOf(c *api.Change, service *api.Service) subject {
	s := subject{kind: c.SubjectKind, name: c.Subject, service: service}
	settings := api.ServiceSettings{Name: c.Subject, Tags: c.Facts.Tags, Host: c.Facts.Host}
	if service != nil {
		settings = service.ServiceSettings
	}
	level := api.LevelError
	if c.SubjectKind == api.SubjectEvent {
		settings.Name, level = c.Facts.Service, c.Facts.Level
		s.name = c.Facts.Service
	}
	s.labels = settings.Labels(level)
	s.labels[api.LabelKind] = []string{string(c.SubjectKind)}
	if host := settings.Host; host != "" && host != settings.Name {
		s.host = maps.Clone(s.labels)
		s.host[api.LabelName], s.host[api.LabelKind] = []string{host}, []string{string(api.SubjectHost)}
	}
	return s
}

// covered reports whether matchers fit the subject or the host on which it runs.
func (s *subject) covered(m api.Matchers) bool {
	return m.Match(s.labels) || s.host != nil && m.Match(s.host)
}
