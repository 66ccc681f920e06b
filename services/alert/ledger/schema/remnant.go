package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Remnant is a tombstone: a deleted alert of which deliveries are still to be deleted.
type Remnant struct{ ent.Schema }

// Annotations of Remnant.
func (Remnant) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("remnants")}
}

// Fields of Remnant: the id is that of the alert.
func (Remnant) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Text("alert_key").Default("").Comment("the alert key of the alert; empty for none"),
	}
}
