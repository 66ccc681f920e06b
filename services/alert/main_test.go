package alert_test

import (
	"os"
	"testing"

	"github.com/bongsu-project/bongsu/internal/store/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }
