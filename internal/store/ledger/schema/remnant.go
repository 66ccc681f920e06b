package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
)

// Remnant is an alert that was forgotten, and of which deliveries are still to be
// deleted.
type Remnant struct{ ent.Schema }

// Annotations of Remnant.
func (Remnant) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("remnants")}
}

// Fields of Remnant: its id is the alert's.
func (Remnant) Fields() []ent.Field { return []ent.Field{id()} }
