// Package drift says where the database of a store is not what the schema of the store
// says. Who writes migrations asks it, and the test that they are whole. What serves does
// without: it carries a planner for each dialect.
package drift

import (
	"bytes"
	"context"

	"entgo.io/ent/dialect/sql/schema"

	directory "github.com/bongsu-project/bongsu/gen/ent/directory/migrate"
	ledger "github.com/bongsu-project/bongsu/gen/ent/ledger/migrate"
	"github.com/bongsu-project/bongsu/internal/store/database"
)

// Tables are what the schema of each store says, by the name of the store.
var Tables = map[string][]*schema.Table{
	"directory": directory.Tables,
	"ledger":    ledger.Tables,
}

// Diff writes the statements that would make the tables of a database these. It changes
// nothing, and is empty where they agree.
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
