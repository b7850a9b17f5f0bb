package store_test

import (
	"testing"

	"go.uber.org/goleak"

	"watchkeeper/server/store/storetest"
	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(pgtest.Wrap(m))
}

func TestConformance(t *testing.T) { storetest.Run(t) }
