package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Sequence is the start of the next id block, or the last recorded time.
type Sequence struct{ ent.Schema }

// Annotations of Sequence.
func (Sequence) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("sequences")}
}

// Fields of Sequence.
func (Sequence) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("name").Comment("what is numbered"),
		field.Int64("next").Comment("the first id of the next block, or the last recorded time"),
	}
}
