package drift_test

import (
	"path/filepath"
	"strings"
	"testing"

	entschema "entgo.io/ent/dialect/sql/schema"

	"github.com/bongsu-project/bongsu/internal/generate/drift"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	accessstore "github.com/bongsu-project/bongsu/services/access/store"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	directorystore "github.com/bongsu-project/bongsu/services/directory/store"
	eventstore "github.com/bongsu-project/bongsu/services/event/store"
	inboxstore "github.com/bongsu-project/bongsu/services/inbox/store"
	incidentstore "github.com/bongsu-project/bongsu/services/incident/store"
	monitorstore "github.com/bongsu-project/bongsu/services/monitor/store"
)

func TestMain(m *testing.M) { postgrestest.Main(m, testenv.Postgres) }

// each runs a test in both dialects, with the URL of an empty database.
func each(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, postgrestest.URL(t)) })
}

// TestMigrationsMakeTheSchema checks that the migrations create exactly the tables of the schema,
// so that no schema change is without its migration.
func TestMigrationsMakeTheSchema(t *testing.T) {
	for _, schema := range []database.Schema{accessstore.Schema, directorystore.Schema, eventstore.Schema, inboxstore.Schema, incidentstore.Schema, ledger.Schema, monitorstore.Schema} {
		t.Run(schema.Name, func(t *testing.T) {
			each(t, func(t *testing.T, url string) {
				d, err := database.Open(t.Context(), url, schema)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = d.Close() }()
				tables := drift.Tables[schema.Name]
				diff, err := drift.Diff(t.Context(), d, tables)
				if err != nil {
					t.Fatal(err)
				}
				if diff != "" {
					t.Errorf("the migrations lack the following statements; go run ./internal/generate/migration NAME writes them:\n%s", diff)
				}

				changed := *tables[0]
				changed.Columns = append(append([]*entschema.Column{}, changed.Columns...), &entschema.Column{Name: "extra", Type: 7})
				diff, err = drift.Diff(t.Context(), d, append([]*entschema.Table{&changed}, tables[1:]...))
				if err != nil || !strings.Contains(diff, "extra") {
					t.Errorf("an additional column results in the diff %q, %v", diff, err)
				}
			})
		})
	}
}
