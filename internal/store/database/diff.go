package database

import (
	"bytes"
	"context"

	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
)

// Diff writes the statements that would make the database what the schema says.
// It changes nothing, and is empty where they agree.
func (d *Database) Diff(ctx context.Context, s Schema) (string, error) {
	var statements bytes.Buffer
	drv := &schema.WriteDriver{Driver: entsql.OpenDB(d.dialect, d.writer), Writer: &statements}
	m, err := schema.NewMigrate(drv, schema.WithDropColumn(true), schema.WithDropIndex(true))
	if err != nil {
		return "", err
	}
	if err := m.Create(ctx, s.Tables...); err != nil {
		return "", err
	}
	return statements.String(), nil
}
