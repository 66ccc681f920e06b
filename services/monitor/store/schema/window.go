package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Window is a time in which failures notify nobody.
type Window struct{ ent.Schema }

// Annotations of Window.
func (Window) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("maintenance_windows")}
}

// Fields of Window.
func (Window) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("assigned by the database"),
		field.Text("monitors").Comment("names, or the begin of names with * at the end, a list in JSON"),
		field.Int64("start_time").Comment("when it begins"),
		field.Int64("end_time").Comment("when it ends"),
		field.Text("reason").Comment("why, for people"),
		field.Text("author").Comment("who created it; empty if unknown"),
		field.Int64("create_time").Comment("when it was created"),
	}
}

// Indexes of Window.
func (Window) Indexes() []ent.Index {
	return []ent.Index{index.Fields("end_time", "id")}
}
