package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Notice is an alert about a monitor that the alert service has not recorded yet.
type Notice struct{ ent.Schema }

// Annotations of Notice.
func (Notice) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("notices")}
}

// Fields of Notice.
func (Notice) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("assigned by the database"),
		field.Text("monitor").Comment("the name of the monitor, which may be deleted"),
		field.Int64("number").Comment("ascends with the notices of the name"),
		field.Text("content").Comment("the alert in JSON"),
		field.Int("attempt").Comment("the number of claims"),
		field.Int64("create_time").Comment("when it was added"),
		field.Int64("due_time").Comment("when it is to be sent, or sent again"),
	}
}

// Indexes of Notice.
func (Notice) Indexes() []ent.Index {
	return []ent.Index{index.Fields("due_time"), index.Fields("monitor", "id")}
}
