package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Silence holds back alerts that match all of its matchers, for a time.
type Silence struct{ ent.Schema }

// Annotations of Silence.
func (Silence) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("silences")}
}

// Fields of Silence.
func (Silence) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("assigned by the database"),
		field.Text("matchers").Comment("a list of texts in JSON"),
		field.Int64("start_time").Comment("when it begins"),
		field.Int64("end_time").Comment("when it ends"),
		field.Int64("create_time").Comment("when it was created"),
		field.Text("reason").Comment("why, for people"),
		field.Text("author").Comment("who created it; empty if unknown"),
	}
}

// Indexes of Silence.
func (Silence) Indexes() []ent.Index {
	return []ent.Index{index.Fields("end_time", "id")}
}
