package storetest

import "testing"

// Run runs the whole suite on every engine.
func Run(t *testing.T) {
	for _, part := range []map[string]func(*testing.T, *Fixture){
		pulseTests, serviceTests, sweepTests, eventTests, streamTests, groupTests, serverTests, credentialTests, incidentTests,
		deliveryTests, digestTests, uptimeTests, routeTests, silenceTests, maintenanceTests, acknowledgeTests, auditTests,
		certificateTests, parentTests, attendTests, restoreTests, importTests, searchTests, probeTests, retentionTests, vitalTests,
	} {
		for name, test := range part {
			t.Run(name, func(t *testing.T) { Each(t, test) })
		}
	}
}
