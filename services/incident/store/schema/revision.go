package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Revision is the last revision of incidents, or of silences. There is a row for each. A
// transaction that changes incidents or silences locks its row, so that the revisions become
// visible in their order.
type Revision struct{ ent.Schema }

// Annotations of Revision.
func (Revision) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("revisions")}
}

// Fields of Revision.
func (Revision) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Annotations(entsql.Annotation{Incremental: new(bool)}).Comment("1 incidents, 2 silences"),
		field.Int64("last").Comment("the last revision that is assigned"),
	}
}
