package api

import "testing"

func TestStatesOfDeliveries(t *testing.T) {
	t.Parallel()
	for state, final := range map[DeliveryState]bool{
		DeliveryWaiting: false, DeliveryHeld: false, DeliverySending: false, DeliverySent: true, DeliveryFailed: true, DeliverySkipped: true,
	} {
		if !state.Valid() || state.Final() != final {
			t.Errorf("%s: valid %v, final %v", state, state.Valid(), state.Final())
		}
	}
	if DeliveryState("").Valid() || DeliveryState("done").Valid() {
		t.Error("what is no state is valid")
	}
}

func TestWordsOfIncidents(t *testing.T) {
	t.Parallel()
	for word, valid := range map[string]bool{
		"open": IncidentOpen.Valid(), "closed": IncidentClosed.Valid(), "opened": AboutOpened.Valid(), "repeated": AboutRepeated.Valid(),
		"recovered": AboutRecovered.Valid(), "digest": AboutDigest.Valid(),
	} {
		if !valid {
			t.Errorf("%q is not valid", word)
		}
	}
	if IncidentState("").Valid() || DeliveryAbout("").Valid() || DeliveryAbout("open").Valid() {
		t.Error("what is no word is valid")
	}
}
