package hub

// Topic names a kind of rows that somebody may be waiting for.
type Topic string

// The topics.
const (
	Services    Topic = "services"    // services and their states
	Deadlines   Topic = "deadlines"   // a judge_at that is earlier than the sweeper knows
	Changes     Topic = "changes"     // recorded transitions of any subject
	Events      Topic = "events"      // the event log
	Incidents   Topic = "incidents"   // incidents opened, acknowledged or closed
	Deliveries  Topic = "deliveries"  // messages that are due
	Credentials Topic = "credentials" // password, tokens and what else may be cached of them
	Settings    Topic = "settings"    // values changed through the API
	Channels    Topic = "channels"    // where alerts go
	Routes      Topic = "routes"      // who is told of what
	Silences    Topic = "silences"    // of what nobody is told until a moment
	Maintenance Topic = "maintenance" // in what times nobody is told
	Probes      Topic = "probes"      // what is probed, and how
)

// set is topics as bits, so that a wake needs neither map nor allocation.
type set uint32

// Topics lists every topic, in a fixed order. A server that could not hear the others for a while wakes them all.
func Topics() []Topic {
	return []Topic{
		Services, Deadlines, Changes, Events, Incidents, Deliveries, Credentials, Settings, Channels,
		Routes, Silences, Maintenance, Probes,
	}
}

// Valid reports whether t is one of the topics.
func (t Topic) Valid() bool { return t.bit() != 0 }

func (t Topic) bit() set {
	switch t {
	case Services:
		return 1 << 0
	case Deadlines:
		return 1 << 1
	case Changes:
		return 1 << 2
	case Events:
		return 1 << 3
	case Incidents:
		return 1 << 4
	case Deliveries:
		return 1 << 5
	case Credentials:
		return 1 << 6
	case Settings:
		return 1 << 7
	case Channels:
		return 1 << 8
	case Routes:
		return 1 << 9
	case Silences:
		return 1 << 10
	case Maintenance:
		return 1 << 11
	case Probes:
		return 1 << 12
	}
	return 0
}

// setOf leaves unknown topics out: a server of the next release may name some that this one has never heard of.
func setOf(topics []Topic) set {
	var s set
	for _, t := range topics {
		s |= t.bit()
	}
	return s
}

func (s set) topics() []Topic {
	var topics []Topic
	for _, t := range Topics() {
		if s&t.bit() != 0 {
			topics = append(topics, t)
		}
	}
	return topics
}
