package notify

import (
	"fmt"
	"strings"

	"watchkeeper/api"
)

// The names that a message lists of what stands behind its subject.
const shownAffected = 10

// affected lists what stands behind the subject, as far as it fits a line.
func (m *Message) affected() string {
	names := m.Affects
	if len(names) <= shownAffected+1 { // one more takes no more room than to say so
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shownAffected], ", "), len(names)-shownAffected)
}

// SayFlapping makes a message that something is down one that it goes up and down, with how often it was down since when.
func (m *Message) SayFlapping(downs int, since api.Time) {
	m.Flapping = true
	m.Title = fmt.Sprintf("Service %s is flapping", m.Name)
	m.Text = fmt.Sprintf("Service %s is flapping: it went down %d times since %s. Its next message comes when it has kept one state for %s",
		m.Name, downs, m.Clock(since), Duration(api.FlapCalm))
}

// SayCalm makes a message that something is up again one that it has stayed so after it went up and down.
func (m *Message) SayCalm(since api.Time) {
	m.Flapping = true
	m.Title = fmt.Sprintf("Service %s is no longer flapping", m.Name)
	m.Text = fmt.Sprintf("Service %s is no longer flapping: it has been up for %s. It began at %s",
		m.Name, Duration(api.FlapCalm), m.Clock(since))
}
