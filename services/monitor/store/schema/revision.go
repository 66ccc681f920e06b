package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Revision is the last revision of monitors, or of maintenance windows. A transaction that changes
// them locks its row, so that the revisions become visible in their order.
type Revision struct{ ent.Schema }

// Annotations of Revision.
func (Revision) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("revisions")}
}

// Fields of Revision.
func (Revision) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Annotations(entsql.Annotation{Incremental: new(bool)}).Comment("1 monitors, 2 maintenance windows"),
		field.Int64("last").Comment("the last revision that is assigned"),
	}
}
