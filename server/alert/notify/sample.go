package notify

import (
	"time"

	"watchkeeper/api"
)

// templateSamples gives a message of every sort, on which templates are tried before they are kept.
func templateSamples() []Message {
	const now = api.Time(1_785_413_407_000)
	exit := 3
	before := func(d time.Duration) api.Time { return now.Add(-d) }
	down := api.Change{
		SubjectKind: api.SubjectService, Subject: "nightly backup", From: api.StateUp, To: api.StateDown, Reason: api.ReasonTimeout,
		At: before(5 * time.Minute), Facts: api.Facts{
			LastPulse: before(25 * time.Hour), Since: before(9 * 24 * time.Hour), NextIn: 86_400, Grace: 3600, Tags: []string{"db"}, Host: "nas",
		},
	}
	failed := down
	failed.Reason, failed.Facts.ExitCode = api.ReasonFail, &exit
	failed.Facts.Gap = &api.Gap{From: before(2 * time.Hour), To: before(time.Hour)}
	up := api.Change{
		SubjectKind: api.SubjectService, Subject: "nightly backup", From: api.StateDown, To: api.StateUp, Reason: api.ReasonPulse,
		At: before(time.Second), Facts: api.Facts{LastPulse: before(time.Second), Since: before(time.Hour), Tags: []string{"db"}},
	}
	event := api.Change{
		SubjectKind: api.SubjectEvent, Subject: "4711", Reason: api.ReasonAlert, At: before(3 * time.Second),
		Facts: api.Facts{Service: "raid", Message: "disk 3 failed\nrebuild at 0 %", Level: api.LevelCritical},
	}
	flapping := OfChange(&down, AboutOpened, time.UTC)
	flapping.SayFlapping(4, before(20*time.Minute))
	affecting := OfChange(&failed, AboutRepeated, time.UTC)
	affecting.Affects = []string{"web", "mail"}
	samples := []Message{
		OfChange(&down, AboutOpened, time.UTC), affecting, OfChange(&up, AboutRecovered, time.UTC),
		OfDigest([]Item{
			{Kind: api.SubjectService, Name: "web", State: api.StateDown, Since: before(time.Minute)},
			{Kind: api.SubjectEvent, Name: "raid", Text: "disk 3 failed"},
		}, time.UTC),
		OfChange(&event, AboutEvent, time.UTC), flapping, OfTest("ops", time.UTC),
	}
	for i := range samples {
		m := &samples[i]
		m.Now, m.DeliveryID, m.Link = now, "0198f1a2-0000-7000-8000-00000000d001", "https://watch.example.org/gui/"
		if m.About == AboutOpened || m.About == AboutRepeated {
			m.IncidentID, m.Acknowledge = "0198f1a2-0000-7000-8000-00000000c001", "https://watch.example.org/ack/AZTx"
		}
	}
	return samples
}

// PreviewTemplate gives what templates make of a message of every sort; see NewTemplate.
func PreviewTemplate(settings map[string]string) ([]api.MessagePreview, error) {
	t, err := NewTemplate(settings)
	if err != nil {
		return nil, err
	}
	var previews []api.MessagePreview
	for _, m := range templateSamples() {
		about := sortOf(&m)
		if err := t.Word(&m); err != nil {
			return nil, err // it was just tried
		}
		previews = append(previews, api.MessagePreview{About: about, Title: m.Title, Body: m.Brief(maxTemplateBody)})
	}
	return previews, nil
}
