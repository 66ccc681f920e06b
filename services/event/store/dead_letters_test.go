package store_test

import (
	"path/filepath"
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/event"
	"github.com/bongsu-project/bongsu/services/event/storetest"
)

func TestDeadLettersSQLite(t *testing.T) {
	t.Parallel()
	storetest.RunDeadLetters(t, func(t *testing.T) event.DeadLetters { return open(t, filepath.Join(t.TempDir(), "event.db")) })
}

func TestDeadLettersPostgres(t *testing.T) {
	t.Parallel()
	postgrestest.Require(t)
	storetest.RunDeadLetters(t, func(t *testing.T) event.DeadLetters { return open(t, current.URL(t)) })
}
