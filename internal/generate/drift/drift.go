// Package drift compares the database of a store with its schema. The migration generator uses
// it, and the test that the migrations are complete. The servers do not import it, because it
// includes a planner for each dialect.
package drift

import (
	"bytes"
	"context"

	"entgo.io/ent/dialect/sql/schema"

	access "github.com/bongsu-project/bongsu/gen/ent/access/migrate"
	directory "github.com/bongsu-project/bongsu/gen/ent/directory/migrate"
	event "github.com/bongsu-project/bongsu/gen/ent/event/migrate"
	inbox "github.com/bongsu-project/bongsu/gen/ent/inbox/migrate"
	incident "github.com/bongsu-project/bongsu/gen/ent/incident/migrate"
	ledger "github.com/bongsu-project/bongsu/gen/ent/ledger/migrate"
	monitor "github.com/bongsu-project/bongsu/gen/ent/monitor/migrate"
	"github.com/bongsu-project/bongsu/kit/database"
)

// Tables are the tables of the schema of each store, by the name of the store.
var Tables = map[string][]*schema.Table{
	"access":    access.Tables,
	"directory": directory.Tables,
	"inbox":     inbox.Tables,
	"incident":  incident.Tables,
	"event":     event.Tables,
	"ledger":    ledger.Tables,
	"monitor":   monitor.Tables,
}

// Diff returns the statements that would change the tables of a database to match the given
// ones; it returns an empty text when they match. It changes nothing.
func Diff(ctx context.Context, d *database.Database, tables []*schema.Table) (string, error) {
	var statements bytes.Buffer
	err := d.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		drv := &schema.WriteDriver{Driver: t.Driver(), Writer: &statements}
		m, err := schema.NewMigrate(drv, schema.WithDropColumn(true), schema.WithDropIndex(true))
		if err != nil {
			return err
		}
		return m.Create(ctx, tables...)
	})
	if err != nil {
		return "", err
	}
	return statements.String(), nil
}
